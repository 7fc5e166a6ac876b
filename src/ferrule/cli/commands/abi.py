"""`ferrule abi`: the interface, beside that of the last release."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ferrule.app.compatibility import interface_gate as interfaces
from ferrule.app.release import run as release
from ferrule.cli.environment import coloured, host
from ferrule.cli.messages import relative
from ferrule.cli.options import shared
from ferrule.core.errors import VerificationError
from ferrule.core.safe_files import find_project
from ferrule.reporting import interface_changes as comparison


@click.command()
@shared
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--record", is_flag=True, help="Record the interface of this release, for later comparisons.")
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the record [default: packaging/abi of the project].",
)
def abi(directory: Path, folder: Path | None, against: Path | None, *, record: bool, **options: bool) -> None:
    """Compare the public interface with that of the last release.

    Prints the version that the changes require. FOLDER is a finished release, by default dist/ of the project. Exits
    with 6 if the version is too low for the changes, with 9 if there is nothing to compare with.

    \b
    Example:
      ferrule abi
      ferrule abi --record
    """
    root = find_project(directory)
    place = against or root / interfaces.PLACE
    first = record and not (place / interfaces.RECORD).exists()  # there is nothing before it
    recorded = None if first else interfaces.recall(place)
    dist = folder or root / "dist"
    released = interfaces.read(dist, host(offline=True))
    if folder is None:
        interfaces.check_current(released, release.load(directory).project.version)
    if recorded is not None:
        found = interfaces.compare(recorded, released)
        if options["as_json"]:
            click.echo(comparison.as_json(found))
        else:
            comparison.show(found, sys.stdout, colour=coloured(sys.stdout), quiet=options["quiet"])
        if found.problems:
            sys.exit(VerificationError.exit_code)
    if record:
        interfaces.record(released, place, interfaces.header_files(dist))
        if not options["quiet"]:
            click.echo(f"recorded the interface of {released['release']} in {relative(place)}", err=options["as_json"])
