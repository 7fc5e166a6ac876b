"""`ferrule setup`: the tools of the project, installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ferrule.app.release import run as release
from ferrule.app.release import selection
from ferrule.cli.environment import run_context
from ferrule.cli.messages import echo
from ferrule.cli.options import Options, selecting_tools, shared
from ferrule.cli.project import provide

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@selecting_tools
@click.option("--dry-run", is_flag=True, help="List what would be installed, and install nothing.")
def setup(directory: Path, extras: tuple[str, ...], *, host_only: bool, dry_run: bool, **options: Any) -> None:  # noqa: ANN401
    """Install missing tools; if root is needed, print the command.

    \b
    Example:
      ferrule setup
      ferrule setup --rust-source rustup --dry-run
    """
    context = run_context(jobs=options["jobs"], offline=options["offline"], rust_source=options["rust_source"])
    requirements = selection.required_tools(release.load(directory), context, extras=extras, host_only=host_only)
    shared_options = Options(directory, options["as_json"], options["quiet"])
    if not provide(requirements, context.host, shared_options, dry_run=dry_run) and not shared_options.quiet:
        echo("every tool is there; nothing to install", err=shared_options.json)
