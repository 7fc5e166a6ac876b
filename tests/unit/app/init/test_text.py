"""The text of a targets.yaml: what is written is what is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.app.init.document import Description
from ferrule.app.init.lines import Line
from ferrule.app.init.text import flow, text_of
from ferrule.config.nodes import plain, read
from ferrule.config.problems import Problems

TEXTS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=20)
VALUES = st.recursive(TEXTS | st.booleans(), lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXTS, v, max_size=3), max_leaves=8)  # fmt: skip # noqa: E501


def as_read(text: str) -> Any:
    problems = Problems("targets.yaml")
    node = read(text.encode(), problems)
    problems.check()
    return plain(node)


def tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: tuples(inner) for key, inner in value.items()}
    return tuple(map(tuples, value)) if isinstance(value, list) else value


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    assert as_read(f"a: {flow(value)}  # why\n") == {"a": tuples(value)}


@pytest.mark.parametrize(
    "text", ["no", "1.10", "0x1", "12:30", "2026-11-29", "~", "", " a", "a: b", "a #b", "- a", "é", "{", "<<"]
)
def test_a_text_that_yaml_would_take_for_something_else_is_quoted(text: str) -> None:
    assert flow(text).startswith('"')
    assert as_read(f"a: {flow(text)}\n") == {"a": text}


def test_names_and_addresses_are_written_as_they_are() -> None:
    assert [flow(text) for text in ("rust/demo-ffi", "MIT OR Apache-2.0", "https://example.org/a-b", "*-gnu")] == [
        "rust/demo-ffi",
        "MIT OR Apache-2.0",
        "https://example.org/a-b",
        '"*-gnu"',
    ]


def test_a_section_has_its_lines_with_their_comments() -> None:
    lines = (Line("name", "demo", "of the crate\n demo"), Line("version", {"cargo": "."}))
    text = text_of(Description((("project", lines),), ()))
    assert text.endswith("\nproject:\n  name: demo  # of the crate? demo\n  version: {cargo: .}\n")
