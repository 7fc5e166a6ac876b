"""Lines on a narrow terminal: broken between words, never within what somebody wants to copy."""

from __future__ import annotations

import pytest

from ferrule.reporting.wrapping import wrapped


def lines(text: str, width: int) -> list[str]:
    return wrapped(text, width).split("\n")


def test_what_goes_into_a_file_stays_whole() -> None:
    assert wrapped("one two three " * 20, None) == "one two three " * 20


@pytest.mark.parametrize("text", ["", "short", "exactly ten"])
def test_what_fits_stays_as_it_is(text: str) -> None:
    assert wrapped(text, 11) == text


def test_what_follows_is_indented_by_four_more() -> None:
    assert lines("  hint: take the other one of the two", 24) == ["  hint: take the other", "      one of the two"]


def test_what_follows_begins_below_the_last_column() -> None:
    assert lines("ok    a.whl: digest, role, tags", 24) == ["ok    a.whl: digest,", "      role, tags"]


def test_a_column_in_the_right_half_is_none_to_begin_at() -> None:
    assert lines("a long name here  and then what it is", 24) == ["a long name here  and", "    then what it is"]


def test_a_column_that_could_not_hold_a_word_is_none_either() -> None:
    assert lines("ok      a/path/that/takes/room here", 24) == ["ok      a/path/that/takes/room", "    here"]


def test_a_path_that_fits_nowhere_is_broken_by_the_terminal_alone() -> None:
    path = "/a/path/that/is/longer/than/the/terminal"
    assert lines(f"see {path}", 24) == [f"see {path}"]
    assert lines(f"it is all in the log, {path}", 24) == ["it is all in the log,", f"    {path}"]


def test_what_another_program_wrote_stays_whole() -> None:
    assert lines("  |      ^^^^^ expected `bool`, found `i32`", 24) == ["  |      ^^^^^ expected `bool`, found `i32`"]


@pytest.mark.parametrize(
    "text", ["  command: cargo build --locked --target x", "      fix: cargo install --locked jco"]
)
def test_what_goes_into_a_shell_stays_whole(text: str) -> None:
    assert lines(text, 24) == [text]


def test_colours_take_no_columns() -> None:
    assert lines("\x1b[31mone two\x1b[0m three four", 13) == ["\x1b[31mone two\x1b[0m three", "    four"]


def test_each_line_is_broken_by_itself() -> None:
    assert lines("one two three\n\nfour five six", 9) == ["one two", "    three", "", "four five", "    six"]


def test_a_line_of_spaces_only_ends_nothing() -> None:
    assert lines(" " * 30, 10) == [""]
