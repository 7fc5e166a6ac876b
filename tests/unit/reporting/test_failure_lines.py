"""The lines below the message of a failure, with and without colours and the call of the program."""

from __future__ import annotations

from ferrule.core.errors import BuildError
from ferrule.reporting.failure_lines import failure_lines


class ToolError(BuildError):
    command = "cd /x && cc a.c"


def test_the_words_of_a_program_the_hint_and_the_call():
    error = ToolError("no", hint="so\x1b[2J", output="\x1b[31mred\x1b[0m\nplain\x07")
    assert list(failure_lines(error, colour=True, verbose=True)) == [
        "  | \x1b[31mred\x1b[0m",
        r"  | plain\x07",
        r"  hint: so\x1b[2J",
        "  command: cd /x && cc a.c",
    ]
    assert list(failure_lines(error, colour=False, verbose=False)) == [
        "  | red",
        r"  | plain\x07",
        r"  hint: so\x1b[2J",
    ]
    assert list(failure_lines(BuildError("no"), colour=False, verbose=True)) == []
