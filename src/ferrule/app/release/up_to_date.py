"""Writes the stamp by which the next run with the same request knows that the release is up to date."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from ferrule.app.release import run as release
from ferrule.core import cargo_config, rust_toolchain
from ferrule.core.errors import StorageError
from ferrule.core.safe_files import FILE, MANIFEST, STATE
from ferrule.engine import stamp
from ferrule.engine.lock import Busy, locked
from ferrule.engine.state import open_store
from ferrule.engine.store import write_aside

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.release.run import RunContext
    from ferrule.config import Config
    from ferrule.core.model import Json, Plan, Report


_SEARCHES = (rust_toolchain.searched, cargo_config.searched)
"""What is looked for in the folder of each crate and from there upwards, beyond the project too."""


def files_read(config: Config, plan: Plan) -> tuple[str, ...]:
    """What was read, or looked for in vain, to know what is to be done; by names as in a stamp."""
    workspace = config.workspace
    folders = dict.fromkeys((workspace.folder, *(crate.folder for crate in workspace.crates.values())))
    upwards = (search(config.root, folder) for folder in folders for search in _SEARCHES)
    return (
        FILE,
        *(f"{crate.folder}/Cargo.toml" for crate in workspace.crates.values()),
        *workspace.settings,
        *plan.read,
        *dict.fromkeys(map(os.fspath, chain.from_iterable(upwards))),
    )


def write_stamp(
    config: Config,
    plan: Plan,
    context: RunContext,
    report: Report,
    *,
    output: Path,
    request: Json,
    summary: Json,
    since: int,
) -> None:
    """Write the stamp by which the next run with the same request knows that all of this is up to date.

    `since` is when the command started, by the file system's clock: what changed after it may have come too
    late for this run. A record that cannot be written only costs time later; none is written while another run works.
    """
    with suppress(Busy), locked(config.root / STATE):
        toolchain = release.toolchain_of(config, plan, context)
        state = config.root / STATE
        index, store = open_store(state, context.now_ns)
        tools = toolchain.tools.values() if toolchain else ()
        results = [store.find(outcome.key) for outcome in report.outcomes if outcome.key]
        try:
            manifest = index.digest(output / MANIFEST).hex
        except OSError:
            return  # it is gone, or cannot be read: the next run looks
        inputs = stamp.Stamp(
            files=tuple(
                dict.fromkeys(
                    (
                        *files_read(config, plan),
                        *(name for result in results if result for name in result.discovered),
                    )
                )
            ),
            programs=tuple(tool.argv[0] for tool in tools if tool.argv),
            folders=tuple(n for n in plan.listed if (config.root / n).is_dir()),
            trees=((config.workspace.folder, "Cargo.toml"),),
            sources=tuple(sorted({name for action in plan.actions for name in action.sources})),
            output=os.fspath(output),
            placed={
                **{p.file: (p.digest.hex, p.executable) for p in report.placed},
                MANIFEST: (manifest, False),
            },
        )
        file = stamp.stamp_file(state, request)
        content = stamp.new_stamp(
            file, release.source_files(config.root, context.host), index, request, inputs, summary, since
        )
        if content is not None:
            with suppress(StorageError):
                write_aside(file, content)
                index.save()
