"""`ferrule schema`: the JSON schemas of what people write, and of what programs read."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ferrule.app.publish import DESTINATIONS
from ferrule.config import schema as make_schema
from ferrule.core.manifest import SCHEMA
from ferrule.kinds import KINDS


@click.command()
@click.argument("document", type=click.Choice(["targets", "manifest"]), default="targets")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to a file instead of standard output.",
)
def schema(document: str, output: Path | None) -> None:
    """Print the JSON schema of targets.yaml (default) or manifest.json.

    \b
    Example:
      ferrule schema --output docs/targets.schema.json
      ferrule schema manifest
    """
    contents = SCHEMA if document == "manifest" else make_schema(KINDS, DESTINATIONS)
    text = json.dumps(contents, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)
