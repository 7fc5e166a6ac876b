"""`ferrule pick`: the files of one kind out of a finished release."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ferrule.app.release import extract as picking
from ferrule.cli.messages import counted, relative
from ferrule.cli.options import shared
from ferrule.core.safe_files import find_project

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@shared
@click.argument("kind")
@click.option("--from", "source", type=_FOLDER, help="A finished release; dist/ of the project.")
@click.option("--to", "target", type=_FOLDER, required=True, help="A new folder for the files.")
def pick(directory: Path, kind: str, source: Path | None, target: Path, **options: bool) -> None:
    """Copy the files of one kind out of a finished release.

    \b
    For programs that upload all that is in a folder, such as those of package indexes.

    \b
    Example:
      ferrule pick wheel --to python
    """
    names = picking.pick(source or find_project(directory) / "dist", kind, target)
    if options["as_json"]:
        click.echo(json.dumps({"files": list(names)}))
    elif not options["quiet"]:
        click.echo(f"{counted(len(names), 'file')} in {relative(target)}")
