"""`ferrule abi`: the interface, beside that of the last release."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ferrule.app.compatibility import interface_gate
from ferrule.app.release import run as release
from ferrule.cli.environment import coloured, host, width
from ferrule.cli.messages import echo, relative, waiting
from ferrule.cli.options import shared
from ferrule.cli.project import chosen_release
from ferrule.cli.release_option import of_release
from ferrule.core.errors import VerificationError
from ferrule.reporting import interface_changes


@click.command()
@shared
@of_release
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--record", is_flag=True, help="Record the interface of this release, for later comparisons.")
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the record [default: packaging/abi of the project, packaging/abi/NAME of several releases].",
)
def abi(
    directory: Path,
    release_name: str | None,
    folder: Path | None,
    against: Path | None,
    *,
    record: bool,
    **options: bool,
) -> None:
    """Compare the public interface with that of the last release.

    Prints the version that the changes require. FOLDER is a finished release, by default dist/ of the project. Exits
    with 6 if the version is too low for the changes, with 9 if there is nothing to compare with. Each of several
    releases has a record of its own.

    \b
    Example:
      ferrule abi
      ferrule abi --record
    """
    config = release.load(directory)
    if named := chosen_release(config, release_name, folder):
        config = config.only(named)
    baseline = against or interface_gate.kept_in(config.root, named.name if named else None)
    first = record and not (baseline / interface_gate.RECORD).exists()  # there is nothing before it
    recorded = None if first else interface_gate.recall(baseline)
    dist = folder or config.dist
    with waiting("reading the interfaces"):
        released = interface_gate.read(dist, host(offline=True), config.of_other_releases)
    if folder is None:
        interface_gate.check_current(released, config.project.version)
    if recorded is not None:
        comparison = interface_gate.compare(recorded, released)
        if options["as_json"]:
            click.echo(interface_changes.as_json(comparison))
        else:
            interface_changes.show(
                *(comparison, sys.stdout),
                colour=coloured(sys.stdout),
                width=width(sys.stdout),
                quiet=options["quiet"],
            )
        if comparison.problems:
            sys.exit(VerificationError.exit_code)
    if record:
        interface_gate.record(released, baseline, interface_gate.header_files(dist, config.of_other_releases))
        if not options["quiet"]:
            echo(f"recorded the interface of {released['release']} in {relative(baseline)}", err=options["as_json"])
