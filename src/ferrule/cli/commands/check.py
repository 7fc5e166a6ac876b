"""`ferrule check`: whether the project is described well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.cli import project
from ferrule.cli.messages import counted
from ferrule.cli.options import shared
from ferrule.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@click.option("--tag", metavar="TAG", help="Fail unless this tag is the version: v1.2.3 or 1.2.3.")
def check(directory: Path, tag: str | None, **options: bool) -> None:
    """Validate targets.yaml and its sources without building.

    \b
    Example:
      ferrule check
      ferrule check --tag v1.2.3
    """
    whole = project.read(directory)
    config, plan = whole.config, whole.plan
    if tag is not None and tag.removeprefix("v") != plan.version:
        raise ConfigError(
            f"the tag {tag!r} is not of this version, {plan.version}",
            where=config.location(("project", "version")),
            hint=f"tag the commit v{plan.version}, or state the other version and commit that first",
        )
    if options["as_json"]:
        click.echo(json.dumps({"ok": True, "actions": len(plan.actions)}))
    elif not options["quiet"]:
        counts = {"target": config.targets, "artifact": config.artifacts, "action": plan.actions}
        summary = ", ".join(counted(len(things), name) for name, things in counts.items())
        click.echo(f"targets.yaml is valid: {summary}")
