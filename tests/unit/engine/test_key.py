from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from ferrule.core.model import Action, Digest, FileRecord, Json, Output
from ferrule.engine.key import (
    ABSENT,
    Document,
    canonical,
    difference,
    fingerprint_of,
    inputs,
    key_document,
    key_of,
    read_of,
)
from work import instructions

if TYPE_CHECKING:
    from collections.abc import Callable

A, B = Digest.of(b"a"), Digest.of(b"b")


@dataclass(frozen=True)
class Recipe:
    text: str = "text"
    parts: tuple[str, ...] = ("x", "y")

    def make(self, context: object) -> None: ...


@dataclass(frozen=True)
class Newer(Recipe):
    """Another recipe with the same fields."""


ACTION = Action("a", "a", "k", Recipe(), (Output("file", "thing"),), needs=("n",), tools=("rustc",))


def document(
    action: Action = ACTION,
    *,
    sources: dict[str, Digest] | None = None,
    record: FileRecord = FileRecord("lib.so", B, 7),  # noqa: B008 - frozen
    facts: dict[str, Json] | None = None,
    tool: str = "rustc 1.96",
    code: Digest = A,
) -> Document:
    return key_document(
        action,
        sources={"src/a": A} if sources is None else sources,
        needs={"n": (record,)},
        needed_facts={"n": facts or {}},
        tools={"rustc": tool, "unused": "zig 1"},
        code={"ferrule.kinds.k": code},
    )


def test_canonical_json_is_one_line_sorted_and_plain() -> None:
    assert canonical({"b": [1, True, None], "a": "ä/é"}) == '{"a":"ä/é","b":[1,true,null]}'.encode()


def test_canonical_json_does_not_depend_on_the_order_of_making() -> None:
    assert canonical({"a": 1, "b": {"c": 2, "d": 3}}) == canonical({"b": {"d": 3, "c": 2}, "a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_has_no_form_for_what_json_has_none_for(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical([value])


def test_equal_actions_have_equal_keys() -> None:
    assert key_of(document()) == key_of(document())


def test_key_is_digest_of_what_a_person_can_read() -> None:
    assert key_of(document()) == Digest.of(canonical(document()))


@pytest.mark.parametrize(
    "other",
    [
        document(replace(ACTION, recipe=Recipe("other"))),
        document(replace(ACTION, recipe=Recipe(parts=("xy",)))),
        document(replace(ACTION, recipe=Newer())),
        document(replace(ACTION, outputs=(Output("file2", "thing"),))),
        document(replace(ACTION, outputs=(Output("file", "other"),))),
        document(sources={"src/a": B}),
        document(sources={"src/b": A}),
        document(sources={"src/a": A, "src/b": B}),
        document(sources={}),
        document(record=FileRecord("lib.so", A, 7)),
        document(record=FileRecord("lib2.so", B, 7)),
        document(record=FileRecord("lib.so", B, 7, executable=True)),
        document(facts={"interface": "1"}),
        document(tool="rustc 1.97"),
        document(code=B),
    ],
)
def test_whatever_can_change_the_bytes_changes_the_key(other: Document) -> None:
    assert key_of(other) != key_of(document())


@pytest.mark.parametrize(
    "other",
    [
        document(replace(ACTION, id="elsewhere")),
        document(replace(ACTION, artifact="elsewhere")),
        document(replace(ACTION, outputs=(Output("file", "thing", "dist/name"),))),
    ],
)
def test_names_and_places_in_dist_do_not(other: Document) -> None:
    assert key_of(other) == key_of(document())


def test_the_fingerprint_counts_everything_but_the_code() -> None:
    assert fingerprint_of(document(code=B)) == fingerprint_of(document())
    assert fingerprint_of(document(tool="rustc 1.97")) != fingerprint_of(document())
    assert fingerprint_of(document()) != key_of(document())


def test_of_a_file_the_fingerprint_counts_what_it_is_told() -> None:
    def counted(name: str, digest: Digest) -> Digest:
        return A if name == "src/a" else digest

    assert fingerprint_of(document(sources={"src/a": B}), counted) == fingerprint_of(document(sources={"src/a": A}))
    assert fingerprint_of(document(sources={"src/b": B}), counted) != fingerprint_of(document(sources={"src/b": A}))
    absent = {**document(), "read": {"src/a": ABSENT, "src/b": B.hex}}
    assert fingerprint_of(absent, counted) == fingerprint_of(absent) != fingerprint_of(document())


def test_the_fingerprint_does_not_count_the_commit() -> None:
    first, second = ({**document(), "fields": {"crate": "a", "commit": commit}} for commit in ("1", "2"))
    assert fingerprint_of(first) == fingerprint_of(second) != fingerprint_of({**first, "fields": {"commit": "1"}})


def test_nothing_changed() -> None:
    assert difference(document(), document()) == []


def test_difference_names_what_changed_with_short_digests() -> None:
    changed = document(sources={"src/a": B, "src/new": A}, tool="rustc 1.97")
    assert difference(document(), changed) == [
        f"sources src/a: {A.short} -> {B.short}",
        f"sources src/new: none -> {A.short}",
        "tools rustc: rustc 1.96 -> rustc 1.97",
    ]


def test_difference_of_lists_and_numbers() -> None:
    old, new = document(), document(replace(ACTION, recipe=Newer(parts=("x",))))
    assert difference(old, new) == [
        'fields parts: ["x","y"] -> ["x"]',
        "recipe: Recipe -> Newer",
    ]


def test_difference_of_a_bit_that_allows_execution() -> None:
    changed = document(record=FileRecord("lib.so", B, 7, executable=True))
    assert difference(document(), changed) == [f"needs n lib.so: {B.short} -> {B.short}+x"]


def test_something_that_is_gone() -> None:
    assert difference({"sources": {"a": "1"}}, {"sources": {}}) == ["sources a: 1 -> none"]


def test_the_work_of_a_difference_grows_as_the_documents_do() -> None:
    def comparing(count: int) -> Callable[[], list[str]]:
        old, new = ({"sources": {f"src/{n}.rs": text for n in range(count)}} for text in "ab")
        return lambda: difference(old, new)

    few, many = comparing(30), comparing(300)
    assert len(many()) == 10 * len(few())
    assert instructions(many) < 11 * instructions(few)


def test_what_was_read_besides_counts_if_there_was_anything() -> None:
    def read(found: dict[str, Digest | None]) -> Document:
        return key_document(ACTION, sources={}, needs={}, needed_facts={}, tools={"rustc": "1"}, code={}, read=found)

    nothing, something = read({}), read({"words": A, "absent": None})
    assert "read" not in nothing
    assert (read_of(nothing), read_of(something)) == ((), ("absent", "words"))
    assert inputs(something, "read") == {"absent": "absent", "words": A.hex}
    assert difference(nothing, something) == ["read absent: none -> absent", f"read words: none -> {A.short}"]
    assert inputs({"read": "nonsense"}, "read") == {}
