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

from ferrule_email_validator._bindings import (
    ERRORS,
    CallbackFailedError,
    ClosedError,
    EmailValidatorError,
    InternalError,
    InvalidStructError,
    LibraryError,
    MisalignedError,
    MissingCallbackError,
    NullPointerError,
    OverlapError,
    Status,
)
from ferrule_email_validator._bindings import NotUtf8Error as _NotUtf8
from ferrule_email_validator._bindings import TooLongError as _TooLong
from ferrule_email_validator._bindings import UnknownEmailTypeError as _UnknownEmailType
from ferrule_email_validator._bindings import failure as error_of


class TooLongError(_TooLong, EmailValidatorError, ValueError):
    """A text has more than 1 MiB in UTF-8, or a batch more than 1,048,576 items."""


class NotUtf8Error(_NotUtf8, EmailValidatorError, ValueError):
    """A text cannot be written as UTF-8: it holds half of a surrogate pair."""


class UnknownEmailTypeError(_UnknownEmailType, EmailValidatorError, ValueError):
    """`blocked_emails` names a type that does not exist; the message lists those that do."""


ERRORS.update({kind.status: kind for kind in (TooLongError, NotUtf8Error, UnknownEmailTypeError)})

__all__ = [
    "CallbackFailedError",
    "ClosedError",
    "EmailValidatorError",
    "InternalError",
    "InvalidStructError",
    "LibraryError",
    "MisalignedError",
    "MissingCallbackError",
    "NotUtf8Error",
    "NullPointerError",
    "OverlapError",
    "Status",
    "TooLongError",
    "UnknownEmailTypeError",
    "error_of",
]
