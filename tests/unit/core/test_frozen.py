"""Classes declared quickly are what the standard library makes of the same declaration."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any, ClassVar

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


def test_an_order_is_that_of_the_standard_library() -> None:
    @frozen.dataclass(frozen=True, slots=True, order=True)
    class Version:
        number: int
        text: str = field(default="", compare=False)
        last: int = 0

    one, two = Version(1, "b"), Version(1, "a", 2)
    assert (one < two, one <= two, one > two, one >= two) == (True, True, False, False)
    assert sorted([Version(3), two, one]) == [one, two, Version(3)]
    assert Version(1, "x") <= one <= Version(1, "y")
    with pytest.raises(TypeError):
        assert one < 1


def test_what_only_the_standard_library_knows_is_left_to_it() -> None:
    @dataclasses.dataclass
    class Theirs:
        one: int = 1

    @frozen.dataclass(frozen=True, slots=True)
    class Below(Theirs):
        two: int = 2

    @frozen.dataclass(frozen=True, slots=True)
    class Counting:
        total: ClassVar[int] = 0
        one: int = 1

    assert (Below().one, Below(3).two, [f.name for f in fields(Below)]) == (1, 2, ["one", "two"])
    assert ([f.name for f in fields(Counting)], Counting.total) == (["one"], 0)
    typed: Any = type("Typed", (), {"__annotations__": {"one": int}, "one": 1})
    assert frozen.dataclass(frozen=True, slots=True)(typed)(5).one == 5


def test_a_class_below_another_has_slots_for_its_own_fields() -> None:
    @frozen.dataclass(frozen=True, slots=True)
    class Below(Whole):
        more: int = 0

    assert [f.name for f in fields(Below)] == [*(f.name for f in fields(Whole)), "more"]
    assert (Below(1, more=2).more, Below(1).secret, Below.__slots__) == (2, "s", ("more",))
    assert not hasattr(Below(1), "__dict__")


def test_a_default_that_can_change_is_refused() -> None:
    with pytest.raises(ValueError, match="default"):

        @frozen.dataclass(frozen=True, slots=True)
        class Shared:
            names: list[str] = []  # noqa: RUF012 - what is refused


def test_the_first_value_of_a_class_that_is_inherited_from() -> None:
    @frozen.dataclass(frozen=True, slots=True)
    class First:
        one: int

    class Plain(First):
        """No declaration of its own."""

    assert Plain(1).one == 1
    assert First(2) == First(2) != First(3)
    with pytest.raises(TypeError, match=re.escape("First.__init__() missing 1 required positional argument: 'one'")):
        First()  # type: ignore[call-arg]
