"""A file that is there, and whose bytes cannot be had by anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_unreadable(path: Path) -> Path:
    """Put such a file in place of whatever is there: root may open all files, but Linux has no memory at address 0."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("/proc/self/mem")
    return path
