"""The closing table: each file with its target, size, digest and duration.

Home-made, as a run with nothing to do prints it and does little else: importing rich takes a third of such a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.byte_size import size
from ferrule.core.errors import FerruleError
from ferrule.core.model import Digest
from ferrule.core.printable import printable, printable_lines
from ferrule.reporting.failure_lines import failure_lines
from ferrule.reporting.report import duration
from ferrule.reporting.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

    from ferrule.core.model import Outcome, Placed, Report


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
    """One row for each file of the release, and one for each folder; none if it failed, when no file was placed."""
    if report.failed:
        return []
    grouped: dict[tuple[str, str], list[Placed]] = {}
    for placed in report.placed:
        folder = placed.output.ships if placed.output.folder and placed.output.ships else placed.file
        grouped.setdefault((placed.outcome.action.id, folder), []).append(placed)
    return [_row(folder, files) for (_, folder), files in grouped.items()]


_FINISHED: Final = {"cached": "unchanged", "shared": "shared", "remote": "remote"}


def _row(file: str, files: list[Placed]) -> Row:
    action, outcome = files[0].outcome.action, files[0].outcome
    return Row(
        file=f"{file}/" if files[0].output.folder else file,
        artifact=action.artifact,
        target=action.target or "all",
        size=sum(p.size for p in files),
        digest=(_folder_digest(files) if files[0].output.folder else files[0].digest).short,
        state=_FINISHED.get(outcome.state) or duration(outcome.seconds),
    )


def _folder_digest(files: list[Placed]) -> Digest:
    """Digest of a folder: of `NAME<NUL>MODE<NUL>SHA-256` a line, sorted; the modes are 644 and 755."""
    lines = sorted(f"{p.file}\0{'755' if p.executable else '644'}\0{p.digest.hex}\n" for p in files)
    return Digest.of("".join(lines).encode("utf-8", "surrogateescape"))


def show(report: Report, stream: TextIO, *, colour: bool, width: int | None, verbose: bool = False) -> None:
    """Write the table, and below it the failed and skipped actions with their reasons; `verbose` adds commands."""
    show_rows(rows(report), stream, colour=colour, width=width)
    for outcome in report.failed:
        stream.write("\n" + _styled(f"{printable(outcome.action.id)} {outcome.state}", _RED, colour=colour) + "\n")
        stream.write("".join(f"{wrapped(line, width)}\n" for line in _why(outcome, colour=colour, verbose=verbose)))


def _why(outcome: Outcome, *, colour: bool, verbose: bool) -> Iterator[str]:
    """Why an action failed or was skipped, in lines that a terminal wraps itself."""
    error = outcome.error
    if not isinstance(error, FerruleError):
        yield f"  {printable_lines(str(error or outcome.reason))}"
        return
    yield f"  {printable_lines(f'{error.where}: {error.message}' if error.where else error.message)}"
    yield from failure_lines(error, colour=colour, verbose=verbose)


def show_rows(table_rows: list[Row], stream: TextIO, *, colour: bool, width: int | None) -> None:
    """Write the table, as many columns of it as fit; nothing if it has no rows."""
    if not table_rows:
        return
    shown, width = folded(table_rows), width or _FILE_COLUMNS
    columns = _fitting(shown, width)
    widths = [_width(column, shown) for column in columns]
    names = [broken(printable(row.file), width - sum(widths)) for row in shown]
    first = max(len(line) for lines in (["file"], *names) for line in lines)

    def line(name: str, cells: Iterable[str]) -> str:
        aligned = (
            cell.rjust(wide) if column.justify == "right" else " " * _GAP + cell.ljust(wide - _GAP)
            for column, wide, cell in zip(columns, widths, cells, strict=True)
        )
        return "".join((name.ljust(first), *aligned)).rstrip()

    lines = [_styled(line("file", (column.title for column in columns)), _BOLD, colour=colour)]
    for row, (name, *more) in zip(shown, names, strict=True):
        lines += [line(name, (column.text(row) for column in columns)), *more]
    stream.write("".join(f"{text}\n" for text in lines))


def folded(table_rows: list[Row]) -> list[Row]:
    """The rows, with one for all files of an artifact that accompany others by the same ending: bills, signatures.

    A file accompanies another one if it has its name and an ending more (`demo.whl.cdx.json`).
    """
    names = {row.file.rstrip("/") for row in table_rows}
    endings = {row.file: _ending(row.file, names) for row in table_rows}
    companions: dict[tuple[str, str], list[Row]] = {}
    for row in table_rows:
        ending = endings[row.file] or next((e for e in endings.values() if e and row.file.endswith(e)), None)
        if ending:
            companions.setdefault((row.artifact, ending), []).append(row)
    several = {key: group for key, group in companions.items() if len(group) > 1}
    first = {group[0].file: (key, group) for key, group in several.items()}
    within = {row.file for group in several.values() for row in group}
    return [
        _together(*first[row.file]) if row.file in first else row
        for row in table_rows
        if row.file in first or row.file not in within
    ]


def _ending(file: str, names: set[str]) -> str | None:
    """What a file has behind the name of another one, from the dot on."""
    dots = (n for n, character in enumerate(file) if character == ".")
    return next((file[dot:] for dot in dots if file[:dot] in names), None)


def _together(key: tuple[str, str], group: list[Row]) -> Row:
    states = {row.state for row in group}
    return Row(
        file=f"*{key[1]}, {len(group)} files",
        artifact=key[0],
        target="all",
        size=sum(row.size for row in group),
        digest="",
        state=states.pop() if len(states) == 1 else "",
    )


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    justify: Literal["left", "right"]
    text: Callable[[Row], str]


_COLUMNS: Final = (
    _Column("target", "left", lambda row: row.target),
    _Column("size", "right", lambda row: size(row.size)),
    _Column("sha256", "left", lambda row: row.digest),
    _Column("time", "right", lambda row: row.state),
)
_FILE_COLUMNS: Final = 160
"""Columns of a table where output is no terminal."""

_BOLD, _RED = "1", "31"
_LEAST: Final = 12
"""Columns that a name has, however narrow the terminal."""

_GAP: Final = 2
"""Columns of the terminal between two of the table."""


def _fitting(shown: list[Row], width: int) -> list[_Column]:
    """The columns beside the file's name: size, time if it says something, others where no name is broken for them."""
    room = width - max(len(printable(row.file)) for row in shown)
    chosen = {"size"} if {row.state for row in shown} == {"unchanged"} else {"size", "time"}
    widths = {column.title: _width(column, shown) for column in _COLUMNS}
    room -= sum(widths[title] for title in chosen)
    for title in ("target", "sha256"):
        if widths[title] <= room:
            chosen.add(title)
            room -= widths[title]
    return [column for column in _COLUMNS if column.title in chosen]


