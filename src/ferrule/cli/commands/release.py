"""`ferrule release`: everything that targets.yaml describes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.app.release import up_to_date
from ferrule.cli import build_request, completion, project, run_display
from ferrule.cli.answer import Answer
from ferrule.cli.environment import signing_key
from ferrule.cli.options import Options, cached, clustered, linked, releasing, shared
from ferrule.core.safe_files import find_project

if TYPE_CHECKING:
    from ferrule.core.toolchain import RustSource
    from ferrule.engine.remote_server import Address


@click.command()
@shared
@releasing
@cached
@clustered
@linked
@click.argument(
    "names",
    nargs=-1,
    metavar="[NAME]…",
    shell_complete=lambda *words: completion.releases(*words),  # noqa: PLW0108 - naming it would import YAML, 20 ms
)
def release(
    directory: Path,
    names: tuple[str, ...],
    output: Path | None,
    jobs: int | None,
    rust_source: RustSource | None,
    sign_key: str | None,
    remote: Address | None,
    executor: str | None,
    linked_folder: Path | None,
    **options: bool,
) -> None:
    """Build everything that targets.yaml describes, into dist/.

    Where it describes several releases, each goes into a folder of its own, dist/NAME; without NAME all are built.

    \b
    Example:
      ferrule release
      ferrule release sealed-box
      ferrule release --offline --jobs 8
      ferrule release --sign-key release.pem
      ferrule release --executor dask://build.example:8786
    """
    key = signing_key(sign_key) if sign_key else None
    shared_options = Options(directory, options["as_json"], options["quiet"])
    request = build_request.BuildRequest(
        *(find_project(directory), output, "dist"),
        offline=options["offline"],
        rust_source=rust_source,
        report=options["report"],
        signed=key is not None,
        linked=linked_folder,
    )
    answer = Answer(request.root)
    started = None if names else request.start(shared_options, answer)
    if started is None and not names:
        answer.keep(offline=options["offline"])
        return

    read = partial(
        project.read,
        directory,
        jobs=jobs,
        offline=options["offline"],
        rust_source=rust_source,
        key=key,
        remote=remote,
        linked=linked_folder,
    )
    whole = read()
    selected = [project.release_named(whole.config, name) for name in names] or whole.config.releases
    installed = options["set_up"] and project.provide(whole.tool_requirements, whole.context.host, shared_options)
    if started is not None and not selected:
        run_display.build(whole, request, started, shared_options, executor)
    built = started is not None and not selected
    for one in selected:
        part = replace(request, named=request.output / one.name, release=one.name)
        if not shared_options.quiet:
            answer.say(f"{one.name} {one.version.text}", err=True)
        if (started := part.start(shared_options, answer)) is not None:
            run_display.build(read(release_name=one.name), part, started, shared_options, executor)
            built = True
    if not built and not installed:
        answer.depend_on(
            request.root / name for name in (*up_to_date.files_read(whole.config, whole.plan), *whole.plan.listed)
        )
        answer.keep(offline=options["offline"])
