"""`ferrule ci`: the workflows of a CI system."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import click

from ferrule.app.ci import pipelines, workflows
from ferrule.app.ci.origin import origin
from ferrule.app.distributed import merge as merging
from ferrule.cli import project
from ferrule.cli.environment import direct_url
from ferrule.cli.messages import echo
from ferrule.cli.options import shared
from ferrule.core.errors import ConfigError
from ferrule.tools import git

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@click.argument("system", type=click.Choice(["github"]))
@click.option("--check", "compare", is_flag=True, help="Write nothing; fail if a workflow is out of date.")
def ci(directory: Path, system: Literal["github"], *, compare: bool, **options: bool) -> None:
    """Write the workflows of a CI system from targets.yaml.

    github: ci.yml and release.yml in .github/workflows, and shards.yml for more than 256 shards.
    Of several releases each has a workflow of its own, release-NAME.yml, which its tags start.
    A file there that Ferrule did not write is kept, with an error.

    \b
    Example:
      ferrule ci github
      ferrule ci github --check
    """
    whole = project.read(directory)
    root, most = whole.config.root, pipelines.LIMITS[system]
    top = git.top(root, whole.context.host)
    if top is not None and top.resolve() != root.resolve():
        raise ConfigError(
            "workflows belong in the root of the repository, and this project is in a subfolder",
            where=str(root),
            hint=f"move targets.yaml to {top}",
        )
    # Times differ from machine to machine, and would be seen as drift if the number of shards depended on them.
    parts = [project.read(directory, release_name=release.name) for release in whole.config.releases]
    count = min(whole.config.ci.shards, most)
    split = {one.plan.project: len(merging.split(one.config, one.plan, count, {})) for one in parts or [whole]}
    shards = split if parts else split[whole.plan.project]
    texts = workflows.github(whole.config, shards, origin=origin(direct_url()))
    if compare:
        workflows.check(root, texts)
    changed = () if compare else workflows.write(root, texts)
    if options["as_json"]:
        click.echo(json.dumps({"workflows": list(texts), "changed": list(changed)}))
    elif not options["quiet"]:
        for name in sorted({*texts, *changed}):
            state = "removed" if name not in texts else "written" if name in changed else "unchanged"
            echo(f"{workflows.FOLDER / name}: {state}")
