"""Whose the cache is: programs in it are run, so nobody else may be able to put one there."""

from __future__ import annotations

import grp
import pwd
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.tools.host import Host

_ROOT = 0


def check_cache_owner(host: Host) -> ToolProblem | None:
    """What is wrong with the owner or the mode of the cache, the folders of its tools, or those above; None if nothing.

    Root may own them too. A folder above is nobody's concern unless everybody may rename what is in it.
    """
    elsewhere = "or name another folder with FERRULE_CACHE"
    for folder in _folders(host.cache):
        weakness = _weakness(folder, host.user)
        if weakness:
            what, fix = weakness
            problem = f"{folder} {what}, and programs in it are run"
            return ToolProblem("cache", problem, f"{fix}, {elsewhere}", path=str(folder))
    for folder in host.cache.absolute().parents:
        status = _status(folder)
        if status and status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
            problem = f"everybody can rename folders in {folder}, and programs in {host.cache} are run"
            return ToolProblem("cache", problem, f"chmod o-w {folder}, {elsewhere}", path=str(folder))
    return None


def _folders(cache: Path) -> Iterator[Path]:
    """The cache, and what programs are found in, as far as that exists."""
    yield from (cache, cache / "tools", cache / "toolchain", cache / "zig")
    with suppress(OSError):
        yield from sorted((cache / "tools").iterdir())


def _status(path: Path) -> os.stat_result | None:
    """Facts about a file, or None where there is none to be had."""
    with suppress(OSError):
        return path.stat()
    return None


def _weakness(folder: Path, user: int) -> tuple[str, str] | None:
    """What is wrong with a folder, and what puts it right."""
    status = _status(folder)
    if status is None:
        return None
    if status.st_uid not in {user, _ROOT}:
        return f"belongs to {_name_of(status.st_uid)}", f"chown -R {_name_of(user)} {folder}"
    shared = status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid, status.st_uid)
    if shared or status.st_mode & stat.S_IWOTH:
        return "can be written by other users", f"chmod -R go-w {folder}"
    return None


def _is_private(group: int, user: int) -> bool:
    """Whether a group is that of one user alone, as most distributions make one for each ("user private groups")."""
    try:
        row, owner = grp.getgrgid(group), pwd.getpwuid(user)
    except KeyError:
        return False
    return owner.pw_gid == group and row.gr_name == owner.pw_name and set(row.gr_mem) <= {owner.pw_name}


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
