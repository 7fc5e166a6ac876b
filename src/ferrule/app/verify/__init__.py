"""Reads a finished release again and recomputes what it claims: digests, archives, tags, floors, origin, signatures.

A claim is a function from a release to verdicts; `CLAIMS` is the list of them. Nothing here trusts the manifest: it is
what is compared with the bytes. No network, no project and no tool is needed, so a downloaded folder will do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ferrule.app.release.release_folder import VERSION, ReleaseFolder, read_release
from ferrule.app.verify.contents import checksums, listed
from ferrule.app.verify.origin import bills, provenance, signatures
from ferrule.app.verify.packages import packages
from ferrule.core.safe_files import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from ferrule.core.model import Verdict

__all__ = ["CLAIMS", "VERSION", "ReleaseFolder", "read_release", "release_of", "verify"]

CLAIMS: Final[tuple[Callable[[ReleaseFolder], Iterator[Verdict]], ...]] = (
    *(listed, checksums, packages),
    *(provenance, bills, signatures),
)


def verify(folder: Path, key: EllipticCurvePublicKey | None = None) -> Iterator[Verdict]:
    """Every verdict about a release; raises VerificationError if it has no manifest that can be understood.

    With a key, what names all the rest must be signed with it.
    """
    release = replace(read_release(folder), key=key)
    for claim in CLAIMS:
        yield from claim(release)


def release_of(file: Path) -> Path | None:
    """The folder of the release that a file belongs to: the nearest above it with a manifest."""
    return next((folder for folder in file.absolute().parents if (folder / MANIFEST).is_file()), None)
