"""A finished release as those see it who download it: what the page about it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.model import Digest


@dataclass(frozen=True, slots=True)
class ReleasedFile:
    """A file of a release: its path there, bytes and SHA-256."""

    path: str
    size: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Download:
    """A file, or a folder as a whole, with `path` as its name and all that is in it as `files`.

    `platforms` are targets, or platforms as OCI or Go name them. `floors` are the oldest systems and runtimes that it
    works with (`glibc 2.17`, `Python >=3.11`), `loads` the libraries of the system that it loads, `requires` the
    packages that come with it by its package manager, `licenses` those of what is in it, as its bill of materials has
    them, and `bill` the path of that. `image` is the digest of the index of an image.
    """

    path: str
    files: tuple[ReleasedFile, ...]
    platforms: tuple[str, ...] = ()
    floors: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    bill: str | None = None
    image: str | None = None
    folder: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class DownloadPackage:
    """What one artifact has in a release; `summary` says what that is."""

    artifact: str
    summary: str
    downloads: tuple[Download, ...]


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """What was found when the release was read again: how many checks of each claim passed, on how many files."""

    claims: Mapping[str, int]
    files: int


@dataclass(frozen=True, slots=True)
class DownloadPage:
    """A release: its packages, the files that vouch for them, and what it is made of.

    `license` is its own, `parts` are by licence the names and versions of what is in it, with none for what states no
    licence. `bundles` are paths of signatures with the file that each signs; `signer` is the digest of the key that
    they were checked with, if they were. `changelog` is Markdown.
    """

    project: str
    version: str
    commit: str | None
    dirty: bool | None
    packages: tuple[DownloadPackage, ...]
    describing: tuple[ReleasedFile, ...]
    checksums: tuple[str, ...]
    provenance: tuple[str, ...]
    bundles: Mapping[str, str]
    check: CheckSummary
    signer: str | None = None
    license: tuple[str, ...] = ()
    parts: Mapping[str | None, tuple[str, ...]] | None = None
    changelog: str | None = None
