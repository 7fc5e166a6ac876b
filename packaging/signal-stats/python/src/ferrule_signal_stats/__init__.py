"""Statistics, filters and spectra of signals of 64-bit floating-point numbers, with the same bits on every machine.

>>> from array import array
>>> import ferrule_signal_stats as stats
>>> values = array("d", [1e100, 1.0, -1e100, 3.0])
>>> stats.mean(values)
1.0
>>> stats.quantiles(values, [0.5])
array('d', [2.0])

Values are whatever has Python's buffer protocol, such as array.array("d"), memoryview and NumPy arrays, or a column of
Arrow's; they are borrowed for the call and never copied. Results are a new array, or written to `out`.

The work is done by a native library that the wheel carries. Importing this package loads it, and raises LibraryError
(an ImportError) if it is missing, cannot be loaded here, or has another interface than this package was made for.
"""

from __future__ import annotations

from typing import Any

from ferrule_signal_stats import _errors
from ferrule_signal_stats._bindings import BUILD_INFO, VERSION, Interpolation, Rolling, Status, Window
from ferrule_signal_stats._errors import *  # noqa: F403 - every exception, by their list
from ferrule_signal_stats._stats import Block, Call, Filter, Histogram, SignalStats, Sketch, Spectrum, Stream

__version__ = VERSION
__all__ = [
    "Block",
    "Call",
    "Filter",
    "Histogram",
    "Interpolation",
    "Rolling",
    "SignalStats",
    "Sketch",
    "Spectrum",
    "Status",
    "Stream",
    "Window",
    "__version__",
    "build_info",
    "checksum",
    "covariance",
    "fir",
    "histogram",
    "mean",
    "quantiles",
    "resample",
    "rolling",
    "variance",
]
__all__ += _errors.__all__

_SHARED = SignalStats()
# Never closed, and used by any number of threads.
mean = _SHARED.mean
variance = _SHARED.variance
covariance = _SHARED.covariance
quantiles = _SHARED.quantiles
histogram = _SHARED.histogram
fir = _SHARED.fir
rolling = _SHARED.rolling
resample = _SHARED.resample
checksum = _SHARED.checksum


def build_info() -> dict[str, Any]:
    """What the loaded native library is: its version, commit, fingerprints, target, compiler and dependencies."""
    return dict(BUILD_INFO)
