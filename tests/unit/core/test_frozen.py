"""Classes declared quickly are what the standard library makes of the same declaration."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import pytest

from ferrule.core import frozen

DECLARATIONS = (frozen.dataclass, dataclasses.dataclass)


@frozen.dataclass(frozen=True, slots=True)
class Base:
    """A base."""

    one: int
    two: str = "2"


@frozen.dataclass(frozen=True, slots=True)
class Whole(Base):
    """One of each kind of field."""

    made: list[int] = field(default_factory=list)
    secret: str = field(default="s", repr=False)
    place: str = field(default="p", compare=False)
    counted: list[int] = field(default_factory=list, init=False)
    fixed: int = field(default=7, init=False)

    def __post_init__(self) -> None:
        if self.one < 0:
            raise ValueError("negative")


def declared(declare: Any, name: str) -> Any:
    class Thing:
        """A thing."""

        one: int
        two: tuple[str, ...] = ()
        place: str = field(default="p", compare=False, repr=False)

    Thing.__qualname__ = name
    return declare(frozen=True, slots=True)(Thing)


def test_as_the_standard_library_declares_it() -> None:
    ours, theirs = (declared(declare, "Thing") for declare in DECLARATIONS)
    for arguments, names in (((1,), {}), ((1, ("a",)), {}), ((), {"one": 1, "place": "q"})):
        assert repr(ours(*arguments, **names)) == repr(theirs(*arguments, **names))
        assert dataclasses.asdict(ours(*arguments, **names)) == dataclasses.asdict(theirs(*arguments, **names))
    assert [f.name for f in fields(ours)] == [f.name for f in fields(theirs)]
    assert ours.__slots__ == theirs.__slots__
    assert ours.__match_args__ == theirs.__match_args__
    for wrong in ((), (1, 2, 3, 4)):
        reasons = []
        for cls in (ours, theirs):
            with pytest.raises(TypeError) as caught:
                cls(*wrong)
            reasons.append(str(caught.value).rpartition("__init__")[2])
        assert reasons[0] == reasons[1]


def test_values_are_equal_by_what_is_compared() -> None:
    assert Whole(1, place="a") == Whole(1, place="b")
    assert Whole(1) != Whole(2)
    assert Whole(1) != Base(1)
    assert Base(1) != (1, "2")
    assert hash(Base(1)) == hash(Base(1))
    assert {Base(1), Base(1), Base(2)} == {Base(2), Base(1)}


def test_fields_of_each_kind() -> None:
    value = Whole(1)
    assert repr(value) == "Whole(one=1, two='2', made=[], place='p', counted=[], fixed=7)"
    assert value.made is not Whole(1).made
    assert replace(Base(1), two="x") == Base(1, "x")
    with pytest.raises(ValueError, match="negative"):
        Whole(-1)
    with pytest.raises(TypeError, match=re.escape("Whole.__init__() got an unexpected keyword argument 'fixed'")):
        Whole(1, fixed=2)  # type: ignore[call-arg]


def test_nothing_changes() -> None:
    value: Any = Base(1)
    with pytest.raises(FrozenInstanceError, match="cannot change 'one' of Base"):
        value.one = 2
    with pytest.raises(FrozenInstanceError):
        del value.one
    with pytest.raises(FrozenInstanceError):
        value.three = 3
    assert value == Base(1)


def test_copies_and_pickles_are_equal() -> None:
    value = Whole(1, made=[2])
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value


def test_own_methods_stay() -> None:
    @frozen.dataclass(frozen=True, slots=True)
    class Own:
        one: int

        def __repr__(self) -> str:
            return "own"

    assert repr(Own(1)) == "own"


def test_nothing_to_compare() -> None:
    @frozen.dataclass(frozen=True, slots=True)
    class Empty:
        """Nothing."""

    assert Empty() == Empty()
    assert repr(Empty()).endswith("Empty()")


def test_other_declarations_are_left_to_the_standard_library() -> None:
    @frozen.dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        one: int

    @frozen.dataclass(slots=True)
    class Mutable:
        one: int

    assert Ordered(1) < Ordered(2)
    value = Mutable(1)
    value.one = 2
    assert value == Mutable(2)


def test_a_field_that_is_set_later() -> None:
    @frozen.dataclass(frozen=True, slots=True)
    class Sum:
        one: int
        two: int
        both: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "both", self.one + self.two)

    assert Sum(1, 2).both == 3
    assert Sum(1, 2) == Sum(1, 2) != Sum(2, 2)
