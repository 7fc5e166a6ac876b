"""What no caller can do to a validator: copy it, tear it by a signal, hang a forked child, lose an interrupt."""

from __future__ import annotations

import copy
import gc
import pickle
import signal
import weakref

import pytest

import ferrule_email_validator as ev
from ferrule_email_validator import EmailValidationConfig, Lookups, Validator, _bindings

FREE = EmailValidationConfig(blocked_emails=["FREE"])


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_validator_is_not_copied(duplicate):
    with Validator() as validator:
        with pytest.raises(TypeError, match="a Validator cannot be copied"):
            duplicate(validator)
        assert validator.check("joe@example.com")


def owed() -> tuple[int, int]:
    """Structures of callbacks that there are, and those that the library has not released."""
    gc.collect()
    structures = sum(isinstance(one, _bindings.Callbacks) for one in gc.get_objects())
    return structures, len(_bindings._alive_callbacks)


def test_callbacks_go_when_the_library_releases_them():
    before = owed()
    with Validator(FREE, Lookups(is_free_email=lambda _: False)) as validator:
        assert validator.check("joe@example.com").allowed
        assert owed() == (before[0] + 1, before[1] + 1)
    assert owed() == before, "though the validator is still referred to"
    with pytest.raises(ev.MissingCallbackError):
        Validator(FREE, observe=lambda _: None)
    assert owed() == before

    def fail(_: object) -> None:
        raise LookupError

    with pytest.raises(LookupError):  # it was made, and is freed again
        Validator(observe=fail)
    assert owed() == before


def test_a_validator_that_its_own_observer_refers_to_is_garbage():
    class Service:
        def __init__(self) -> None:
            self.calls: list[ev.Call] = []
            self.validator = Validator(observe=self.note)

        def note(self, call: ev.Call) -> None:
            self.calls.append(call)

    before = owed()
    service = Service()
    service.validator.check("joe@example.com")
    seen = weakref.ref(service)
    assert len(service.calls) == 2
    del service
    assert (owed(), seen()) == (before, None)


def test_a_look_up_that_closes_its_validator_is_not_let_go_before_it_returns():
    def close(_: str) -> bool:
        validator.close()
        gc.collect()
        assert validator._library._handle.keeps is not None
        return True

    before = owed()
    validator = Validator(FREE, Lookups(is_free_email=close))
    assert not validator.check("joe@example.com").allowed
    assert owed() == before


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
