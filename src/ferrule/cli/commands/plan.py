"""`ferrule plan`: everything that would be made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule import plan as planning
from ferrule.app.release import run as release
from ferrule.cli import project
from ferrule.cli.messages import echo, waiting
from ferrule.cli.options import shared
from ferrule.cli.release_option import of_release
from ferrule.reporting import plans

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@click.option("--why", is_flag=True, help="Print for each action whether it would run, and what changed.")
@of_release
@click.option("--graph", type=click.Choice(["dot", "mermaid"]), help="Print the graph of actions instead.")
def plan(directory: Path, *, why: bool, release_name: str | None, graph: str | None, **options: bool) -> None:
    """Show everything that would be built, without building it.

    \b
    Example:
      ferrule plan
      ferrule plan --json | jq '.actions[].id'
    """
    whole = project.read(directory, release_name=release_name)
    with waiting("looking what changed"):
        reasons = release.reasons(whole.config, whole.plan, whole.context) if why else None
    if graph:
        click.echo(plans.graph(whole.plan, graph), nl=False)
    elif options["as_json"]:
        click.echo(json.dumps(planning.document(whole.plan), indent=2))
    else:
        echo(plans.text(whole.plan, reasons))
