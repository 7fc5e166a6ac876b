"""The caller's functions as C sees them, and the way their exceptions take around the library."""

from __future__ import annotations

import ctypes
import logging
import threading
from typing import TYPE_CHECKING

from ferrule_email_validator import _library as c
from ferrule_email_validator._errors import Status
from ferrule_email_validator._model import Call, Lookups, Overrides

if TYPE_CHECKING:
    from collections.abc import Callable

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
_FAILED = -1


class _Running(threading.local):
    """The calls that this thread is in, innermost last: a callback may call a validator in turn.

    Each is a list that holds the exception which one of its callbacks raised, if one did.
    """

    def __init__(self) -> None:
        self.calls: list[list[BaseException]] = []


_running = _Running()


class CallbackErrors:
    """Around one call of the library: raises at its end what a callback raised in it, whatever the call returned."""

    __slots__ = ("_raised",)

    def __init__(self) -> None:
        self._raised: list[BaseException] = []

    def __enter__(self) -> None:
        _running.calls.append(self._raised)

    def __exit__(self, *_: object) -> None:
        _running.calls.pop()
        if self._raised:
            # Taken out, because its traceback leads to this object, and back again it would be a cycle.
            raise self._raised.pop()


def _keep(failure: BaseException) -> None:
    """Keep the first exception of a call. Another one is raised here, for ctypes to hand to `sys.unraisablehook`."""
    raised = _running.calls[-1]
    if raised:
        raise failure
    raised.append(failure)


def callbacks_of(
    overrides: Overrides | Lookups | None, logger: logging.Logger | None, observe: Callable[[Call], object] | None
) -> c.Callbacks:
    """The functions as a structure, which keeps them alive and so has to live as long as the validator."""
    made = c.Callbacks(struct_size=ctypes.sizeof(c.Callbacks))
    for name in ("is_free_email", "is_disposable_email", "has_mx_records", "has_gravatar"):
        ask = getattr(overrides, name, None)
        if ask is not None:
            setattr(made, name, c.LOOKUP(_lookup(name, ask)))
    if logger is not None:
        made.log = c.LOG(_log(logger))
    if observe is not None:
        made.observe = c.OBSERVE(_observe(observe))
    return made


def _lookup(name: str, ask: Callable[[str], object]) -> Callable[[int | None, int, int], int]:
    def lookup(_user_data: int | None, text: int, length: int) -> int:
        try:
            answer = ask(ctypes.string_at(text, length).decode())
            if isinstance(answer, bool):
                return int(answer)
            # A coroutine or a forgotten `return` must not count as an answer.
            raise TypeError(f"{name} returned {type(answer).__name__}, not True or False")  # noqa: TRY301
        except BaseException as failure:  # noqa: BLE001 - raised again by CallbackErrors
            _keep(failure)
            return _FAILED

    return lookup


def _log(logger: logging.Logger) -> Callable[[int | None, int, int, int], None]:
    def log(_user_data: int | None, level: int, message: int, length: int) -> None:
        try:
            if logger.isEnabledFor(_LEVELS[level]):
                logger.log(_LEVELS[level], "%s", ctypes.string_at(message, length).decode())
        except BaseException as failure:  # noqa: BLE001 - raised again by CallbackErrors
            _keep(failure)

    return log


def _observe(observe: Callable[[Call], object]) -> Callable[[int | None, bytes, int, int], None]:
    def told(_user_data: int | None, function: bytes, nanoseconds: int, status: int) -> None:
        try:
            observe(Call(function.decode(), nanoseconds, Status(status)))
        except BaseException as failure:  # noqa: BLE001 - raised again by CallbackErrors
            _keep(failure)

    return told
