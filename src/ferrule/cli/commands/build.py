"""`ferrule build`: a part of the plan, or a shard of the release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.app.distributed import merge as merging
from ferrule.app.distributed import shards
from ferrule.app.release import selection
from ferrule.cli import build_request, completion, project, run_display
from ferrule.cli.answer import Answer
from ferrule.cli.messages import echo, finish, relative
from ferrule.cli.options import Number, Options, building, cached, clustered, linked, shared
from ferrule.cli.release_option import of_release
from ferrule.core.safe_files import STATE, find_project

if TYPE_CHECKING:
    from ferrule.app.distributed.shards import Shard
    from ferrule.config import Config
    from ferrule.core.model import Plan
    from ferrule.core.toolchain import RustSource
    from ferrule.engine.remote_server import Address


@click.command()
@shared
@building
@cached
@clustered
@linked
@click.argument("artifacts", nargs=-1, shell_complete=completion.artifacts)
@of_release
@click.option(
    *("-t", "--target", "targets"),
    multiple=True,
    shell_complete=completion.targets,
    help="A target, or `all` [default: this machine's].",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the files [default: .ferrule/out of the project].",
)
@click.option("--shard", metavar="K/N", help="Build a shard of the release: K/N, or an entry of `ferrule matrix`.")
@click.option("--of", type=Number(1), metavar="N", help="Number of shards, if --shard is only K.")
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="Folder for the shard [default: .ferrule/bundles/K-of-N]."
)
def build(
    directory: Path,
    artifacts: tuple[str, ...],
    release_name: str | None,
    targets: tuple[str, ...],
    output: Path | None,
    shard: str | None,
    of: int | None,
    bundle: Path | None,
    executor: str | None,
    jobs: int | None,
    rust_source: RustSource | None,
    remote: Address | None,
    linked_folder: Path | None,
    **options: bool,
) -> None:
    """Build part of the plan; by default, what runs on this machine.

    \b
    Example:
      ferrule build
      ferrule build sdk-c --target aarch64-unknown-linux-gnu
      ferrule build --shard 1/4 --bundle bundles/1-of-4
    """
    shared_options = Options(directory, options["as_json"], options["quiet"])
    if shard is not None:
        if artifacts or targets or output or executor or linked_folder:
            names = "artifacts, --target, --output, --executor or --linked"
            raise click.UsageError(f"--shard cannot be combined with {names}")
        _build_shard(
            _named(shard, of),
            release_name,
            bundle,
            shared_options,
            jobs=jobs,
            rust_source=rust_source,
            remote=remote,
            **options,
        )
        return
    if of is not None or bundle is not None:
        raise click.UsageError("--of and --bundle require --shard")
    request = build_request.BuildRequest(
        *(find_project(directory), output, f"{STATE}/out", artifacts, targets),
        offline=options["offline"],
        rust_source=rust_source,
        everything=True,
        release=release_name,
        linked=linked_folder,
    )
    started = request.start(shared_options, Answer(request.root))
    if started is None:
        return

    part = project.read(
        directory,
        jobs=jobs,
        offline=options["offline"],
        rust_source=rust_source,
        remote=remote,
        linked=linked_folder,
        planned=lambda config, context: selection.select(config, context, artifacts, targets),
        release_name=release_name,
    )
    if options["set_up"]:
        project.provide(part.tool_requirements, part.context.host, shared_options)
    run_display.build(part, request, started, shared_options, executor)


def _named(shard: str, of: int | None) -> tuple[int, int] | Shard:
    """K and N of `K/N`, `K-of-N` or K with --of; else the entry of a matrix. Raises click.UsageError, UsageError."""
    number, mark, count = shard.replace("-of-", "/").partition("/")
    if not (number.isascii() and number.isdigit() and (not mark or (count.isascii() and count.isdigit()))):
        return shards.read(shard)
    total = int(count) if mark else of
    if total is None or (of or total) != total or not 1 <= int(number) <= total:
        raise click.UsageError(f"--shard {shard} is out of range: write K/N, from 1/N to N/N")
    return int(number), total


def _build_shard(
    named: tuple[int, int] | Shard,
    release_name: str | None,
    bundle: Path | None,
    shared_options: Options,
    *,
    jobs: int | None,
    rust_source: RustSource | None,
    remote: Address | None,
    **options: bool,
) -> None:
    of_entry = None if isinstance(named, tuple) else named.release
    whole = project.read(
        shared_options.folder,
        jobs=jobs,
        offline=options["offline"],
        rust_source=rust_source,
        remote=remote,
        release_name=release_name or of_entry,
        single=True,
    )
    config, plan, context = whole.config, whole.plan, whole.context
    shard = _numbered(*named, config, plan) if isinstance(named, tuple) else named
    if options["set_up"]:
        part = replace(whole, plan=merging.narrowed(plan, shard))
        project.provide(part.tool_requirements, context.host, shared_options)
    folder = (bundle or config.root / STATE / "bundles" / shard.id).absolute()
    report = run_display.run(
        *(whole, "build", shared_options),
        lambda listen: merging.build(config, plan, context, listen, shard=shard, folder=folder),
    )
    if report.failed:
        finish(report, folder, shared_options)
    elif not shared_options.json and not shared_options.quiet:
        echo(f"shard {shard.number} of {shard.of} in {relative(folder)}")


def _numbered(number: int, count: int, config: Config, plan: Plan) -> Shard:
    """The shard of that number of `count`. Raises click.UsageError where the plan has work for fewer."""
    # Times that were recorded here are not those of another machine: without a matrix, all split by the plan alone.
    split = merging.split(config, plan, count, {})
    if len(split) != count:
        raise click.UsageError(f"the plan has work for {len(split)} shards only: use --shard {number}/{len(split)}")
    return split[number - 1]
