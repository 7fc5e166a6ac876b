"""`ferrule config`: the effective matrix."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.app.release import run as release
from ferrule.cli.options import shared
from ferrule.config import document

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
def config(directory: Path, **_: bool) -> None:
    """Print the effective configuration as JSON, defaults included.

    \b
    Example:
      ferrule config
    """
    click.echo(json.dumps(document(release.load(directory)), indent=2))
