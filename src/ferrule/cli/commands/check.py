"""`ferrule check`: whether the project is described well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.cli import project
from ferrule.cli.messages import counted
from ferrule.cli.options import shared
from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.reporting import sarif

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.config import Config
    from ferrule.core.model import Plan


@click.command()
@shared
@click.option(
    *("--format", "form"),
    type=click.Choice(["text", "sarif"]),
    default="text",
    help="sarif: for CI systems that show errors beside the line.",
)
@click.option("--tag", metavar="TAG", help="Fail unless this tag is the version: v1.2.3 or 1.2.3.")
def check(directory: Path, form: str, tag: str | None, **options: bool) -> None:
    """Validate targets.yaml and its sources without building.

    \b
    Example:
      ferrule check
      ferrule check --tag v1.2.3
      ferrule check --format sarif > ferrule.sarif
    """
    try:
        config, plan = _checked(directory, tag)
    except ConfigError as error:
        if form == "sarif":
            click.echo(sarif.document(error.errors if isinstance(error, ConfigErrors) else (error,)))
        raise
    if form == "sarif":
        click.echo(sarif.document(()))
    elif options["as_json"]:
        click.echo(json.dumps({"ok": True, "actions": len(plan.actions)}))
    elif not options["quiet"]:
        counts = {"target": config.targets, "artifact": config.artifacts, "action": plan.actions}
        summary = ", ".join(counted(len(things), name) for name, things in counts.items())
        click.echo(f"targets.yaml is valid: {summary}")


def _checked(directory: Path, tag: str | None) -> tuple[Config, Plan]:
    """The project and its plan. Raises ConfigError, also where the tag is not that of the version."""
    whole = project.read(directory)
    config, plan = whole.config, whole.plan
    if tag is not None and tag.removeprefix("v") != plan.version:
        raise ConfigError(
            f"the tag {tag!r} is not of this version, {plan.version}",
            where=config.location(("project", "version")),
            hint=f"tag the commit v{plan.version}, or state the other version and commit that first",
        )
    return config, plan
