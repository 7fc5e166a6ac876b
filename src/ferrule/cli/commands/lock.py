"""`ferrule lock`: newest versions for image bases."""

from __future__ import annotations

from pathlib import Path

import click

from ferrule.app.release import base_image_locks
from ferrule.app.release import run as release
from ferrule.cli.environment import run_context
from ferrule.cli.options import shared


@click.command()
@shared
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def lock(directory: Path, files: tuple[Path, ...], **options: bool) -> None:
    """Update the lock files of base images.

    \b
    Example:
      ferrule lock packaging/image/base.lock
    """
    config = release.load(directory)
    context = run_context(jobs=None, offline=False, rust_source=None)
    for name, count in base_image_locks.refresh_locks(config, context.host, files):
        if not options["quiet"]:
            click.echo(f"{name}: {count} packages")
