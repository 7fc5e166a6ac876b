"""Says whether an e-mail address is well formed and whether a sign-up form should take it.

>>> from ferrule_email_validator import EmailValidationConfig, Lookups, Validator
>>> config = EmailValidationConfig(require_top_level_domain=True, blocked_emails=["FREE"])
>>> with Validator(config, Lookups(is_free_email={"mail.example"}.__contains__)) as validator:
...     [bool(validator.check(address)) for address in ("joe@example.com", "joe@mail.example", "joe@")]
[True, False, False]

The work is done by a native library that the wheel carries. Importing this package loads it, and raises LibraryError
(an ImportError) if it is missing, cannot be loaded here, or has another interface than this package was made for.
"""

from __future__ import annotations

from ferrule_email_validator._errors import (
    CallbackFailedError,
    ClosedError,
    EmailValidatorError,
    InternalError,
    InvalidStructError,
    LibraryError,
    MisalignedError,
    MissingCallbackError,
    NotUtf8Error,
    NullPointerError,
    OverlapError,
    Status,
    TooLongError,
    UnknownEmailTypeError,
)
from ferrule_email_validator._library import BuildInfo, __version__, build_info
from ferrule_email_validator._model import Call, Decision, EmailType, EmailValidationConfig, Lookups, Overrides
from ferrule_email_validator._validator import Validator, is_valid_email

__all__ = [
    "BuildInfo",
    "Call",
    "CallbackFailedError",
    "ClosedError",
    "Decision",
    "EmailType",
    "EmailValidationConfig",
    "EmailValidatorError",
    "InternalError",
    "InvalidStructError",
    "LibraryError",
    "Lookups",
    "MisalignedError",
    "MissingCallbackError",
    "NotUtf8Error",
    "NullPointerError",
    "OverlapError",
    "Overrides",
    "Status",
    "TooLongError",
    "UnknownEmailTypeError",
    "Validator",
    "__version__",
    "build_info",
    "is_valid_email",
]
