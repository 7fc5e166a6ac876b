"""sealed-box as it would be released: every vector through its library, and through its component in wasmtime."""

from __future__ import annotations

import ctypes
import json
import secrets
import shutil
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest
import wasmtime
from judges import CHECKOUT, ferrule, run
from wasmtime import component

from fakes.triples import X86

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.only_on(X86, reason="it is built for this machine")

TARGETS = """\
version: 1
project: {name: sealed-box, version: {cargo: rust}, license: Apache-2.0, license-files: [LICENSE]}
toolchain: {rust: "1.96", zig: "0.17.0", cargo-zigbuild: "0.24.0", cbindgen: "0.29.4", jco: "0.15.0"}
targets:
  x86_64-unknown-linux-gnu: {glibc: "2.17"}
  wasm32-unknown-unknown: {}
artifacts:
  library:
    {kind: library, crate: sealed-box-ffi, name: sealed_box, header: header, exports: ["sealed_box_*"], ship: true}
  header: {kind: header, crate: sealed-box-ffi, name: sealed_box.h, ship: true}
  component: {kind: component, crate: sealed-box-wasm, ship: true}
  sums: {kind: checksums}
"""
VECTORS = json.loads((CHECKOUT / "rust" / "vectors" / "sealed-box.json").read_text(encoding="utf-8"))


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


def seal(box: Box, key: object, vector: dict[str, bytes]) -> None:
    nonce, associated, message, sealed = (vector[name] for name in ("nonce", "associated", "message", "sealed"))
    assert bytes(box.call("decrypt", key, nonce, associated, sealed)) == message
    assert bytes(box.call("encrypt", key, nonce, associated, message)) == sealed


def hash_(box: Box, key: object, vector: dict[str, bytes]) -> None:
    """Half of a tag is compared here: the library accepts no such thing."""
    whole = bytes(box.call("hash", key, vector["message"]))
    if len(whole) == len(vector["tag"]):
        box.call("check-hash", key, vector["message"], vector["tag"])
    elif not whole.startswith(vector["tag"]):
        raise RefusedError(REJECTED)


def derive(box: Box, key: object, vector: dict) -> None:
    assert bytes(box.call("derive", key, vector["salt"], vector["info"], vector["length"])) == vector["output"]


def verify(box: Box, key: object, vector: dict[str, bytes]) -> None:
    box.call("verify", key, vector["message"], vector["signature"])


def agree(box: Box, key: object, vector: dict[str, bytes]) -> None:
    shared = box.call("agree", key, vector["public"], 1)
    assert bytes(box.call("export-key", shared)) == vector["shared"]
    box.close(shared)


WORK: dict[str, Callable[[Box, object, dict], None]] = {
    "seal": seal,
    "hash": hash_,
    "derive": derive,
    "verify": verify,
    "agree": agree,
}


def status_of(box: Box, row: dict) -> int:
    """What a vector comes to; an assertion fails if its result is another."""
    algorithm = ALGORITHMS[row["algorithm"]]
    texts = {
        name: bytes.fromhex(value) for name, value in row.items() if isinstance(value, str) and name != "algorithm"
    }
    vector = texts | {"length": row.get("length")}
    make, half = ("import-public-key", "public") if algorithm.work == "verify" else ("import-key", "key")
    try:
        key = box.call(make, box.algorithm(algorithm), row["number"], vector[half])
    except RefusedError as refused:
        return refused.status
    try:
        WORK[algorithm.work](box, key, vector)
    except RefusedError as refused:
        return refused.status
    finally:
        box.close(key)
    return 0


@pytest.fixture(scope="module")
def sealed_box(programs, tmp_path_factory):  # noqa: ARG001 - the toolchain has to be there
    """A release of sealed-box alone."""
    project = tmp_path_factory.mktemp("sealed-box")
    shutil.copytree(CHECKOUT / "rust", project / "rust", ignore=shutil.ignore_patterns("target"))
    shutil.copy(CHECKOUT / "LICENSE", project)
    (project / "targets.yaml").write_text(TARGETS, encoding="utf-8")
    ferrule("release", cwd=project)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=project / "dist")
    return project / "dist"


@pytest.mark.parametrize("way", ["native", "component"])
def test_every_vector(sealed_box, way):
    if way == "native":
        box: Box = Native(next((sealed_box / "lib").rglob("libsealed_box.so*")))
    else:
        box = Component(sealed_box / "sealed-box-0.1.0.wasm")
    wrong = [(row["algorithm"], row["number"]) for row in VECTORS if status_of(box, row) != row["expected"]]
    assert wrong == []
    assert len(VECTORS) == 2261


def test_the_header_has_no_warning(sealed_box, tmp_path):
    include = sealed_box / "include"
    source = tmp_path / "user.c"
    source.write_text('#include "sealed_box.h"\nint main(void) { return (int)sealed_box_abi_version() - 1; }\n')
    for compiler in (("gcc", "-std=c99"), ("g++", "-x", "c++")):
        run(
            *compiler,
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-I",
            include,
            "-c",
            source,
            "-o",
            tmp_path / "user.o",
        )


def test_a_handle_that_was_closed_is_refused(sealed_box):
    box = Component(sealed_box / "sealed-box-0.1.0.wasm")
    key = box.call("generate-key", "xchacha20-poly1305", 1)
    sealed = box.call("seal", key, b"to", b"text")
    assert bytes(box.call("open", key, b"to", sealed)) == b"text"
    assert box.uses == {"generate": 1, "seal": 1, "open": 1}
    box.close(key)
    box.close(key)
    with pytest.raises(RefusedError) as refused:
        box.call("seal", key, b"", b"")
    assert refused.value.status == CLOSED
