"""The caller's functions, as the bindings take them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ferrule_email_validator._bindings import Callbacks, LogLevel
from ferrule_email_validator._model import Call, Lookups, Overrides

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferrule_email_validator._errors import Status

_LEVELS = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.LOG: logging.INFO,
    LogLevel.WARN: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}


def callbacks_of(
    overrides: Overrides | Lookups | None, logger: logging.Logger | None, observe: Callable[[Call], object] | None
) -> Callbacks | None:
    """The functions as a structure; None where there are none."""
    if overrides is None and logger is None and observe is None:
        return None
    return Callbacks.of(
        is_free_email=_lookup("is_free_email", overrides),
        is_disposable_email=_lookup("is_disposable_email", overrides),
        has_mx_records=_lookup("has_mx_records", overrides),
        has_gravatar=_lookup("has_gravatar", overrides),
        log=_log(logger),
        observe=_observe(observe),
    )


def _lookup(name: str, overrides: Overrides | Lookups | None) -> Callable[[str], bool] | None:
    ask: Callable[[str], object] | None = getattr(overrides, name, None)
    if ask is None:
        return None

    def lookup(text: str) -> bool:
        answer = ask(text)
        if isinstance(answer, bool):
            return answer
        # A coroutine or a forgotten `return` must not count as an answer.
        raise TypeError(f"{name} returned {type(answer).__name__}, not True or False")

    return lookup


def _log(logger: logging.Logger | None) -> Callable[[LogLevel, str], None] | None:
    if logger is None:
        return None

    def log(level: LogLevel, message: str) -> None:
        if logger.isEnabledFor(_LEVELS[level]):
            logger.log(_LEVELS[level], "%s", message)

    return log


def _observe(observe: Callable[[Call], object] | None) -> Callable[[str, int, Status], object] | None:
    if observe is None:
        return None
    return lambda function, nanoseconds, status: observe(Call(function, nanoseconds, status))
