"""What a call costs: the output of the programs that measure roads to the library, and the figures made of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from figures import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BATCH = 1000
"""Addresses in a batch; the programs that measure have the same number."""

PEER = "cgo"
"""The road that the others are compared with."""

ROADS = {
    "cgo": "Go, cgo",
    "purego": "Go, purego",
    "wazero": "Go, wazero",
    "node": "Node.js, jco",
    "python-native": "Python, ctypes",
    "python-wasmtime": "Python, wasmtime",
}
"""Every road, in the order of the table, as people call it."""

INPUTS = {"short": "a short address", "batch": f"each of {BATCH:,} addresses"}
"""What is handed over, by the names that the programs use."""

GOALS = {("purego", "short"): 2.0, ("purego", "batch"): 1.1}
"""The most that a road may cost, as a multiple of cgo."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is measured of a library: how figures are named, what is handed over in words, and the goals."""

    prefix: str
    inputs: Mapping[str, str]
    goals: Mapping[tuple[str, str], float]


VALIDATOR = Table("calls", INPUTS, GOALS)

WAZERO_MICROSECONDS = 8.0
"""The most that a short address may cost by wazero."""

_GO_LINE = re.compile(
    r"^Benchmark(?P<input>[A-Z][a-z]+)(?:-\d+)?\s+\d+\s+(?P<ns>[\d.]+) ns/op"
    r"\s+(?P<bytes>\d+) B/op\s+(?P<allocations>\d+) allocs/op$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Nanoseconds for one input, and what is known of memory, in words; empty where nothing was measured."""

    nanoseconds: float
    memory: str = ""


def of_go(said: str) -> dict[str, Cost]:
    """What `go test -bench . -benchmem` printed, by input, the quickest of several. Raises ValueError for none."""
    found: dict[str, Cost] = {}
    for line in _GO_LINE.finditer(said):
        name = line["input"].lower()
        per = BATCH if name == "batch" else 1
        count = _count(line["allocations"], per)
        memory = f"{count} allocation{'s' if count != '1' else ''}, {_count(line['bytes'], per)} B"
        cost = Cost(float(line["ns"]) / per, memory)
        found[name] = min(cost, found.get(name, cost), key=lambda one: one.nanoseconds)
    if not found:
        raise ValueError(f"no benchmark in {said!r}")
    return found


def of_json(said: str) -> dict[str, Cost]:
    """What the other programs print: an object with `ns` for one address, and words in `memory`, for each input."""
    return {name: Cost(float(row["ns"]), str(row.get("memory", ""))) for name, row in json.loads(said).items()}


def figures(rounds: Sequence[Mapping[str, Mapping[str, Cost]]], table: Table = VALIDATOR) -> list[Figure]:
    """Every road and input beside cgo, from the medians of all rounds; a round holds what each road cost."""
    found = []
    for name in table.inputs:
        for road in ROADS:
            samples = [costs[road][name] for costs in rounds if name in costs.get(road, {})]
            if samples:
                found += _road(table, road, name, samples, [costs[PEER][name] for costs in rounds])
    return found


def _road(table: Table, road: str, name: str, samples: Sequence[Cost], peers: Sequence[Cost]) -> list[Figure]:
    mine, other = _middle(samples), _middle(peers)
    what = f"{table.inputs[name]}: {ROADS[road]}"
    figure = f"{table.prefix}-{road}-{name}"
    memory = f"; {samples[-1].memory}" if samples[-1].memory else ""
    detail = f"{time(mine)} to {time(other)}{memory}"
    if road == PEER:
        detail = f"{time(mine)}{memory}; {len(samples)} round{'s' if len(samples) != 1 else ''}"
        return [Figure(figure, what, 1.0, "x", None, detail)]
    made = [Figure(figure, f"{what} to cgo", mine / other, "x", table.goals.get((road, name)), detail)]
    if (road, name) == ("wazero", "short"):
        made.append(Figure("calls-wazero-time", f"{what}, time", mine / 1000, "µs", WAZERO_MICROSECONDS, "as above"))
    return made


def _middle(samples: Sequence[Cost]) -> float:
    return median(sample.nanoseconds for sample in samples)


def _count(total: str, per: int) -> str:
    return f"{int(total) / per:.3g}" if per > 1 else total


def time(nanoseconds: float) -> str:
    """Nanoseconds for people.

    >>> time(345.9), time(12345.0), time(12345678.0)
    ('346 ns', '12.3 µs', '12.35 ms')
    """
    if nanoseconds < 1000:  # noqa: PLR2004 - a thousand
        return f"{nanoseconds:.0f} ns"
    return f"{nanoseconds / 1000:.1f} µs" if nanoseconds < 1e6 else f"{nanoseconds / 1e6:.2f} ms"  # noqa: PLR2004 - as above
