"""Asks Cargo which crates a build consists of: the one account that bills, licence texts and audit data are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass
from ferrule.tools import crates

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.model import Compiled
    from ferrule.engine.context import ActionContext
    from ferrule.tools.crates import CrateSource, LinkedCrate


@dataclass(frozen=True, slots=True)
class Resolution:
    """The crates of a build, the one that is built first, and where the sources of those lie that are linked in."""

    crates: tuple[LinkedCrate, ...]
    sources: tuple[CrateSource, ...]


def resolution_of(context: ActionContext, workspace: Path, build: Compiled) -> Resolution:
    """What Cargo answers; raises BuildError with its words."""
    toolchain, host, environment = context.toolchain, context.site.host, context.site.environment
    everything, linked = (
        context.run(crates.tree_command(toolchain, workspace, build, environment, linked=only, offline=host.offline))
        for only in (False, True)
    )
    command = crates.metadata_command(toolchain, workspace, build, host.triple, environment, offline=host.offline)
    metadata, lock = context.run(command), (workspace / "Cargo.lock").read_text(encoding="utf-8")
    resolved = crates.resolve(everything, linked, metadata, lock, workspace)
    return Resolution(tuple(resolved), tuple(crates.sources(linked, metadata)))
