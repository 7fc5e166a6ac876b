"""Two use cases: `doctor` reports on every tool, `setup` installs what is missing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.errors import FerruleError, NetworkError, StorageError, ToolchainError
from ferrule.core.platforms import PLATFORMS
from ferrule.toolchain import find as toolchains
from ferrule.tools import zig as zigs
from ferrule.tools.apt import Packages
from ferrule.tools.pip import PinnedWheel
from ferrule.tools.problems import NO_NETWORK, ToolProblem
from ferrule.tools.run import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ferrule.core.model import Tool
    from ferrule.core.toolchain import Toolchain
    from ferrule.toolchain.find import ToolRequirements
    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer

    Say = Callable[[str], None]
    Free = Callable[[Path], int]

ROOM: Final = 2_000_000_000  # bytes: target folders of four targets, zig's cache and the wheels
_ROUNDS: Final = 4  # packages, then what Cargo compiles, then what needs those; one more than ever seen


@dataclass(frozen=True, slots=True)
class ToolFinding:
    """One line of the doctor's report; a tool with a problem has a fix. Versions and path may be empty."""

    tool: str
    state: Literal["ok", "fault"]
    required: str = ""
    version: str = ""
    path: str = ""
    problem: str = ""
    fix: str = ""
    fixable: bool = False


