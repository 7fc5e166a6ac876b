"""`ferrule merge`: the release of what shards have built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.app.distributed import merge as merging
from ferrule.cli import project, run_display
from ferrule.cli.environment import signing_key
from ferrule.cli.messages import finish
from ferrule.cli.options import Options, cached, linked, releasing, shared
from ferrule.cli.release_option import of_release

if TYPE_CHECKING:
    from ferrule.core.toolchain import RustSource
    from ferrule.engine.remote_server import Address


@click.command()
@shared
@releasing
@cached
@linked
@of_release
@click.argument("folders", nargs=-1, required=True, metavar="DIR…", type=click.Path(path_type=Path))
def merge(
    directory: Path,
    folders: tuple[Path, ...],
    output: Path | None,
    release_name: str | None,
    jobs: int | None,
    rust_source: RustSource | None,
    sign_key: str | None,
    remote: Address | None,
    linked_folder: Path | None,
    **options: bool,
) -> None:
    """Assemble the release from what shards have built.

    DIR are the folders that `ferrule build --shard` wrote, one per shard, in any order. No compiler is started, and the
    bytes are those of a release on one machine.

    \b
    Example:
      ferrule merge bundles/*
      ferrule merge --release sealed-box bundles/*
    """
    key = signing_key(sign_key) if sign_key else None
    shared_options = Options(directory, options["as_json"], options["quiet"])
    whole = project.read(
        directory,
        jobs=jobs,
        offline=options["offline"],
        rust_source=rust_source,
        key=key,
        remote=remote,
        linked=linked_folder,
        release_name=release_name,
        single=True,
    )
    config, plan, context = whole.config, whole.plan, whole.context
    if options["set_up"]:
        project.provide(merging.required_tools(config, plan, context, folders), context.host, shared_options)
    dist = (output or config.root / "dist" / (release_name or "")).absolute()
    page = whole.page if options["report"] else None
    report = run_display.run(
        *(whole, "merge", shared_options),
        lambda listen: merging.merge(config, plan, context, listen, folders=folders, output=dist, page=page),
    )
    finish(report, dist, shared_options)
