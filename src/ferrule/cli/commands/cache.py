"""`ferrule cache`: what is kept in the project's folder for later runs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Literal

import click

from ferrule.cli.environment import cache_folder, machine_cache_size, now_ns, variables
from ferrule.cli.messages import counted, echo, waiting
from ferrule.cli.options import shared
from ferrule.core.byte_size import size
from ferrule.core.errors import StorageError
from ferrule.core.safe_files import STATE, find_project
from ferrule.engine import cache_maintenance, machine_cache
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
@click.option("--machine", is_flag=True, help="The finished actions of all projects of this machine in place of it.")
def cache(directory: Path, what: Literal["size", "verify", "prune"], *, machine: bool, **options: bool) -> None:
    """Measure, verify or prune the cache in .ferrule/.

    \b
    size    print the size of each part
    verify  check every result; drop damaged ones, and exit with 7 if there were any
    prune   delete all results but the latest of each action; with --machine, those
            that were used longest ago, beyond what FERRULE_MACHINE_CACHE allows

    \b
    Example:
      ferrule cache size
      ferrule cache prune
      ferrule cache size --machine
    """
    notices: list[str] = []

    def hear(event: object) -> None:
        if isinstance(event, Noticed):
            notices.append(event.text)
            if not options["quiet"]:
                echo(f"note: {event.text}", err=True)

    with waiting("reading the cache"):
        if machine:
            usages = _of_machine(what, hear)
        else:
            state = find_project(directory) / STATE
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


def _of_machine(what: Literal["size", "verify", "prune"], hear: Listener) -> dict[str, Any]:
    store = machine_cache.open_store(cache_folder(variables()), notice_to(hear))
    if what == "size":
        return {"actions": _usage_row(cache_maintenance.extent(store.root))}
    if what == "verify":
        return {"undamaged": _usage_row(cache_maintenance.check(store))}
    return {"deleted": _usage_row(machine_cache.trim(store, machine_cache_size()))}


def _maintain(state: Path, what: Literal["verify", "prune"], hear: Listener, notices: list[str]) -> dict[str, Any]:
    with locked(state, hear):
        notices.clear()  # of a run that was waited for
        index, store = open_store(state, now_ns, notice_to(hear))
        usage = cache_maintenance.check(store) if what == "verify" else cache_maintenance.prune(store)
        index.save()
    return {"undamaged" if what == "verify" else "deleted": _usage_row(usage)}


def _usage_row(extent: Usage) -> dict[str, int]:
    return {"files": extent.files, "bytes": extent.bytes}
