"""`ferrule verify`: a finished release, read again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ferrule.app import verify as verifying
from ferrule.cli.environment import coloured, read_key
from ferrule.cli.options import shared
from ferrule.core.errors import VerificationError
from ferrule.core.safe_files import find_project
from ferrule.formats import sigstore
from ferrule.reporting import verdicts


@click.command()
@shared
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--key", type=click.Path(path_type=Path), help="Public key (PEM) that must have signed it.")
def verify(directory: Path, path: Path | None, key: Path | None, **options: bool) -> None:
    """Verify a finished release: recompute every digest and claim.

    PATH is the folder of a release, or one file of it; by default dist/ of the project.

    \b
    Example:
      ferrule verify
      ferrule verify Downloads/demo-1.2.3 --key demo.pub
    """
    asked = path or find_project(directory) / "dist"
    folder = asked if asked.is_dir() else verifying.release_of(asked)
    if folder is None:
        raise VerificationError(
            "no folder above this file has a manifest, so nothing says what it should be",
            where=str(asked),
            hint="ferrule explain tells what a single file says of itself",
        )
    found = list(verifying.verify(folder, sigstore.public_key(read_key(key), where=str(key)) if key else None))
    if asked is not folder:
        name = asked.absolute().relative_to(folder.absolute()).as_posix()
        found = [v for v in found if v.subject == name or v.subject.startswith((f"{name}/", f"{name}:"))]
    if options["as_json"]:
        click.echo(verdicts.as_json(found))
    else:
        verdicts.show(found, sys.stdout, colour=coloured(sys.stdout), quiet=options["quiet"])
    if not found or any(v.problem for v in found):
        sys.exit(VerificationError.exit_code)
