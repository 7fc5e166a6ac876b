"""A verified release as destinations take it: its files, and a copy of it as files alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ferrule.app.publish.items import Release, ReleaseFile
from ferrule.app.release import extract
from ferrule.app.release.release_folder import bundles, read_release
from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def publication(dist: Path, tag: str, copy: Path | None, key: EllipticCurvePrivateKey | None = None) -> Release:
    """What is published of a finished release, which has verified.

    `copy` is a new folder for a copy as files alone, None where no destination takes that. Raises as
    `extract.extract_all` does, and VerificationError for a file that changed since it was verified.
    """
    release = read_release(dist)
    if copy is not None:
        extract.extract_all(dist, copy, key)
    names = [*release.files, MANIFEST, *(name for name in bundles(release) if os.path.lexists(dist / name))]
    files = tuple(_file(dist, name) for name in names)
    for file in files:
        if file.path in release.files and file.digest != release.files[file.path].digest:
            raise VerificationError("this changed while it was read", where=str(file.source))
    page = tuple(_file(copy, path.name) for path in sorted(copy.iterdir())) if copy else ()
    return Release(release.manifest, tag, dist, files, page)


def _file(folder: Path, name: str) -> ReleaseFile:
    source = folder / name
    return ReleaseFile(source, name, Digest.of_file(source), source.stat().st_size)
