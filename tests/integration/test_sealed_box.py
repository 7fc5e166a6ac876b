"""sealed-box as it is released: every vector through each of its packages, on both machines, with equal bytes."""

from __future__ import annotations

import ctypes
import functools
import json
import re
import secrets
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest
import wasmtime
from agreement import Row, Used, caption, judge, promised, written
from arm64_python import run_python, unpacked
from bound import node_bindings
from judges import CHECKOUT, ferrule, run
from node_programs import installed, judges_of_javascript
from released import HOST, LINUX, Release, sha256
from wasmtime import component

from consumers import GO_MACHINE, Builds, Consumer, in_go_module, in_package, in_wheel, library
from fakes.triples import ARM, MAC, X86

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.consumer

PAGE = CHECKOUT / "docs" / "agreement.md"
SOURCES = CHECKOUT / "tests" / "consumers" / "sealed-box"
FILE = CHECKOUT / "rust" / "vectors" / "sealed-box.json"
TESTS = CHECKOUT / "packaging" / "sealed-box" / "python" / "tests"
MODULE = "example.org/ferrule/sealed-box"
BEGIN = "<!-- agreement of sealed-box -->\n"
COMMAND = "scripts/nox -s rehearse -- -k sealed_box --write-agreement"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))


class Algorithm(NamedTuple):
    number: int
    wit: str
    work: str


ALGORITHMS = {
    "AES-256-GCM": Algorithm(0x0101, "aes256-gcm", "seal"),
    "ChaCha20-Poly1305": Algorithm(0x0102, "chacha20-poly1305", "seal"),
    "XChaCha20-Poly1305": Algorithm(0x0103, "xchacha20-poly1305", "seal"),
    "AES-256-GCM-SIV": Algorithm(0x0104, "aes256-gcm-siv", "seal"),
    "HMAC-SHA-256": Algorithm(0x0201, "hmac-sha256", "hash"),
    "HMAC-SHA-512": Algorithm(0x0202, "hmac-sha512", "hash"),
    "HKDF-SHA-256": Algorithm(0x0301, "hkdf-sha256", "derive"),
    "Ed25519": Algorithm(0x0401, "ed25519", "verify"),
    "X25519": Algorithm(0x0501, "x25519", "agree"),
}
# Functions of the header whose names are not those of the WIT.
NAMES = {
    "import-key": "key_import",
    "import-public-key": "key_import_public",
    "export-key": "key_export",
    "check-hash": "hash_check",
}
# The numbers of the statuses that vectors expect, by their names in the WIT.
CLOSED = -1  # the library has pointers instead
STATUSES = {"closed": CLOSED, "invalid-key": 19, "invalid-nonce": 20, "invalid-length": 21, "rejected": 24}
REJECTED = STATUSES["rejected"]


