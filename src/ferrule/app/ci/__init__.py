"""Every CI system that `ferrule ci` writes files for. A new one is a file in this folder and a line in this list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.app.ci import forgejo, github, gitlab

if TYPE_CHECKING:
    from ferrule.app.ci.base import System

SYSTEMS: dict[str, System] = {system.name: system for system in (github.SYSTEM, gitlab.SYSTEM, forgejo.SYSTEM)}