def _width(column: _Column, shown: list[Row]) -> int:
    return _GAP + max(len(column.title), *(len(column.text(row)) for row in shown))


def broken(name: str, room: int) -> list[str]:
    """A file's name in lines of at most `room` columns, broken behind a mark (`-`, `_`, `.`, `/`) where it has one.

    >>> broken("demo-1.2.3-py3-none-macosx_11_0_arm64.whl", 30)
    ['demo-1.2.3-py3-none-', '  macosx_11_0_arm64.whl']
    """
    indent, lines = "", []
    while len(indent + name) > max(room, _LEAST):
        space = max(room, _LEAST) - len(indent)
        strong, weak = (max(name.rfind(mark, 0, space) for mark in marks) + 1 for marks in ("-./", "_"))
        end = strong if strong > space // 2 else max(strong, weak) or space
        lines.append(indent + name[:end])
        indent, name = "  ", name[end:]
    return [*lines, indent + name]


def _styled(text: str, style: str, *, colour: bool) -> str:
    """A text with a style of the terminal (ECMA-48, "SGR"), where it has colours."""
    return f"\x1b[{style}m{text}\x1b[0m" if colour else text


def markdown(report: Report) -> str:
    """The table for the summary page of a CI run, with what failed below it."""
    files = rows(report)
    lines = ["| artifact | target | size | sha256 | time |", "| --- | --- | ---: | --- | ---: |"] if files else []
    lines += [f"| `{printable(r.file)}` | {r.target} | {size(r.size)} | `{r.digest}` | {r.state} |" for r in files]
    lines += [f"\n**{o.action.id} {o.state}**: {printable_lines(o.reason)}" for o in report.failed]
    return "\n".join(lines) + "\n"
