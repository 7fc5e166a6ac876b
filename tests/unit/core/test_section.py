"""Sections as values: what they hold, what they refuse, and what can be read of their keys."""

from __future__ import annotations

import pickle
from typing import Annotated

import pytest

from ferrule.core.section import Field, Section, keys_of


class Base(Section):
    kind: str
    static_link: bool = Field(default=True, description="Whether it is.")
    source: str | None = Field(default=None, alias="from")


class Inner(Section):
    to: tuple[str, ...] = ()


class Whole(Base):
    kind: Annotated[str, Field(max_length=3)]
    inner: Inner | None = None
    env: dict[str, str] = Field(default_factory=dict)


def test_defaults_names_and_order() -> None:
    assert [(key.attribute, key.name, key.declaration.required) for key in keys_of(Whole).values()] == [
        ("kind", "kind", True),
        ("static_link", "static-link", False),
        ("source", "from", False),
        ("inner", "inner", False),
        ("env", "env", False),
    ]
    assert keys_of(Whole)["static_link"].declaration.description == "Whether it is."
    assert keys_of(Whole)["kind"].annotation.__metadata__[0].max_length == 3


def test_as_a_document() -> None:
    assert Whole(kind="a", inner=Inner(to=("x",)), env={"k": "v"}).document() == {
        "kind": "a",
        "static-link": True,
        "from": None,
        "inner": {"to": ["x"]},
        "env": {"k": "v"},
    }


def test_values_are_compared_and_replaced() -> None:
    first = Whole(kind="a", env={"k": "v"})
    assert first == Whole(kind="a", env={"k": "v"})
    assert hash(first) == hash(Whole(kind="a", env={"k": "v"}))
    assert first != Whole(kind="a")
    assert Base(kind="a") != Whole(kind="a")
    assert first.replaced(kind="b") == Whole(kind="b", env={"k": "v"})
    assert first.kind == "a"
    assert repr(Inner(to=("x",))) == "Inner(to=('x',))"
    assert pickle.loads(pickle.dumps(first)) == first


def test_defaults_are_not_shared() -> None:
    assert Whole(kind="a").env is not Whole(kind="a").env


def test_nothing_changes() -> None:
    with pytest.raises(AttributeError, match="Inner is frozen"):
        Inner().to = ("x",)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [({}, r"missing \['kind'\], unknown \[\]"), ({"kind": "a", "knid": "b"}, r"missing \[\], unknown \['knid'\]")],
)
def test_what_is_no_section(values: dict[str, str], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Whole(**values)  # type: ignore[arg-type]
