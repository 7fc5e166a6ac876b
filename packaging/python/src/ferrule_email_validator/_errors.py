"""Everything this package raises of its own: one exception for each status of the library, and one for its loading.

ImportError
  LibraryError             the native library is missing, cannot be loaded, or is a foreign one
EmailValidatorError
  UnknownEmailTypeError    blocked_emails names a type that does not exist      (a ValueError too)
  TooLongError             a text or a batch is beyond its limit                (a ValueError too)
  NotUtf8Error             a text holds half of a surrogate pair                (a ValueError too)
  MissingCallbackError     a blocked type needs a look-up that was not given
  ClosedError              the validator was closed
  InternalError            a fault of the library; the validator can still be used
  CallbackFailedError, NullPointerError, MisalignedError, OverlapError, InvalidStructError
                           a fault of this package: it hands over what the library asks for, so they do not happen
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class Status(IntEnum):
    """What a call of the library came to. The set is closed for a version of its interface."""

    OK = 0
    NULL_POINTER = 1
    MISALIGNED = 2
    OVERLAP = 3
    TOO_LONG = 4
    NOT_UTF8 = 5
    INVALID_STRUCT = 6
    UNKNOWN_EMAIL_TYPE = 7
    MISSING_CALLBACK = 8
    CALLBACK_FAILED = 9
    INTERNAL = 10


class LibraryError(ImportError):
    """The native library is missing, cannot be loaded on this machine, or has another interface than is needed."""


class EmailValidatorError(Exception):
    """Base of what calls raise; the message is the library's. Exceptions of look-ups pass through as they are."""

    status: ClassVar[Status] = Status.INTERNAL


class NullPointerError(EmailValidatorError):
    """A pointer is null that must not be."""

    status = Status.NULL_POINTER


class ClosedError(NullPointerError):
    """The validator was closed, so there is none."""


class MisalignedError(EmailValidatorError):
    """A pointer does not have the alignment of what it points to."""

    status = Status.MISALIGNED


class OverlapError(EmailValidatorError):
    """The memory for a result overlaps other memory of the same call."""

    status = Status.OVERLAP


class TooLongError(EmailValidatorError, ValueError):
    """A text has more than 1 MiB in UTF-8, or a batch more than 1,048,576 items."""

    status = Status.TOO_LONG


class NotUtf8Error(EmailValidatorError, ValueError):
    """A text cannot be written as UTF-8: it holds half of a surrogate pair."""

    status = Status.NOT_UTF8


class InvalidStructError(EmailValidatorError):
    """A structure has an impossible size, flag or reserved field."""

    status = Status.INVALID_STRUCT


class UnknownEmailTypeError(EmailValidatorError, ValueError):
    """`blocked_emails` names a type that does not exist; the message lists those that do."""

    status = Status.UNKNOWN_EMAIL_TYPE


class MissingCallbackError(EmailValidatorError):
    """A blocked type needs a look-up that was not given."""

    status = Status.MISSING_CALLBACK


class CallbackFailedError(EmailValidatorError):
    """A look-up gave no answer, and no exception that says why."""

    status = Status.CALLBACK_FAILED


class InternalError(EmailValidatorError):
    """A fault of the library. It was contained; the validator can still be used."""

    status = Status.INTERNAL


_BY_STATUS = {
    kind.status: kind
    for kind in (
        NullPointerError,
        MisalignedError,
        OverlapError,
        TooLongError,
        NotUtf8Error,
        InvalidStructError,
        UnknownEmailTypeError,
        MissingCallbackError,
        CallbackFailedError,
        InternalError,
    )
}


def error_of(status: int, message: str) -> EmailValidatorError:
    """The exception for a status other than OK; a number that no status has is a fault of the library."""
    try:
        kind = _BY_STATUS[Status(status)]
    except (KeyError, ValueError):
        return InternalError(f"the library returned {status}, which is no failure it may return")
    return kind(message)
