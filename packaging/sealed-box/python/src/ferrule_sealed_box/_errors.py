"""What this package raises of its own: one exception for each status of the library, and one for its loading.

No message holds a key, a text or a part of one. ImportError is the base of LibraryError: the native library is missing,
cannot be loaded, or is a foreign one.
"""

from __future__ import annotations

from ferrule_sealed_box._bindings import (
    BusyError,
    ClosedError,
    EntropyFailedError,
    ExhaustedError,
    InternalError,
    InvalidKeyError,
    InvalidLengthError,
    InvalidNonceError,
    LibraryError,
    MalformedError,
    NotAllowedError,
    OutOfMemoryError,
    RejectedError,
    SealedBoxError,
    StreamEndedError,
    TooLongError,
    UnknownAlgorithmError,
    UnsupportedVersionError,
    WrongKeyError,
)

__all__ = [
    "BusyError",
    "ClosedError",
    "EntropyFailedError",
    "ExhaustedError",
    "InternalError",
    "InvalidKeyError",
    "InvalidLengthError",
    "InvalidNonceError",
    "LibraryError",
    "MalformedError",
    "NotAllowedError",
    "OutOfMemoryError",
    "RejectedError",
    "SealedBoxError",
    "StreamEndedError",
    "TooLongError",
    "UnknownAlgorithmError",
    "UnsupportedVersionError",
    "WrongKeyError",
]
