"""What goes into a validator and what comes out: options, look-ups, decisions, measurements."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from ferrule_email_validator._errors import InternalError, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class EmailType(str, Enum):
    """Why an address can be refused. The order of the members is the order in a decision."""

    FREE = "FREE"
    """Anybody can open a mailbox at this domain free of charge."""
    DISPOSABLE = "DISPOSABLE"
    """The domain hands out mailboxes meant to be thrown away."""
    NO_MX_RECORDS = "NO_MX_RECORDS"
    """The domain does not say who receives its mail."""
    NO_GRAVATAR = "NO_GRAVATAR"
    """The address has no Gravatar picture."""
    INVALID = "INVALID"
    """The address is not well formed. Always refused, named or not."""


@dataclass(frozen=True)
class EmailValidationConfig:
    """What to demand of an address.

    `require_top_level_domain` refuses a domain of a single label, such as `localhost`. `allow_domain_literal` accepts
    an address literal as the domain, such as `[192.0.2.1]`. `blocked_emails` names the types to refuse (see EmailType),
    as texts or members; order and repetition do not matter, and the library checks the names.

    Raises TypeError for a flag that is not a bool, and for a single text in place of a sequence of them.
    """

    require_top_level_domain: bool = False
    allow_domain_literal: bool = False
    blocked_emails: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("require_top_level_domain", "allow_domain_literal"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} is True or False, not {getattr(self, name)!r}")
        if isinstance(self.blocked_emails, str):
            raise TypeError("blocked_emails is a sequence of names, not one name")
        names = tuple(self.blocked_emails)
        for name in names:
            require_text(name, "a name in blocked_emails")
        # A copy, so that a list changed later does not change the options.
        object.__setattr__(self, "blocked_emails", names)


class Overrides(Protocol):
    """The look-ups, which the caller supplies: the library opens no connection and keeps no list.

    Each is called at most once for an address, and only where `blocked_emails` names its type. `domain` is the ASCII
    form in lower case (`xn--…`), or the address literal in brackets; `email` is the local part as it was written, `@`,
    and that domain. They run in the thread that called the validator, so in several at once where it is shared.
    """

    def is_free_email(self, domain: str, /) -> bool:
        """Whether anybody can open a mailbox at this domain free of charge. Asked for `FREE`."""
        ...

    def is_disposable_email(self, domain: str, /) -> bool:
        """Whether the domain hands out mailboxes meant to be thrown away. Asked for `DISPOSABLE`."""
        ...

    def has_mx_records(self, domain: str, /) -> bool:
        """Whether the domain says who receives its mail. Asked for `NO_MX_RECORDS`."""
        ...

    def has_gravatar(self, email: str, /) -> bool:
        """Whether the address has a Gravatar picture. Asked for `NO_GRAVATAR`."""
        ...


@dataclass(frozen=True)
class Lookups:
    """The look-ups as functions, for those who need only some: see Overrides. None is given for what is never asked."""

    is_free_email: Callable[[str], bool] | None = None
    is_disposable_email: Callable[[str], bool] | None = None
    has_mx_records: Callable[[str], bool] | None = None
    has_gravatar: Callable[[str], bool] | None = None


@dataclass(frozen=True)
class Decision:
    """The answer about one address; true where it is allowed.

    `blocked` says why it is not, in the order of EmailType, each type once. `json` is the library's own text, the same
    bytes in every language.
    """

    blocked: tuple[EmailType, ...]
    json: str

    @property
    def allowed(self) -> bool:
        """Whether the address is well formed and of none of the blocked types."""
        return not self.blocked

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Call:
    """A measurement: the library's function, how long it took, and what it returned."""

    function: str
    nanoseconds: int
    status: Status


def decision_of(text: str) -> Decision:
    """Read one decision; raises InternalError for a text that is none."""
    return _read(text, 0)[0]


def decisions_of(text: str) -> list[Decision]:
    """Read an array of decisions, each of which keeps its piece of the text."""
    return list(_pieces(text))


def _pieces(text: str) -> Iterator[Decision]:
    at = 1
    while at < len(text) - 1:
        decision, end = _read(text, at)
        yield decision
        at = end + 1


_DECODER = json.JSONDecoder()


def _read(text: str, start: int) -> tuple[Decision, int]:
    try:
        value, end = _DECODER.raw_decode(text, start)
        if value["decision"] not in ("Allowed", "Denied") or (value["decision"] == "Allowed") == bool(
            value.get("blocked")
        ):
            raise ValueError(value)  # noqa: TRY301 - one sentence for all that can be wrong
        return Decision(tuple(EmailType(name) for name in value.get("blocked", ())), text[start:end]), end
    except (ValueError, KeyError, TypeError):
        raise InternalError(
            f"the library gave a decision that this package cannot read: {text[start : start + 200]}"
        ) from None


def require_text(value: object, what: str) -> str:
    """Return a text as it is; raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")
    return value
