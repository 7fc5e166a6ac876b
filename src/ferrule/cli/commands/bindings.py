"""`ferrule bindings`: generated bindings, in the sources of their packages."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.app.release import bindings as generated
from ferrule.app.release import run as release
from ferrule.cli import project, run_display
from ferrule.cli.messages import echo, finish
from ferrule.cli.options import Options, building, shared
from ferrule.cli.release_option import of_release
from ferrule.core.model import Report

if TYPE_CHECKING:
    from ferrule.core.toolchain import RustSource
    from ferrule.engine.events import Listener


@click.command()
@shared
@building
@of_release
def bindings(
    directory: Path, release_name: str | None, jobs: int | None, rust_source: RustSource | None, **options: bool
) -> None:
    """Write generated bindings into the sources of their packages.

    A release generates and packs them anyway. In the sources they serve tests and editors, and may be
    committed: a release then refuses those that are no longer what the header asks for. Prints what
    no convention covers, which is left to the author.

    \b
    Example:
      ferrule bindings
    """
    shared_options = Options(directory, options["as_json"], options["quiet"])
    whole = project.read(
        directory, jobs=jobs, offline=options["offline"], rust_source=rust_source, release_name=release_name
    )
    part = replace(whole, plan=generated.bindings_only(whole.plan))
    config, plan, context = part.config, part.plan, part.context
    if options["set_up"]:
        project.provide(part.tool_requirements, context.host, shared_options)
    written: list[generated.WrittenBindings] = []

    def work(listen: Listener) -> Report:
        toolchain = release.toolchain_of(config, plan, context)
        with release.at_work(config, toolchain, context, listen) as engine:
            report = Report(engine.execute(plan), ())
            written.extend(generated.write(report.outcomes, engine.store, config.root) if not report.failed else ())
        return report

    report = run_display.run(part, "bindings", replace(shared_options, json=False, quiet=True), work)
    if report.failed:
        finish(report, config.root, shared_options)
    elif shared_options.json:
        click.echo(json.dumps([asdict(one) for one in written]))
    elif not shared_options.quiet:
        for one in written:
            echo(f"{one.path}: {'written' if one.changed else 'unchanged'}")
            for name, reason in one.left.items():
                echo(f"  left to the author: {name}: {reason}")
