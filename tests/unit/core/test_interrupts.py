"""What an interrupt is, however the code that it came into reports it."""

from __future__ import annotations

from ferrule.core.interrupts import is_interrupt


def test_what_was_made_of_an_interrupt_is_one() -> None:
    caused, beside = RuntimeError("Error calling __set_name__"), ImportError("cannot import name")
    caused.__cause__ = KeyboardInterrupt()
    beside.__context__ = caused
    assert is_interrupt(caused)
    assert is_interrupt(beside)


def test_any_other_exception_is_none() -> None:
    error = RuntimeError()
    error.__cause__ = ValueError()
    assert not is_interrupt(error)
