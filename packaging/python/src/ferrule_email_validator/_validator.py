"""Validators, which decide about addresses, and the one-off function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule_email_validator._bindings import Closing as _Closing
from ferrule_email_validator._bindings import EmailValidator, Options
from ferrule_email_validator._callbacks import callbacks_of
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

_DEFAULT = EmailValidationConfig()


class Validator(_Closing):
    """Options that were understood, and the caller's functions; any number of threads may use one at once.

    `overrides` are the look-ups that `blocked_emails` needs. `logger` gets the library's messages, none of which holds
    an address or a part of one. `observe` is told after each call of the library. What any of them raises ends the call
    and is raised to its caller. It is closed by `close`, at the end of `with`, and when nobody refers to it any more.

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
        options = Options.of(
            require_top_level_domain=config.require_top_level_domain,
            allow_domain_literal=config.allow_domain_literal,
            blocked_emails=config.blocked_emails,
        )
        self._library = EmailValidator(options, callbacks_of(overrides, logger, observe))
        self._handle = self._library._handle  # noqa: SLF001 - what closes one closes the other

    def check(self, candidate: str) -> Decision:
        """Decide about one address.

        Raises TooLongError and NotUtf8Error for a text that cannot be one, ClosedError, and what a look-up raised.
        """
        return decision_of(self._library.check(require_text(candidate, "the candidate")))

    def check_batch(self, candidates: Iterable[str]) -> list[Decision]:
        """Decide about many addresses in one call of the library; the answers are in their order.

        All are read before the first look-up is made. Raises what `check` raises, for all or none; the message names
        the item, counted from 0.
        """
        if isinstance(candidates, str):
            raise TypeError("the candidates are a sequence of texts, not one text: see check")
        texts = [require_text(candidate, f"candidate {index}") for index, candidate in enumerate(candidates)]
        return decisions_of(self._library.check_batch(texts))


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
