"""`ferrule report`: a page about the release."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from ferrule.cli import project
from ferrule.cli.messages import echo, relative_file, waiting
from ferrule.cli.options import shared
from ferrule.cli.release_option import of_release
from ferrule.core.manifest import read_manifest
from ferrule.core.safe_files import MANIFEST, STATE, report_name
from ferrule.engine.store import write_aside


@click.command()
@shared
@of_release
@click.argument("dist", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File for the page [default: .ferrule/report.html of the project].",
)
def report(directory: Path, release_name: str | None, dist: Path | None, output: Path | None, **options: bool) -> None:
    """Write a page about the release and the last runs.

    A self-contained HTML file: what was built for which target, when and why each step ran, the
    critical path, sizes by section and over releases, the dependency graph, and tool versions.
    DIST is a finished release, by default dist/ of the project. Of several releases each has a page
    of its own, .ferrule/report-NAME.html.

    \b
    Example:
      ferrule report
      ferrule report --output release.html
      ferrule report --release sealed-box
    """
    one = dist is not None or output is not None
    whole = project.read(directory, release_name=release_name, single=one, dist=dist)
    names = [] if whole.config.selected else [each.name for each in whole.config.releases]
    for part in [project.read(directory, release_name=name) for name in names] or [whole]:
        selected = part.config.selected.name if part.config.selected else None
        folder = dist or part.config.dist
        manifest = read_manifest(folder) if dist or os.path.lexists(folder / MANIFEST) else None
        target = (output or part.config.root / STATE / report_name(selected)).absolute()
        with waiting("writing the page"):
            write_aside(target, part.page(manifest).encode())
        if options["as_json"]:
            click.echo(json.dumps({"report": str(target)}))
        else:
            echo(relative_file(target))
