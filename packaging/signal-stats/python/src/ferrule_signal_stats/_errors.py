"""What this package raises of its own: one exception for each status of the library, and one for its loading."""

from __future__ import annotations

from ferrule_signal_stats._bindings import (
    BusyError,
    ChecksumMismatchError,
    ClosedError,
    InternalError,
    InvalidArgumentError,
    LengthMismatchError,
    LibraryError,
    MisalignedError,
    NotPowerOfTwoError,
    OverlapError,
    SignalStatsError,
    StreamEndedError,
    TooFewError,
    TooLongError,
)

__all__ = [
    "BusyError",
    "ChecksumMismatchError",
    "ClosedError",
    "InternalError",
    "InvalidArgumentError",
    "LengthMismatchError",
    "LibraryError",
    "MisalignedError",
    "NotPowerOfTwoError",
    "OverlapError",
    "SignalStatsError",
    "StreamEndedError",
    "TooFewError",
    "TooLongError",
]
