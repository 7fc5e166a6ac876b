"""The moving line: on a terminal the step and its time, elsewhere nothing at all."""

from __future__ import annotations

import io

from fakes.toolchain import wait_until
from ferrule.reporting.waiting import Waiting


class Screen(io.StringIO):
    """A terminal as far as rich asks."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_step_and_takes_it_away(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    with Waiting(screen, interactive=True, patience=0) as line:
        line.step("cbindgen: cargo install")
        wait_until(lambda: "cbindgen: cargo install" in screen.getvalue(), "the line")
        line.step("zig\x1b[2J: a wheel")
    text = screen.getvalue()
    assert "cbindgen: cargo install" in text
    assert r"zig\x1b[2J: a wheel" in text
    assert "\x1b[?25h" in text, "the cursor is back"


def test_nothing_is_written_where_there_is_no_terminal():
    stream = io.StringIO()
    with Waiting(stream, interactive=False) as line:
        line.step("anything")
    assert stream.getvalue() == ""


def test_what_is_quick_shows_nothing(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    with Waiting(screen, interactive=True, patience=600) as line:
        line.step("reading")
    assert screen.getvalue() == ""
