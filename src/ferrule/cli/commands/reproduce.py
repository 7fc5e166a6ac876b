"""`ferrule reproduce`: rebuilds a release as another user in another directory, and compares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.app.release import run as release
from ferrule.app.reproduce import run as reproducing
from ferrule.cli import project
from ferrule.cli.messages import echo, waiting
from ferrule.cli.options import Options, building, linked, shared
from ferrule.cli.release_option import of_release
from ferrule.reporting.reproduction import text as reproduction_text

if TYPE_CHECKING:
    from ferrule.core.toolchain import RustSource


@click.command()
@shared
@building
@linked
@of_release
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="Compare with this finished release; build once.",
)
@click.option("--work", "base", type=click.Path(path_type=Path), help="Build in this new folder and leave all there.")
def reproduce(
    directory: Path,
    release_name: str | None,
    against: Path | None,
    base: Path | None,
    jobs: int | None,
    rust_source: RustSource | None,
    linked_folder: Path | None,
    **options: bool,
) -> None:
    """Rebuild from scratch elsewhere and compare every byte.

    What was linked on other machines is taken over by both builds, so that only its packing is compared.

    \b
    Example:
      ferrule reproduce
      ferrule reproduce --against dist
      ferrule reproduce --release sealed-box --against dist/sealed-box
    """
    shared_options = Options(directory, options["as_json"], options["quiet"])
    whole = project.read(
        directory,
        jobs=jobs,
        offline=options["offline"],
        rust_source=rust_source,
        release_name=release_name,
        single=True,
    )
    context = whole.context
    if options["set_up"]:
        project.provide(whole.tool_requirements, context.host, shared_options)
    toolchain = release.toolchain_of(whole.config, whole.plan, context)
    tools = [Path(tool.argv[0]) for tool in toolchain.tools.values() if tool.argv] if toolchain else []
    request = reproducing.ReproductionRequest(
        root=whole.config.root,
        plan=whole.plan,
        programs=(*tools, *([toolchain.sysroot] if toolchain else [])),
        against=against,
        work=base,
        options=(
            *(["--offline"] if options["offline"] else []),
            *(["--rust-source", rust_source] if rust_source else []),
            *(["--linked", str(linked_folder.absolute())] if linked_folder else []),
        ),
        jobs=context.jobs,
        release=release_name,
    )

    with waiting("copying the sources") as line:

        def say(text: str) -> None:
            if not shared_options.quiet:
                echo(text, err=True)
            line.step(text)

        reproduction = reproducing.reproduce(request, context.host, say)
    document = reproduction.document()
    if shared_options.json:
        click.echo(json.dumps(document, indent=2))
    else:
        echo(reproduction_text(document))
    failed = reproducing.failure(reproduction)
    if failed is not None:
        raise failed
