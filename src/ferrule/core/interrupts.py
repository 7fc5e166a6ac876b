"""Ctrl-C, a terminal that closes, a machine that shuts down: heard once, at any moment, and by nobody else then."""

from __future__ import annotations

import signal
import sys
from importlib.machinery import ExtensionFileLoader
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_INTERRUPTS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SOON: Final = 0.01  # seconds in which a callback ends


def take() -> None:
    """Let the signals that ask us to end raise KeyboardInterrupt; what we were started to ignore (nohup) stays so."""
    _handle(_interrupt)
    sys.unraisablehook = _raise_again


def hear_nothing() -> None:
    """Ignore signals until the process is gone, and start nothing any more, which would ignore them too.

    While Python ends it gives a signal that calls a function its default back, by which one would kill us after all.
    """
    for number in _INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)


def is_interrupt(error: BaseException | None) -> bool:
    """Whether an exception is an interrupt, or what code made of one that came while it ran.

    Python before 3.12 raises RuntimeError for whatever a `__set_name__` raises, and libraries take what goes wrong
    while they load for one of their own failures.

    >>> is_interrupt(KeyboardInterrupt()), is_interrupt(RuntimeError()), is_interrupt(None)
    (True, False, False)
    """
    if error is None or isinstance(error, KeyboardInterrupt):
        return error is not None
    return is_interrupt(error.__cause__ or error.__context__)


def _handle(function: Callable[[int, FrameType | None], object]) -> None:
    for number in _INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, function)


def _interrupt(_: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code in _LATER:
            _ask_again()
            return
        frame = frame.f_back
    # What ends now must not be stopped half-way by a second one. Children do not inherit this.
    _handle(lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0)
    raise KeyboardInterrupt


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Raise an interrupt anew that came while a callback ran whose exceptions Python drops, as a weak reference's.

    Modules that are loaded have many of them (importlib's locks).
    """
    if not is_interrupt(lost.exc_value):
        sys.__unraisablehook__(lost)
        return
    _handle(_interrupt)
    _ask_again()


def _ask_again() -> None:
    signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, _SOON, _SOON)


# Where an exception would be dropped once more, or ends the process: a library in C++ that is loaded may let none out.
_LATER: Final = frozenset(
    function.__code__ for function in (_raise_again, ExtensionFileLoader.create_module, ExtensionFileLoader.exec_module)
)
