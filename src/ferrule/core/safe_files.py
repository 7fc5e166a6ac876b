"""Where a project keeps what Ferrule reads and writes, and how it is opened where somebody may have put something else.

A link in place of a file leads elsewhere, and opening a FIFO waits for ever: neither is followed or waited for.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from io import BufferedReader, BufferedWriter
    from pathlib import Path

FILE: Final = "targets.yaml"

STATE: Final = ".ferrule"
"""Folder of the project for everything that may be deleted: results, work in progress, Cargo's target folders."""

OF_THE_FILE: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}
)
"""Errors (errno(3)) that tell of a file, and can be corrected there; others tell of the machine."""

MANIFEST: Final = "manifest.json"

REPORT: Final = "report.html"
"""The page about a release, in `.ferrule`. It shows times, so it is not part of the release and never beside it."""


def report_name(release: str | None) -> str:
    """The name of the page about one of several releases, or (None) about the only one."""
    return f"report-{release}.html" if release else REPORT


def find_project(start: Path) -> Path:
    """The nearest folder, from `start` upwards, that holds targets.yaml; raises ConfigError.

    Its path has to be UTF-8, as keys, manifests and the programs that are started hold paths as text.
    """
    folder = start.absolute()
    for candidate in (folder, *folder.parents):
        with suppress(OSError):  # a folder that may not be looked into holds nothing for us
            if (candidate / FILE).exists():
                return _encodable(candidate)
    raise ConfigError(
        f"there is no {FILE} here or in any folder above",
        where=str(start),
        hint="ferrule init writes one for a Cargo workspace; docs/targets.md has a first example",
    )


def _encodable(project: Path) -> Path:
    try:
        os.fspath(project).encode()
    except UnicodeEncodeError:
        hint = "rename the folder, or move the project elsewhere"
        raise ConfigError("the path of this project is not UTF-8", where=str(project), hint=hint) from None
    return project


def open_regular(path: Path, *, follow: bool = False) -> BufferedReader:
    """Open a regular file to read its bytes. Raises OSError for a link, unless told to `follow`, and for all else."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "this is not a regular file", os.fspath(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, *, follow: bool = False, largest: int | None = None) -> bytes:
    """The content of a regular file; raises as `open_regular` does, and OSError if it has more than `largest` bytes."""
    with open_regular(path, follow=follow) as stream:
        content = stream.read(-1 if largest is None else largest + 1)
    if largest is not None and len(content) > largest:
        raise OSError(errno.EFBIG, f"this has more than {largest} bytes", os.fspath(path))
    return content


_TRIES: Final = 20
"""How often a file is replaced that somebody else puts there again."""


def open_new(path: Path) -> BufferedWriter:
    """Open a new file to write its bytes, replacing anything there but a folder. Raises OSError.

    Somebody else may put something there again at the same moment; what they put is never opened.
    """
    for remaining in reversed(range(_TRIES)):
        with suppress(FileNotFoundError):
            path.unlink()
        try:
            return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "wb")
        except FileExistsError:
            if not remaining:
                raise
    raise AssertionError("the loop returns or raises")


def open_more(path: Path) -> BufferedWriter:
    """Open a regular file, or a new one, to write bytes at its end. Raises OSError for a link and for all else."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "this is not a regular file", os.fspath(path))
    return os.fdopen(descriptor, "ab")


def clear(path: Path) -> None:
    """Remove what is at a path, as far as possible: a folder with its content, but of a link the link alone."""
    with suppress(OSError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def lockable(path: Path) -> Path:
    """The place of a lock file, where what is no file is taken away first: locking would follow a link."""
    with suppress(OSError):
        if not stat.S_ISREG(path.lstat().st_mode):
            clear(path)
    return path


def own_folder(path: Path) -> Path:
    """A folder that is ours to fill and to clean, made if it is missing. Raises StorageError for a link; OSError."""
    check_folder(path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def check_folder(path: Path) -> None:
    """Raise StorageError if no folder of ours can be there: for a link, and for a file there or above."""
    if path.is_symlink():
        raise StorageError(
            "this is a link, and what is at its end could be anybody's",
            where=str(path),
            hint=f"remove it; a folder on another disk can be mounted there: mount --bind FOLDER {path.name}",
        )
    above = next(parent for parent in (path, *path.parents) if parent.exists())
    if not above.is_dir():
        raise StorageError("not a directory", where=str(above), hint="remove or rename it")


def keep_regular(top: Path, depth: int) -> list[str]:
    """Remove what is neither file nor folder from a folder of ours, down to `depth`; returns the paths removed."""
    removed: list[str] = []
    with suppress(OSError), os.scandir(top) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.is_dir(follow_symlinks=False):
                removed += keep_regular(top / entry.name, depth - 1) if depth else []
            elif not entry.is_file(follow_symlinks=False):
                clear(top / entry.name)
                removed.append(entry.path)
    return removed
