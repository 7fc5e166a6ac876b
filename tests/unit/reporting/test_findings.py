from __future__ import annotations

import io
import json

from ferrule.app.doctor.examine import ToolFinding
from ferrule.reporting import findings

GOOD = ToolFinding("rustc", "ok", "1.96", "1.96.0", "/usr/bin/rustc")
BAD = ToolFinding(
    "zig", "fault", "0.17.0", problem="the pinned wheel is not installed", fix="ferrule setup", fixable=True
)
NOTE = ToolFinding("nasm", "note", problem="not found", fix="apt-get install nasm")
VAGUE = ToolFinding("cache", "fault", problem="it cannot be written")


def test_table_names_problem_and_fix() -> None:
    stream = io.StringIO()
    findings.show([GOOD, BAD, VAGUE], stream, colour=False, width=None)
    assert stream.getvalue().splitlines() == [
        "✓ rustc  1.96.0 /usr/bin/rustc",
        "✗ zig    the pinned wheel is not installed (required: 0.17.0)",
        "    fix: ferrule setup",
        "✗ cache  it cannot be written",
    ]


def test_nothing_to_show() -> None:
    stream = io.StringIO()
    findings.show([], stream, colour=False, width=None)
    assert stream.getvalue() == ""


def test_json_holds_everything() -> None:
    document = json.loads(findings.as_json([GOOD, BAD]))
    assert document[0]["path"] == "/usr/bin/rustc"
    assert (document[1]["state"], document[1]["fix"], document[1]["fixable"]) == ("fault", "ferrule setup", True)


def test_a_note_is_no_fault():
    stream = io.StringIO()
    findings.show([GOOD, NOTE], stream, colour=False, width=None)
    assert "! nasm   not found" in stream.getvalue()
    assert "fix: apt-get install nasm" in stream.getvalue()
