"""signal-stats as it would be released: the same bits from its library on two processors, and from its component."""

from __future__ import annotations

import hashlib
import random
import shutil
import struct
from array import array
from typing import TYPE_CHECKING

import arm64_python
import pytest
import signal_stats_consumer as consumer
import wasmtime
from judges import CHECKOUT, ferrule, run
from wasmtime import component

from fakes.triples import X86

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.only_on(X86, reason="it is built for this machine")

TARGETS = """\
version: 1
project: {name: signal-stats, version: {cargo: rust}, license: Apache-2.0, license-files: [LICENSE]}
toolchain: {rust: "1.96", zig: "0.17.0", cargo-zigbuild: "0.24.0", cbindgen: "0.29.4", jco: "0.15.0"}
targets:
  x86_64-unknown-linux-gnu: {glibc: "2.17"}
  aarch64-unknown-linux-gnu: {glibc: "2.17"}
  wasm32-unknown-unknown: {}
artifacts:
  library:
    kind: library
    crate: signal-stats-ffi
    name: signal_stats
    header: header
    exports: ["signal_stats_*"]
    ship: true
  header: {kind: header, crate: signal-stats-ffi, name: signal_stats.h, ship: true}
  component: {kind: component, crate: signal-stats-wasm, ship: true}
  sums: {kind: checksums}
"""
SEED = 20260101


def write_values(path: Path, blocks: int) -> Path:
    """Values of one seed: of any bits (NaN too), of one size, around an offset, subnormal, of many sizes."""
    chosen = random.Random(SEED)
    kinds = (
        lambda: chosen.getrandbits(64),
        lambda: _bits(chosen.uniform(-1, 1)),
        lambda: _bits(1e9 + chosen.uniform(-1, 1)),
        lambda: chosen.getrandbits(52) | chosen.getrandbits(1) << 63,
        lambda: chosen.getrandbits(58) | chosen.getrandbits(1) << 63 | 0x3800_0000_0000_0000,
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


@pytest.fixture(scope="module")
def signal_stats(programs, tmp_path_factory):  # noqa: ARG001 - the toolchain has to be there
    """A release of signal-stats alone."""
    project = tmp_path_factory.mktemp("signal-stats")
    shutil.copytree(CHECKOUT / "rust", project / "rust", ignore=shutil.ignore_patterns("target"))
    shutil.copy(CHECKOUT / "LICENSE", project)
    (project / "targets.yaml").write_text(TARGETS, encoding="utf-8")
    ferrule("release", cwd=project)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=project / "dist")
    return project / "dist"


@pytest.mark.parametrize("blocks", [10, pytest.param(1000, marks=pytest.mark.rehearsal)])
def test_results_are_the_same_bits_everywhere(signal_stats, tmp_path, blocks):
    values = write_values(tmp_path / "values", blocks)
    libraries = {path.parent.name: path for path in (signal_stats / "lib").rglob("libsignal_stats.so.*")}
    native = consumer.Library(str(next(path for name, path in libraries.items() if "x86_64" in name)))
    portable = Component(signal_stats / "signal-stats-0.1.0.wasm")
    digest = hashlib.sha256()
    for number, block in enumerate(consumer.blocks(values)):
        expected = native.results(block)
        assert portable.results(block) == expected, number
        digest.update(expected)
    script = CHECKOUT / "tests" / "integration" / "signal_stats_consumer.py"
    foreign = next(path for name, path in libraries.items() if "aarch64" in name)
    assert arm64_python.run_python(script, foreign, values, path=tmp_path).strip() == digest.hexdigest()


def test_the_header_has_no_warning(signal_stats, tmp_path):
    source = tmp_path / "user.c"
    source.write_text('#include "signal_stats.h"\nint main(void) { return (int)signal_stats_abi_version() - 1; }\n')
    warnings = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-I", signal_stats / "include", "-c", source)
    for compiler in (("gcc", "-std=c99"), ("g++", "-x", "c++")):
        run(*compiler, *warnings, "-o", tmp_path / "user.o")
