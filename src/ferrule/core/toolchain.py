"""The programs of a run, found and checked: what recipes and tools ask for, without knowing how they were found."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ferrule.core.errors import ToolchainError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

Std = Literal["prebuilt", "build-std"]
RustSource = Literal["installed", "distribution", "rustup"]
"""Where a Rust came from; how one is to be installed is one of the last two."""


@dataclass(frozen=True, slots=True)
class RustInstallation:
    """A compiler and its Cargo. `about` is what `rustc -vV` prints, `std` what each target has."""

    rustc: Path
    cargo: Path | None
    cargo_version: str
    sysroot: Path
    about: str
    std: Mapping[str, Std]

    @property
    def release(self) -> str:
        """The version, such as 1.96.0."""
        return _field(self.about, "release")

    @property
    def host(self) -> str:
        """The triple that the compiler itself runs on."""
        return _field(self.about, "host")

    @property
    def llvm(self) -> str:
        """The version of LLVM inside."""
        return _field(self.about, "LLVM version")

    @property
    def bin(self) -> Path:
        """Where the toolchain keeps linkers for its own use."""
        return self.sysroot / "lib" / "rustlib" / self.host / "bin"


def _field(about: str, name: str) -> str:
    return next((line.partition(": ")[2] for line in about.splitlines() if line.startswith(f"{name}: ")), "")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Programs, found and checked. `std` says what each target has, `rust_source` where this Rust came from."""

    rust_source: RustSource
    tools: Mapping[str, Tool]
    std: Mapping[str, Std]
    sysroot: Path

    def tool(self, name: str) -> Tool:
        """The tool of that name; raises ToolchainError if it was not wanted when this toolchain was found."""
        if name not in self.tools:
            raise ToolchainError(f"the tool {name} is not part of this toolchain", hint="ferrule doctor")
        return self.tools[name]

    def identity(self, name: str) -> str:
        """The identity of a tool in keys: its full version, never its path. Raises ToolchainError."""
        return self.tool(name).identity

    def to_json(self) -> dict[str, Any]:
        """A form for `from_json`."""
        return {
            "rust-source": self.rust_source,
            "tools": {name: asdict(tool) for name, tool in sorted(self.tools.items())},
            "std": dict(sorted(self.std.items())),
            "sysroot": str(self.sysroot),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Toolchain:
        """Read what `to_json` gave; raises KeyError, TypeError or AttributeError for anything else."""
        return cls(
            rust_source=value["rust-source"],
            tools={
                n: Tool(t["name"], t["version"], tuple(t["argv"]), t["identity"], t.get("sha256"))
                for n, t in value["tools"].items()
            },
            std=dict(value["std"]),
            sysroot=Path(value["sysroot"]),
        )
