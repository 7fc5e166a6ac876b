"""Validators, which decide about addresses, and the one-off function."""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING

from ferrule_email_validator._callbacks import CallbackErrors, callbacks_of
from ferrule_email_validator._errors import ClosedError, EmailValidatorError
from ferrule_email_validator._library import LIBRARY, Callbacks, Options, texts
from ferrule_email_validator._model import (
    Call,
    Decision,
    EmailValidationConfig,
    Lookups,
    Overrides,
    decision_of,
    decisions_of,
    require_text,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from typing_extensions import Self

_DEFAULT = EmailValidationConfig()


class Validator:
    """Options that were understood, and the caller's functions; any number of threads may use one at once.

    `overrides` are the look-ups that `blocked_emails` needs. `logger` gets the library's messages, none of which holds
    an address or a part of one. `observe` is told after each call of the library. What any of them raises ends the call
    and is raised to its caller.

    Raises UnknownEmailTypeError and MissingCallbackError for options that cannot be used.
    """

    def __init__(
        self,
        config: EmailValidationConfig = _DEFAULT,
        overrides: Overrides | Lookups | None = None,
        *,
        logger: logging.Logger | None = None,
        observe: Callable[[Call], object] | None = None,
    ) -> None:
        self.config = config
        self._handle = _Handle(callbacks_of(overrides, logger, observe))
        blocked = texts(config.blocked_emails)
        options = Options(
            struct_size=ctypes.sizeof(Options),
            require_top_level_domain=config.require_top_level_domain,
            allow_domain_literal=config.allow_domain_literal,
            blocked_emails=blocked,
            blocked_emails_count=len(blocked),
        )
        with self._handle as pointer, CallbackErrors():
            failure = LIBRARY.new(options, self._handle.callbacks, pointer)
        if failure is not None:
            raise failure

    def check(self, candidate: str) -> Decision:
        """Decide about one address.

        Raises TooLongError and NotUtf8Error for a text that cannot be one, ClosedError, and what a look-up raised.
        """
        require_text(candidate, "the candidate")
        with self._handle as pointer, CallbackErrors():
            outcome = LIBRARY.check(pointer, candidate)
        return decision_of(_succeeded(outcome))

    def check_batch(self, candidates: Iterable[str]) -> list[Decision]:
        """Decide about many addresses in one call of the library; the answers are in their order.

        All are read before the first look-up is made. Raises what `check` raises, for all or none; the message names
        the item, counted from 0.
        """
        if isinstance(candidates, str):
            raise TypeError("the candidates are a sequence of texts, not one text: see check")
        given = [require_text(candidate, f"candidate {index}") for index, candidate in enumerate(candidates)]
        with self._handle as pointer, CallbackErrors():
            outcome = LIBRARY.check_batch(pointer, given)
        return decisions_of(_succeeded(outcome))

    def close(self) -> None:
        """Free what the library holds: at once, or when the last call that is still running in any thread has ended.

        Closing twice does nothing; a validator that nobody refers to any more closes itself.
        """
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Handle:
    """The library's validator, which stays as long as it is used: inside `with`, by any number of threads at once."""

    def __init__(self, callbacks: Callbacks) -> None:
        # The library keeps pointers to these functions as long as its validator lives.
        self.callbacks = callbacks
        # Of its own, because a module may be gone when the interpreter ends.
        self._library = LIBRARY
        self._pointer = ctypes.c_void_p()
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False

    def __enter__(self) -> ctypes.c_void_p:
        with self._lock:
            if self._closed:
                raise ClosedError("the validator was closed")
            self._users += 1
        return self._pointer

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            self._free_unused()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let nobody use it any more, and free it when nobody does."""
        with self._lock:
            self._closed = True
            self._free_unused()

    def _free_unused(self) -> None:
        if self._closed and not self._users:
            self._library.free(self._pointer)
            self._pointer.value = None


def is_valid_email(
    candidate: str,
    config: EmailValidationConfig = _DEFAULT,
    overrides: Overrides | Lookups | None = None,
    *,
    logger: logging.Logger | None = None,
) -> Decision:
    """Decide about one address. Whoever has many keeps a Validator, which reads the options only once.

    Raises what Validator and its `check` raise.
    """
    with Validator(config, overrides, logger=logger) as validator:
        return validator.check(candidate)


def _succeeded(outcome: str | EmailValidatorError) -> str:
    if isinstance(outcome, EmailValidatorError):
        raise outcome
    return outcome
