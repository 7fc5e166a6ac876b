"""`ferrule cache`: what is kept in the project's folder for later runs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Literal

import click

from ferrule.cli.environment import now_ns
from ferrule.cli.messages import counted, echo, waiting
from ferrule.cli.options import shared
from ferrule.core.byte_size import size
from ferrule.core.errors import StorageError
from ferrule.core.safe_files import STATE, find_project
from ferrule.engine import cache_maintenance
from ferrule.engine.events import Noticed, notice_to
from ferrule.engine.lock import locked
from ferrule.engine.state import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.engine.cache_maintenance import Usage
    from ferrule.engine.events import Listener


@click.command()
@shared
@click.argument("what", type=click.Choice(["size", "verify", "prune"]))
def cache(directory: Path, what: Literal["size", "verify", "prune"], **options: bool) -> None:
    """Measure, verify or prune the cache in .ferrule/.

    \b
    size    print the size of each part
    verify  check every result; drop damaged ones, and exit with 7 if there were any
    prune   delete all results but the latest of each action

    \b
    Example:
      ferrule cache size
      ferrule cache prune
    """
    state = find_project(directory) / STATE
    notices: list[str] = []

    def hear(event: object) -> None:
        if isinstance(event, Noticed):
            notices.append(event.text)
            if not options["quiet"]:
                echo(f"note: {event.text}", err=True)

    with waiting("reading the cache"):
        usages = _size(state) if what == "size" else _maintain(state, what, hear, notices)
    if options["as_json"]:
        click.echo(json.dumps(usages))
    elif not options["quiet"]:
        for name, extent in usages.items():
            echo(f"{name}: {counted(extent['files'], 'file')}, {size(extent['bytes'])}")
    if notices:
        sys.exit(StorageError.exit_code)


def _size(state: Path) -> dict[str, Any]:
    parts = sorted(path for path in state.glob("*") if path.is_dir())
    return {path.name: _usage_row(cache_maintenance.extent(path)) for path in (*parts, state)}


def _maintain(state: Path, what: Literal["verify", "prune"], hear: Listener, notices: list[str]) -> dict[str, Any]:
    with locked(state, hear):
        notices.clear()  # of a run that was waited for
        index, store = open_store(state, now_ns, notice_to(hear))
        usage = cache_maintenance.check(store) if what == "verify" else cache_maintenance.prune(store)
        index.save()
    return {"undamaged" if what == "verify" else "deleted": _usage_row(usage)}


def _usage_row(extent: Usage) -> dict[str, int]:
    return {"files": extent.files, "bytes": extent.bytes}
