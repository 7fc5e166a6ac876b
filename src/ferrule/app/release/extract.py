"""Copies out of a finished release: the files of one kind, or all of it as files that a release page can take.

A release page takes files and no folders. There an image is one file, as podman, skopeo and crane read it (an OCI
archive: the layout in a tar), and a Go module is the zip that module proxies serve (Go Modules Reference, "Module zip
files"). Manifest, checksums and provenance of such a copy name what it holds, so that it verifies as it is downloaded.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ferrule.app.release.manifest import text_of
from ferrule.app.release.release_folder import IMAGE_ARCHIVE, ReleaseFolder, bundles, read_release
from ferrule.core.errors import ConfigError, StorageError, VerificationError
from ferrule.core.manifest import manifest_from, read_manifest
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST, read_regular
from ferrule.engine.store import storage_errors
from ferrule.formats import intoto, sigstore, tar
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member, in_order
from ferrule.formats.sums import format_sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.core.manifest import ManifestFile

ALL: Final = "all"
"""What is named instead of a kind for the whole release."""

_EPOCH: Final = 315_532_800  # 1980, the earliest time that a ZIP can hold
_ASSET: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
"""Names that release pages keep as they are; GitHub writes others in its own way ("REST API", release assets)."""

_AGAIN: Final = "fetch the release again"


def extract_kind(dist: Path, kind: str, target: Path) -> tuple[str, ...]:
    """Copy the files of artifacts of a kind, or of several with commas, to a new folder, each checked; their names.

    Raises VerificationError for a file that is not as the manifest says, or if there is none; StorageError.
    """
    files = [file for file in read_manifest(dist).shipped if file.kind in kind.split(",")]
    if not files:
        raise VerificationError(f"nothing of the kind {kind} is in this release", where=str(dist))
    _copy(dist, files, target)
    return tuple(sorted(file.path for file in files))


def extract_all(dist: Path, target: Path, key: EllipticCurvePrivateKey | None = None) -> tuple[str, ...]:
    """Copy a whole release to a new folder as files alone, for a page that takes no folders; their names.

    With a key the copy is signed as the release was. Raises VerificationError for a file that is not as the manifest
    says, and for one that such a page would rename; ConfigError if the release is signed and there is no key;
    StorageError.
    """
    release = read_release(dist)
    signed = [name for name in bundles(release) if os.path.lexists(dist / name)]
    if signed and key is None:
        raise ConfigError(
            "this release is signed, and its copy needs a signature of its own",
            where=str(dist / signed[0]),
            hint="name the key: --sign-key",
        )
    in_folders = [file for name, file in release.files.items() if "/" in name]
    whole = [f for n, f in release.files.items() if "/" not in n and f.role not in {"checksums", "provenance"}]
    _copy(dist, whole, target)
    with storage_errors(target):
        files = [*whole, *_archives(release, in_folders, target)]
        files += _names_of_others(release, target, files)
        packed = (replace(file, role=None) for file in in_folders)
        manifest = replace(release.manifest, files=(*files, *release.manifest.packed, *packed))
        # Read as anybody else reads it: an archive may have got the name of another file.
        (target / MANIFEST).write_bytes(text_of(manifest_from(manifest.document(), str(dist / MANIFEST))))
        if key is not None:
            _sign(target, files, key)
        names = tuple(sorted(path.name for path in target.iterdir()))
    for name in names:
        if not _ASSET.fullmatch(name):
            raise VerificationError(
                "a release page would give this file another name",
                where=name,
                hint="use letters, digits, '.', '_', '+' and '-' in the names of the project and its artifacts",
            )
    return names


def _copy(dist: Path, files: Iterable[ManifestFile], target: Path) -> None:
    with storage_errors(target):
        if target.exists():
            raise StorageError("already exists, and is kept", where=str(target), hint="name a new folder")
        target.mkdir(parents=True)
        for file in sorted(files, key=lambda file: file.path):
            copy = target / file.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dist / file.path, copy)
            _check(Digest.of_file(copy), file, dist)


def _check(digest: Digest, file: ManifestFile, dist: Path) -> None:
    if digest != file.digest:
        raise VerificationError("this differs from the manifest", where=str(dist / file.path), hint=_AGAIN)


def _archives(release: ReleaseFolder, in_folders: Iterable[ManifestFile], target: Path) -> Iterable[ManifestFile]:
    """What is a folder in the release, as one file each: their rows of the manifest."""
    folders: dict[str, list[ManifestFile]] = {}
    for file in in_folders:
        folders.setdefault(file.artifact, []).append(file)
    for artifact, files in sorted(folders.items()):
        kind = files[0].kind
        stem = f"{release.manifest.project}-{artifact}-{release.manifest.release}"
        members = [_member(release, file) for file in files]
        if kind == "image":
            path = target / f"{stem}{IMAGE_ARCHIVE}"
            with path.open("wb") as stream:
                tar.write_tar(stream, in_order(members), _EPOCH)
        elif kind == "gomodule":
            path = target / f"{stem}.zip"
            zips.write_zip(path, _of_module(members, release.manifest.release, release.folder), _EPOCH)
        else:
            raise VerificationError(
                f"{artifact} is a folder of the kind {kind}, of which no single file can be made",
                where=str(release.folder),
            )
        yield _row(path, replace(files[0], role="archive"))


def _member(release: ReleaseFolder, file: ManifestFile) -> Member:
    content = read_regular(release.folder / file.path, largest=file.size)
    _check(Digest.of(content), file, release.folder)
    return Member(file.path.partition("/")[2], content)


def _of_module(members: Sequence[Member], version: str, folder: Path) -> list[Member]:
    """Files of a module below its path and version, as its zip names them."""
    text = next((m.read().decode("utf-8", "replace") for m in members if m.name == "go.mod"), "")
    match = re.search(r"^module\s+\"?([^\s\"]+)", text, re.MULTILINE)
    if match is None:
        raise VerificationError("the Go module has no go.mod that names it", where=str(folder), hint=_AGAIN)
    return [Member(f"{match[1]}@v{version}/{m.name}", m.source) for m in members]


def _names_of_others(release: ReleaseFolder, target: Path, files: Iterable[ManifestFile]) -> list[ManifestFile]:
    """Write checksums and provenance of the copy, where the release has them: their rows of the manifest."""
    named = {file.path: file.digest for file in files}
    artifacts = {file.artifact for file in files}
    written: list[ManifestFile] = []
    for name in release.of_role("checksums"):
        (target / name).write_text(format_sums(named), encoding="utf-8")
        written.append(_row(target / name, release.files[name]))
    for name in release.of_role("provenance"):
        statement = read_regular(release.folder / name)
        _check(Digest.of(statement), release.files[name], release.folder)
        subjects, predicate = intoto.read_statement(statement, where=name)
        images = {a: subjects[a] for a in artifacts if a in subjects and a not in named}
        sums = {file.path: file.digest for file in written}
        content = intoto.write_statement({**named, **sums, **images}, intoto.PROVENANCE, predicate)
        (target / name).write_bytes(content)
        written.append(_row(target / name, release.files[name]))
    return written


def _row(path: Path, like: ManifestFile) -> ManifestFile:
    return replace(like, path=path.name, size=path.stat().st_size, digest=Digest.of_file(path))


def _sign(target: Path, files: Iterable[ManifestFile], key: EllipticCurvePrivateKey) -> None:
    signed = {f"{MANIFEST}{sigstore.SUFFIX}": sigstore.sign_blob(key, (target / MANIFEST).read_bytes())}
    for file in files:
        content = (target / file.path).read_bytes()
        if file.role == "checksums":
            signed[f"{file.path}{sigstore.SUFFIX}"] = sigstore.sign_blob(key, content)
        elif file.role == "provenance":
            signed[sigstore.bundle_of_statement(file.path)] = sigstore.sign_statement(key, content)
    for name, content in signed.items():
        (target / name).write_bytes(content)
