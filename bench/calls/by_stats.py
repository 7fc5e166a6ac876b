"""Measures functions over a million values: by_stats.py signal-stats|numpy; prints CPU time in nanoseconds, as JSON."""

from __future__ import annotations

import importlib
import json
import random
import sys
from array import array
from time import process_time
from timeit import Timer

COUNT = 1_000_000
PROBABILITIES = [0.5, 0.99]
BINS, WINDOW = 64, 9
TAPS = [0.1, -0.25, 0.5, 1.0, 0.5, -0.25, 0.1]


def main(package: str) -> None:
    """Print what each function costs in nanoseconds."""
    chosen = random.Random(1)
    first, second = (array("d", (chosen.gauss(10, 3) for _ in range(COUNT))) for _ in range(2))
    if package == "numpy":
        numpy = importlib.import_module(package)
        one, other = (numpy.frombuffer(values) for values in (first, second))
        calls = {
            "mean": lambda: numpy.mean(one),
            "variance": lambda: numpy.var(one, ddof=1),
            "covariance": lambda: numpy.cov(one, other, ddof=1),
            "quantiles": lambda: numpy.quantile(one, PROBABILITIES),
            "histogram": lambda: numpy.histogram(one, BINS, (0, 20)),
            "rolling": lambda: numpy.lib.stride_tricks.sliding_window_view(one, WINDOW).max(axis=1),
            "filter": lambda: numpy.convolve(one, TAPS)[:COUNT],
        }
    else:
        stats = importlib.import_module("ferrule_signal_stats")
        scratch, out = array("d", first), array("d", first)
        calls = {
            "mean": lambda: stats.mean(first),
            "variance": lambda: stats.variance(first),
            "covariance": lambda: stats.covariance(first, second),
            "quantiles": lambda: stats.quantiles(first, PROBABILITIES, scratch=scratch),
            "histogram": lambda: stats.histogram(first, BINS, 0, 20),
            "rolling": lambda: stats.rolling(first, WINDOW, stats.Rolling.MAXIMUM, out=memoryview(out)[WINDOW - 1 :]),
            "filter": lambda: stats.fir(first, TAPS, out=out),
        }
    measured = {name: Timer(call, timer=process_time).autorange() for name, call in calls.items()}
    json.dump({name: {"ns": seconds / count * 1e9} for name, (count, seconds) in measured.items()}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
