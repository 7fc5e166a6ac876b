"""A program call as a value: built by the module of a program, run by whoever has the environment and the log."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """A program call: arguments, what the environment has beyond the usual, and the folder to work in."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
