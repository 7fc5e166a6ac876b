"""Two commits beside each other: what counts as slower, and how the history is drawn."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

import figures
import instructions
from compare import Comparison


@pytest.mark.parametrize(
    ("ratios", "counted", "slower"),
    [
        ((1.2, 1.2, 1.2, 1.3), None, True),
        ((1.2, 1.2, 0.8, 0.9, 1.2), None, False),
        ((1.05, 1.1, 1.1), None, False),
        ((1.5, 1.5), 1.02, False),
        ((1.0, 1.0), 1.11, True),
    ],
)
def test_slower_is_what_differs_by_more_than_rounds_do(
    ratios: tuple[float, ...], counted: float | None, slower: bool
) -> None:
    comparison = Comparison("check", ratios, counted)
    assert comparison.is_slower is slower
    assert comparison.line().endswith("SLOWER") is slower


def test_a_line_says_how_far_rounds_differ() -> None:
    line = Comparison("plan", (0.8, 0.9, 1.0, 1.1, 1.2), 1.0).line()
    assert line.split() == [
        "plan",
        "CPU",
        "time",
        "1.00",
        "(0.90",
        "to",
        "1.10,",
        "5",
        "rounds);",
        "instructions",
        "1.000",
    ]


def test_more_than_a_tenth_more_is_named() -> None:
    before = {"check": 1_000_000, "plan": 1_000_000}
    assert instructions.slower({"check": 1_100_000, "plan": 999, "--help": 5}, before) == []
    assert instructions.slower({"check": 1_100_001}, before) == [
        "check: 1,100,001 instructions, 1.10 times the 1,000,000 of before"
    ]


def test_the_picture_is_that_of_what_is_kept() -> None:
    entries = instructions.kept()
    picture = figures.history(entries)
    assert picture == instructions.PICTURE.read_text()
    dots = [element for element in ET.fromstring(picture).iter() if element.tag.endswith("circle")]
    assert len(dots) == sum(len(entry["counts"]) for entry in entries)
    assert set(entries[-1]["counts"]) == set(instructions.COMMANDS)
