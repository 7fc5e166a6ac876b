"""The package as its users call it; the bits of its results are compared in the project's own tests."""

import copy
import ctypes
import gc
import pickle
import sys
import tracemalloc
from array import array

import pytest

import ferrule_signal_stats as stats
from ferrule_signal_stats import (
    Block,
    ChecksumMismatchError,
    ClosedError,
    Histogram,
    Interpolation,
    InvalidArgumentError,
    LengthMismatchError,
    NotPowerOfTwoError,
    OverlapError,
    Rolling,
    SignalStats,
    SignalStatsError,
    Status,
    StreamEndedError,
    TooFewError,
    Window,
    _bindings,
    build_info,
)

VALUES = array("d", [1.0, 2.0, 3.0, 5.0])


def test_statistics():
    assert stats.mean(array("d", [1e100, 1, -1e100, 3])) == 1
    assert stats.variance(VALUES, ddof=0) == 2.1875
    assert stats.covariance(VALUES, array("d", [2, 4, 6, 10]), ddof=0) == 4.375
    assert list(stats.quantiles(VALUES, [0.5, 1])) == [2.5, 5]
    assert list(stats.quantiles(VALUES, (0.5,), interpolation=Interpolation.HIGHER)) == [3]
    counted = stats.histogram(array("d", [float("nan"), *VALUES]), 2, 0, 4)
    assert counted == Histogram(array("Q", [1, 2]), below=0, above=1, nans=1)
    assert stats.histogram(VALUES, 2, 0, 4, out=counted.counts).counts is counted.counts
    assert list(counted.counts) == [2, 4]
    assert list(stats.fir(VALUES, [0.5, 0.5])) == [0.5, 1.5, 2.5, 4]
    assert list(stats.rolling(VALUES, 2, Rolling.MEAN)) == [1.5, 2.5, 4]
    assert list(stats.resample(VALUES, 1, 2, [1])) == [1, 3]
    assert stats.checksum(array("d")) == 0


def test_what_remembers():
    with SignalStats() as own:
        fir, biquad = own.fir_filter([0.5, 0.5]), own.biquad_filter(1, 0, 0, -1, 0)
        spectrum, sketch = own.spectrum(4), own.sketch(12)
    assert [list(fir.process(VALUES)) for _ in range(2)] == [[0.5, 1.5, 2.5, 4], [3, 1.5, 2.5, 4]]
    assert list(biquad.process(VALUES)) == [1, 3, 6, 11]
    assert list(spectrum.power(VALUES)) == [121, 13, 9]
    assert [list(part) for part in spectrum.transform(VALUES)] == [[11, -2, -3], [0, 3, 0]]
    assert list(spectrum.power(VALUES, window=Window.HANN)) != [121, 13, 9]
    sketch.add(VALUES)
    assert list(sketch.quantiles([0, 1])) == [1, 5]
    fir.close()
    with pytest.raises(ClosedError):
        fir.process(VALUES)


def test_streams_press_back():
    with SignalStats() as own, own.stream(1, 3) as stream:
        with pytest.raises(ChecksumMismatchError):
            stream.push(VALUES, checksum=0)
        assert stream.push(VALUES, checksum=own.checksum(VALUES)) == 3
        room = array("d", bytes(24))
        assert stream.pop(room) == Block(3, 2.0, 1.0, own.checksum(VALUES[:3]))
        assert list(room) == [1, 2, 3]
        assert stream.pop(room) is None
        stream.finish()
        with pytest.raises(StreamEndedError):
            stream.push(VALUES)


