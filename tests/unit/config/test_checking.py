"""Sections read from a document: values of every type, and anything where anything may stand."""

from __future__ import annotations

from typing import Any

from ferrule.config.checking import check
from ferrule.config.nodes import read
from ferrule.config.problems import Problems
from ferrule.core.section import Field, Section


class Loose(Section):
    """A section of which one key may be anything."""

    anything: Any = Field(description="Whatever it is.")
    several: dict[str, Any] = Field(default_factory=dict, description="Whatever they are.")


def test_anything_is_taken_as_it_is() -> None:
    problems = Problems("x.yaml")
    text = b"anything: {a: [1, two], b: true}\nseveral: {c: {d: e}}\n"
    section = check(Loose, read(text, problems), (), problems)
    assert section is not None
    assert section.anything == {"a": (1, "two"), "b": True}
    assert section.several == {"c": {"d": "e"}}
