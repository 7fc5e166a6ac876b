"""signal-stats as it is released: the same bits from its library on two processors, and from its component."""

from __future__ import annotations

import functools
import hashlib
import json
import random
import shutil
import struct
import sys
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import signal_stats_consumer as consumer
import wasmtime
from agreement import Row, Used, caption, promised, written
from arm64_python import run_python, unpacked
from judges import CHECKOUT, ferrule, run
from node_programs import installed
from released import HOST, LINUX, Release, sha256
from wasmtime import component

from consumers import GO_MACHINE, in_go_module, in_package, in_wheel, library
from fakes.triples import ARM, MAC, WASM, X86
from ferrule.formats import gobindings

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = CHECKOUT / "docs" / "agreement.md"
BEGIN = "<!-- agreement of signal-stats -->\n"
COMMAND = "scripts/nox -s rehearse -- -k signal_stats --write-agreement"
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
SOURCES = CHECKOUT / "tests" / "consumers" / "signal-stats"
TESTS = CHECKOUT / "packaging" / "signal-stats" / "python" / "tests"
MODULE = "example.org/ferrule/signal-stats"
GO = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}


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
    """A release, the programs of the toolchain, and a folder for what is made of them."""

    release: Release
    programs: dict[str, str]
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
    folder = builds.folder / "node"
    if not folder.exists():
        installed(builds.release, builds.programs["node"], folder)
        shutil.copy(SOURCES / "node" / "main.mjs", folder)
    return run(builds.programs["node"], "main.mjs", values, json.dumps(ASKED), cwd=folder).stdout


def by_the_wheel(builds: Builds, values: Path) -> str:
    main = SOURCES / "python-native" / "main.py"
    path = str(builds.release.wheel(HOST))
    return run(sys.executable, main, values, json.dumps(ASKED), PYTHONPATH=path).stdout


def by_the_wheel_emulated(builds: Builds, values: Path) -> str:
    main = SOURCES / "python-native" / "main.py"
    return run_python(main, values, json.dumps(ASKED), path=builds.release.wheel(ARM))


def go_program(builds: Builds, target: str) -> Path:
    """The program in Go, as somebody builds it who has the module in a folder, and the component's core module."""
    folder, program = builds.folder / "go", builds.folder / f"go-{target}"
    system, machine = ("darwin", "arm64") if target == MAC else ("linux", GO_MACHINE[target])
    options = GO | {"GOOS": system, "GOARCH": machine}
    go = builds.programs["go"]
    if not folder.exists():
        shutil.copytree(SOURCES / "go", folder)
        run(go, "mod", "edit", f"-replace={MODULE}={builds.release.dist / 'stats-go'}", cwd=folder, **options)
        assert run(Path(go).with_name("gofmt"), "-l", folder).stdout == ""
        code = builds.release.made("module", WASM).read_bytes()
        package = {**gobindings.bindings(code, package="stats"), "module.wasm": code}
        (folder / "stats").mkdir()
        for name, content in package.items():
            (folder / "stats" / name).write_bytes(content)
    if not program.exists():
        run(go, "build", "-o", program, cwd=folder, **options)
    return program


def by_the_go_module(builds: Builds, values: Path) -> str:
    cache = str(builds.folder / "cache")
    return run(go_program(builds, HOST), "native", values, json.dumps(ASKED), XDG_CACHE_HOME=cache).stdout


def by_the_go_module_emulated(builds: Builds, values: Path) -> str:
    command = ("qemu-aarch64-static", "-L", unpacked(), "-E", f"XDG_CACHE_HOME={builds.folder / 'cache'}")
    return run(*command, go_program(builds, ARM), "native", values, json.dumps(ASKED)).stdout


def in_wazero(builds: Builds, values: Path) -> str:
    return run(go_program(builds, HOST), "wazero", values, json.dumps(ASKED)).stdout


