"""`ferrule ci`: the workflows of a CI system."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.app.ci import SYSTEMS, files
from ferrule.app.ci.base import ci_project
from ferrule.app.ci.origin import origin
from ferrule.app.distributed import merge as merging
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import ci_files
from ferrule.cli import project
from ferrule.cli.environment import direct_url
from ferrule.cli.messages import echo
from ferrule.cli.options import shared
from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.tools import git

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@click.argument("system_name", type=click.Choice(list(SYSTEMS)))
@click.option("--check", "compare", is_flag=True, help="Write nothing; fail if a file is out of date.")
def ci(directory: Path, system_name: str, *, compare: bool, **options: bool) -> None:
    """Write the workflows of a CI system from targets.yaml.

    github: in .github/workflows, ci.yml for changes, release.yml for tags, which calls build-release.yml, and
    shards.yml for more than 256 shards. forgejo: ci.yml and release.yml in .forgejo/workflows. Of several releases
    each has its own: release-NAME.yml, build-release-NAME.yml. gitlab: .gitlab-ci.yml, or .gitlab/ferrule.yml where
    that is somebody else's. A file that Ferrule did not write is kept, with an error.

    \b
    Example:
      ferrule ci github
      ferrule ci gitlab --check
    """
    system, whole = SYSTEMS[system_name], project.read(directory)
    root = whole.config.root
    top = git.top(root, whole.context.host)
    if top is not None and top.resolve() != root.resolve():
        raise ConfigError(
            "workflows belong in the root of the repository, and this project is in a subfolder",
            where=str(root),
            hint=f"move targets.yaml to {top}",
        )
    if wrong := tuple(ci_files.problems(whole.config, whole.context.host)):
        raise ConfigErrors(wrong)
    # Times differ from machine to machine, and would be seen as drift if the number of shards depended on them.
    parts = [project.read(directory, release_name=release.name) for release in whole.config.releases]
    count = min(whole.config.ci.shards, system.most)
    split = {
        one.plan.project if parts else "": [shard.runner for shard in merging.split(one.config, one.plan, count, {})]
        for one in parts or [whole]
    }
    texts = system.render(ci_project(whole.config, split, DESTINATIONS, origin(direct_url())))
    if compare:
        files.check(root, system, texts)
    changed = () if compare else files.write(root, system, texts)
    if options["as_json"]:
        click.echo(json.dumps({"workflows": list(texts), "changed": list(changed)}))
    elif not options["quiet"]:
        for name in sorted({*texts, *changed}):
            state = "removed" if name not in texts else "written" if name in changed else "unchanged"
            echo(f"{system.folder / name}: {state}")
