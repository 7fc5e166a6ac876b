"""The consumers: programs of other languages that answer every vector by what a release holds, built as users would.

Whatever is built here is built once for all tests of a run.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import sys
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agreement import Used
from arm64_python import run_python
from judges import CHECKOUT, OWN, VECTORS, program, run
from node_programs import installed
from released import sha256

from fakes.triples import ARM, MAC, WASM, X86

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from released import Release

SOURCES = CHECKOUT / "tests" / "consumers"
GO_MODULE = "example.org/ferrule/email-validator"
GO_MACHINE = {X86: "amd64", ARM: "arm64"}


@dataclass(frozen=True)
class Builds:
    """Where consumers are built: against a release, by these programs, in a folder of their own."""

    release: Release
    programs: Mapping[str, str]
    folder: Path

    @functools.cached_property
    def rust(self) -> Path:
        """The program in Rust, which is compiled with the crate."""
        target = OWN / "rust" / "consumer"
        manifest = SOURCES / "rust" / "Cargo.toml"
        given = {"RUSTC": self.programs["rustc"], "CARGO_TARGET_DIR": str(target)}
        run(self.programs["cargo"], "build", "--quiet", "--release", "--locked", "--manifest-path", manifest, **given)
        return target / "release" / "vectors"

    @functools.cached_property
    def node(self) -> Path:
        """A folder with the npm package, installed, and the program in JavaScript."""
        folder = installed(self.release, self.programs["node"], self.folder / "node")
        for source in (SOURCES / "node").iterdir():
            shutil.copy(source, folder)
        return folder

    def go(self, target: str) -> Path:
        """The program in Go for a target, as somebody builds it who has the module in a folder."""
        folder, program = self.folder / "go", self.folder / f"go-{target}"
        options = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0", "GOARCH": GO_MACHINE[target]}
        if not folder.exists():
            shutil.copytree(SOURCES / folder.name, folder)
            replaced = f"-replace={GO_MODULE}={self.release.dist / 'go'}"
            run(self.programs["go"], "mod", "edit", replaced, cwd=folder, **options)
        if not program.exists():
            run(self.programs["go"], "build", "-o", program, cwd=folder, **options)
        return program

    def c(self, target: str) -> Path:
        """The program in C for a target, against the dynamic library of its SDK."""
        compiler = ("gcc",) if target == X86 else (self.programs["zig"], "cc", "-target", "aarch64-linux-gnu.2.36")
        sdk, program = self.release.sdk(target), self.folder / f"c-{target}"
        source = SOURCES / "c" / "vectors.c"
        run(*compiler, "-I", sdk / "include", source, "-o", program, "-L", sdk / "lib", "-lemail_validator")
        return program


@dataclass(frozen=True)
class Consumer:
    """How to run one on all vectors, and what of the release it runs then."""

    printed: Callable[[Builds], str]
    used: Callable[[Release], Used]


def emulated(builds: Builds, program: Path, *arguments: str, **environment: str) -> str:
    """What a program of arm64 prints, under emulation, with the loader and the C library of the image."""
    given = [word for name, value in environment.items() for word in ("-E", f"{name}={value}")]
    return run("qemu-aarch64-static", "-L", builds.release.rootfs(ARM), *given, program, VECTORS, *arguments).stdout


def rust(builds: Builds) -> str:
    return run(builds.rust, VECTORS).stdout


def c(builds: Builds) -> str:
    return run(builds.c(X86), VECTORS, LD_LIBRARY_PATH=str(builds.release.sdk(X86) / "lib")).stdout


def c_arm64(builds: Builds) -> str:
    return emulated(builds, builds.c(ARM), LD_LIBRARY_PATH=str(builds.release.sdk(ARM) / "lib"))


def python_native(builds: Builds) -> str:
    program = SOURCES / "python-native" / "main.py"
    return run(sys.executable, program, VECTORS, PYTHONPATH=str(builds.release.wheel(X86))).stdout


def python_arm64(builds: Builds) -> str:
    return run_python(SOURCES / "python-native" / "main.py", VECTORS, path=builds.release.wheel(ARM))


def python_wasmtime(builds: Builds) -> str:
    return run(
        sys.executable, SOURCES / "python-wasmtime" / "main.py", VECTORS, builds.release.made("component")
    ).stdout


def go_purego(builds: Builds) -> str:
    return run(builds.go(X86), VECTORS, "native", XDG_CACHE_HOME=str(builds.folder / "cache")).stdout


def go_purego_arm64(builds: Builds) -> str:
    return emulated(builds, builds.go(ARM), "native", XDG_CACHE_HOME=str(builds.folder / "cache"))


def go_wazero(builds: Builds) -> str:
    return run(builds.go(X86), VECTORS, "wasm").stdout


def node(builds: Builds) -> str:
    return run(builds.programs["node"], "main.mjs", VECTORS, cwd=builds.node).stdout


def browser(builds: Builds) -> str:
    return run(sys.executable, SOURCES / "browser" / "main.py", program("chromium"), builds.node, VECTORS).stdout


def in_package(release: Release) -> Used:
    with tarfile.open(release.made("package")) as package:
        (core,) = (m for m in package if m.name.endswith(".core.wasm"))
        return Used("core module", hashlib.sha256(package.extractfile(core).read()).hexdigest())


def in_go_module(target: str, artifact: str = "go") -> Callable[[Release], Used]:
    def used(release: Release) -> Used:
        module = release.dist / artifact
        if target == WASM:
            (core,) = module.rglob("*.wasm")
            return Used("core module", sha256(core))
        folder = "darwin_arm64" if target == MAC else f"linux_{GO_MACHINE[target]}"
        (result,) = (module / "internal" / "ferrule" / "native" / folder).iterdir()
        return library(result, target)

    return used


def in_sdk(target: str) -> Callable[[Release], Used]:
    return lambda release: library(release.library(target), target)


def in_wheel(target: str) -> Callable[[Release], Used]:
    def used(release: Release) -> Used:
        (result,) = (p for p in release.wheel(target).rglob("*.so*") if p.is_file())
        return library(result, target)

    return used


def library(path: Path, target: str) -> Used:
    return Used(f"library, {target.partition('-')[0]}", sha256(path))


CONSUMERS = {
    "Rust": Consumer(rust, lambda _release: Used("the crate")),
    "C": Consumer(c, in_sdk(X86)),
    "C, aarch64": Consumer(c_arm64, in_sdk(ARM)),
    "Go, purego": Consumer(go_purego, in_go_module(X86)),
    "Go, purego, aarch64": Consumer(go_purego_arm64, in_go_module(ARM)),
    "Go, wazero": Consumer(go_wazero, in_go_module(WASM)),
    "Node.js": Consumer(node, in_package),
    "Chromium": Consumer(browser, in_package),
    "Python, native": Consumer(python_native, in_wheel(X86)),
    "Python, native, aarch64": Consumer(python_arm64, in_wheel(ARM)),
    "Python, wasmtime": Consumer(python_wasmtime, lambda release: Used("component", sha256(release.made("component")))),
}
"""Every consumer, in the order of the table; a row that is not there is a failure."""
