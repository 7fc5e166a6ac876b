"""Unpacking with Python's own reader, under its policy for members where this Python has one."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def extract(archive: tarfile.TarFile, place: Path, policy: str = "data") -> None:
    """As `extractall(place, filter=policy)`, an argument that Pythons before 3.11.4 do not have."""
    archive.extraction_filter = getattr(tarfile, f"{policy}_filter", None)
    archive.extractall(place)
