"""The closing messages that several commands share."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.cli import environment
from ferrule.core.errors import FerruleError
from ferrule.reporting.waiting import Waiting
from ferrule.reporting.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ferrule.cli.options import Options
    from ferrule.core.model import Report


def echo(text: str, *, err: bool = False, colour: bool | None = None) -> None:
    """Print lines for people: on a terminal, longer ones are broken between words."""
    click.echo(wrapped(text, environment.width(sys.stderr if err else sys.stdout)), err=err, color=colour)


@contextmanager
def waiting(step: str) -> Iterator[Waiting]:
    """While a command works, a line that moves: on a terminal, unless the command is to be quiet."""
    command = click.get_current_context(silent=True)
    quiet = command is not None and bool(command.params.get("quiet"))
    interactive = sys.stderr.isatty() and not quiet
    with Waiting(sys.stderr, interactive=interactive, colour=environment.allows_colour()) as line:
        line.step(step)
        yield line


def finish(report: Report, output: Path, options: Options) -> None:
    """Print where the files are, or exit with the code of the first failure."""
    errors = [o.error for o in report.outcomes if isinstance(o.error, FerruleError)]
    if report.failed:
        count = len([o for o in report.outcomes if o.state == "failed"])
        echo(f"{count} failed; {relative(output)} was not changed", err=True)
        sys.exit(errors[0].exit_code if errors else 1)
    if not options.json and not options.quiet:
        echo(f"{counted(len(report.placed), 'file')} in {relative(output)}")


def not_built(names: Sequence[str]) -> str:
    """A line that names the artifacts which a build without arguments left out."""
    listed = ", ".join(names)
    return f"not built: {listed}: for other targets, or packing files of those; name them, or add --target all"


def show_not_built(names: Sequence[str]) -> None:
    """Name the artifacts that a build without arguments left out, if there are any."""
    if names:
        echo(not_built(names), err=True)


def counted(number: int, thing: str) -> str:
    """A number and a noun, in the plural unless the number is one."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def relative(path: Path) -> str:
    """A folder relative to the working directory, or absolute if it is outside."""
    return f"{relative_file(path)}/"


def relative_file(path: Path) -> str:
    """A file relative to the working directory, or absolute if it is outside."""
    absolute, current = path.absolute(), Path.cwd()
    return str(absolute.relative_to(current) if absolute.is_relative_to(current) else absolute)
