"""`ferrule lock`: newest versions for image bases."""

from __future__ import annotations

from pathlib import Path

import click

from ferrule.app.release import base_image_locks
from ferrule.app.release import run as release
from ferrule.cli.environment import run_context
from ferrule.cli.messages import echo, waiting
from ferrule.cli.options import shared


@click.command()
@shared
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--init", is_flag=True, help="Write the lock files that images name and that do not exist yet.")
def lock(directory: Path, files: tuple[Path, ...], *, init: bool, **options: bool) -> None:
    """Update the lock files of base images, or write the first ones.

    \b
    Example:
      ferrule lock --init
      ferrule lock packaging/image/base.lock
    """
    if init and files:
        raise click.UsageError("--init writes the files that targets.yaml names: leave the others out")
    config = release.load(directory)
    host = run_context(jobs=None, offline=False, rust_source=None).host
    locks = (
        base_image_locks.write_first_locks(config, host)
        if init
        else base_image_locks.refresh_locks(config, host, files)
    )
    count = 0
    with waiting("looking packages up"):
        for count, (name, packages) in enumerate(locks, 1):  # noqa: B007 - it is used below
            if not options["quiet"]:
                echo(f"{name}: {packages} packages")
    if not count and not options["quiet"]:
        echo("every lock file that an image names exists" if init else "no image names a lock file as its base")
