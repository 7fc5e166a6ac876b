"""`ferrule init`: the first targets.yaml of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.app.init import run
from ferrule.cli import environment
from ferrule.cli.messages import counted, echo
from ferrule.cli.options import shared
from ferrule.core.printable import printable_lines
from ferrule.core.safe_files import FILE

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@click.option("--diff", is_flag=True, help="Write nothing; show what would change in the file that exists.")
def init(directory: Path, *, diff: bool, **options: bool) -> None:
    """Look at a Cargo workspace and write its first targets.yaml.

    \b
    It asks nothing, starts no compiler and never overwrites a file. What the file
    does not cover is listed, each with its position and the reason.

    \b
    Example:
      ferrule init
      ferrule init --diff
    """
    proposal = run.propose(directory, environment.host(offline=True))
    written = proposal.existing is None and not diff
    if written:
        run.write(directory, proposal)
    uncovered = proposal.description.uncovered
    if options["as_json"]:
        rows = [{"where": one.where, "what": one.what, "reason": one.reason} for one in uncovered]
        names = [line.key for line in proposal.description.artifacts]
        click.echo(json.dumps({"written": written, "artifacts": names, "uncovered": rows, "diff": proposal.diff}))
        return
    if diff:
        click.echo(proposal.diff or f"{FILE}: nothing would change", nl=not proposal.diff)
        return
    if options["quiet"]:
        return
    if written:
        count = counted(len(proposal.description.artifacts), "artifact")
        echo(f"{FILE} written: {count}")
    else:
        echo(f"{FILE} exists and was not changed; ferrule init --diff shows what would be written now")
    if uncovered:
        echo("\nnot covered:")
    for one in uncovered:
        echo(printable_lines(f"  {one.where}: {one.what}: {one.reason}"))
    if written:
        echo("\nnext: ferrule check, ferrule plan, ferrule release --setup")
