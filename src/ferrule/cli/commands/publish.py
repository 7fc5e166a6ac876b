"""`ferrule publish`: a finished release, brought everywhere."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.app.publish import ledger, run
from ferrule.cli import completion, environment, publishing
from ferrule.cli.messages import counted, echo, waiting
from ferrule.cli.options import shared
from ferrule.core.errors import PublishError
from ferrule.core.printable import printable
from ferrule.core.safe_files import STATE

if TYPE_CHECKING:
    from ferrule.cli.publishing import Publishing

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@shared
@click.argument("name", required=False, shell_complete=lambda *words: completion.releases(*words))  # noqa: PLW0108
@click.option("--to", "rows", metavar="ROW", multiple=True, help="Only this destination; may be given several times.")
@click.option("--from", "source", type=_FOLDER, help="A finished release [default: dist/ of the project].")
@click.option("--dry-run", is_flag=True, help="Look everywhere, and print every upload without making it.")
@click.option("--sign-key", metavar="FILE|env://NAME", help="Sign copies of a signed release with this key.")
def publish(
    directory: Path,
    name: str | None,
    rows: tuple[str, ...],
    source: Path | None,
    sign_key: str | None,
    *,
    dry_run: bool,
    **options: bool,
) -> None:
    """Publish a finished release, once, everywhere targets.yaml names.

    The release is verified, then every destination is asked what it has. If it has other bytes anywhere, or anything
    would fail, nothing is uploaded. A run that was stopped is finished by the same command. NAME is one of several
    releases.

    \b
    Example:
      ferrule publish --dry-run
      ferrule publish
      ferrule publish --to pypi
    """
    say = partial(publishing.echo, quiet=options["quiet"], as_json=options["as_json"])
    with publishing.opened(directory, source, release=name, rows=rows, sign_key=sign_key, say=say) as opened:
        if dry_run:
            _dry_run(opened, as_json=options["as_json"])
            return

        release = f"{opened.manifest.project} {opened.manifest.release}"
        record = ledger.Ledger(opened.root / STATE / ledger.FILE, release, environment.now_ns, opened.hide)

        def listen(event: run.PublishEvent) -> None:
            record(event)
            line.step(f"{event.destination}: {event.item.name}: {event.what}")
            if options["as_json"]:
                click.echo(_row(event.destination, event.item.name, event.what, event.detail))
            elif event.what != "uploading":
                say(printable(f"{event.destination}: {event.item.name}: {event.what} {event.detail}".rstrip()))

        problems = opened.problems()
        with waiting("asking every destination") as line:
            entries = run.publish(opened.publishers, publishing.pace(listen), problems)
    new = sum(entry.state.presence == "absent" for entry in entries)
    say(f"{release}: {counted(len(entries), 'item')} at {counted(len(opened.publishers), 'destination')}, {new} new")


def _dry_run(opened: Publishing, *, as_json: bool) -> None:
    """Print what is there and what would be called; exits as the run itself would."""
    pace = publishing.pace(lambda _: None)
    with waiting("asking every destination"):
        entries = run.look_everywhere(opened.publishers, pace)
    for entry in run.ordered(entries):
        presence = entry.state.presence
        call = entry.publisher.call(entry.item) if presence == "absent" else entry.state.detail
        if as_json:
            click.echo(opened.hide(_row(entry.destination, entry.item.name, presence, call)))
        else:
            echo(printable(opened.hide(f"{entry.destination}: {entry.item.name}: {presence} {call}".rstrip())))
    try:
        run.refuse(entries, pace, (*opened.problems(), *run.empty(opened.publishers)))
    except PublishError as error:
        echo(opened.hide(str(error)), err=True)
        sys.exit(error.exit_code)


def _row(destination: str, item: str, what: str, detail: str) -> str:
    values = {"destination": destination, "item": item, "state": what, "detail": detail}
    return json.dumps({key: value for key, value in values.items() if value})
