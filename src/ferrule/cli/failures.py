"""How a failure is shown: the message, the line of the file that it is about, a program's words, and what to do."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Final

import click

from ferrule.cli import environment
from ferrule.cli.messages import echo
from ferrule.core.errors import ConfigError, ConfigErrors, FerruleError
from ferrule.core.printable import printable_lines
from ferrule.core.safe_files import find_project, read_regular
from ferrule.reporting.failure_lines import HINT, failure_lines
from ferrule.reporting.source_frame import POSITION, frame

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.cli.options import Invocation

FILE_COLUMNS: Final = 120
"""Columns of a line where output is no terminal."""

LARGEST: Final = 1 << 20
"""Bytes of a file of which a line is shown."""


def show(error: FerruleError, invocation: Invocation) -> None:
    """Write a failure to standard error: each message with its position and the line there, what a program wrote, hint.

    The command of that program is long: it is shown only if the invocation is verbose.
    """
    colour = environment.coloured(sys.stderr)
    errors = error.errors if isinstance(error, ConfigErrors) else (error,)
    for failure in errors:
        position = f"{failure.where}: " if failure.where else ""
        lines = [click.style("error: ", fg="red", bold=True) + printable_lines(position + failure.message)]
        lines += _source_line(failure.where, invocation.directory)
        for line in failure_lines(failure, colour=colour, verbose=invocation.verbose):
            hint = line.removeprefix(HINT)
            lines.append(line if hint == line else click.style(HINT, fg="cyan") + hint)
        echo("\n".join(lines), err=True, colour=colour)
    if len(errors) > 1:
        echo(f"{len(errors)} errors", err=True)


@cache
def _text(directory: Path, name: str) -> str | None:
    """The text of a file of the project, read once for all messages about it; None if it cannot be read."""
    try:
        data = read_regular(find_project(directory) / name, follow=True, largest=LARGEST)
    except (ConfigError, OSError, ValueError):
        return None
    return data.decode("utf-8", "replace").removeprefix("\ufeff")


def _source_line(where: str | None, directory: Path) -> list[str]:
    """The line that a message is about, with a mark below its column; nothing if it is about no line of a file."""
    position = POSITION.fullmatch(where or "")
    if position is None:
        return []
    text = _text(directory, position["file"])
    if text is None:
        return []
    columns = environment.width(sys.stderr) or FILE_COLUMNS
    return [
        click.style(line, dim=True) for line in frame(text, int(position["line"]), int(position["column"]), columns)
    ]