@pytest.fixture(scope="session")
def builds(signal_stats: Release, programs: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Builds:
    return Builds(signal_stats, programs, tmp_path_factory.mktemp("consumers-of-signal-stats"))


class Consumer(NamedTuple):
    """How to have one say the digest of its results, and what of the release it runs then."""

    results: Callable[[Builds, Path], str]
    used: Callable[[Release], Used]


def in_archive(target: str) -> Callable[[Release], Used]:
    return lambda release: library(release.shared(target), target)


CONSUMERS = {
    "C library": Consumer(native, in_archive(HOST)),
    "C library, aarch64": Consumer(emulated, in_archive(ARM)),
    "Go, purego": Consumer(by_the_go_module, in_go_module(HOST, "stats-go")),
    "Go, purego, aarch64": Consumer(by_the_go_module_emulated, in_go_module(ARM, "stats-go")),
    "Go, wazero": Consumer(in_wazero, lambda release: Used("core module", sha256(release.made("module", WASM)))),
    "Node.js": Consumer(in_node, in_package),
    "Python, native": Consumer(by_the_wheel, in_wheel(HOST)),
    "Python, native, aarch64": Consumer(by_the_wheel_emulated, in_wheel(ARM)),
    "Python, wasmtime": Consumer(in_wasmtime, lambda release: Used("component", sha256(release.made("component")))),
}
HERE = [name for name in CONSUMERS if HOST == X86 or not name.endswith("aarch64")]
"""Those for which this machine need not emulate another than aarch64."""


@pytest.fixture(scope="session")
def row(builds: Builds, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Row]:
    """The row of a consumer for ten blocks of values, made when it is first asked for."""
    values = write_values(tmp_path_factory.mktemp("values") / "values", 10)
    count = 10 * consumer.BLOCK

    @functools.cache
    def judged(name: str) -> Row:
        one = CONSUMERS[name]
        agrees = one.results(builds, values) == RESULTS[10]
        return Row(name, count if agrees else 0, count, one.used(builds.release))

    return judged


@pytest.mark.consumer
@pytest.mark.parametrize("name", HERE)
def test_results_are_the_same_bits_everywhere(row: Callable[[str], Row], name: str) -> None:
    assert row(name).agrees


@pytest.mark.rehearsal
@pytest.mark.parametrize("name", HERE)
def test_a_million_results_are_the_same_bits_everywhere(builds: Builds, tmp_path: Path, name: str) -> None:
    assert CONSUMERS[name].results(builds, write_values(tmp_path / "values", 1000)) == RESULTS[1000]


@pytest.mark.consumer
@pytest.mark.only_on(X86, reason="the table is of one machine, which emulates the other")
def test_the_page_is_current(row: Callable[[str], Row], signal_stats: Release, pytestconfig: pytest.Config) -> None:
    rows = [row(name) for name in CONSUMERS]
    page = PAGE.read_text(encoding="utf-8")
    if pytestconfig.getoption("--write-agreement", default=False):
        label = caption(signal_stats.manifest["release"], signal_stats.dist / "manifest.json")
        page = written(page, rows, label, begin=BEGIN)
        PAGE.write_text(page, encoding="utf-8")
    assert promised(page, begin=BEGIN) == [row.cells()[:-1] for row in rows], f"run: {COMMAND}"


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


@pytest.mark.consumer
def test_the_wheel_does_what_its_tests_ask(signal_stats):
    done = run(
        *(sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("--rootdir", TESTS, "-c", TESTS.parent / "pyproject.toml", TESTS),
        PYTHONPATH=str(signal_stats.wheel(HOST)),
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert " passed" in done.stdout


@pytest.mark.consumer
def test_the_go_module_passes_its_own_tests(builds):
    module, go = builds.release.dist / "stats-go", builds.programs["go"]
    assert run(Path(go).with_name("gofmt"), "-l", module).stdout == ""
    run(go, "test", "-vet=all", "-count=1", "./...", cwd=module, XDG_CACHE_HOME=str(builds.folder / "cache"), **GO)
