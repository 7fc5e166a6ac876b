"""The distribution's packages, where it is a relative of Debian: what they offer, and how they are installed."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.frozen import dataclass
from ferrule.core.platforms import PLATFORMS
from ferrule.tools.problems import NO_NETWORK, matches
from ferrule.tools.run import ToolFailed, ToolMissing, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ferrule.core.model import Tool
    from ferrule.tools.host import Host

_WAIT = ("-o", "DPkg::Lock::Timeout=600")
UNREACHABLE = (
    "Could not resolve",
    "Temporary failure resolving",
    "Could not connect",
    "Failed to fetch",
    "Unable to connect",
)


@dataclass(frozen=True, slots=True)
class Family:
    """Names of the packages that make up one Rust of a distribution; `{v}` stands for the required version."""

    rustc: str
    cargo: str
    source: str
    llvm: str
    std: str

    def named(self, version: str) -> Family:
        """The family with the version written into its names."""
        names = (self.rustc, self.cargo, self.source, self.llvm, self.std)
        return Family(*(name.replace("{v}", version) for name in names))


# Debian's stable suite carries an old rustc and a newer rustc-web (for browsers); Ubuntu has one package per version.
FAMILIES = (
    Family("rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "libstd-rust-web-dev"),
    Family("rustc", "cargo", "rust-src", "rust-llvm", "libstd-rust-dev"),
    Family("rustc-{v}", "cargo-{v}", "rust-{v}-src", "rust-{v}-llvm", "libstd-rust-{v}-dev"),
)


@dataclass(frozen=True, slots=True)
class Packages:
    """Install packages, after adding the architectures (Debian's names) that some of them are of."""

    names: tuple[str, ...]
    architectures: tuple[str, ...] = ()

    method = "apt"
    stage = 0
    needs = ()

    def command(self, host: Host) -> str:
        """The commands that a person would type who may become root."""
        sudo = [] if host.is_root else ["sudo"]
        return " && ".join(shlex.join([*sudo, *argv]) for argv in self._steps())

    def blocked_reason(self, host: Host) -> str | None:
        """Whether there is apt, the right to use it, and a network."""
        if not available(host):
            return "there is no apt-get on this machine"
        if not host.is_root:
            return "only root may install packages"
        return NO_NETWORK if host.offline else None

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:  # noqa: ARG002
        """Install; raises NetworkError, StorageError or ToolchainError with apt's own words."""
        say(f"packages by apt-get: {' '.join(self.names)}")
        environment = host.children | {"DEBIAN_FRONTEND": "noninteractive"}
        for step in self._steps():
            try:
                _twice(step, environment)
            except ToolFailed as failed:
                raise self._explain(host, failed) from failed

    def _steps(self) -> list[list[str]]:
        install = [["apt-get", *_WAIT, "install", "-y", "--no-install-recommends", *self.names]] if self.names else []
        adding = [["dpkg", "--add-architecture", name] for name in self.architectures]
        return [*adding, ["apt-get", *_WAIT, "update"], *install]

    def _explain(self, host: Host, failed: ToolFailed) -> NetworkError | StorageError | ToolchainError:
        output = failed.stdout + failed.stderr
        what = f"apt-get could not install {' '.join(self.names)}"
        by_hand = f"run: {self.command(host)}"
        if "No space left on device" in output or "don't have enough free space" in output:
            return StorageError(f"{what}: the disk is full", hint=f"free some space, then {by_hand}")
        if any(sign in output for sign in UNREACHABLE):
            return NetworkError(
                f"{what}: the package archive cannot be reached", hint=f"where there is a network, {by_hand}"
            )
        return ToolchainError(what, hint=by_hand, output=failed.output)


def _twice(argv: list[str], environment: Mapping[str, str]) -> None:
    """Run a step again if it fails: two package managers at work at once break each other now and then."""
    try:
        capture(argv, env=environment)
    except ToolFailed:
        capture(argv, env=environment)


def available(host: Host) -> bool:
    """Whether this machine installs packages by apt."""
    return host.which("apt-get") is not None and host.which("apt-cache") is not None


def candidates(host: Host, names: Iterable[str]) -> dict[str, str]:
    """The version that apt would install of each package that it knows, from one call of `apt-cache policy`."""
    if not available(host):
        return {}
    try:
        output = capture(["apt-cache", "policy", *names], env=host.children).stdout
    except (ToolFailed, ToolMissing):
        return {}
    versions: dict[str, str] = {}
    package = ""
    for line in output.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            package = line[:-1]
        elif (match := re.match(r"  Candidate: (.+)", line)) and match[1] != "(none)":
            versions[package] = match[1]
    return versions


def foreign_architectures(host: Host) -> frozenset[str]:
    """Architectures, beside the machine's own, that packages may be of."""
    try:
        return frozenset(capture(["dpkg", "--print-foreign-architectures"], env=host.children).stdout.split())
    except (ToolFailed, ToolMissing):
        return frozenset()


def rust(host: Host, version: str, triples: Iterable[str], *, wasm_linker: bool) -> Packages | None:
    """The packages that give a Rust of that version with every target, or None if the distribution has no such version.

    Targets that are no architecture of Debian get the source of the standard library, to build it from.
    """
    named = [family.named(version) for family in FAMILIES]
    offered = candidates(host, [family.rustc for family in named])
    family = next((f for f in named if matches(version, offered.get(f.rustc, "").partition("+")[0])), None)
    if family is None:
        return None
    foreign = [row for t in triples if t != host.triple and (row := PLATFORMS.get(t)) is not None]
    prebuilt = [row.debian for row in foreign if row.debian]
    others = [row for row in foreign if not row.debian]
    names = [family.rustc, family.cargo, family.std, *(f"{family.std}:{name}" for name in prebuilt)]
    if others:
        names.append(family.source)
    if others or wasm_linker:
        names += [family.llvm, *_lld(host, family, offered[family.rustc])]
    missing = [name for name in prebuilt if name not in foreign_architectures(host)]
    return Packages(tuple(names), tuple(missing))


def _lld(host: Host, family: Family, rustc: str) -> list[str]:
    """The linker of the LLVM that this rustc is built with; the dependencies of its LLVM package name the number."""
    try:
        shown = capture(["apt-cache", "show", "--no-all-versions", family.llvm], env=host.children).stdout
    except (ToolFailed, ToolMissing):
        return []
    ours = next((p for p in shown.split("\n\n") if f"Version: {rustc}" in p), shown)
    number = re.search(r"\b(?:lld|llvm|libllvm)-?(\d+)", ours)
    return [f"lld-{number[1]}"] if number else []
