"""Problems of the machine itself that would stop a build."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from ferrule.toolchain.cache_owner import check_cache_owner
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ferrule.tools.host import Host

    Free = Callable[[Path], int]

ROOM: Final = 2_000_000_000  # bytes: target folders of four targets, zig's cache and the wheels


def free_bytes(folder: Path) -> int:
    """Room for us on the disk of a folder, or of the nearest folder above that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_machine(host: Host, *, free: Free = free_bytes, room: int = ROOM) -> list[ToolProblem]:
    """Problems of the machine that would stop a build: no home, a cache that cannot be written, a full disk."""
    problems = []
    if host.home is None and not host.environment.get("CARGO_HOME"):
        problems.append(ToolProblem("HOME", "the environment names no home folder", "set HOME to a folder of yours"))
    unsafe = check_cache_owner(host)
    reason = None if unsafe else _refused(host.cache)
    if unsafe:
        problems.append(unsafe)
    if reason:
        fix = f"make {host.cache} writable, or name another folder with FERRULE_CACHE"
        problems.append(ToolProblem("cache", f"{host.cache} cannot be written: {reason}", fix, path=str(host.cache)))
    available = free(host.cache)
    if available < room:
        fix = f"free some space on the disk of {host.cache}, or name another folder with FERRULE_CACHE"
        problem = f"{_size(available)} are free, a build may need {_size(room)}"
        problems.append(
            ToolProblem("disk", problem, fix, required=_size(room), version=_size(available), path=str(host.cache))
        )
    return problems


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
