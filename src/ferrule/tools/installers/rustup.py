"""rustup: toolchains with a compiled standard library for every target."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.platforms import PLATFORMS
from ferrule.tools.installers import apt
from ferrule.tools.problems import NO_NETWORK
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import Tool
    from ferrule.tools.host import Host

_INSTALLER = "https://sh.rustup.rs"
_UNREACHABLE = ("could not download", "error sending request", "dns error", "Could not resolve", "connection refused")


def toolchains(host: Host) -> Iterator[Path]:
    """Folders of the toolchains that rustup has installed, found without starting rustup."""
    home = host.rustup_home
    if home is not None and (home / "toolchains").is_dir():
        yield from sorted((home / "toolchains").iterdir())


@dataclass(frozen=True, slots=True)
class Install:
    """Install a toolchain with its targets, and the source for macOS; every toolchain has wasm's linkers."""

    version: str
    triples: tuple[str, ...]

    method = "rustup"
    stage = 0
    needs = ()

    def command(self, host: Host) -> str:
        """The command that a person would type, with rustup itself where it is missing."""
        install = shlex.join(["rustup", *self._arguments()])
        return install if host.which("rustup") else f"{_get_rustup(host)} && {install}"

    def blocked_reason(self, host: Host) -> str | None:
        """Whether there is rustup, and a network."""
        if host.which("rustup"):
            return NO_NETWORK if host.offline else None
        package = _package(host)
        return package.blocked_reason(host) if package else "there is no rustup on the PATH"

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:
        """Install, rustup itself too where it is a package; raises NetworkError, StorageError or ToolchainError."""
        package = None if host.which("rustup") else _package(host)
        if package:
            package.install(host, tools, say)
        say(f"Rust {self.version} by rustup, with {', '.join(self.triples)}")
        environment = {name: value for name, value in host.children.items() if name != "RUSTUP_AUTO_INSTALL"}
        try:
            capture([str(host.which("rustup")), *self._arguments()], env=environment)
        except ToolFailed as failed:
            raise self._explain(host, failed) from failed

    def _arguments(self) -> list[str]:
        builds_std = any(PLATFORMS[t].family.builds_std for t in self.triples if t in PLATFORMS)
        source = ["--component", "rust-src"] if builds_std else []
        targets = [word for triple in self.triples for word in ("--target", triple)]
        return ["toolchain", "install", self.version, "--profile", "minimal", "--no-self-update", *source, *targets]

    def _explain(self, host: Host, failed: ToolFailed) -> NetworkError | StorageError | ToolchainError:
        message = f"rustup could not install Rust {self.version}"
        by_hand = f"run: {self.command(host)}"
        if "No space left on device" in failed.stderr:
            return StorageError(f"{message}: the disk is full", hint=f"free some space, then {by_hand}")
        if any(sign in failed.stderr for sign in _UNREACHABLE):
            return NetworkError(f"{message}: its server cannot be reached", hint=f"where there is a network, {by_hand}")
        return ToolchainError(message, hint=by_hand, output=failed.output)


def _get_rustup(host: Host) -> str:
    """How a person gets rustup here: from the system's own packages where those have it."""
    if host.system == "Darwin":
        return "brew install rustup"
    package = _package(host)
    if package:
        return package.command(host)
    return f"curl --proto '=https' --tlsv1.2 -sSf {_INSTALLER} | sh -s -- -y --default-toolchain none"


def _package(host: Host) -> apt.Packages | None:
    """The package that rustup is in, where the distribution has one."""
    return apt.Packages(("rustup",)) if "rustup" in apt.candidates(host, ["rustup"]) else None
