"""JSON that means one thing."""

from __future__ import annotations

import pytest

from ferrule.core import strict_json


def test_what_means_one_thing() -> None:
    assert strict_json.loads('{"a": [1, 2.5, null], "b": {"a": 12345678901234567890}}') == {
        "a": [1, 2.5, None],
        "b": {"a": 12345678901234567890},
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "a": 1}', "a key occurs twice"),
        ('[{"a": {"b": 1, "b": 2}}]', "a key occurs twice"),
        ("NaN", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ("1" * 21, "a number has 21 digits"),
        ("{", "property name"),
    ],
)
def test_what_does_not(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        strict_json.loads(text)
