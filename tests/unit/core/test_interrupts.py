"""What an interrupt is, however the code that it came into reports it, and that it is heard once."""

from __future__ import annotations

import os
import signal
import sys
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from ferrule.core import interrupts
from ferrule.core.interrupts import is_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONG_SECONDS = 30


class Target:
    """What a reference that is called back can be of."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of this process, as they were."""
    before, hook = {number: signal.getsignal(number) for number in SIGNALS}, sys.unraisablehook
    for number in SIGNALS:  # nohup, for one, has the tests ignore some
        signal.signal(number, signal.SIG_DFL)
    yield
    sys.unraisablehook = hook
    for number, handler in before.items():
        signal.signal(number, handler)


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


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_heard_and_no_other(number: signal.Signals) -> None:
    interrupts.take()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    for other in SIGNALS:
        os.kill(os.getpid(), other)


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.take()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_at_the_end_nothing_is_heard() -> None:
    interrupts.take()
    interrupts.hear_nothing()
    assert {signal.getsignal(number) for number in SIGNALS} == {signal.SIG_IGN}


def test_an_interrupt_that_python_drops_is_raised_again() -> None:
    interrupts.take()
    target = Target()
    reference = weakref.ref(target, lambda _: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it comes some moments after the callback
        del target
        time.sleep(LONG_SECONDS)
    assert reference() is None


def test_any_other_exception_that_python_drops_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    interrupts.take()
    target = Target()
    reference = weakref.ref(target, lambda _: {}["none"])
    del target
    assert reference() is None
    assert "KeyError" in capsys.readouterr().err