@pytest.mark.parametrize(
    ("call", "failure"),
    [
        (lambda: stats.mean(array("d")), TooFewError),
        (lambda: stats.covariance(VALUES, VALUES[1:]), LengthMismatchError),
        (lambda: stats.rolling(VALUES, 5, Rolling.MEAN), TooFewError),
        (lambda: stats.rolling(VALUES, 2, 9), InvalidArgumentError),
        (lambda: stats.rolling(VALUES, -1, Rolling.MEAN), OverflowError),
        (lambda: stats.resample(VALUES, 1, 0, [1]), InvalidArgumentError),
        (lambda: stats.fir(VALUES, [1], out=array("d", [0])), LengthMismatchError),
        (lambda: stats.histogram(VALUES, 4, 0, 8, out=array("Q", [0] * 3)), LengthMismatchError),
        (lambda: stats.histogram(VALUES, -1, 0, 8), LengthMismatchError),
        (lambda: stats.histogram(VALUES, 4, "0", 8), TypeError),
        (lambda: stats.histogram(VALUES, 4, None, 8), TypeError),
        (lambda: stats.histogram(VALUES, 4, 10**400, 8), OverflowError),
        (lambda: SignalStats().spectrum(3), NotPowerOfTwoError),
        (lambda: SignalStats().sketch(0), InvalidArgumentError),
        (lambda: stats.mean(array("f", [1])), TypeError),
        (lambda: stats.mean(memoryview(VALUES)[::2]), BufferError),
        (lambda: stats.fir(VALUES, [1], out=memoryview(VALUES).toreadonly()), BufferError),
        (lambda: stats.mean([1.0]), TypeError),
    ],
)
def test_what_cannot_be_computed(call, failure):
    with pytest.raises(failure) as raised:
        call()
    assert str(raised.value)
    assert issubclass(failure, SignalStatsError) or failure in {TypeError, BufferError, OverflowError}


@pytest.mark.parametrize("failure", [LookupError, KeyboardInterrupt, SystemExit])
def test_what_an_observer_raises_is_raised_whatever_was_called(failure, monkeypatch):
    unraised = []
    monkeypatch.setattr(sys, "unraisablehook", unraised.append)
    is_on = False

    def observe(call):
        if is_on:
            raise failure(call.function)

    own = SignalStats(observe=observe)
    fir, biquad, spectrum = own.fir_filter([1]), own.biquad_filter(1, 0, 0, 0, 0), own.spectrum(8)
    sketch, stream = own.sketch(), own.stream(2, 4)
    is_on = True
    for call in (
        lambda: own.mean(VALUES),
        lambda: own.fir_filter([1]),
        lambda: fir.process(VALUES),
        lambda: biquad.process(VALUES),
        lambda: spectrum.power(VALUES * 2),
        lambda: spectrum.transform(VALUES * 2),
        lambda: sketch.add(VALUES),
        lambda: sketch.quantiles([0.5]),
        lambda: stream.push(VALUES),
        lambda: stream.pop(array("d", [0] * 4)),
        stream.finish,
    ):
        with pytest.raises(failure):
            call()
    own.close()
    with pytest.raises(failure):
        stream.finish()
    is_on = False
    assert not unraised


def test_nothing_is_copied():
    """The library gets the caller's addresses, and with memory for the results no call allocates more than objects."""
    signal = VALUES * 2**16
    with _bindings.Buffer(signal, "d", 8, writable=False) as passed:
        assert passed == signal.buffer_info()
    with pytest.raises(OverlapError):
        stats.fir(signal, [1], out=signal)
    out, scratch, few = array("d", signal), array("d", signal), array("d", [0.5])
    own = SignalStats()
    fir, sketch, stream, spectrum = own.fir_filter([1]), own.sketch(), own.stream(2, 1024), own.spectrum(1024)
    view, one = memoryview(signal), array("d", [0])
    for call in (
        lambda: stats.mean(view),
        lambda: stats.variance(signal),
        lambda: stats.covariance(signal, signal),
        lambda: stats.quantiles(signal, few, scratch=scratch, out=one),
        lambda: stats.histogram(signal, 8, 0, 8),
        lambda: stats.fir(signal, few, out=out),
        lambda: stats.rolling(signal, 1, Rolling.MAXIMUM, out=out),
        lambda: stats.resample(signal, 1, 1, few, out=out),
        lambda: stats.checksum(signal),
        lambda: fir.process(signal, out=out),
        lambda: sketch.add(signal),
        lambda: spectrum.power(view[:1024], out=memoryview(out)[:513]),
        lambda: stream.push(signal),
        lambda: stream.pop(out),
    ):
        call()
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8192 < signal.itemsize * len(signal)


