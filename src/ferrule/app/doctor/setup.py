"""`ferrule setup`: installs what is missing, as far as that is possible on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.app.doctor.machine import ROOM, check_machine, free_bytes
from ferrule.core.errors import FerruleError, NetworkError, StorageError, ToolchainError
from ferrule.toolchain import find as toolchains
from ferrule.toolchain.cache_owner import check_cache_owner
from ferrule.toolchain.find import listed
from ferrule.toolchain.record import load
from ferrule.toolchain.registry import TOOLS
from ferrule.tools.installers.apt import Packages
from ferrule.tools.problems import NO_NETWORK, ToolProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ferrule.app.doctor.machine import Free
    from ferrule.core.model import Tool
    from ferrule.core.toolchain import Toolchain
    from ferrule.toolchain.requirements import ToolRequirements
    from ferrule.tools.definition import ToolDefinition
    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer

    Say = Callable[[str], None]

_ROUNDS: Final = 8  # packages, what Cargo compiles, what needs those, what completes them; more than ever seen


def setup(
    requirements: ToolRequirements,
    host: Host,
    say: Say,
    *,
    dry_run: bool = False,
    free: Free = free_bytes,
    room: int = ROOM,
    registry: Mapping[str, ToolDefinition] = TOOLS,
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


def _stuck(problems: Sequence[ToolProblem], applied: set[Installer]) -> FerruleError:
    again = [problem for problem in problems if problem.installer in applied]
    if again:
        return ToolchainError(listed("these were installed and are still not usable", again))
    text = listed("these are missing, and `ferrule setup` cannot install them on this machine", problems)
    offline = all(problem.installer is not None and NO_NETWORK in problem.fix for problem in problems)
    return NetworkError(text) if offline else ToolchainError(text)
