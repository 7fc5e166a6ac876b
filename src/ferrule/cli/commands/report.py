"""`ferrule report`: a page about the release."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from ferrule.cli import project
from ferrule.cli.options import shared
from ferrule.core.manifest import read_manifest
from ferrule.core.safe_files import MANIFEST, REPORT, STATE
from ferrule.engine.store import write_aside


@click.command()
@shared
@click.argument("dist", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File for the page [default: .ferrule/report.html of the project].",
)
def report(directory: Path, dist: Path | None, output: Path | None, **options: bool) -> None:
    """Write a page about the release and the last runs.

    \b
    A self-contained HTML file: what was built for which target, when and why each step ran, the
    critical path, sizes by section and over releases, the dependency graph, and tool versions.
    DIST is a finished release, by default dist/ of the project.

    \b
    Example:
      ferrule report
      ferrule report --output release.html
    """
    whole = project.read(directory)
    root = whole.config.root
    folder = dist or root / "dist"
    manifest = read_manifest(folder) if dist or os.path.lexists(folder / MANIFEST) else None
    target = (output or root / STATE / REPORT).absolute()
    write_aside(target, whole.page(manifest).encode())
    if options["as_json"]:
        click.echo(json.dumps({"report": str(target)}))
    else:
        click.echo(str(target))
