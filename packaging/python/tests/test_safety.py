"""What no caller can do to a validator: copy it, tear it by a signal, hang a forked child, lose an interrupt."""

from __future__ import annotations

import copy
import pickle
import signal

import pytest

import ferrule_email_validator as ev
from ferrule_email_validator import EmailValidationConfig, Lookups, Validator

FREE = EmailValidationConfig(blocked_emails=["FREE"])


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_validator_is_not_copied(duplicate):
    with Validator() as validator:
        with pytest.raises(TypeError, match="a Validator cannot be copied"):
            duplicate(validator)
        assert validator.check("joe@example.com")


@pytest.fixture
def alarm():
    """Sets a timer for a number of microseconds and a handler; both are gone after the test."""
    before = signal.getsignal(signal.SIGALRM)

    def start(handler, microseconds: int) -> None:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, microseconds / 1e6)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_may_check_and_close(alarm):
    def handle(*_: object) -> None:
        if not validator.check("joe@").allowed:
            validator.close()

    for turn in range(1000):
        validator = Validator(FREE, Lookups(is_free_email=lambda _: False))
        alarm(handle, 20 + turn % 100)
        try:
            while True:
                validator.check("joe@example.com")
        except ev.ClosedError:
            assert validator._handle._pointer.value is None


def test_an_interrupt_is_raised_and_nothing_else(alarm, unraisable):
    def handle(*_: object) -> None:
        raise KeyboardInterrupt

    def interrupted(validator: Validator, microseconds: int) -> bool:
        try:
            alarm(handle, microseconds)
            while validator.check("joe@example.com"):
                pass
        except KeyboardInterrupt:
            return True
        return False

    with Validator(FREE, Lookups(is_free_email=lambda _: False)) as validator:
        assert all(interrupted(validator, 20 + turn % 100) for turn in range(1000))
    assert unraisable == []
