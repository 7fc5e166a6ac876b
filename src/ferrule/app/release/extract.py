"""The files of one kind out of a finished release, for a program that uploads whatever is in a folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ferrule.app.release.manifest import read_manifest
from ferrule.core.errors import StorageError, VerificationError
from ferrule.core.model import Digest
from ferrule.engine.store import storage_errors

if TYPE_CHECKING:
    from pathlib import Path


def pick(dist: Path, kind: str, target: Path) -> tuple[str, ...]:
    """Copy the files that artifacts of a kind have in a release to a new folder, each checked; their names.

    Raises VerificationError for a file that is not as the manifest says, or if there is none; StorageError.
    """
    digests = {file.path: file.digest for file in read_manifest(dist).shipped if file.kind == kind}
    if not digests:
        raise VerificationError(f"nothing of the kind {kind} is in this release", where=str(dist))
    with storage_errors(target):
        if target.exists():
            raise StorageError("this is there already, and was left alone", where=str(target), hint="name a new folder")
        for name, digest in sorted(digests.items()):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dist / name, copy)
            if Digest.of_file(copy) != digest:
                raise VerificationError(
                    "this is not what the manifest says", where=str(dist / name), hint="fetch the release again"
                )
    return tuple(sorted(digests))
