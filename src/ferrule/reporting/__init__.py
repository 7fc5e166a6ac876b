"""From events and results to output for people and programs, in the form that suits the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ferrule.reporting import jsonl, lines, terminal

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from ferrule.reporting.report import Reporter

Style = Literal["terminal", "lines", "github", "json"]


def style_for(*, json: bool, interactive: bool, github: bool) -> Style:
    """The form of output: JSON on request, folds in GitHub Actions, a live display on a terminal, else lines."""
    if json:
        return "json"
    if github:
        return "github"
    return "terminal" if interactive else "lines"


def reporter(style: Style, stream: TextIO, *, logs: Path, colour: bool, width: int | None, quiet: bool) -> Reporter:
    """A reporter of that style that writes to `stream`; `logs` is the folder of the actions' logs."""
    if style == "json":
        return jsonl.JsonLines(stream)
    if style == "terminal":
        return terminal.Terminal(stream, colour=colour, width=width, quiet=quiet)

    return lines.Lines(stream, logs=logs if style == "github" else None, quiet=quiet)
