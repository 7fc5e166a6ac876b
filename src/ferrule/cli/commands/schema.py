"""`ferrule schema`: what editors know of targets.yaml."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ferrule.app.publish import DESTINATIONS
from ferrule.config import schema as make_schema
from ferrule.kinds import KINDS


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to a file instead of standard output.",
)
def schema(output: Path | None) -> None:
    """Print the JSON schema of targets.yaml, for editors.

    \b
    Example:
      ferrule schema --output docs/targets.schema.json
    """
    text = json.dumps(make_schema(KINDS, DESTINATIONS), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)
