"""`ferrule extract`: files of a finished release, for those who upload them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ferrule.app.release import extract as extraction
from ferrule.cli import completion
from ferrule.cli.environment import signing_key
from ferrule.cli.messages import counted, echo, relative, waiting
from ferrule.cli.options import shared
from ferrule.core.safe_files import find_project

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@shared
@click.argument("kind", shell_complete=completion.kinds)
@click.option("--from", "source", type=_FOLDER, help="A finished release; dist/ of the project.")
@click.option("--to", "target", type=_FOLDER, required=True, help="A new folder for the files.")
@click.option("--sign-key", metavar="FILE|env://NAME", help="Sign the copy of a signed release with this key.")
def extract(
    directory: Path, kind: str, source: Path | None, target: Path, sign_key: str | None, **options: bool
) -> None:
    """Copy the files of one kind, or `all`, out of a finished release.

    Each file is compared with the manifest. KIND is a kind of artifacts, or several with commas, for
    programs that upload all that is in a folder, such as those of package indexes. `all` is the whole
    release for a page that takes no folders: an image becomes an OCI archive and a Go module the zip
    that proxies serve, and the copy verifies as it is.

    \b
    Example:
      ferrule extract wheel --to python
      ferrule extract all --to upload
    """
    dist = source or find_project(directory) / "dist"
    key = signing_key(sign_key) if sign_key else None
    with waiting("copying"):
        if kind == extraction.ALL:
            names = extraction.extract_all(dist, target, key)
        else:
            names = extraction.extract_kind(dist, kind, target)
    if options["as_json"]:
        click.echo(json.dumps({"files": list(names)}))
    elif not options["quiet"]:
        echo(f"{counted(len(names), 'file')} in {relative(target)}")
