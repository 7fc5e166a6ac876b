"""The library of signal-stats over a file of values: prints a digest of the bits of all results. Needs Python alone.

It runs on machines that have nothing but an interpreter; what asks the component is in `test_signal_stats.py`.
"""

from __future__ import annotations

import ctypes
import hashlib
import sys
from array import array
from pathlib import Path

BLOCK = 1024
PROBABILITIES = array("d", [0.0, 0.1, 0.5, 0.75, 0.99, 1.0])
FEW = PROBABILITIES[1:3]
TAPS = array("d", [0.1, -0.25, 0.5, 1.0, 0.5, -0.25, 0.1])
SECTION = (0.2, 0.4, 0.2, -0.5, 0.3)
SECTION_NAMES = ("b0", "b1", "b2", "a1", "a2")
STATISTICS = ("mean", "variance", "minimum", "maximum")
BINS, LOWER, UPPER = 16, -1.0, 2.0
WIDTH, UP, DOWN, PRECISION = 9, 3, 2, 7


class Section(ctypes.Structure):
    """SignalStatsBiquadCoefficients."""

    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        *((name, ctypes.c_double) for name in SECTION_NAMES),
    )


class Bins(ctypes.Structure):
    """SignalStatsBins."""

    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("lower", ctypes.c_double),
        ("upper", ctypes.c_double),
    )


class Library:
    """Each function takes an array of values and gives the bytes of its results."""

    def __init__(self, path: str) -> None:
        self.library = ctypes.CDLL(path)
        self.stats = self._handle("signal_stats_new", None)
        section = Section(ctypes.sizeof(Section), 0, *SECTION)
        self.new_biquad = lambda: self._handle("signal_stats_biquad_new", self.stats, ctypes.byref(section))
        self.new_sketch = lambda: self._handle("signal_stats_sketch_new", self.stats, PRECISION)
        self.spectrum = self._handle("signal_stats_spectrum_new", self.stats, ctypes.c_size_t(BLOCK))
        self.bins = Bins(ctypes.sizeof(Bins), 0, LOWER, UPPER)

    def results(self, values: array) -> bytes:
        """The results of every function, one after the other."""
        name = "signal_stats_"
        backwards, scratch = values[::-1], array("d", values)  # kept, as addresses keep nothing
        parts = [
            self._number(name + "mean", self.stats, *_words(values)),
            self._number(name + "variance", self.stats, *_words(values), ctypes.c_uint32(1)),
            self._number(name + "covariance", self.stats, *_words(values), *_words(backwards), ctypes.c_uint32(1)),
        ]
        for probabilities in (PROBABILITIES, FEW):
            words = (*_words(values), *_words(probabilities), ctypes.c_uint32(0), *_words(scratch))
            parts.append(self._array(name + "quantiles", len(probabilities), self.stats, *words))
        sketch = self.new_sketch()
        self._call(name + "sketch_add", sketch, *_words(values))
        parts.append(self._array(name + "sketch_quantiles", len(PROBABILITIES), sketch, *_words(PROBABILITIES)))
        self.library.signal_stats_sketch_free(sketch)
        counts, outside = array("Q", bytes(8 * BINS)), array("Q", bytes(24))
        rest = _words(outside)[:1]
        self._call(name + "histogram", self.stats, ctypes.byref(self.bins), *_words(values), *_words(counts), *rest)
        parts += [counts.tobytes(), outside.tobytes()]
        parts.append(self._array(name + "filter", len(values), self.stats, *_words(values), *_words(TAPS)))
        biquad = self.new_biquad()
        parts.append(self._array(name + "biquad_process", len(values), biquad, *_words(values)))
        self.library.signal_stats_biquad_free(biquad)
        for window in range(2):
            words = (*_words(values), ctypes.c_uint32(window))
            parts.append(self._array(name + "spectrum_power", len(values) // 2 + 1, self.spectrum, *words))
        for statistic in range(len(STATISTICS)):
            words = (*_words(values), ctypes.c_size_t(WIDTH), ctypes.c_uint32(statistic))
            parts.append(self._array(name + "rolling", len(values) - WIDTH + 1, self.stats, *words))
        words = (*_words(values), ctypes.c_size_t(UP), ctypes.c_size_t(DOWN), *_words(TAPS))
        parts.append(self._array(name + "resample", -(-len(values) * UP // DOWN), self.stats, *words))
        return b"".join(parts)

    def _call(self, function: str, *arguments: object) -> None:
        status = getattr(self.library, function)(*arguments)
        if status:
            raise ValueError(function, status)

    def _handle(self, function: str, *arguments: object) -> ctypes.c_void_p:
        handle = ctypes.c_void_p()
        self._call(function, *arguments, ctypes.byref(handle))
        return handle

    def _number(self, function: str, *arguments: object) -> bytes:
        result = array("d", [0.0])
        self._call(function, *arguments, *_words(result)[:1])
        return result.tobytes()

    def _array(self, function: str, count: int, *arguments: object) -> bytes:
        result = array("d", bytes(8 * count))
        self._call(function, *arguments, *_words(result))
        return result.tobytes()


def blocks(path: Path) -> list[array]:
    """The values of a file, in blocks."""
    values = array("d", path.read_bytes())
    return [values[start : start + BLOCK] for start in range(0, len(values), BLOCK)]


def _words(values: array) -> tuple[ctypes.c_void_p, ctypes.c_size_t]:
    address, count = values.buffer_info()
    return ctypes.c_void_p(address), ctypes.c_size_t(count)


if __name__ == "__main__":
    one, digest = Library(sys.argv[1]), hashlib.sha256()
    for block in blocks(Path(sys.argv[2])):
        digest.update(one.results(block))
    sys.stdout.write(digest.hexdigest())
