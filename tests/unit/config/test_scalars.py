"""What plain scalars mean, and which of them are refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ferrule.config.scalars import AmbiguousScalar, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
        ("0", 0), ("7", 7), ("-12", -12), ("999999999999999999", 999_999_999_999_999_999),
        ("0.5", 0.5), ("-2.17", -2.17), ("1.10", 1.1),
        ("word", "word"), ("1.2.3", "1.2.3"), ("1.96-beta", "1.96-beta"), ("-", "-"), ("--x", "--x"), (".", "."),
        ("..", ".."), ("+", "+"), ("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"), ("nu", "nu"),
        ("none", "none"), ("Yes!", "Yes!"), ("2026-11-21x", "2026-11-21x"), ("1:2x", "1:2x"), ("https://x", "https://x"),
        ("NULl", "NULl"), ("-.", "-."),
        ("9" * 70 + "x", "9" * 70 + "x"), ("2.", AmbiguousScalar("a number")),
    ],
)  # fmt: skip
def test_plain_scalars(text: str, value: object):
    result = resolve(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("text", ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"])
def test_old_words_for_true(text: str):
    assert resolve(text) == AmbiguousScalar("true")


@pytest.mark.parametrize("text", ["n", "N", "no", "No", "NO", "off", "Off", "OFF"])
def test_old_words_for_false(text: str):
    assert resolve(text) == AmbiguousScalar("false")


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        *((t, "a number") for t in ("0o17", "017", "0x1F", "0b101", "1_000", "+1", "1e3", "1.5e-3", ".5", "5.", "-.5")),
        *(
            (t, "a number")
            for t in (".inf", "-.inf", "+.INF", ".nan", ".NaN", "1" * 19, "9" * 70, "00", "-0x1", "0.1_0")
        ),
        *((t, "a date") for t in ("2026-11-21", "2026-1-2", "2026-11-21T10:00:00Z", "2026-11-21 10:00:00")),
        *((t, "a number in base 60") for t in ("12:30:45", "1:30", "-190:20:30.15")),
        ("=", "an instruction"),
        ("<<", "an instruction"),
    ],
)
def test_scalars_that_two_versions_of_yaml_read_differently(text: str, reading: str):
    assert resolve(text) == AmbiguousScalar(reading)


@given(st.text(alphabet="0123456789+-._:eExXobaTinfNA yY", max_size=12))
def test_whatever_pyyaml_takes_for_something_else_is_no_text(text: str):
    """PyYAML's own resolver (YAML 1.1) is the judge: a text for us is a text for it, and other values are equal."""
    result = resolve(text)
    if not isinstance(result, AmbiguousScalar):
        node = yaml.ScalarNode(yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False)), text)
        theirs = yaml.constructor.SafeConstructor().construct_object(node)
        assert (result, type(result)) == (theirs, type(theirs))
