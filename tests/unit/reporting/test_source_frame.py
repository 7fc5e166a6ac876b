"""A line of a file with a mark below a column."""

from __future__ import annotations

import pytest

from ferrule.reporting.source_frame import POSITION, frame


@pytest.mark.parametrize(
    ("text", "line", "column", "shown"),
    [
        ("a: x", 1, 4, ["  1 | a: x", "    |    ^"]),
        ("a: x", 1, 5, ["  1 | a: x", "    |     ^"]),  # what should follow
        ("\n" * 99 + "\ta", 100, 2, ["  100 |  a", "      |  ^"]),
        ("a: x\r\n", 1, 1, ["  1 | a: x", "    | ^"]),
        ("", 1, 1, ["  1 |", "    | ^"]),
        ("\x1b[2Jx", 1, 5, [r"  1 | \x1b[2Jx", "    |        ^"]),
        ("ä: ö", 1, 4, ["  1 | ä: ö", "    |    ^"]),
    ],
)
def test_a_line_and_a_mark(text: str, line: int, column: int, shown: list[str]):
    assert frame(text, line, column, 80) == shown


@pytest.mark.parametrize(("line", "column"), [(2, 1), (1, 6), (9, 9)])
def test_what_the_text_does_not_have_is_not_shown(line: int, column: int):
    assert frame("a: x", line, column, 80) == []


@pytest.mark.parametrize("column", [1, 50, 300, 399])
def test_of_a_long_line_the_part_around_the_mark_is_shown(column: int):
    line = "".join(chr(ord("a") + n % 26) for n in range(400))
    shown, mark = frame(line, 1, column, 60)
    assert max(len(shown), len(mark)) <= 60
    assert shown[mark.index("^")] == line[column - 1]


@pytest.mark.parametrize("where", ["targets.yaml", "targets.yaml:0:1", "a:1", "a:1:x", "a:99999999:1", ""])
def test_what_is_no_position(where: str):
    assert POSITION.fullmatch(where) is None
