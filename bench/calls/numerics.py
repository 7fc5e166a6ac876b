"""What signal-stats costs: a call of its Go module beside cgo, and functions of its wheel beside NumPy."""

from __future__ import annotations

import importlib.util
import os
import zipfile
from statistics import median
from typing import TYPE_CHECKING

from calls.cost import Cost, time
from calls.roads import OFTEN, Road, file_of, unpacked, with_go, with_python
from figures import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

BATCHES = {"mean": "the mean of 1,000 values", "filter": "a filter of 1,000 values by 7 taps"}
"""What both ways from Go are asked for."""

FUNCTIONS = {
    "mean": "the mean",
    "variance": "the variance",
    "covariance": "the covariance",
    "quantiles": "two quantiles",
    "histogram": "a histogram of 64 bins",
    "rolling": "the maxima of windows of 9",
    "filter": "a filter by 7 taps",
}
"""What is computed of 1,000,000 values in Python, by signal-stats and by NumPy."""

_PUREGO, _NUMPY = 1.1, 1.0  # the most that it may cost, as a multiple of the other


def built(root: Path, folder: Path, go: str) -> dict[str, Road]:
    """The programs for the release of signal-stats below `root`/dist, made in an empty folder.

    That of NumPy is missing where this Python has none.
    """
    dist = root / "dist" / "signal-stats"
    host = f"{os.uname().machine}-unknown-linux-gnu"
    sdk, wheel = unpacked(file_of(dist, "archive", host), folder / "sdk") / "lib", folder / "wheel"
    zipfile.ZipFile(file_of(dist, "wheel", host)).extractall(wheel)
    programs = {
        "cgo": with_go("cgo", folder, go, sdk=sdk, module="signals", times=OFTEN),
        "purego": with_go("module", folder, go, module="signals", times=OFTEN),
        "signal-stats": with_python("by_stats.py", wheel, "signal-stats"),
    }
    if importlib.util.find_spec("numpy"):
        programs["numpy"] = with_python("by_stats.py", wheel, "numpy")
    return programs


def figures(rounds: Sequence[Mapping[str, Mapping[str, Cost]]]) -> list[Figure]:
    """The Go module beside cgo, and the wheel beside NumPy where it was measured, from the medians of all rounds."""
    found = [_beside(rounds, "purego", "cgo", name, f"{what}: Go, purego to cgo") for name, what in BATCHES.items()]
    if "numpy" in rounds[0]:
        found += [
            _beside(rounds, "signal-stats", "numpy", name, f"{what} of 1,000,000 values: Python, to NumPy")
            for name, what in FUNCTIONS.items()
        ]
    return found


def _beside(rounds: Sequence[Mapping[str, Mapping[str, Cost]]], road: str, peer: str, name: str, what: str) -> Figure:
    mine, other = (median(costs[one][name].nanoseconds for costs in rounds) for one in (road, peer))
    memory = rounds[-1][road][name].memory
    detail = f"{time(mine)} to {time(other)}{f'; {memory}' if memory else ''}; {len(rounds)} rounds"
    goal = _PUREGO if peer == "cgo" else _NUMPY
    return Figure(f"signals-{road}-{name}", what, mine / other, "x", goal, detail)
