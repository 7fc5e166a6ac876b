"""A run with its live display, its journal and its closing table."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from ferrule.app.release import run as release
from ferrule.app.release import up_to_date
from ferrule.cli import environment
from ferrule.cli.messages import finish, show_not_built
from ferrule.cli.options import invocation
from ferrule.core.model import to_json
from ferrule.core.safe_files import STATE
from ferrule.engine.state import logs_folder, work_folder
from ferrule.reporting import reporter, style_for, table
from ferrule.reporting.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferrule.cli.build_request import BuildRequest, StartedRequest
    from ferrule.cli.options import Options
    from ferrule.cli.project import LoadedProject
    from ferrule.core.model import Json, Report
    from ferrule.engine.events import Listener


def build(
    project: LoadedProject,
    request: BuildRequest,
    started: StartedRequest,
    options: Options,
    executor: str | None = None,
) -> None:
    """Build what was requested, and write the stamp by which the next run knows that it is up to date."""
    config, plan, context = project.config, project.plan, project.context
    page = project.page if request.report else None
    report = run(
        *(project, "build" if request.everything else "release", options),
        lambda listen: release.run(
            *(config, plan, context, listen),
            output=request.output,
            everything=request.everything,
            page=page,
            elsewhere=project.cluster(executor, listen) if executor else None,
        ),
    )
    built = {action.artifact for action in plan.actions}
    not_built = [] if request.artifacts else [a.name for a in config.artifacts if a.name not in built]
    # If the document is another now, something, such as the commit, changed while it ran.
    if not report.failed and not request.signed and started.document == request.document():
        rows = to_json([replace(row, state="unchanged") for row in table.rows(report)])
        summary: Json = {
            "actions": len(report.outcomes),
            "files": len(report.placed),
            "rows": rows,
            "left": to_json(not_built),
        }
        up_to_date.write_stamp(
            *(config, plan, context, report),
            output=request.output,
            request=started.document,
            summary=summary,
            since=started.time,
        )
    finish(report, request.output, options)
    if not options.json and not options.quiet:
        show_not_built(not_built)


def run(project: LoadedProject, command: str, options: Options, work: Callable[[Listener], Report]) -> Report:
    """Run with display and journal, and print the closing table."""
    stream = sys.stdout
    style = style_for(json=options.json, interactive=sys.stderr.isatty(), github=environment.on_github())
    state = project.config.root / STATE
    live = reporter(
        style,
        stream if style in {"json", "github"} else sys.stderr,
        logs=logs_folder(work_folder(state)),
        colour=environment.allows_colour(),
        width=environment.width(sys.stderr),
        quiet=options.quiet,
    )
    journal = Journal(
        folder=state,
        command=command,
        project=project.plan.project,
        release=project.plan.version,
        started=project.context.now_ns() // 1_000_000_000,
        monotonic=project.context.monotonic,
        listen=live,
        hide=project.hide,
    )
    with live:
        report = work(journal)
    if not options.json:
        width = environment.width(stream)
        table.show(report, stream, colour=environment.coloured(stream), width=width, verbose=invocation().verbose)
    page = environment.summary_page()
    if page:
        with page.open("a", encoding="utf-8") as summary:
            summary.write(project.hide(table.markdown(report)))
    return report
