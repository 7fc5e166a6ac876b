"""Sections read from a document: values of every type, and anything where anything may stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from ferrule.app.publish import DESTINATIONS
from ferrule.config.checking import check, example, sections
from ferrule.config.ci import CiSection
from ferrule.config.nodes import read
from ferrule.config.problems import Problems
from ferrule.config.releases import ReleaseSection
from ferrule.config.sections import ProjectSection, TargetSection
from ferrule.core.section import Declaration, Field, Section, keys_of
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def every_section() -> Iterator[type[Section]]:
    """The sections of targets.yaml, and those inside of them."""
    open_ends: list[type[Section]] = [ProjectSection, TargetSection, ReleaseSection, CiSection]
    open_ends += [kind.spec for kind in KINDS.values()]
    open_ends += [destination.section for destination in DESTINATIONS.values()]
    while open_ends:
        one = open_ends.pop()
        yield one
        open_ends += [inner for _, inner in sections(one)]


@pytest.mark.parametrize("section", dict.fromkeys(every_section()), ids=lambda section: section.__name__)
def test_every_pattern_has_an_example_to_show_in_its_place(section: type[Section]) -> None:
    for key in keys_of(section).values():
        declared = [key.declaration, *(part for part in key.metadata if isinstance(part, Declaration))]
        for pattern in (one.pattern for one in declared if one.pattern):
            assert re.fullmatch(pattern, example(pattern, declared)), key.name


class Strict(Section):
    """Sections whose texts have a form."""

    names: tuple[str, ...] = Field(default=(), min_length=1, description="Names.")
    rows: dict[str, Any] = Field(default_factory=dict, pattern="^[a-z]+$", examples=[{"1": ["A", "a"]}])
    plain: str = Field(default="a", pattern="^[a-z]$")


def test_an_example_is_the_first_text_that_the_pattern_takes() -> None:
    keys = keys_of(Strict)
    assert example("^[a-z]+$", (None, keys["rows"].declaration)) == "a"
    assert example("^[0-9]$", (keys["rows"].declaration,)) == "1"
    assert example("^[a-z]$", (keys["plain"].declaration,)) == "a"
    assert example("^[b-z]$", (keys["plain"].declaration,)) == "^[b-z]$"


def test_an_empty_list_where_one_entry_is_the_least() -> None:
    problems = Problems("x.yaml")
    assert check(Strict, read(b"names: []\n", problems), (), problems) is None
    assert [error.message for error in problems.error().errors] == [
        "names: expected at least one entry, found an empty list"
    ]
