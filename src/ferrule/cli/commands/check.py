"""`ferrule check`: whether the project is described well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.cli import project
from ferrule.cli.options import shared
from ferrule.cli.words import counted

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
def check(directory: Path, **options: bool) -> None:
    """Validate targets.yaml, crates, WIT and packaging sources without building.

    \b
    Example:
      ferrule check
    """
    whole = project.read(directory)
    config, plan = whole.config, whole.plan
    if options["as_json"]:
        click.echo(json.dumps({"ok": True, "actions": len(plan.actions)}))
    elif not options["quiet"]:
        counts = {"target": config.targets, "artifact": config.artifacts, "action": plan.actions}
        told = ", ".join(counted(len(things), name) for name, things in counts.items())
        click.echo(f"targets.yaml is good: {told}")
