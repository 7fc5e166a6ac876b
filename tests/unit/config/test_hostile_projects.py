"""Files beside targets.yaml that are damaged or made to mislead: each is refused in words, never by a traceback."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ferrule.app.release import run as release
from ferrule.core.errors import FerruleError

if TYPE_CHECKING:
    from fakes.toolchain import Demo

FILES = (
    "rust/Cargo.toml",
    "rust/demo-ffi/Cargo.toml",
    "rust/Cargo.lock",
    "rust/.cargo/config.toml",
    "rust/rust-toolchain.toml",
    "rust/demo-ffi/cbindgen.toml",
    "rust/demo-wasm/wit/demo.wit",
    "packaging/python/pyproject.toml",
    "packaging/js/package.json",
    "packaging/go/go.mod",
)
CONTENTS = {
    "deep list": b"x = " + b"[" * 20_000,
    "deep table": b"x = " + b"{a = " * 20_000,
    "deep key": b"a" + b".a" * 20_000 + b" = 1",
    "deep JSON": b'{"a":' * 100_000,
    "NUL": b'a = "\x00"',
    "not UTF-8": b'a = "\xff"',
    "surrogate": b'a = "\xed\xa0\x80"',
    "UTF-16": "a = 1".encode("utf-16"),
    "large": b"# " + b"x" * (1 << 21),
}


def refused(demo: Demo) -> str:
    with pytest.raises(FerruleError) as caught:
        release.make_plan(release.load(demo.project), demo.context)
    text = str(caught.value)
    text.encode()
    return text


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", FILES)
def test_damaged_files(demo: Demo, name: str, content: str):
    file = demo.project / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(CONTENTS[content])
    try:
        release.make_plan(release.load(demo.project), demo.context)
    except FerruleError as error:
        str(error).encode()
    else:
        # cbindgen itself says what is wrong with its settings; a comment of a pyproject.toml may be long
        assert "cbindgen" in name or (name.endswith("pyproject.toml") and content == "large")


@pytest.mark.parametrize("name", FILES)
def test_a_pipe_in_place_of_a_file_is_not_waited_for(demo: Demo, name: str):
    file = demo.project / name
    file.unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(file)
    if name.split("/")[1] in (".cargo", "rust-toolchain.toml") or "cbindgen" in name:
        release.load(demo.project)  # what is no file is no settings
    else:
        refused(demo)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rust/demo-ffi/Cargo.toml", "package = 1"),
        ("rust/demo-ffi/Cargo.toml", '[package]\nname = "demo-ffi"\nversion = 1'),
        ("rust/demo-ffi/Cargo.toml", 'features = 1\n[package]\nname = "demo-ffi"'),
        ("rust/demo-ffi/Cargo.toml", 'dependencies.a.version = 1\n[package]\nname = "demo-ffi"'),
        ("rust/Cargo.toml", "profile = 1\n[workspace]\nmembers = ['demo-ffi']"),
        ("rust/.cargo/config.toml", "build.rustflags = [1]"),
        ("rust/.cargo/config.toml", "include = 'gone.toml'"),
        ("rust/rust-toolchain.toml", "toolchain = 1"),
        ("rust/Cargo.lock", "package = 1"),
        ("packaging/python/pyproject.toml", "project = 1"),
        ("packaging/python/pyproject.toml", '[project]\nname = "demo"\ndynamic = 1'),
        ("packaging/python/pyproject.toml", '[project]\nname = "demo"\nreadme = "a\\u0000b"'),
        ("packaging/js/package.json", '{"name": "demo", "files": 1}'),
        ("packaging/js/package.json", '{"name": "demo", "exports": "./a\\u0000b"}'),
    ],
)
def test_values_of_another_type(demo: Demo, name: str, text: str):
    file = demo.project / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    refused(demo)
