"""The files of a release: all there, with the digests that were promised, and nothing else."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.release.release_folder import ReleaseFolder, names
from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest, Verdict
from ferrule.core.safe_files import MANIFEST, REPORT, read_regular
from ferrule.formats import sums as sums_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_UNLISTED: Final = frozenset({"checksums", "provenance"})  # these are about the others, and come after them
_SIGNATURE: Final = re.compile(r"\.(sigstore\.json|sig|asc)$")


def listed(release: ReleaseFolder) -> Iterator[Verdict]:
    """Each listed file is there with its digest and size, and nothing else is."""
    for name, told in release.files.items():
        yield Verdict(name, "digest", _file_problem(release.folder / name, told))
    known = {*release.files, MANIFEST, REPORT}
    for name in names(release.folder):
        if name not in known and not _SIGNATURE.search(name):
            yield Verdict(name, "listed", "the manifest does not list it")


def _file_problem(path: Path, told: Mapping[str, Any]) -> str | None:
    try:
        mode = path.lstat()
        if not stat.S_ISREG(mode.st_mode):
            return "it is not a file"
        if mode.st_size != told["size"]:
            return f"it has {mode.st_size} bytes, the manifest says {told['size']}"
        found = Digest.of_file(path).hex
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return None if found == told["sha256"] else f"its SHA-256 is {found}, the manifest says {told['sha256']}"


def checksums(release: ReleaseFolder) -> Iterator[Verdict]:
    """The file for sha256sum says the same as the manifest, of every file that it can list."""
    for name in release.of_role("checksums"):
        try:
            sums = sums_format.parse_sums(read_regular(release.folder / name).decode(), where=name)
        except (OSError, UnicodeDecodeError, VerificationError) as error:
            yield Verdict(name, "checksums", str(error))
            continue
        wrong = [n for n, digest in sums.items() if release.files.get(n, {}).get("sha256") != digest.hex]
        lost = [n for n, other in release.files.items() if n not in sums and other.get("role") not in _UNLISTED]
        yield Verdict(
            name,
            "checksums",
            f"it has another digest for {wrong[0]} than the manifest"
            if wrong
            else f"it does not list {lost[0]}"
            if lost
            else None,
        )
