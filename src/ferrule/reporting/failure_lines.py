"""What stands below the message of a failure: a program's words, what to do, and the program's call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.errors import command_of
from ferrule.core.printable import coloured_lines, printable_lines
from ferrule.reporting.wrapping import QUOTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.errors import FerruleError

HINT = "  hint: "
"""How the line begins that says what to do."""


def failure_lines(error: FerruleError, *, colour: bool, verbose: bool) -> Iterator[str]:
    """The lines, each indented; the call of the program is long, and only there if `verbose`."""
    shown = coloured_lines if colour else printable_lines
    yield from (f"{QUOTED}{shown(line)}" for line in error.output.splitlines())
    if error.hint:
        yield HINT + printable_lines(error.hint)
    if verbose and (command := command_of(error)):
        yield f"  command: {printable_lines(command)}"