def free_bytes(folder: Path) -> int:
    """Room for us on the disk of a folder, or of the nearest folder above that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def examine(
    requirements: ToolRequirements,
    host: Host,
    *,
    probe: bool = True,
    glibc: Mapping[str, str] | None = None,
    free: Free = free_bytes,
    room: int = ROOM,
) -> list[ToolFinding]:
    """Everything that a build will need, fit or not; changes nothing but zig's cache.

    With `probe` a shared library of one function is linked for every native target, with the floor that `glibc` gives
    for a triple.
    """
    machine = check_machine(host, free=free, room=room)
    tools, faults, _ = toolchains.look(requirements, host)
    findings = [*map(_bad, machine), *(_good(tool, requirements) for tool in tools.values()), *map(_bad, faults)]
    usable = not any(fault.tool == "cache" for fault in machine)
    if probe and usable and "zig" in tools:
        floors = glibc or {}
        findings += [_probe(tools["zig"], host, t, floors.get(t)) for t in requirements.triples if _native(t)]
    return findings


def _native(triple: str) -> bool:
    return PLATFORMS[triple].system != "wasm"


def _good(tool: Tool, requirements: ToolRequirements) -> ToolFinding:
    versions = {
        "rustc": requirements.rust,
        "cargo": requirements.rust,
        "zig": requirements.zig,
        "cargo-zigbuild": requirements.cargo_zigbuild,
        "cbindgen": requirements.cbindgen,
        "go": requirements.go,
        "jco": requirements.jco,
        "cibuildwheel": requirements.cibuildwheel,
    }
    return ToolFinding(tool.name, "ok", versions.get(tool.name, ""), tool.version, tool.argv[0] if tool.argv else "")


def _bad(fault: ToolProblem) -> ToolFinding:
    return ToolFinding(
        fault.tool, "fault", fault.required, fault.version, fault.path, fault.problem, fault.fix, fixable=fault.fixable
    )


def _probe(zig: Tool, host: Host, triple: str, glibc: str | None) -> ToolFinding:
    import tempfile  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    name = f"link {triple}"
    try:
        with tempfile.TemporaryDirectory(prefix="ferrule-probe-") as folder:
            zigs.probe(
                zig, PLATFORMS[triple], folder=Path(folder), cache=host.cache, environment=host.children, glibc=glibc
            )
    except ToolFailed as failed:
        words = "; ".join(failed.tail[-3:]) or failed.summary
        fix = PinnedWheel("ziglang", zig.version).command(host)
        return ToolFinding(name, "fault", path=zig.argv[0], problem=f"zig cannot link: {words}", fix=fix)
    return ToolFinding(name, "ok", version=f"glibc {glibc}" if glibc else "", path=zig.argv[0])


def check_machine(host: Host, *, free: Free = free_bytes, room: int = ROOM) -> list[ToolProblem]:
    """What of the machine itself would stop a build: no home, a cache that cannot be written, a full disk."""
    faults = []
    if host.home is None and not host.environment.get("CARGO_HOME"):
        faults.append(ToolProblem("HOME", "the environment names no home folder", "set HOME to a folder of yours"))
    refused = _refused(host.cache)
    if refused:
        fix = f"make {host.cache} writable, or name another folder with FERRULE_CACHE"
        faults.append(ToolProblem("cache", f"{host.cache} cannot be written: {refused}", fix, path=str(host.cache)))
    available = free(host.cache)
    if available < room:
        fix = f"make room on the disk of {host.cache}, or name another folder with FERRULE_CACHE"
        problem = f"{_size(available)} are free, a build may need {_size(room)}"
        faults.append(
            ToolProblem("disk", problem, fix, required=_size(room), version=_size(available), path=str(host.cache))
        )
    return faults


def _refused(folder: Path) -> str | None:
    """Why a file cannot be made in a folder; tried, as permissions do not tell (read-only mounts, quotas, root)."""
    probe = folder / f".writable.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def setup(
    requirements: ToolRequirements,
    host: Host,
    say: Say,
    *,
    dry_run: bool = False,
    free: Free = free_bytes,
    room: int = ROOM,
) -> Toolchain | None:
    """Install what is missing, and return the toolchain; starts no process when all was there the last time.

    Lists everything before installing it; with `dry_run` that is all, and it returns None.
    Raises StorageError for the machine's own faults, NetworkError when only the network is in the way, else
    ToolchainError, with the commands for a person to run.
    """
    remembered = toolchains.load(requirements, host)
    if remembered is not None:
        return remembered
    machine = check_machine(host, free=free, room=room)
    if machine:
        raise StorageError(_listed("this machine cannot build", machine))
    applied: set[Installer] = set()
    for _ in range(_ROUNDS):
        tools, faults, rust = toolchains.look(requirements, host)
        if not faults:
            return toolchains.settle(requirements, host, tools, rust)
        installers = [r for r in _installers(faults) if r not in applied and set(r.needs) <= tools.keys()]
        if not installers:
            raise _stuck(faults, applied)
        for installer in installers:
            say(f"will install by {installer.method}: {installer.command(host)}")
        if dry_run:
            return None
        install(installers, host, tools, say)
        applied.update(installers)
    raise _stuck(faults, applied)


def _installers(faults: Iterable[ToolProblem]) -> list[Installer]:
    """Installers of all problems fixable here, each once, all packages in one, in the order of their stages."""
    chosen = list(dict.fromkeys(f.installer for f in faults if f.fixable and f.installer is not None))
    packages = [r for r in chosen if isinstance(r, Packages)]
    others: list[Installer] = [r for r in chosen if not isinstance(r, Packages)]
    if packages:
        names = dict.fromkeys(name for p in packages for name in p.names)
        architectures = dict.fromkeys(name for p in packages for name in p.architectures)
        others.append(Packages(tuple(names), tuple(architectures)))
    return sorted(others, key=lambda installer: installer.stage)


def install(installers: Iterable[Installer], host: Host, tools: Mapping[str, Tool], say: Say) -> None:
    """Run installers one after another; one that fails does not stop the others. Raises what failed, all of it."""
    failures: list[FerruleError] = []
    for installer in installers:
        try:
            installer.install(host, tools, say)
        except FerruleError as failure:
            failures.append(failure)
    if not failures:
        return
    first, *more = failures
    if not more:
        raise first
    hints = [failure.hint for failure in failures if failure.hint]
    raise type(first)("\n".join(f.message for f in failures), hint="\n        ".join(hints)) from first


def _stuck(faults: Sequence[ToolProblem], applied: set[Installer]) -> FerruleError:
    again = [fault for fault in faults if fault.installer in applied]
    if again:
        return ToolchainError(_listed("these were installed and are still not usable", again))
    text = _listed("these are missing, and `ferrule setup` cannot install them on this machine", faults)
    offline = all(fault.installer is not None and NO_NETWORK in fault.fix for fault in faults)
    return NetworkError(text) if offline else ToolchainError(text)


def _listed(title: str, faults: Iterable[ToolProblem]) -> str:
    """All faults with their fixes; a fix that several share is named with the last of them."""
    known = list(faults)
    lines = [f"{title}:"]
    for number, fault in enumerate(known):
        lines.append(f"  - {fault.tool}{f' {fault.required}' if fault.required else ''}: {fault.problem}")
        if all(later.fix != fault.fix for later in known[number + 1 :]):
            lines.append(f"      fix: {fault.fix}")
    return "\n".join(lines)
