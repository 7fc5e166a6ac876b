from __future__ import annotations

from ferrule.tools.program_output import shown_lines


def test_plain_lines_are_no_commands_to_a_runner():
    assert shown_lines(b"::x\n##[error]y\n", str) == "::x\n\\x23#[error]y\n"
    assert shown_lines(b"# [error]\n", str) == "# [error]\n"
