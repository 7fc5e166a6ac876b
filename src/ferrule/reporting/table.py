"""The closing table: each file with its target, size, digest and duration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from ferrule.reporting.report import duration, size

if TYPE_CHECKING:
    from typing import TextIO

    from ferrule.core.model import Placed, Report


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a file, or a folder as a whole."""

    file: str
    artifact: str
    target: str
    size: int
    digest: str
    state: str


def rows(report: Report) -> list[Row]:
    """One row for each file of the release; the files of a folder are one row with the digest of its index."""
    grouped: dict[tuple[str, str], list[Placed]] = {}
    for placed in report.placed:
        folder = placed.output.ships if placed.output.folder and placed.output.ships else placed.file
        grouped.setdefault((placed.outcome.action.id, folder), []).append(placed)
    return [_row(folder, files) for (_, folder), files in grouped.items()]


def _row(file: str, files: list[Placed]) -> Row:
    action, outcome = files[0].outcome.action, files[0].outcome
    index = next((p for p in files if p.file.endswith("/index.json")), files[0])
    return Row(
        file=f"{file}/" if files[0].output.folder else file,
        artifact=action.artifact,
        target=action.target or "all",
        size=sum(p.size for p in files),
        digest=index.digest.short,
        state={"cached": "unchanged", "remote": "remote"}.get(outcome.state) or duration(outcome.seconds),
    )


def show(report: Report, stream: TextIO, *, colour: bool, width: int | None) -> None:
    """Write the table, and below it the failed and skipped actions with their reasons."""
    show_rows(rows(report), stream, colour=colour, width=width)
    if report.failed:
        console = _console(stream, colour=colour, width=width)
        for outcome in report.failed:
            console.print(f"\n{outcome.action.id} {outcome.state}", style="red", markup=False)
            console.print(f"  {outcome.error or outcome.reason}", markup=False, soft_wrap=True)


def show_rows(table_rows: list[Row], stream: TextIO, *, colour: bool, width: int | None) -> None:
    """Write the table; nothing if it has no rows."""
    if table_rows:
        table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
        table.add_column("artifact", overflow="fold")
        table.add_column("target", overflow="fold")
        table.add_column("size", justify="right", no_wrap=True)
        table.add_column("sha256", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True)
        for row in table_rows:
            table.add_row(row.file, row.target, size(row.size), row.digest, row.state)
        _console(stream, colour=colour, width=width).print(table)


def _console(stream: TextIO, *, colour: bool, width: int | None) -> Console:
    return Console(file=stream, no_color=not colour, width=width, highlight=False)


def markdown(report: Report) -> str:
    """The table for the summary page of a CI run, with what failed below it."""
    lines = ["| artifact | target | size | sha256 | time |", "| --- | --- | ---: | --- | ---: |"]
    lines += [f"| `{r.file}` | {r.target} | {size(r.size)} | `{r.digest}` | {r.state} |" for r in rows(report)]
    lines += [f"\n**{o.action.id} {o.state}**: {o.reason}" for o in report.failed]
    return "\n".join(lines) + "\n"
