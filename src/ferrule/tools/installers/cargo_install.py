"""`cargo install`: programs compiled from crates, each in a folder of its own below the cache."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import clear, lockable
from ferrule.tools.problems import NO_NETWORK
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ferrule.core.model import Tool
    from ferrule.tools.host import Host

_UNREACHABLE = ("Could not resolve", "Couldn't resolve", "failed to download", "Could not connect", "--offline")


def folder(host: Host, name: str, version: str) -> Path:
    """Where Ferrule's own copy of that program is, or would be, installed."""
    return host.cache / "tools" / f"{name}-{version}"


@dataclass(frozen=True, slots=True)
class CargoInstall:
    """Compile a program with Cargo into the cache, unoptimised: a third of the time, and it serves as well."""

    name: str
    version: str

    method = "cargo install"
    stage = 2
    needs = ("cargo", "rustc")

    def command(self, host: Host) -> str:
        """The command a person would type."""
        return shlex.join(self._argv(host, "cargo", folder(host, self.name, self.version)))

    def blocked_reason(self, host: Host) -> str | None:
        """Whether there is a network."""
        return NO_NETWORK if host.offline else None

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:
        """Compile aside and rename; raises NetworkError, ToolchainError or StorageError."""
        from filelock import FileLock  # noqa: PLC0415 - 38 ms

        target = folder(host, self.name, self.version)
        aside = target.with_name(target.name + ".part")
        say(f"{self.name} {self.version}: cargo install into {target} (a minute or two)")
        environment = host.children | {
            "RUSTC": tools["rustc"].argv[0],
            "CARGO_TARGET_DIR": str(aside / "target"),
            "CARGO_TERM_COLOR": "never",
        }
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lockable(target.with_name(target.name + ".lock"))):
                clear(aside)
                capture(self._argv(host, tools["cargo"].argv[0], aside), env=environment)
                clear(aside / "target")
                clear(target)
                aside.rename(target)
        except ToolFailed as failed:
            clear(aside)
            raise self._explain(host, failed) from failed
        except OSError as error:
            raise StorageError(f"cannot write {target}: {error.strerror}", where=str(target)) from error

    def _argv(self, host: Host, cargo: str, root: Path) -> list[str]:
        network = ["--offline"] if host.offline else []
        version = ("--version", self.version)
        return [cargo, "install", "--locked", "--debug", *network, self.name, *version, "--root", str(root)]

    def _explain(self, host: Host, failed: ToolFailed) -> NetworkError | StorageError | ToolchainError:
        message = f"{self.name} {self.version} could not be installed"
        if "No space left on device" in failed.stderr:
            return StorageError(
                f"{message}: the disk is full", hint=f"free some space in {host.cache} and run `ferrule setup` again"
            )
        if any(sign in failed.stderr for sign in ("could not find", "no matching package")):
            hint = "correct the version in targets.yaml (toolchain:)"
            return ToolchainError(f"{message}: the registry does not offer it", hint=hint)
        if host.offline or any(sign in failed.stderr for sign in _UNREACHABLE):
            by_hand = f"where there is a network, run: {self.command(host)}"
            return NetworkError(f"{message}: the crate registry cannot be reached", hint=by_hand)
        return ToolchainError(message, hint=f"try by hand: {self.command(host)}", output=failed.output)
