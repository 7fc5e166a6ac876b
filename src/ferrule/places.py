"""Where a project keeps what Ferrule reads and writes, and how it is opened where somebody may have put something else.

A link in place of a file leads elsewhere, and opening a FIFO waits for ever: neither is followed or waited for.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final

from ferrule.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "targets.yaml"

STATE: Final = ".ferrule"
"""Folder of the project for everything that may be deleted: results, work in progress, Cargo's target folders."""

MANIFEST: Final = "manifest.json"

REPORT: Final = "report.html"
"""The page about a release. It tells times, so it is no part of the release: neither manifest nor checksums name it."""


def find_project(start: Path) -> Path:
    """The nearest folder, from `start` upwards, that holds targets.yaml; raises ConfigError."""
    folder = start.absolute()
    for candidate in (folder, *folder.parents):
        with suppress(OSError):  # a folder that may not be looked into holds nothing for us
            if (candidate / FILE).exists():
                return candidate
    raise ConfigError(
        f"there is no {FILE} here or in any folder above",
        where=str(start),
        hint=f"write a {FILE} at the root of the project; docs/targets.md has a first example",
    )


def open_regular(path: Path, *, follow: bool = False) -> BinaryIO:
    """Open a regular file to read its bytes. Raises OSError for a link, unless told to `follow`, and for all else."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "this is not a regular file", os.fspath(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, *, follow: bool = False) -> bytes:
    """The content of a regular file; raises as `open_regular` does."""
    with open_regular(path, follow=follow) as stream:
        return stream.read()
