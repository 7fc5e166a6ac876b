"""What each order of versions calls a break."""

from __future__ import annotations

import pytest

from ferrule.formats.interfaces import broken, versions


def test_order_of_versions():
    output = ["1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1+build", "1.10.0"]
    assert sorted({*output}, key=lambda text: versions.parse(text).rank) == output
    for text in ("1", "1.0", "v1.0.0", "01.0.0", "1.0.0\n", ""):
        with pytest.raises(ValueError, match="not a version"):
            versions.parse(text)


@pytest.mark.parametrize(
    ("recorded", "release", "problem"),
    [
        ("1.3.0-rc.1", "1.3.0", "has to be 2.0.0 at least"),
        ("1.3.0-rc.1", "2.0.0-rc.1", ""),
        ("2.0.0-rc.1", "2.0.0-rc.2", ""),
        ("2.0.0-rc.1", "2.0.0-rc.1", "is recorded already"),
        ("1.2.3", "1.3.0-rc.1", "has to be 2.0.0 at least"),
    ],
)
def test_a_pre_release_may_break_what_its_number_says(recorded: str, release: str, problem: str) -> None:
    problems = versions.judge(recorded, release, (broken("f()", "is gone"),)).problems
    assert all(problem in text for text in problems)
    assert len(problems) == bool(problem)
