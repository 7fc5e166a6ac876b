"""`ferrule script`: scripts that link what is linked on other machines."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.app.release import linked_files
from ferrule.app.release import run as release
from ferrule.cli import project, run_display
from ferrule.cli.messages import counted, echo, finish, relative
from ferrule.cli.options import Options, building, shared
from ferrule.cli.release_option import of_release
from ferrule.core.model import Report
from ferrule.kinds.link_script import FOLDER

if TYPE_CHECKING:
    from ferrule.cli.project import LoadedProject
    from ferrule.core.toolchain import RustSource
    from ferrule.engine.events import Listener


@click.command()
@shared
@building
@of_release
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the scripts [default: .ferrule/linked of the project].",
)
def script(
    directory: Path,
    folder: Path | None,
    release_name: str | None,
    jobs: int | None,
    rust_source: RustSource | None,
    **options: bool,
) -> None:
    """Write the scripts that link for Windows on Windows.

    For each target whose linker runs on Windows alone (…-windows-msvc), and each library and program,
    there is a script TARGET/ARTIFACT.sh for the bash that comes with Git. Run at the root of the same
    checkout, it leaves the files in .ferrule/linked/ there, which `ferrule release --linked DIR` packs.

    \b
    Example:
      ferrule script
      ferrule script --to scripts
    """
    shared_options = Options(directory, options["as_json"], options["quiet"])
    read = partial(project.read, directory, jobs=jobs, offline=options["offline"], rust_source=rust_source)
    whole = read(release_name=release_name)
    releases = () if release_name else whole.config.releases
    projects = [read(release_name=one.name) for one in releases] or [whole]
    parts = [replace(one, plan=linked_files.scripts_only(one.plan)) for one in projects]
    linked_files.check_scripts(part.plan for part in parts)
    target = (folder or whole.config.root / FOLDER).absolute()
    names = [name for part in parts if part.plan.actions for name in _write(part, target, shared_options, **options)]
    if not shared_options.json and not shared_options.quiet:
        echo(f"{counted(len(names), 'script')} in {relative(target)}")


def _write(part: LoadedProject, target: Path, shared_options: Options, **options: bool) -> list[str]:
    """Write the scripts of one release, and return their names; ends the program where one cannot be written."""
    config, plan, context = part.config, part.plan, part.context
    if options["set_up"]:
        project.provide(part.tool_requirements, context.host, shared_options)
    names: list[str] = []

    def work(listen: Listener) -> Report:
        toolchain = release.toolchain_of(config, plan, context)
        with release.at_work(config, toolchain, context, listen) as engine:
            report = Report(engine.execute(plan), ())
            names.extend(linked_files.write_scripts(report.outcomes, engine.store, target) if not report.failed else ())
        return report

    report = run_display.run(part, "script", shared_options, work)
    if report.failed:
        finish(report, target, shared_options)
    return names
