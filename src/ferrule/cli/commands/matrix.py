"""`ferrule matrix`: the plan, split over machines of a CI system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ferrule.app.ci import pipelines
from ferrule.app.distributed import merge as merging
from ferrule.cli import project
from ferrule.cli.messages import counted
from ferrule.cli.options import Number, shared
from ferrule.cli.release_option import of_release

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.ci.pipelines import System


@click.command()
@shared
@of_release
@click.option("--shards", "count", type=Number(1), help="Number of shards [default: one per unit of work].")
@click.option(
    "--format",
    "system",
    type=click.Choice(["github", "gitlab", "buildkite", "forgejo"]),
    default="github",
    help="CI system to generate for [default: github].",
)
def matrix(directory: Path, release_name: str | None, count: int | None, system: System, **options: bool) -> None:
    """Split the compile jobs over CI machines; print them as JSON.

    Shards are balanced by the durations of earlier runs in this project, if there are any.
    github: the value of strategy.matrix, or a matrix of matrices for more than 256 shards;
    forgejo: such a value of at most 256 shards; gitlab: a child pipeline; buildkite: steps to upload.
    Each entry is a valid argument of `ferrule build --shard`.

    \b
    Example:
      ferrule matrix --shards 4
      ferrule matrix --release sealed-box
      ferrule matrix --shards 100 --format gitlab > pipeline.yml
    """
    whole = project.read(directory, release_name=release_name, single=True)
    most, times = pipelines.LIMITS[system], merging.times(whole.config, whole.plan, whole.context)
    split = merging.split(whole.config, whole.plan, min(count or most, most), times)
    if count and len(split) < count and not options["quiet"]:
        reason = f"the limit of {system}" if len(split) == most else "all that the plan has work for"
        click.echo(
            f"{counted(len(split), 'shard')} instead of {count}: {reason}",
            err=True,
        )
    ci = whole.config.ci
    click.echo(pipelines.text(split, system, ci.runner if "runner" in ci.stated else None, release_name))
