"""Copies a project's sources to another directory, as a fresh checkout would have them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.tools import git
from ferrule.tools.source_list import source_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.tools.host import Host


def copy_sources(
    root: Path, target: Path, host: Host, *, umask: int = 0o022, time: int | None = None, backwards: bool = False
) -> None:
    """Lay the project, or the repository it is a part of, out at another place, as a checkout with the same changes.

    With Git these are the tracked files and those neither tracked nor ignored, in a repository at the same commit;
    without it those that no .gitignore names. `umask` is the mask of whoever copies, `time` (seconds) that of
    every file, `backwards` writes them in the opposite order. Raises StorageError, ToolFailed of Git.
    """
    top = git.top(root, host)
    if top is None:
        names = (name for name in source_names(root, host) if os.path.lexists(root / name))
        _copy_files(root, target, list(names), umask=umask, time=time, backwards=backwards)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    git.clone(top, target, host)
    _copy_files(top, target, list(_git_files(top, "", host)), umask=umask, time=time, backwards=backwards)
    git.track(target, (n for n in git.files(top, host, untracked=False) if not (target / n).is_dir()), host)
    _tighten(target / ".git", umask)


def _git_files(root: Path, prefix: str, host: Host) -> Iterator[str]:
    """Names of the files, and of those of repositories inside of this one."""
    for name in git.files(root / prefix, host):
        inner = f"{prefix}{name}".rstrip("/")
        if (root / inner).is_dir() and not (root / inner).is_symlink():
            yield from _git_files(root, f"{inner}/", host) if (root / inner / ".git").exists() else ()
        elif os.path.lexists(root / inner):
            yield inner


def _copy_files(root: Path, target: Path, names: list[str], *, umask: int, time: int | None, backwards: bool) -> None:
    ordered = sorted(names, reverse=backwards)
    target.mkdir(parents=True, exist_ok=True)
    folders = {target} | {target / parent for name in names for parent in list(Path(name).parents)[:-1]}
    for folder in sorted(folders):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777 & ~umask)
    for name in ordered:
        source, copy = root / name, target / name
        mode = source.lstat().st_mode
        if stat.S_ISLNK(mode):
            copy.symlink_to(source.readlink())
        elif stat.S_ISREG(mode):
            shutil.copyfile(source, copy)
            copy.chmod((0o777 if mode & stat.S_IXUSR else 0o666) & ~umask)
            if time is not None:
                os.utime(copy, (time, time))


def _tighten(folder: Path, umask: int) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o777 & ~umask)


def give(folder: Path, user: int, group: int, *, leave: Path) -> None:
    """Make another user the owner of everything below; what is in `leave` is theirs or only lent to them."""
    for path in (folder, *folder.rglob("*")):
        if path != leave and leave not in path.parents:
            os.chown(path, user, group, follow_symlinks=False)
