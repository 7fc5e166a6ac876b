"""Archives by Python's own module: made without any check, unpacked under its policy where this Python has one."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def raw_tar(*members: tuple[str, dict[str, object], bytes], **options: object) -> bytes:
    """A tar of (name, fields, content), which nothing checks and so can be hostile."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as archive:
        for name, fields, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def extract(archive: tarfile.TarFile, place: Path, policy: str = "data") -> None:
    """As `extractall(place, filter=policy)`, an argument that Pythons before 3.11.4 do not have."""
    archive.extraction_filter = getattr(tarfile, f"{policy}_filter", None)
    archive.extractall(place)
