"""One row per Rust target triple: what follows from it and is therefore never typed by a user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

System = Literal["linux", "macos", "wasm"]


@dataclass(frozen=True, slots=True)
class Platform:
    """What a target triple implies.

    `oci` is the platform of an OCI image index (image-spec, "Platform object"), `wheel_machine` the architecture part
    of a wheel's platform tag (PEP 600, PEP 425), `elf_interpreter` the path of the dynamic loader that the psABI names,
    `debian` the architecture name of Debian packages and `multiarch` Debian's library folder, `runner` GitHub's label
    of a machine that is one ("GitHub-hosted runners reference").
    """

    triple: str
    system: System
    machine: str
    oci: str | None = None
    wheel_machine: str | None = None
    elf_interpreter: str | None = None
    debian: str | None = None
    multiarch: str | None = None
    runner: str | None = None

    @property
    def floor_name(self) -> str | None:
        """The setting that lowers this platform's requirement: `glibc`, `macos` or none."""
        return {"linux": "glibc", "macos": "macos", "wasm": None}[self.system]

    def cdylib(self, name: str) -> str:
        """File name that rustc gives to the `cdylib` of a library crate called `name`."""
        return {"linux": f"lib{name}.so", "macos": f"lib{name}.dylib", "wasm": f"{name}.wasm"}[self.system]

    def staticlib(self, name: str) -> str:
        """File name that rustc gives to the `staticlib` of a library crate called `name`."""
        return f"lib{name}.a"

    def soname(self, name: str, abi: str) -> str:
        """Name under which programs ask the loader for the library: `lib<name>.so.<abi>` or `lib<name>.<abi>.dylib`."""
        return f"lib{name}.{abi}.dylib" if self.system == "macos" else f"lib{name}.so.{abi}"


_ROWS = (
    Platform(
        "x86_64-unknown-linux-gnu",
        "linux",
        "x86_64",
        oci="linux/amd64",
        wheel_machine="x86_64",
        elf_interpreter="/lib64/ld-linux-x86-64.so.2",
        debian="amd64",
        multiarch="x86_64-linux-gnu",
        runner="ubuntu-24.04",
    ),
    Platform(
        "aarch64-unknown-linux-gnu",
        "linux",
        "aarch64",
        oci="linux/arm64",
        wheel_machine="aarch64",
        elf_interpreter="/lib/ld-linux-aarch64.so.1",
        debian="arm64",
        multiarch="aarch64-linux-gnu",
        runner="ubuntu-24.04-arm",
    ),
    Platform("aarch64-apple-darwin", "macos", "arm64", wheel_machine="arm64", runner="macos-15"),
    Platform("x86_64-apple-darwin", "macos", "x86_64", wheel_machine="x86_64", runner="macos-15-intel"),
    Platform("wasm32-unknown-unknown", "wasm", "wasm32"),
)

PLATFORMS: dict[str, Platform] = {row.triple: row for row in _ROWS}


def host_triple(system: str, machine: str) -> str | None:
    """Triple of the machine that `platform.system()` and `platform.machine()` describe, or None if it has no row.

    >>> host_triple("Darwin", "arm64")
    'aarch64-apple-darwin'
    """
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine.lower(), machine.lower())
    suffix = {"Linux": "unknown-linux-gnu", "Darwin": "apple-darwin"}.get(system)
    triple = f"{arch}-{suffix}"
    return triple if triple in PLATFORMS else None
