"""What is computed of values at once, and what remembers: filters, spectra, sketches and streams."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

from ferrule_signal_stats import _bindings
from ferrule_signal_stats._arrow import borrowed
from ferrule_signal_stats._bindings import Interpolation, Rolling, Status, Window

if TYPE_CHECKING:
    from collections.abc import Callable

Values = Any
"""64-bit floating-point numbers in one piece of memory, borrowed for the call and not copied.

It is whatever has Python's buffer protocol, such as array.array("d"), memoryview and NumPy arrays, or a column of
Arrow's (`__arrow_c_array__`)."""
Few = Any
"""The same, or a list or tuple of numbers, which is copied."""
Out = Any
"""Memory of the caller's that the results are written to, and that is returned then; None stands for a new array."""


class Histogram(NamedTuple):
    """How many values are in each bin, below and above all bins, and not a number."""

    counts: Any
    below: int
    above: int
    nans: int


class Block(NamedTuple):
    """What a block of a stream was before its filter: variance is that of a sample, checksum the CRC-32."""

    length: int
    mean: float
    variance: float
    checksum: int


class Call(NamedTuple):
    """A call of the library that has ended."""

    function: str
    nanoseconds: int
    status: Status


class SignalStats(_bindings.Closing):
    """What every function is called with: it knows who is told of each call. Any number of threads may use one at once.

    What `observe` raises is raised to the caller when the call has ended. What was made with it stays usable after it
    was closed.

    What the library refuses is an exception below SignalStatsError. Before it is asked, memory of something else, and
    what is no number, is a TypeError, memory that is read-only or not in one piece a BufferError (a ValueError where an
    array of NumPy refuses to be borrowed), and a number that C's type cannot hold an OverflowError. A new array that
    there is no room for is a MemoryError.
    """

    def __init__(self, *, observe: Callable[[Call], object] | None = None) -> None:
        callbacks = None
        if observe is not None:
            callbacks = _bindings.Callbacks.of(observe=lambda *call: observe(Call(*call)))
        self._library = _bindings.SignalStats(callbacks)
        self._handle = self._library._handle  # noqa: SLF001 - what closes one closes the other

    def mean(self, values: Values) -> float:
        """The mean, correctly rounded. Raises TooFewError for no values; so do all that need some."""
        return self._library.mean(borrowed(values))

    def variance(self, values: Values, *, ddof: int = 1) -> float:
        """The variance, at most 1 unit in the last place from the exact one; `ddof` is 0 for a whole population."""
        return self._library.variance(borrowed(values), ddof)

    def covariance(self, first: Values, second: Values, *, ddof: int = 1) -> float:
        """The covariance of two series. Raises LengthMismatchError for series of different lengths."""
        return self._library.covariance(borrowed(first), borrowed(second), ddof)

    def quantiles(
        self,
        values: Values,
        probabilities: Few,
        *,
        interpolation: Interpolation = Interpolation.LINEAR,
        scratch: Out = None,
        out: Out = None,
    ) -> Any:  # noqa: ANN401 - what `out` is, or an array
        """The quantile of each probability. `scratch`, as long as the values, is overwritten; None allocates it."""
        values, probabilities = borrowed(values), _few(probabilities)
        scratch, out = _room(scratch, _count(values)), _room(out, _count(probabilities))
        self._library.quantiles(values, probabilities, interpolation, scratch, out)
        return out

    def histogram(self, values: Values, bins: int, lower: float, upper: float, *, out: Out = None) -> Histogram:
        """Count in `bins` of the same width; a bin has its lower edge, and the last one both.

        The counts of `out`, as many 64-bit whole numbers without a sign, are added to; raises LengthMismatchError for
        more or fewer.
        """
        out = array("Q", [0]) * bins if out is None else out
        if (count := _count(out)) != bins:
            raise _bindings.LengthMismatchError(f"out has {count} counts, and there are {bins} bins")
        rest = self._library.histogram(_bindings.Bins.of(lower=lower, upper=upper), borrowed(values), out)
        return Histogram(out, rest.below, rest.above, rest.nans)

    def fir(self, values: Values, taps: Few, *, out: Out = None) -> Any:  # noqa: ANN401
        """Filter a signal before which there were zeros; results are as many as values."""
        values = borrowed(values)
        out = _room(out, _count(values))
        self._library.filter(values, _few(taps), out)
        return out

    def rolling(self, values: Values, window: int, statistic: Rolling, *, out: Out = None) -> Any:  # noqa: ANN401
        """A statistic of each window of so many values: `len(values) - window + 1` results."""
        values = borrowed(values)
        out = _room(out, _count(values) - window + 1)
        self._library.rolling(values, window, statistic, out)
        return out

    def resample(self, values: Values, up: int, down: int, taps: Few, *, out: Out = None) -> Any:  # noqa: ANN401
        """Resample by up / down through the taps of a low pass: `len(values) * up / down` results, rounded up."""
        values = borrowed(values)
        out = _room(out, -(-_count(values) * up // max(1, down)))
        self._library.resample(values, up, down, _few(taps), out)
        return out

    def checksum(self, values: Values) -> int:
        """The CRC-32 (IEEE 802.3) of the values as little-endian bytes."""
        return self._library.checksum(borrowed(values))

    def fir_filter(self, taps: Few) -> Filter:
        """Make a filter with finite response that remembers, before whose signal there were zeros."""
        return Filter(self._library.fir_new(_few(taps)))

    def biquad_filter(self, b0: float, b1: float, b2: float, a1: float, a2: float) -> Filter:
        """Make a filter of one section of second order, divided by a0; several are used one after the other."""
        return Filter(self._library.biquad_new(_bindings.BiquadCoefficients.of(b0=b0, b1=b1, b2=b2, a1=a1, a2=a2)))

    def spectrum(self, period: int) -> Spectrum:
        """Make a transform of so many values, a power of two up to 2^24. Raises NotPowerOfTwoError."""
        return Spectrum(self._library.spectrum_new(period), period)

    def sketch(self, precision: int = 7) -> Sketch:
        """Make a sketch of nothing yet, of 1 to 12 bits.

        A quantile of it is at most 2^-(precision + 1) of its magnitude away from the value of that rank.
        """
        return Sketch(self._library.sketch_new(precision))

    def stream(self, blocks: int, block_length: int, taps: Few = ()) -> Stream:
        """Make a stream of so many blocks, filtered by the taps when popped. All its memory is allocated now."""
        return Stream(self._library.stream_new(blocks, block_length, _few(taps)))


class _Owner(_bindings.Closing):
    """Something that remembers, closed at the end of `with`. A second thread that uses it meanwhile gets BusyError."""

    def __init__(self, library: Any) -> None:  # noqa: ANN401 - an object of the bindings
        self._library = library
        self._handle = library._handle  # noqa: SLF001 - what closes one closes the other


class Filter(_Owner):
    """A filter over the pieces of a signal."""

    def process(self, values: Values, *, out: Out = None) -> Any:  # noqa: ANN401
        """Filter the next piece; results are as many as values."""
        values = borrowed(values)
        out = _room(out, _count(values))
        self._library.process(values, out)
        return out


class Spectrum(_Owner):
    """A transform of one length, whose memory is reused."""

    def __init__(self, library: _bindings.Spectrum, period: int) -> None:
        super().__init__(library)
        self._half = period // 2 + 1

    def power(self, values: Values, *, window: Window = Window.RECTANGULAR, out: Out = None) -> Any:  # noqa: ANN401
        """The squares of the magnitudes of the transform: half as many as values, and one."""
        out = _room(out, self._half)
        self._library.power(borrowed(values), window, out)
        return out

    def transform(
        self, values: Values, *, window: Window = Window.RECTANGULAR, out: tuple[Out, Out] = (None, None)
    ) -> tuple[Any, Any]:
        """The real and the imaginary parts of the transform, as many as `power` gives."""
        reals, imaginaries = (_room(one, self._half) for one in out)
        self._library.transform(borrowed(values), window, reals, imaginaries)
        return reals, imaginaries


class Sketch(_Owner):
    """Quantiles of any number of values in bounded memory."""

    def add(self, values: Values) -> None:
        """Add values."""
        self._library.add(borrowed(values))

    def quantiles(self, probabilities: Few, *, out: Out = None) -> Any:  # noqa: ANN401
        """The quantile of each probability of all values so far."""
        probabilities = _few(probabilities)
        out = _room(out, _count(probabilities))
        self._library.quantiles(probabilities, out)
        return out


class Stream(_Owner):
    """A signal in blocks, with back-pressure: `push` says how much it took."""

    _library: _bindings.Stream

    def push(self, values: Values, *, checksum: int | None = None) -> int:
        """Take as many values as there is room for, and say how many: fewer than all if a block has to be popped first.

        With a checksum nothing is taken but values of that checksum: ChecksumMismatchError says that these are others.
        """
        if checksum is None:
            return self._library.push(borrowed(values))
        return self._library.push_checked(borrowed(values), checksum)

    def pop(self, out: Out) -> Block | None:
        """Write the oldest block, filtered, to the start of `out`, which has room for one; None if none is ready."""
        block = self._library.pop(out)
        return Block(block.length, block.mean, block.variance, block.checksum) if block.length else None

    def finish(self) -> None:
        """Say that no more values come: a block that is not full is ready as it is."""
        self._library.finish()


def _count(values: Values) -> int:
    with memoryview(values) as view:
        return view.nbytes // view.itemsize


def _few(values: Few) -> Values:
    return array("d", values) if isinstance(values, (list, tuple)) else borrowed(values)


def _room(out: Out, count: int) -> Out:
    """Memory for results. A new array is not made from bytes, which would be there twice."""
    return array("d", [0.0]) * count if out is None else out