class RefusedError(Exception):
    """A status other than 0."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Box(Protocol):
    """What both ways offer: functions by their names in the WIT, bytes and numbers in, bytes or a handle out."""

    def call(self, name: str, *arguments: object) -> object: ...

    def algorithm(self, algorithm: Algorithm) -> object: ...

    def close(self, key: object) -> None: ...


class Native:
    """The library."""

    # Which arguments are keys and numbers is in the header; what comes out is bytes, a key, or nothing.
    BYTES = frozenset({"encrypt", "decrypt", "hash", "derive", "export-key"})

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        self.library.sealed_box_bytes_free.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
        self.library.sealed_box_key_free.argtypes = (ctypes.c_void_p,)
        numbers = (ctypes.c_uint32 * len(ALGORITHMS))(*(algorithm.number for algorithm in ALGORITHMS.values()))
        options = Options(ctypes.sizeof(Options), 1, 1, 0, ctypes.cast(numbers, ctypes.c_void_p), len(numbers))
        self.box = ctypes.c_void_p()
        self._check(self.library.sealed_box_new(ctypes.byref(options), None, ctypes.byref(self.box)))

    def call(self, name: str, *arguments: object) -> object:
        function = getattr(self.library, f"sealed_box_{NAMES.get(name, name).replace('-', '_')}")
        words = [word for argument in arguments for word in self._words(argument)]
        if name in self.BYTES:
            data, length = ctypes.c_void_p(), ctypes.c_size_t()
            self._check(function(self.box, *words, ctypes.byref(data), ctypes.byref(length)))
            result = ctypes.string_at(data, length.value) if data.value else b""
            self.library.sealed_box_bytes_free(data, length)
            return result
        if name in {"verify", "check-hash"}:
            return self._check(function(self.box, *words))
        key = ctypes.c_void_p()
        self._check(function(self.box, *words, ctypes.byref(key)))
        return key

    def algorithm(self, algorithm: Algorithm) -> object:
        return ctypes.c_uint32(algorithm.number)

    def close(self, key: object) -> None:
        self.library.sealed_box_key_free(key)

    @staticmethod
    def _words(argument: object) -> tuple[object, ...]:
        match argument:
            case bytes():
                return argument, ctypes.c_size_t(len(argument))
            case int():
                return (ctypes.c_uint64(argument),)  # a register, whatever the width
            case _:
                return (argument,)

    @staticmethod
    def _check(status: int) -> None:
        if status:
            raise RefusedError(status)


class Options(ctypes.Structure):
    """SealedBoxOptions."""

    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("allow_caller_nonces", ctypes.c_uint8),
        ("allow_export", ctypes.c_uint8),
        ("reserved", ctypes.c_uint16),
        ("algorithms", ctypes.c_void_p),
        ("algorithms_count", ctypes.c_size_t),
    )


class Component:
    """The component."""

    def __init__(self, path: Path) -> None:
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        self.uses: Counter[str] = Counter()
        linker = component.Linker(engine)
        with linker.root() as root:
            with root.add_instance("ferrule:sealed-box/entropy@0.1.0") as entropy:
                entropy.add_func("fill", lambda _store, length: secrets.token_bytes(length))
            with root.add_instance("ferrule:sealed-box/audit@0.1.0") as audit:
                audit.add_func("used", lambda _store, event: self.uses.update([event.operation]))
        self.instance = linker.instantiate(self.store, component.Component.from_file(engine, str(path)))
        options = component.Record()
        for name, value in (
            ("algorithms", [algorithm.wit for algorithm in ALGORITHMS.values()]),
            ("allow-caller-nonces", True),
            ("allow-export", True),
        ):
            setattr(options, name, value)
        self.call("configure", options)

    def call(self, name: str, *arguments: object) -> object:
        function = self.instance.get_func(self.store, name)
        result = function(self.store, *arguments)
        function.post_return(self.store)
        if isinstance(result, str):  # no function gives a text: it is the name of an error
            raise RefusedError(STATUSES[result])
        return result

    def algorithm(self, algorithm: Algorithm) -> object:
        return algorithm.wit

    def close(self, key: object) -> None:
        self.call("close-key", key)


def seal(box: Box, key: object, vector: dict[str, bytes]) -> list[object]:
    nonce, associated, message, sealed = (vector[name] for name in ("nonce", "associated", "message", "sealed"))
    return [box.call("decrypt", key, nonce, associated, sealed), box.call("encrypt", key, nonce, associated, message)]


def hash_(box: Box, key: object, vector: dict[str, bytes]) -> list[object]:
    """Half of a tag is compared here: the library accepts no such thing."""
    whole = bytes(box.call("hash", key, vector["message"]))
    if len(whole) == len(vector["tag"]):
        box.call("check-hash", key, vector["message"], vector["tag"])
    elif not whole.startswith(vector["tag"]):
        raise RefusedError(REJECTED)
    return [whole[: len(vector["tag"])]]


def derive(box: Box, key: object, vector: dict) -> list[object]:
    return [box.call("derive", key, vector["salt"], vector["info"], vector["length"])]


def verify(box: Box, key: object, vector: dict[str, bytes]) -> list[object]:
    box.call("verify", key, vector["message"], vector["signature"])
    return []


def agree(box: Box, key: object, vector: dict[str, bytes]) -> list[object]:
    shared = box.call("agree", key, vector["public"], 1)
    exported = box.call("export-key", shared)
    box.close(shared)
    return [exported]


WORK: dict[str, Callable[[Box, object, dict], list[object]]] = {
    "seal": seal,
    "hash": hash_,
    "derive": derive,
    "verify": verify,
    "agree": agree,
}
RESULTS = {
    "seal": ("message", "sealed"),
    "hash": ("tag",),
    "derive": ("output",),
    "verify": (),
    "agree": ("shared",),
}
"""What of a vector a consumer prints where it succeeds."""


def answer(box: Box, row: dict) -> list[object]:
    """What a vector comes to: the status, and what came of it in hexadecimal digits."""
    algorithm = ALGORITHMS[row["algorithm"]]
    texts = {
        name: bytes.fromhex(value) for name, value in row.items() if isinstance(value, str) and name != "algorithm"
    }
    vector = texts | {"length": row.get("length")}
    make, half = ("import-public-key", "public") if algorithm.work == "verify" else ("import-key", "key")
    try:
        key = box.call(make, box.algorithm(algorithm), row["number"], vector[half])
    except RefusedError as refused:
        return [refused.status]
    try:
        return [0, *(bytes(one).hex() for one in WORK[algorithm.work](box, key, vector))]
    except RefusedError as refused:
        return [refused.status]
    finally:
        box.close(key)


def expected_of(row: dict) -> list[object]:
    """What every consumer has to print for a vector."""
    if row["expected"]:
        return [row["expected"]]
    return [0, *(row[name] for name in RESULTS[ALGORITHMS[row["algorithm"]].work])]


def answers(box: Box) -> str:
    return "".join(json.dumps(answer(box, row), separators=(",", ":")) + "\n" for row in VECTORS)


EXPECTED = [
    {
        "name": f"{row['algorithm']} {row['number']}",
        "candidate": "",
        "options": {},
        "expected": expected_of(row),
    }
    for row in VECTORS
]

# The consumers. Each has what a user would install; programs are built once for all tests of a run.


def c_library(builds: Builds) -> str:
    return answers(Native(builds.release.shared(HOST)))


def python_native(builds: Builds) -> str:
    main = SOURCES / "python-native" / "main.py"
    return run(sys.executable, main, FILE, PYTHONPATH=str(builds.release.wheel(HOST))).stdout


def python_arm64(builds: Builds) -> str:
    return run_python(SOURCES / "python-native" / "main.py", FILE, path=builds.release.wheel(ARM))


def python_wasmtime(builds: Builds) -> str:
    return answers(Component(builds.release.made("component")))


def node(builds: Builds) -> str:
    """The npm package, as a user installs it."""
    folder = installed(builds.release, builds.programs["node"], builds.folder / "node")
    shutil.copy(SOURCES / "node" / "main.mjs", folder)
    return run(builds.programs["node"], "main.mjs", FILE, cwd=folder).stdout


def go_program(builds: Builds, target: str) -> Path:
    """The program in Go, as somebody builds it who has the module in a folder."""
    folder, program = builds.folder / "go", builds.folder / f"go-{target}"
    system, machine = ("darwin", "arm64") if target == MAC else ("linux", GO_MACHINE[target])
    options = {
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly",
        "CGO_ENABLED": "0",
        "GOOS": system,
        "GOARCH": machine,
    }
    if not folder.exists():
        shutil.copytree(SOURCES / "go", folder)
        replaced = f"-replace={MODULE}={builds.release.dist / 'box-go'}"
        run(builds.programs["go"], "mod", "edit", replaced, cwd=folder, **options)
        assert run(Path(builds.programs["go"]).with_name("gofmt"), "-l", folder).stdout == ""
    if not program.exists():
        run(builds.programs["go"], "build", "-o", program, cwd=folder, **options)
    return program


def go_purego(builds: Builds) -> str:
    return run(go_program(builds, HOST), FILE, XDG_CACHE_HOME=str(builds.folder / "cache")).stdout


def go_purego_arm64(builds: Builds) -> str:
    cache = f"XDG_CACHE_HOME={builds.folder / 'cache'}"
    return run("qemu-aarch64-static", "-L", unpacked(), "-E", cache, go_program(builds, ARM), FILE).stdout


def in_archive(release: Release) -> Used:
    return library(release.shared(HOST), HOST)


CONSUMERS = {
    "C library": Consumer(c_library, in_archive),
    "Go, purego": Consumer(go_purego, in_go_module(HOST, "box-go")),
    "Go, purego, aarch64": Consumer(go_purego_arm64, in_go_module(ARM, "box-go")),
    "Node.js": Consumer(node, in_package),
    "Python, native": Consumer(python_native, in_wheel(HOST)),
    "Python, native, aarch64": Consumer(python_arm64, in_wheel(ARM)),
    "Python, wasmtime": Consumer(python_wasmtime, lambda release: Used("component", sha256(release.made("component")))),
}
OTHERS = {name for name in CONSUMERS if name.endswith("aarch64") and HOST != X86}
"""Consumers for which this machine would have to emulate another."""


@pytest.fixture(scope="session")
def builds(sealed_box, programs, tmp_path_factory) -> Builds:
    return Builds(sealed_box, programs, tmp_path_factory.mktemp("consumers-of-the-box"))


@pytest.fixture(scope="session")
def row(builds) -> Callable[[str], Row]:
    """The row of a consumer, made when it is first asked for."""
    return functools.cache(
        lambda name: judge(name, EXPECTED, CONSUMERS[name].printed(builds), CONSUMERS[name].used(builds.release))
    )


@pytest.mark.parametrize("consumer", [name for name in CONSUMERS if name not in OTHERS])
def test_it_prints_the_expected_bytes_for_every_vector(row, consumer):
    result = row(consumer)
    assert result.agrees, "\n".join(result.differences)
    assert result.total == 2261


@pytest.mark.only_on(X86, reason="the table is of one machine, which emulates the other")
def test_the_page_is_current(row, sealed_box, pytestconfig):
    rows = [row(consumer) for consumer in CONSUMERS]
    page = PAGE.read_text(encoding="utf-8")
    if pytestconfig.getoption("--write-agreement", default=False):
        label = caption(sealed_box.manifest["release"], sealed_box.dist / "manifest.json")
        page = written(page, rows, label, begin=BEGIN)
        PAGE.write_text(page, encoding="utf-8")
    assert promised(page, begin=BEGIN) == [row.cells()[:-1] for row in rows], f"run: {COMMAND}"


def test_the_header_has_no_warning(sealed_box, tmp_path):
    include = sealed_box.sdk(HOST) / "include"
    source = tmp_path / "user.c"
    source.write_text('#include "sealed_box.h"\nint main(void) { return (int)sealed_box_abi_version() - 1; }\n')
    options = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-I", include, "-c", source, "-o", tmp_path / "user.o")
    for compiler in (("clang", "-std=c99"), ("clang++", "-x", "c++")):
        run(*compiler, *options)


@pytest.mark.only_on(*LINUX, reason="interfaces are compared where abidiff is")
def test_this_release_says_in_its_version_what_changed(sealed_box):
    recorded = CHECKOUT / "packaging" / "abi" / "sealed-box"
    done = ferrule("abi", sealed_box.dist, "--against", recorded, "--json")
    assert json.loads(done.stdout)["ok"], done.stdout
    assert (recorded / "include" / "sealed_box.h").is_file()


def test_a_handle_that_was_closed_is_refused(sealed_box):
    box = Component(sealed_box.made("component"))
    key = box.call("generate-key", "xchacha20-poly1305", 1)
    sealed = box.call("seal", key, b"to", b"text")
    assert bytes(box.call("open", key, b"to", sealed)) == b"text"
    assert box.uses == {"generate": 1, "seal": 1, "open": 1}
    box.close(key)
    box.close(key)
    with pytest.raises(RefusedError) as refused:
        box.call("seal", key, b"", b"")
    assert refused.value.status == CLOSED


def test_the_wheel_does_what_its_tests_ask(sealed_box):
    done = run(
        *(sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("--rootdir", TESTS, "-c", TESTS.parent / "pyproject.toml", TESTS),
        PYTHONPATH=str(sealed_box.wheel(HOST)),
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert " passed" in done.stdout


def test_the_go_module_passes_its_own_tests(builds):
    module = builds.release.dist / "box-go"
    go = builds.programs["go"]
    environment = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
    environment["XDG_CACHE_HOME"] = str(builds.folder / "cache")
    assert run(Path(go).with_name("gofmt"), "-l", module).stdout == ""
    run(go, "test", "-vet=all", "-count=1", "./...", cwd=module, **environment)


@pytest.mark.parametrize("audit", ["", "audited"])
def test_bindings_for_node_answer_every_vector_as_the_wheel_does(builds, audit, tmp_path):
    """The library is that of the release, and so is the interface that it must have."""
    box, node = builds.release, builds.programs["node"]
    modules = judges_of_javascript(node) / "node_modules"
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    header = box.sdk(HOST) / "include" / "sealed_box.h"
    (interface,) = re.findall(r'^#define SEALED_BOX_INTERFACE "(\w+)"$', header.read_text(), re.MULTILINE)
    node_bindings(header, box.shared(HOST), tmp_path, interface)
    shutil.copy(SOURCES / "node-native" / "main.mjs", tmp_path)
    assert run(node, "main.mjs", FILE, *filter(None, [audit]), cwd=tmp_path).stdout == python_native(builds)
