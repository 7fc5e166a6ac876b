"""`ferrule init`: the first targets.yaml of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.app.init import run
from ferrule.cli import environment
from ferrule.cli import project as projects
from ferrule.cli.messages import counted, echo
from ferrule.cli.options import shared
from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.core.printable import printable_lines
from ferrule.core.safe_files import FILE

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@click.option("--diff", is_flag=True, help="Write nothing; show what would change in the file that exists.")
def init(directory: Path, *, diff: bool, **options: bool) -> None:
    """Look at a Cargo workspace and write its first targets.yaml.

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
    problems = _problems(directory) if written else ()
    uncovered = proposal.description.uncovered
    if options["as_json"]:
        rows = [{"where": one.where, "what": one.what, "reason": one.reason} for one in uncovered]
        names = [line.key for line in proposal.description.artifacts]
        errors = [{"where": one.where, "message": one.message, "hint": one.hint} for one in problems]
        document = {"written": written, "artifacts": names, "uncovered": rows, "problems": errors}
        click.echo(json.dumps({**document, "diff": proposal.diff}))
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
    _list("not covered", [f"{one.where}: {one.what}: {one.reason}" for one in uncovered])
    _list(
        "to do first, as ferrule check says", [": ".join(filter(None, (p.where, p.message, p.hint))) for p in problems]
    )
    if written:
        echo("\nnext: ferrule check, ferrule plan, ferrule release --setup")


def _list(title: str, lines: list[str]) -> None:
    if lines:
        echo(f"\n{title}:")
    for line in lines:
        echo(printable_lines(f"  {line}"))


def _problems(directory: Path) -> tuple[ConfigError, ...]:
    """What `ferrule check` says of the file that was written: what has to be done in other files before a release."""
    try:
        projects.read(directory)
    except ConfigError as error:
        return error.errors if isinstance(error, ConfigErrors) else (error,)
    return ()
