"""An image layout that is one file: unpacked aside, where it can be read as a layout."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.app.release.release_folder import DAMAGE, read_document
from ferrule.core.errors import FerruleError
from ferrule.core.model import Digest
from ferrule.formats import tar

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The layout of an archive in a folder that is gone afterwards. Raises VerificationError, OSError."""
    with tempfile.TemporaryDirectory(prefix="ferrule-") as name:
        folder = Path(name)
        with archive.open("rb") as stream:
            for member in tar.read_tar(stream, where=str(archive)):
                if member.regular:
                    path = folder / member.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(member.read())
        yield folder


def index_of(archive: Path) -> Digest | None:
    """Digest of the index that an archive's layout names; None for what is no image."""
    try:
        with unpacked(archive) as folder:
            (entry,) = json.loads(read_document(folder / "index.json"))["manifests"]
            return Digest.parse(entry["digest"])
    except (OSError, FerruleError, *DAMAGE):
        return None
