"""`ferrule check`: whether the project is described well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.app.release import ci_files, selection
from ferrule.cli import project
from ferrule.cli.messages import counted, echo
from ferrule.cli.options import shared
from ferrule.cli.release_option import of_release
from ferrule.core import changelog
from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.core.printable import printable_lines
from ferrule.reporting import sarif

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.config import Config
    from ferrule.core.model import Plan


@click.command()
@shared
@of_release
@click.option(
    *("--format", "form"),
    type=click.Choice(["text", "sarif"]),
    default="text",
    help="sarif: for CI systems that show errors beside the line.",
)
@click.option(
    "--tag", metavar="TAG", help="Fail unless this tag is the version: v1.2.3, or that of one of several releases."
)
def check(directory: Path, release_name: str | None, form: str, tag: str | None, **options: bool) -> None:
    """Validate targets.yaml and its sources without building.

    \b
    Example:
      ferrule check
      ferrule check --tag v1.2.3
      ferrule check --format sarif > ferrule.sarif
    """
    try:
        config, plan, system = _checked(directory, release_name, tag)
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
        echo(f"targets.yaml is valid: {summary}")
        if note := selection.sdk_note(config, system):
            echo(f"note: {printable_lines(note)}", err=True)


def _checked(directory: Path, release_name: str | None, tag: str | None) -> tuple[Config, Plan, str]:
    """The project, its plan and this machine's system. Raises ConfigError, also where the tag is not the version's."""
    whole = project.read(directory, release_name=release_name)
    config, plan = whole.config, whole.plan
    if wrong := tuple(ci_files.problems(config, whole.context.host)):
        raise ConfigErrors(wrong)
    if tag is not None and config.releases:
        _check_release_tag(config, tag)
    elif tag is not None and tag.removeprefix("v") != plan.version:
        raise ConfigError(
            f"the tag {tag!r} is not of this version, {plan.version}",
            where=config.location(("project", "version")),
            hint=f"tag the commit v{plan.version}, or state the other version and commit that first",
        )
    return config, plan, whole.context.host.system


def _check_release_tag(config: Config, tag: str) -> None:
    """Raise ConfigError unless the tag is that of one of several releases, and its changelog knows the version.

    Where one release is selected, it must be the tag of that one.
    """
    if (selected := config.selected) is not None and selected.tag_name != tag:
        raise ConfigError(
            f"the tag {tag!r} is not of {selected.name} {selected.version.text}",
            where=config.location(("releases", selected.name, "version")),
            hint=f"tag the commit {selected.tag_name}, or state the other version and commit that first",
        )
    release = next((one for one in config.releases if one.tag_name == tag), None)
    if release is None:
        tags = ", ".join(one.tag_name for one in config.releases)
        raise ConfigError(
            f"the tag {tag!r} is of no release of this file",
            where=config.location(("releases",)),
            hint=f"their tags are: {tags}; state the other version and commit that first",
        )
    if release.changelog is None:
        return
    text = (config.root / release.changelog).read_text("utf-8", "replace")
    if changelog.section(text, release.version.text) is None:
        raise ConfigError(
            f"the changelog of {release.name} has no heading for {release.version.text}",
            where=release.changelog,
            hint=f"write what has changed below a line such as `## {release.version.text}`",
        )
