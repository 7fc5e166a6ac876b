"""What all modules in Python share; how libraries meet it is seen in tests/integration/test_bindings_in_python.py."""

from __future__ import annotations

import ctypes
import math
from fractions import Fraction

import pytest

from ferrule.bindings.python_runtime import Handle, real


@pytest.mark.parametrize("value", [1.5, -2, Fraction(1, 2), math.inf, -math.inf, True])
@pytest.mark.parametrize("kind", [ctypes.c_float, ctypes.c_double])
def test_a_number_is_what_the_type_holds(value: float, kind: type[ctypes.c_float | ctypes.c_double]) -> None:
    assert real(value, kind) == value


def test_a_number_is_rounded_and_may_be_none() -> None:
    assert real(0.1, ctypes.c_float) == ctypes.c_float(0.1).value
    assert math.isnan(real(math.nan, ctypes.c_float))


@pytest.mark.parametrize(
    ("value", "kind"), [(1e300, ctypes.c_float), (-1e39, ctypes.c_float), (10**400, ctypes.c_double)]
)
def test_a_number_beyond_the_range_of_its_type_is_refused(value: float, kind: type[ctypes.c_float]) -> None:
    with pytest.raises(OverflowError):
        real(value, kind)


@pytest.mark.parametrize("value", ["1", None, b"1", [1.0]])
@pytest.mark.parametrize("kind", [ctypes.c_float, ctypes.c_double])
def test_what_is_no_number_is_refused(value: object, kind: type[ctypes.c_float | ctypes.c_double]) -> None:
    with pytest.raises(TypeError):
        real(value, kind)  # type: ignore[arg-type] - what is refused


def test_a_child_may_call_back_as_long_as_any_that_it_was_made_with() -> None:
    plain, keeps = Handle(print, "box"), Handle(print, "box", object())
    child = Handle(print, "key", None, plain, keeps)
    assert [
        one.calls_back for one in (plain, keeps, child, Handle(print, "lid", None, child), Handle(print, "lid"))
    ] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_what_two_handles_have_is_freed_by_the_one_that_owns_it() -> None:
    freed: list[int] = []
    first, second, third = (Handle(freed.append, "box") for _ in range(3))
    for one in (first, second):
        one._pointer.value = 5000
    first.own()
    with pytest.raises(RuntimeError, match="a box that is open already"):
        second.own()
    second.close()
    assert freed == []
    first.close()
    third._pointer.value = 5000
    third.own()
    third.close()
    assert freed == [5000, 5000]


def test_what_has_no_size_has_no_address_of_its_own() -> None:
    freed: list[int] = []
    both = [Handle(freed.append, "box") for _ in range(2)]
    for one in both:
        one._pointer.value = 1
        one.own()
    for one in both:
        one.close()
    assert freed == [1, 1]
