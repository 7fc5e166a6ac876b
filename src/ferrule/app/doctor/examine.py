"""Two use cases: `doctor` reports on every tool, `setup` installs what is missing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.errors import FerruleError, NetworkError, StorageError, ToolchainError
from ferrule.core.platforms import PLATFORMS
from ferrule.toolchain import find as toolchains
from ferrule.toolchain.cache_owner import check_cache_owner
from ferrule.toolchain.find import listed
from ferrule.toolchain.record import load
from ferrule.toolchain.registry import TOOLS
from ferrule.toolchain.requirements import definition_of
from ferrule.tools.installers.apt import Packages
from ferrule.tools.problems import NO_NETWORK, ToolProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.core.model import Tool
    from ferrule.core.toolchain import Toolchain
    from ferrule.toolchain.requirements import ToolRequirements
    from ferrule.tools.definition import ToolDefinition
    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer

    Registry = Mapping[str, ToolDefinition]

    Say = Callable[[str], None]
    Free = Callable[[Path], int]

ROOM: Final = 2_000_000_000  # bytes: target folders of four targets, zig's cache and the wheels
_ROUNDS: Final = 4  # packages, then what Cargo compiles, then what needs those; one more than ever seen


@dataclass(frozen=True, slots=True)
class ToolFinding:
    """One line of the doctor's report; a tool with a problem has a fix. Versions and path may be empty.

    `command` is what `ferrule setup` would run, where that is the fix.
    """

    tool: str
    state: Literal["ok", "fault"]
    required: str = ""
    version: str = ""
    path: str = ""
    problem: str = ""
    fix: str = ""
    fixable: bool = False
    command: str = ""


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
    registry: Registry = TOOLS,
) -> list[ToolFinding]:
    """Everything that a build will need, fit or not; changes nothing but zig's cache.

    With `probe` a shared library of one function is linked for every native target, with the floor that `glibc` gives
    for a triple.
    """
    machine = check_machine(host, free=free, room=room)
    results = toolchains.search(requirements, host, registry)
    findings = [
        *map(_problem, machine),
        *(_ready(tool, requirements, registry) for tool in results.tools.values()),
        *map(_problem, results.problems),
    ]
    if probe and not any(problem.tool == "cache" for problem in machine):
        findings += _probe(results.tools, requirements, host, glibc or {}, registry)
    return findings


def _ready(tool: Tool, requirements: ToolRequirements, registry: Registry) -> ToolFinding:
    definition = definition_of(tool.name, registry)
    required = requirements.version(definition) if definition and definition.setting else ""
    return ToolFinding(tool.name, "ok", required, tool.version, tool.argv[0] if tool.argv else "")


def _problem(problem: ToolProblem) -> ToolFinding:
    return ToolFinding(
        problem.tool,
        "fault",
        problem.required,
        problem.version,
        problem.path,
        problem.problem,
        "ferrule setup" if problem.fixable else problem.fix,
        fixable=problem.fixable,
        command=problem.fix if problem.fixable else "",
    )


def _probe(
    tools: Mapping[str, Tool],
    requirements: ToolRequirements,
    host: Host,
    floors: Mapping[str, str],
    registry: Registry,
) -> Iterator[ToolFinding]:
    for definition in registry.values():
        tool = tools.get(definition.name)
        if tool is None or definition.probe is None:
            continue
        for triple in requirements.triples:
            if not PLATFORMS[triple].is_native:
                continue
            floor = floors.get(triple)
            problem = definition.probe(tool, host, PLATFORMS[triple], floor)
            version = f"glibc {floor}" if floor else ""
            yield (
                _problem(problem)
                if problem
                else ToolFinding(f"link {triple}", "ok", version=version, path=tool.argv[0])
            )


def check_machine(host: Host, *, free: Free = free_bytes, room: int = ROOM) -> list[ToolProblem]:
    """What of the machine itself would stop a build: no home, a cache that cannot be written, a full disk."""
    faults = []
    if host.home is None and not host.environment.get("CARGO_HOME"):
        faults.append(ToolProblem("HOME", "the environment names no home folder", "set HOME to a folder of yours"))
    unsafe = check_cache_owner(host)
    refused = None if unsafe else _refused(host.cache)
    if unsafe:
        faults.append(unsafe)
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
    registry: Registry = TOOLS,
) -> Toolchain | None:
    """Install what is missing, and return the toolchain; starts no process when all was there the last time.

    Lists everything before installing it; with `dry_run` that is all, and it returns None.
    Raises StorageError for the machine's own faults, NetworkError when only the network is in the way, else
    ToolchainError, with the commands for a person to run.
    """
    unsafe = check_cache_owner(host)
    remembered = None if unsafe else load(requirements, host, registry)
    if remembered is not None:
        return remembered
    machine = check_machine(host, free=free, room=room)
    if machine:
        raise StorageError(listed("this machine cannot build", machine))
    applied: set[Installer] = set()
    for _ in range(_ROUNDS):
        results = toolchains.search(requirements, host, registry)
        if not results.problems:
            return toolchains.settle(requirements, host, results, registry)
        usable = dict.fromkeys(p.installer for p in results.problems if p.fixable and p.installer is not None)
        chosen = [i for i in usable if i not in applied and {*i.needs} <= results.tools.keys()]
        if not chosen:
            raise _stuck(results.problems, applied)
        installers = _in_order(chosen)
        for installer in installers:
            say(f"will install by {installer.method}: {installer.command(host)}")
        if dry_run:
            return None
        install(installers, host, results.tools, say)
        applied.update(chosen)
    raise _stuck(results.problems, applied)


def _in_order(chosen: Sequence[Installer]) -> list[Installer]:
    """Installers in the order of their stages, those of packages as one."""
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
        return ToolchainError(listed("these were installed and are still not usable", again))
    text = listed("these are missing, and `ferrule setup` cannot install them on this machine", faults)
    offline = all(fault.installer is not None and NO_NETWORK in fault.fix for fault in faults)
    return NetworkError(text) if offline else ToolchainError(text)
