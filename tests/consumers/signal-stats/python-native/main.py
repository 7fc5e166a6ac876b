"""Prints a digest of what the wheel makes of the values of a file: main.py FILE ASKED."""

from __future__ import annotations

import hashlib
import json
import sys
from array import array
from pathlib import Path

from ferrule_signal_stats import Rolling, SignalStats, Window

asked = json.loads(sys.argv[2])
probabilities, few, taps = (array("d", asked[name]) for name in ("probabilities", "few", "taps"))
stats = SignalStats()
spectrum = stats.spectrum(asked["block"])
digest = hashlib.sha256()
everything = array("d", Path(sys.argv[1]).read_bytes())


def put(*results: object) -> None:
    for result in results:
        digest.update(result if not isinstance(result, float) else array("d", [result]))


for start in range(0, len(everything), asked["block"]):
    values = memoryview(everything)[start : start + asked["block"]]
    backwards = everything[start : start + asked["block"]][::-1]
    put(stats.mean(values), stats.variance(values), stats.covariance(values, backwards))
    put(stats.quantiles(values, probabilities), stats.quantiles(values, few))
    with stats.sketch(asked["precision"]) as sketch:
        sketch.add(values)
        put(sketch.quantiles(probabilities))
    counts, *rest = stats.histogram(values, asked["bins"], asked["lower"], asked["upper"])
    put(counts, array("Q", rest), stats.fir(values, taps))
    with stats.biquad_filter(**asked["section"]) as biquad:
        put(biquad.process(values))
    put(*(spectrum.power(values, window=window) for window in Window))
    put(*(stats.rolling(values, asked["width"], Rolling[name.upper()]) for name in asked["statistics"]))
    put(stats.resample(values, asked["up"], asked["down"], taps))
sys.stdout.write(digest.hexdigest())
