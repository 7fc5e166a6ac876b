"""Checks that digests which files of a release state of others, as installers do, are those of the release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.app.release.release_folder import DAMAGE, ReleaseFolder, describe, read_document
from ferrule.core.errors import FerruleError
from ferrule.core.model import Verdict
from ferrule.core.printable import printable
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.kinds.base import NamedDigest


def named_digests(release: ReleaseFolder) -> Iterator[Verdict]:
    """Each file that such a file names is in the release, beside it, with the digest that it states."""
    for name, file in release.files.items():
        reads = KINDS[file.kind].named_digests if file.kind in KINDS else None
        if reads is None or name not in release.intact:
            continue
        try:
            rows = list(reads(read_document(release.folder / name).decode()))
        except (OSError, FerruleError, *DAMAGE) as error:
            yield Verdict(name, "names", describe(error))
            continue
        problems = [problem for row in rows if (problem := _problem(release, name, row))]
        nothing = None if rows else "it names no file of the release"
        yield Verdict(name, "names", problems[0] if problems else nothing)


def _problem(release: ReleaseFolder, name: str, row: NamedDigest) -> str | None:
    folder = name.rpartition("/")[0]
    path = f"{folder}/{row.file}" if folder else row.file
    if path not in release.files:
        return f"it names {printable(row.file)}, which is not in the release"
    if release.files[path].digest.hex != row.sha256:
        return f"it has another digest for {printable(row.file)} than the release"
    return None
