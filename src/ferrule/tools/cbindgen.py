"""cbindgen: C headers from Rust."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.model import Tool
from ferrule.core.safe_files import clear, lockable
from ferrule.tools.command import Command
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import NO_NETWORK, ToolProblem
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.host import Host


def find(host: Host, version: str) -> Tool | ToolProblem:
    """A cbindgen of exactly that version, from the cache or the PATH: a header depends on every detail."""
    own = folder(host, version) / "bin" / "cbindgen"
    others: list[str] = []
    for program in dict.fromkeys((own, *host.every("cbindgen"))):
        found = probe_output(host, program, "--version").rpartition(" ")[2]
        if found == version:
            return Tool("cbindgen", version, (str(program),), f"cbindgen {version}")
        if found or program.exists():
            others.append(f"{found or 'does not start'} ({program})")
    problem = "not the required version" if others else "not installed"
    return ToolProblem.with_installer(
        host, "cbindgen", problem, CargoInstall("cbindgen", version), required=version, version=", ".join(others)
    )


def folder(host: Host, version: str) -> Path:
    """Where Ferrule's own cbindgen is, or would be, installed."""
    return host.cache / "tools" / f"cbindgen-{version}"


@dataclass(frozen=True, slots=True)
class CargoInstall:
    """Remedy: compile a program with Cargo into the cache, unoptimised: a third of the time, and it serves as well."""

    name: str
    version: str

    method = "cargo install"
    stage = 2
    needs = ("cargo", "rustc")

    def command(self, host: Host) -> str:
        """The same, typed by a person."""
        return shlex.join(self._argv(host, "cargo", folder(host, self.version)))

    def blocked_reason(self, host: Host) -> str | None:
        """Whether there is a network."""
        return NO_NETWORK if host.offline else None

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:
        """Compile aside and rename; raises NetworkError, ToolchainError or StorageError."""
        from filelock import FileLock  # noqa: PLC0415

        place = folder(host, self.version)
        aside = place.with_name(place.name + ".part")
        say(f"{self.name} {self.version}: cargo install into {place} (a minute or two)")
        environment = host.children | {
            "RUSTC": tools["rustc"].argv[0],
            "CARGO_TARGET_DIR": str(aside / "target"),
            "CARGO_TERM_COLOR": "never",
        }
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lockable(place.with_name(place.name + ".lock"))):
                clear(aside)
                capture(self._argv(host, tools["cargo"].argv[0], aside), env=environment)
                clear(aside / "target")
                clear(place)
                aside.rename(place)
        except ToolFailed as failed:
            clear(aside)
            raise self._explain(host, failed) from failed
        except OSError as error:
            raise StorageError(f"cannot write {place}: {error.strerror}", where=str(place)) from error

    def _argv(self, host: Host, cargo: str, root: Path) -> list[str]:
        reach = ["--offline"] if host.offline else []
        version = ("--version", self.version)
        return [cargo, "install", "--locked", "--debug", *reach, self.name, *version, "--root", str(root)]

    def _explain(self, host: Host, failed: ToolFailed) -> NetworkError | StorageError | ToolchainError:
        what = f"{self.name} {self.version} could not be installed"
        if "No space left on device" in failed.stderr:
            return StorageError(
                f"{what}: the disk is full", hint=f"make room in {host.cache} and run ferrule setup again"
            )
        if any(sign in failed.stderr for sign in ("could not find", "no matching package")):
            hint = "correct the version in targets.yaml (toolchain:)"
            return ToolchainError(f"{what}: the registry does not offer it", hint=hint)
        unreachable = ("Could not resolve", "Couldn't resolve", "failed to download", "Could not connect", "--offline")
        if host.offline or any(sign in failed.stderr for sign in unreachable):
            by_hand = f"where there is a network, run: {self.command(host)}"
            return NetworkError(f"{what}: the crate registry cannot be reached", hint=by_hand)
        return ToolchainError(f"{what}:\n{failed.message}", hint=f"try by hand: {self.command(host)}")


def header_command(
    toolchain: Toolchain,
    *,
    crate: str,
    crate_folder: Path,
    lockfile: Path,
    metadata: Path,
    config: Path | None,
    output: Path,
    notes: Path,
    offline: bool = False,
) -> Command:
    """The command that writes a crate's header to `output` (cbindgen's docs.md, "Command line").

    `notes` is where it notes, as a makefile, which files it read.
    `metadata` is a file with what `cargo metadata` says; cbindgen's own call of it would rewrite a stale Cargo.lock.
    """
    argv = [
        *toolchain.tools["cbindgen"].argv,
        *("--quiet", "--crate", crate, "--lockfile", str(lockfile), "--metadata", str(metadata)),
        *("--output", str(output), "--depfile", str(notes)),
        *(["--config", str(config)] if config else []),
        ".",
    ]
    environment = {
        "CARGO": toolchain.tools["cargo"].argv[0],
        "RUSTC": toolchain.tools["rustc"].argv[0],
        **({"CARGO_NET_OFFLINE": "true"} if offline else {}),
    }
    return Command(tuple(argv), environment, crate_folder)