class Column(ctypes.Structure):
    """ArrowSchema or ArrowArray (The Arrow C data interface, "Structure definitions")."""

    def __init__(self, *fields):
        super().__init__()
        for (name, _), value in zip(self._fields_, fields):
            setattr(self, name, value)


RELEASE = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


class Schema(Column):
    _fields_ = [
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", RELEASE),
        ("private", ctypes.c_void_p),
    ]


class Array(Column):
    _fields_ = [
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", RELEASE),
        ("private", ctypes.c_void_p),
    ]


CAPSULE = ctypes.pythonapi.PyCapsule_New
CAPSULE.argtypes, CAPSULE.restype = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p), ctypes.py_object


class Series:
    """What another library has, with the names that its capsules need for as long as it lives."""

    def __init__(self, values, kind=b"g", offset=0, nulls=0):
        self.values = values
        release = RELEASE(lambda _structure: None)
        self.schema = Schema(kind, b"", None, 0, 0, None, None, release, None)
        self.bits = array("B", [0b1110] if nulls else [255])
        buffers = (ctypes.c_void_p * 2)(self.bits.buffer_info()[0], values.buffer_info()[0])
        count = len(values) - offset
        self.column = Array(count, nulls, offset, 2, 0, buffers, None, None, release, None)
        self.kept = release, buffers

    def __arrow_c_array__(self, requested_schema=None):
        assert requested_schema is None
        return (
            CAPSULE(ctypes.addressof(self.schema), b"arrow_schema", None),
            CAPSULE(ctypes.addressof(self.column), b"arrow_array", None),
        )


def test_columns_of_arrow_are_read_where_they_are():
    series = Series(array("d", VALUES), offset=1)
    assert stats.mean(series) == 10 / 3
    assert list(stats.fir(series, [1])) == [2, 3, 5]
    assert stats.checksum(Series(array("d"))) == 0
    with pytest.raises(OverlapError):
        stats.fir(series, [1], out=memoryview(series.values)[1:])
    with pytest.raises(InvalidArgumentError, match="floating point"):
        stats.mean(Series(array("d", VALUES), kind=b"l"))
    with pytest.raises(InvalidArgumentError, match="nulls"):
        stats.mean(Series(array("d", VALUES), nulls=1))


def test_calls_are_observed_and_what_an_observer_raises_is_raised():
    calls = []
    with SignalStats(observe=calls.append) as own, pytest.raises(TooFewError):
        own.mean(array("d"))
    assert [(call.function, call.status) for call in calls] == [
        ("signal_stats_new", Status.OK),
        ("signal_stats_mean", Status.TOO_FEW),
    ]

    def full(_call):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        SignalStats(observe=full)


def test_an_observer_may_close_what_its_call_uses():
    opened = []
    own = SignalStats(observe=lambda _call: [one.close() for one in opened])
    fir = own.fir_filter([1])
    opened += [own, fir]
    assert list(fir.process(VALUES)) == list(VALUES)
    for call in (lambda: own.mean(VALUES), lambda: fir.process(VALUES)):
        with pytest.raises(ClosedError):
            call()


def test_nothing_is_copied_or_pickled_and_a_closed_one_is_refused():
    own = SignalStats()
    for copying in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copying(own)
    own.close()
    own.close()
    with pytest.raises(ClosedError):
        own.mean(VALUES)


def test_the_library_says_what_it_is_made_of():
    assert "libm" in build_info()["dependencies"]


def owed():
    """Structures of callbacks that there are, and those that the library has not released."""
    gc.collect()
    structures = sum(isinstance(one, _bindings.Callbacks) for one in gc.get_objects())
    return structures, len(_bindings._alive_callbacks)


def test_callbacks_go_when_all_that_may_call_them_is_closed():
    before, calls = owed(), []
    with SignalStats(observe=calls.append) as own:
        sketch = own.sketch(12)
    assert owed() == (before[0] + 1, before[1] + 1)
    sketch.add(VALUES)
    assert [call.function for call in calls] == [
        "signal_stats_new",
        "signal_stats_sketch_new",
        "signal_stats_sketch_add",
    ]
    sketch.close()
    assert owed() == before
