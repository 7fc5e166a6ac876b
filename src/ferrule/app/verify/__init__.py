"""Reads a finished release again and recomputes what it claims: digests, archives, tags, floors, origin, signatures.

A claim is a function from a release to verdicts; `CLAIMS` is the list of them. Nothing here trusts the manifest: it is
what is compared with the bytes. No network, no project and no tool is needed, so a downloaded folder will do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.app.release.release_folder import ReleaseFolder, Signers, leaves, read_release
from ferrule.app.verify.contents import checksums, listed, manifest, roles
from ferrule.app.verify.named_digests import named_digests
from ferrule.app.verify.origin import attestations, bills, provenance, signatures
from ferrule.app.verify.packages import packages
from ferrule.core.manifest import VERSION
from ferrule.core.model import Verdict
from ferrule.core.safe_files import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

__all__ = [
    "CLAIMS",
    "VERSION",
    "Examination",
    "ReleaseFolder",
    "Signers",
    "examine",
    "read_release",
    "release_of",
    "verify",
]

CLAIMS: Final[tuple[Callable[[ReleaseFolder], Iterator[Verdict]], ...]] = (
    *(manifest, roles, checksums, packages, named_digests),
    *(provenance, bills, signatures, attestations),
)

_NOBODY: Final = Signers()
_SIGNED: Final = ("signature", "attestation")


@dataclass(frozen=True, slots=True)
class Examination:
    """A release that was read again: who it says it is, the verdicts, and what of the manifest was compared.

    `checked` counts values of the manifest that were recomputed, or compared with another file of the release;
    `stated` are the places (RFC 6901) of those that only the manifest says. `signed` is whether all signatures and
    attestations of the named key or identity hold; None where none was named.
    """

    project: str
    version: str
    commit: str | None
    dirty: bool | None
    verdicts: tuple[Verdict, ...]
    checked: int
    stated: tuple[str, ...]
    signed: bool | None

    @property
    def passed(self) -> bool:
        """Whether anything was checked, and nothing is wrong."""
        return bool(self.verdicts) and all(verdict.problem is None for verdict in self.verdicts)


def examine(
    folder: Path, key: EllipticCurvePublicKey | None = None, file: str | None = None, signers: Signers = _NOBODY
) -> Examination:
    """Read a release again, or what concerns one file of it and vouches for that.

    With a key or an identity, what names all the rest must be signed with it, or every file attested. Raises
    VerificationError for a folder without a manifest that can be understood.
    """
    release = replace(read_release(folder, any_names=True), key=key, signers=signers)
    verdicts = tuple(_verdicts(release))
    values = tuple(leaves(release.manifest.document()))
    stated = tuple(_stated(values, verdicts))
    checked = len(values) - len(stated)
    signed = [verdict for verdict in verdicts if verdict.claim in _SIGNED]
    return Examination(
        project=release.manifest.project,
        version=release.manifest.release,
        commit=release.manifest.commit,
        dirty=release.manifest.dirty,
        verdicts=verdicts if file is None else tuple(_concerning(file, verdicts)),
        checked=checked,
        stated=stated,
        signed=all(v.problem is None for v in signed) and bool(signed) if key or signers.identity else None,
    )


def verify(folder: Path, key: EllipticCurvePublicKey | None = None) -> Iterator[Verdict]:
    """Every verdict about a release; raises VerificationError as `examine` does."""
    yield from examine(folder, key).verdicts


def _verdicts(release: ReleaseFolder) -> Iterator[Verdict]:
    about_files = list(listed(release))
    yield from about_files
    intact = frozenset(v.subject for v in about_files if v.claim == "digest" and v.problem is None)
    release = replace(release, intact=intact)
    for claim in CLAIMS:
        yield from claim(release)


def _stated(values: Iterable[str], verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Of the values of the manifest, by their JSON pointers, those that nothing but the manifest says."""
    covered = {pointer for verdict in verdicts if verdict.problem is None for pointer in verdict.covers}
    for leaf in values:
        parts = leaf.split("/")
        if not any("/".join(parts[:end]) in covered for end in range(len(parts), 0, -1)):
            yield leaf


def _concerning(file: str, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Verdicts about one file, about the manifest that names it, and of the signatures of that."""
    about = [v for v in verdicts if v.subject == file or v.subject.startswith((f"{file}/", f"{file}:"))]
    yield from about or (Verdict(file, "listed", "nothing in the release says what it should be"),)
    yield from (v for v in verdicts if v not in about and (v.subject == MANIFEST or v.claim in _SIGNED))


def release_of(file: Path) -> Path | None:
    """The folder of the release that a file belongs to: the nearest above it with a manifest."""
    parents = Path(os.path.abspath(file)).parents  # noqa: PTH100 - `..` is resolved, and links are not
    return next((folder for folder in parents if (folder / MANIFEST).is_file()), None)
