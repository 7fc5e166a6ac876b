"""signal-stats as it is released: the same bits from its library on two processors, and from its component."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import struct
from array import array
from typing import TYPE_CHECKING, NamedTuple

import pytest
import signal_stats_consumer as consumer
import wasmtime
from arm64_python import run_python
from judges import CHECKOUT, ferrule, run
from node_programs import installed
from released import HOST, LINUX, Release
from wasmtime import component

from fakes.triples import ARM, X86

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RESULTS = {
    10: "0539535b9daf8ff0be756e09d92b82c23b85c4701f8d355bbedc154edacaaf77",
    1000: "e251797f22a20b91119f5ff564a24579a51dfac20710ad2163eabe93fc6b5bac",
}
"""The digest of all results for so many blocks: machines that never meet are compared with it."""
ASKED = {
    "block": consumer.BLOCK,
    "probabilities": list(consumer.PROBABILITIES),
    "few": list(consumer.FEW),
    "taps": list(consumer.TAPS),
    "section": dict(zip(consumer.SECTION_NAMES, consumer.SECTION, strict=True)),
    "statistics": consumer.STATISTICS,
    "bins": consumer.BINS,
    "lower": consumer.LOWER,
    "upper": consumer.UPPER,
    "width": consumer.WIDTH,
    "up": consumer.UP,
    "down": consumer.DOWN,
    "precision": consumer.PRECISION,
}
"""What the functions are asked, for a consumer that is not in Python."""
SEED = 20260101


def write_values(path: Path, blocks: int) -> Path:
    """Values of one seed: of any bits, of one size, around an offset, subnormal, of many sizes, with NaNs."""
    chosen = random.Random(SEED)
    kinds = (
        lambda: chosen.getrandbits(64),
        lambda: _bits(chosen.uniform(-1, 1)),
        lambda: _bits(1e9 + chosen.uniform(-1, 1)),
        lambda: chosen.getrandbits(52) | chosen.getrandbits(1) << 63,
        lambda: chosen.getrandbits(58) | chosen.getrandbits(1) << 63 | 0x3800_0000_0000_0000,
        lambda: (
            _bits(chosen.uniform(-1, 1)) if chosen.getrandbits(6) else chosen.getrandbits(64) | 0x7FF0_0000_0000_0001
        ),
    )
    values = array("Q", (kinds[block % len(kinds)]() for block in range(blocks) for _ in range(consumer.BLOCK)))
    path.write_bytes(values.tobytes())
    return path


def _bits(value: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", value))[0]


class RefusedError(Exception):
    """The component gave an error."""


class Component:
    """The component, with the results of `signal_stats_consumer.Library`."""

    def __init__(self, path: Path) -> None:
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        linker = component.Linker(engine)
        self.instance = linker.instantiate(self.store, component.Component.from_file(engine, str(path)))

    def results(self, block: array) -> bytes:
        values, probabilities, taps = list(block), list(consumer.PROBABILITIES), list(consumer.TAPS)
        section = component.Record()
        for name, value in zip(consumer.SECTION_NAMES, consumer.SECTION, strict=True):
            setattr(section, name, value)
        counted = self.call("count-bins", values, consumer.LOWER, consumer.UPPER, consumer.BINS)
        return b"".join(
            (
                self.numbers("mean", values),
                self.numbers("variance", values, 1),
                self.numbers("covariance", values, values[::-1], 1),
                self.numbers("quantiles", values, probabilities, "linear"),
                self.numbers("quantiles", values, list(consumer.FEW), "linear"),
                self.numbers("sketch-quantiles", values, probabilities, consumer.PRECISION),
                array("Q", [*counted.counts, counted.below, counted.above, counted.nans]).tobytes(),
                self.numbers("filter", values, taps),
                self.numbers("biquad", values, [section]),
                *(self.numbers("power", values, window) for window in ("rectangular", "hann")),
                *(self.numbers("rolling", values, consumer.WIDTH, statistic) for statistic in consumer.STATISTICS),
                self.numbers("resample", values, consumer.UP, consumer.DOWN, taps),
            )
        )

    def numbers(self, name: str, *arguments: object) -> bytes:
        result = self.call(name, *arguments)
        return array("d", [result] if isinstance(result, float) else result).tobytes()

    def call(self, name: str, *arguments: object) -> object:
        function = self.instance.get_func(self.store, name)
        result = function(self.store, *arguments)
        function.post_return(self.store)
        if isinstance(result, str):  # no function gives a text: it is the name of an error
            raise RefusedError(name, result)
        return result


class Builds(NamedTuple):
    """A release, and Node.js with a folder for what it needs."""

    release: Release
    node: str
    folder: Path


def digest_of(one: consumer.Library | Component, values: Path) -> str:
    digest = hashlib.sha256()
    for block in consumer.blocks(values):
        digest.update(one.results(block))
    return digest.hexdigest()


def native(builds: Builds, values: Path) -> str:
    return digest_of(consumer.Library(str(builds.release.shared(HOST))), values)


def emulated(builds: Builds, values: Path) -> str:
    script = CHECKOUT / "tests" / "integration" / "signal_stats_consumer.py"
    return run_python(script, builds.release.shared(ARM), values, path=values.parent)


def in_wasmtime(builds: Builds, values: Path) -> str:
    return digest_of(Component(builds.release.made("component")), values)


def in_node(builds: Builds, values: Path) -> str:
    """The npm package, as a user installs it."""
    folder = installed(builds.release, builds.node, builds.folder)
    shutil.copy(CHECKOUT / "tests" / "consumers" / "signal-stats" / "node" / "main.mjs", folder)
    return run(builds.node, "main.mjs", values, json.dumps(ASKED), cwd=folder).stdout


@pytest.fixture
def builds(signal_stats: Release, programs: dict[str, str], tmp_path: Path) -> Builds:
    return Builds(signal_stats, programs["node"], tmp_path / "node")


@pytest.mark.parametrize(
    "results",
    [
        native,
        pytest.param(emulated, marks=pytest.mark.only_on(X86, reason="it emulates the other machine")),
        in_wasmtime,
        in_node,
    ],
)
@pytest.mark.parametrize(
    "blocks", [pytest.param(10, marks=pytest.mark.consumer), pytest.param(1000, marks=pytest.mark.rehearsal)]
)
def test_results_are_the_same_bits_everywhere(
    builds: Builds, tmp_path: Path, blocks: int, results: Callable[[Builds, Path], str]
) -> None:
    assert results(builds, write_values(tmp_path / "values", blocks)) == RESULTS[blocks]


@pytest.mark.consumer
def test_the_header_has_no_warning(signal_stats, tmp_path):
    include = signal_stats.sdk(HOST) / "include"
    source = tmp_path / "user.c"
    source.write_text('#include "signal_stats.h"\nint main(void) { return (int)signal_stats_abi_version() - 1; }\n')
    options = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-I", include, "-c", source, "-o", tmp_path / "user.o")
    for compiler in (("clang", "-std=c99"), ("clang++", "-x", "c++")):
        run(*compiler, *options)


@pytest.mark.consumer
@pytest.mark.only_on(*LINUX, reason="interfaces are compared where abidiff is")
def test_this_release_says_in_its_version_what_changed(signal_stats):
    recorded = CHECKOUT / "packaging" / "abi" / "signal-stats"
    done = ferrule("abi", signal_stats.dist, "--against", recorded, "--json")
    assert json.loads(done.stdout)["ok"], done.stdout
    assert (recorded / "include" / "signal_stats.h").is_file()
