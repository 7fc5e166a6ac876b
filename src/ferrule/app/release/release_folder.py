"""A finished release as its manifest describes it; none of it is verified yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import FerruleError
from ferrule.core.manifest import LARGEST_DOCUMENT, read_manifest
from ferrule.core.safe_files import MANIFEST, read_regular
from ferrule.formats import sigstore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from ferrule.core.manifest import Manifest, ManifestFile
    from ferrule.core.model import Digest
    from ferrule.formats import keyless

DAMAGE: Final = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
"""What reading a document raises whose values are of other types than they should be, or nested without end."""

_PACKAGES: Final = (".whl", ".tar.gz", ".tgz", ".zip", ".deb", ".rpm", ".crate", "/oci-layout")
IMAGE_ARCHIVE: Final = ".oci.tar"
"""How the name of an image layout ends that is one file (containers-transports(5), oci-archive)."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Who must have signed without a key, and whom that is believed: a trusted root, None for the public one.

    `attestations` are bundles from elsewhere that are about files of the release, with what messages call each.
    """

    identity: keyless.Identity | None = None
    root: keyless.Root | None = None
    attestations: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """A folder with a manifest: files that it lists, by path; what was compiled and what is packed, by digest.

    A file counts as compiled by the action that measured it; several packages may hold it besides. `pointers` say where
    a file's row is in the manifest (RFC 6901). `key` is the one that must have signed the release, `signers` the
    identity, if that is known. `intact` are paths of files whose size and digest are those of the manifest: only their
    content is read.
    """

    folder: Path
    manifest: Manifest
    files: Mapping[str, ManifestFile]
    compiled: Mapping[Digest, Sequence[ManifestFile]]
    packed: Mapping[Digest, Sequence[ManifestFile]]
    pointers: Mapping[ManifestFile, str]
    key: EllipticCurvePublicKey | None = None
    signers: Signers = Signers()
    intact: frozenset[str] = frozenset()

    def of_role(self, role: str) -> Iterator[str]:
        """Paths of the files that the manifest gives a role."""
        return (file.path for file in self.files.values() if file.role == role)

    def packages(self) -> Iterator[str]:
        """Files that hold others, and folders that are image layouts."""
        return (name.removesuffix("/oci-layout") for name in self.files if name.endswith(_PACKAGES))

    def image_archives(self) -> dict[str, str]:
        """Image layouts that are one file, by the artifact that they are."""
        return {file.artifact: name for name, file in self.files.items() if name.endswith(IMAGE_ARCHIVE)}


def read_release(folder: Path, *, any_names: bool = False) -> ReleaseFolder:
    """Read the manifest of a folder, as `core.manifest.read_manifest` does; raises VerificationError."""
    manifest = read_manifest(folder, any_names=any_names)
    # A wheel that an action made together with the module in it holds what was measured, and is not it.
    measured = (f for f in (*manifest.packed, *manifest.shipped) if f.role != "wheel" and manifest.facts_of(f).compiled)
    return ReleaseFolder(
        folder,
        manifest,
        files={file.path: file for file in manifest.shipped},
        compiled=_by_digest(measured),
        packed=_by_digest(manifest.packed),
        pointers={file: f"/artifacts/{number}" for number, file in enumerate(manifest.shipped)}
        | {file: f"/packed/{number}" for number, file in enumerate(manifest.packed)},
    )


def _by_digest(files: Iterable[ManifestFile]) -> dict[Digest, list[ManifestFile]]:
    groups: dict[Digest, list[ManifestFile]] = {}
    for file in files:
        groups.setdefault(file.digest, []).append(file)
    return groups


def bundles(release: ReleaseFolder) -> dict[str, str]:
    """Names of signature bundles that a release may have, with the file that each signs."""
    names = {f"{MANIFEST}{sigstore.SUFFIX}": MANIFEST}
    names |= {f"{name}{sigstore.SUFFIX}": name for name in release.of_role("checksums")}
    return names | {sigstore.bundle_of_statement(name): name for name in release.of_role("provenance")}


def pointer(*keys: str | int) -> str:
    """A JSON pointer (RFC 6901, section 3) into the manifest.

    >>> pointer("facts", "a/b", 0)
    '/facts/a~1b/0'
    """
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def leaves(document: object) -> Iterator[str]:
    """The JSON pointer (RFC 6901) of every value of a document that holds no others."""
    waiting = [("", document)]
    while waiting:
        path, value = waiting.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        deeper = [(path + pointer(key), inner) for key, inner in items]
        waiting += reversed(deeper)
        if not deeper:
            yield path


def read_document(path: Path) -> bytes:
    """The bytes of a document. Raises OSError, also where it is longer than any is."""
    return read_regular(path, largest=LARGEST_DOCUMENT)


def describe(error: BaseException) -> str:
    """What is wrong, without where: the verdict names the file."""
    return error.message if isinstance(error, FerruleError) else str(error)
