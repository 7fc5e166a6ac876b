"""`ferrule release`: everything that targets.yaml describes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.cli import project, run_display
from ferrule.cli.build_request import BuildRequest
from ferrule.cli.environment import signing_key
from ferrule.cli.options import Options, cached, clustered, releasing, shared
from ferrule.core.safe_files import find_project

if TYPE_CHECKING:
    from ferrule.core.toolchain import RustSource
    from ferrule.engine.remote_server import Address


@click.command()
@shared
@releasing
@cached
@clustered
def release(
    directory: Path,
    output: Path | None,
    jobs: int | None,
    rust_source: RustSource | None,
    sign_key: str | None,
    remote: Address | None,
    executor: str | None,
    **options: bool,
) -> None:
    """Build everything that targets.yaml describes, into dist/.

    \b
    Example:
      ferrule release
      ferrule release --offline --jobs 8
      ferrule release --sign-key release.pem
      ferrule release --executor dask://build.example:8786
    """
    key = signing_key(sign_key) if sign_key else None
    shared_options = Options(directory, options["as_json"], options["quiet"])
    request = BuildRequest(
        *(find_project(directory), output, "dist"),
        offline=options["offline"],
        rust_source=rust_source,
        report=options["report"],
        signed=key is not None,
    )
    started = request.start(shared_options)
    if started is None:
        return

    whole = project.read(
        directory, jobs=jobs, offline=options["offline"], rust_source=rust_source, key=key, remote=remote
    )
    if options["set_up"]:
        project.provide(whole.tool_requirements, whole.context.host, shared_options)
    run_display.build(whole, request, started, shared_options, executor)
