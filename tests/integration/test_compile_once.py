"""Compile once: every run of rustc in a whole release is counted, and what it made is in every package."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from released import LIBRARY, LINUX, Release, sha256

from fakes.triples import ARM, MAC, WASM, X86

if TYPE_CHECKING:
    from pathlib import Path

CALL = re.compile(r'execve\("[^"]*/rustc", \[(.*?)\], \[')
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def compilations(reproduced: dict, trace: Path) -> list[tuple[str, ...]]:
    """What each run of the compiler compiled in a release from nothing: folder, crate, its source, for whom."""
    calls = [WORD.findall(call[1]) for call in CALL.finditer(trace.read_text(errors="replace"))]
    assert reproduced["second"]
    return [what(call) for call in calls if call[1:2] == ["--crate-name"]]  # others ask it something, or probe


def what(call: list[str]) -> tuple[str, ...]:
    """Target whose folder it is, name and main source of the crate, target it is compiled for (or the machine)."""

    def option(name: str, default: str = "") -> str:
        return call[call.index(name) + 1] if name in call else default

    folder = re.search(r"/(?:cargo|std)/([^/]+)/", option("--out-dir"))
    assert folder, call
    source = next(word for word in call if word.endswith(".rs"))
    return folder[1], option("--crate-name"), source, option("--target", "the machine")


def test_every_crate_is_compiled_once_for_each_target(compilations):
    count = Counter(compilations)
    assert {key: times for key, times in count.items() if times > 1} == {}
    targets = {(folder, target) for folder, _, _, target in count}
    assert {(t, t) for t in (*LINUX, MAC, WASM)} <= targets
    assert targets <= {(t, where) for t in (*LINUX, MAC, WASM) for where in (t, "the machine")}


def test_crates_of_this_project_are_compiled_for_targets_only(compilations):
    own = {(name, target) for _, name, _, target in compilations if name.startswith("email_validator")}
    assert own == {
        *(("email_validator", target) for target in (*LINUX, MAC, WASM)),
        *(("email_validator_ffi", target) for target in (*LINUX, MAC)),
        ("email_validator_wasm", WASM),
    }


def test_for_the_machine_only_what_helps_to_compile_is_compiled(compilations):
    """Build scripts and procedural macros with what they are made of, once in the folder of each target."""
    helpers = [(folder, name) for folder, name, _, target in compilations if target == "the machine"]
    assert ("x86_64-unknown-linux-gnu", "proc_macro2") in helpers
    assert {name for _, name in helpers} & {"icu_normalizer", "idna", "email_validator"} == set()


@pytest.mark.parametrize("target", [*LINUX, MAC])
def test_the_library_is_the_same_file_in_every_package(release: Release, target):
    platform = {X86: "linux_amd64", ARM: "linux_arm64", MAC: "darwin_arm64"}[target]
    (in_wheel,) = release.wheel(target).rglob("libemail_validator*")
    (in_go,) = (release.dist / "go" / "internal" / "ferrule" / "native" / platform).glob("libemail_validator*")
    result = {"sdk": sha256(release.library(target)), "wheel": sha256(in_wheel), "go": sha256(in_go)}
    if target in LINUX:
        result["image"] = sha256(release.rootfs(target) / "usr" / "lib" / LIBRARY[target])
    assert len(set(result.values())) == 1, result
    assert set(result.values()) < set(release.packed("library", target).values())


def test_the_core_module_is_the_same_file_in_every_package(release: Release):
    compiled = sha256(release.made("module", WASM))
    in_go = sha256(release.dist / "go" / "internal" / "ferrule" / "wasm" / "module.wasm")
    with tarfile.open(release.made("package")) as package:
        (core,) = (package.extractfile(name) for name in package.getnames() if name.endswith(".core.wasm"))
        in_npm = hashlib.sha256(core.read()).hexdigest()
    assert (in_go, in_npm) == (compiled, compiled)
