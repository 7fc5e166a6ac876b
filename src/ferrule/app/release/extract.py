"""Copies out of a finished release: the files of one kind, or all of it as files that a release page can take.

A release page takes files and no folders. There an image is one file, as podman, skopeo and crane read it (an OCI
archive: the layout in a tar), and a Go module is the zip that module proxies serve (Go Modules Reference, "Module zip
files"). Manifest, checksums and provenance of such a copy name what it holds, so that it verifies as it is downloaded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.release.manifest import read_manifest, text_of
from ferrule.app.release.release_folder import IMAGE_ARCHIVE, ReleaseFolder, bundles, read_release
from ferrule.core.errors import ConfigError, StorageError, VerificationError
from ferrule.core.manifest import parse_manifest
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST, read_regular
from ferrule.engine.store import storage_errors
from ferrule.formats import intoto, sigstore, tar
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member, in_order
from ferrule.formats.sums import format_sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ALL: Final = "all"
"""What is named instead of a kind for the whole release."""

_EPOCH: Final = 315_532_800  # 1980, the earliest time that a ZIP can hold
_ASSET: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
"""Names that release pages keep as they are; GitHub writes others in its own way ("REST API", release assets)."""

_AGAIN: Final = "fetch the release again"


def extract_kind(dist: Path, kind: str, target: Path) -> tuple[str, ...]:
    """Copy the files that artifacts of a kind have in a release to a new folder, each checked; their names.

    Raises VerificationError for a file that is not as the manifest says, or if there is none; StorageError.
    """
    digests = {file.path: file.digest.hex for file in read_manifest(dist).shipped if file.kind == kind}
    if not digests:
        raise VerificationError(f"nothing of the kind {kind} is in this release", where=str(dist))
    _copy(dist, digests, target)
    return tuple(sorted(digests))


def extract_all(dist: Path, target: Path, key: EllipticCurvePrivateKey | None = None) -> tuple[str, ...]:
    """Copy a whole release to a new folder as files alone, for a page that takes no folders; their names.

    With a key the copy is signed as the release was. Raises VerificationError for a file that is not as the manifest
    says, and for one that such a page would rename; ConfigError if the release is signed and there is no key;
    StorageError.
    """
    read_manifest(dist)  # which refuses names that lead out of the folder
    release = read_release(dist)
    signed = [name for name in bundles(release) if os.path.lexists(dist / name)]
    if signed and key is None:
        raise ConfigError(
            "this release is signed, and its copy needs a signature of its own",
            where=str(dist / signed[0]),
            hint="name the key: --sign-key",
        )
    whole = {n: e for n, e in release.files.items() if "/" not in n and e["role"] not in {"checksums", "provenance"}}
    _copy(dist, {name: entry["sha256"] for name, entry in whole.items()}, target)
    with storage_errors(target):
        entries = [*whole.values(), *_archives(release, target)]
        entries += _names_of_others(release, target, entries)
        packed = [_packed(entry) for name, entry in release.files.items() if "/" in name]
        manifest = {**release.manifest, "artifacts": entries, "packed": [*release.manifest["packed"], *packed]}
        content = text_of(parse_manifest(json.dumps(manifest).encode(), str(dist / MANIFEST)))
        (target / MANIFEST).write_bytes(content)
        if key is not None:
            _sign(target, entries, key)
        names = tuple(sorted(path.name for path in target.iterdir()))
    for name in names:
        if not _ASSET.fullmatch(name):
            raise VerificationError(
                "a release page would give this file another name",
                where=name,
                hint="use letters, digits, '.', '_', '+' and '-' in the names of the project and its artifacts",
            )
    return names


def _copy(dist: Path, digests: Mapping[str, str], target: Path) -> None:
    with storage_errors(target):
        if target.exists():
            raise StorageError("already exists, and is kept", where=str(target), hint="name a new folder")
        target.mkdir(parents=True)
        for name, digest in sorted(digests.items()):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dist / name, copy)
            _check(copy, digest, dist / name)


def _check(copy: Path, digest: str, original: Path) -> None:
    if Digest.of_file(copy).hex != digest:
        raise VerificationError("this differs from the manifest", where=str(original), hint=_AGAIN)


def _archives(release: ReleaseFolder, target: Path) -> Iterable[Mapping[str, Any]]:
    """What is a folder in the release, as one file each: their entries for the manifest."""
    folders: dict[str, list[Mapping[str, Any]]] = {}
    for name, entry in release.files.items():
        if "/" in name:
            folders.setdefault(entry["artifact"], []).append(entry)
    for artifact, entries in sorted(folders.items()):
        kind = entries[0]["kind"]
        stem = f"{release.manifest['project']}-{artifact}-{release.manifest['release']}"
        members = [_member(release, entry) for entry in entries]
        if kind == "image":
            path = target / f"{stem}{IMAGE_ARCHIVE}"
            with path.open("wb") as stream:
                tar.write_tar(stream, in_order(members), _EPOCH)
        elif kind == "gomodule":
            path = target / f"{stem}.zip"
            zips.write_zip(path, _of_module(members, release.manifest["release"], release.folder), _EPOCH)
        else:
            raise VerificationError(
                f"{artifact} is a folder of the kind {kind}, of which no single file can be made",
                where=str(release.folder),
            )
        yield _entry(path, {**entries[0], "role": "archive"})


def _member(release: ReleaseFolder, entry: Mapping[str, Any]) -> Member:
    path = release.folder / entry["file"]
    content = read_regular(path, largest=entry["size"])
    if Digest.of(content).hex != entry["sha256"]:
        raise VerificationError("this differs from the manifest", where=str(path), hint=_AGAIN)
    return Member(entry["file"].partition("/")[2], content)


def _of_module(members: Sequence[Member], version: str, folder: Path) -> list[Member]:
    """Files of a module below its path and version, as its zip names them."""
    text = next((m.read().decode("utf-8", "replace") for m in members if m.name == "go.mod"), "")
    match = re.search(r"^module\s+\"?([^\s\"]+)", text, re.MULTILINE)
    if match is None:
        raise VerificationError("the Go module has no go.mod that names it", where=str(folder), hint=_AGAIN)
    return [Member(f"{match[1]}@v{version}/{m.name}", m.source) for m in members]


def _names_of_others(release: ReleaseFolder, target: Path, entries: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Write checksums and provenance of the copy, where the release has them: their entries for the manifest."""
    named = {str(entry["file"]): Digest(entry["sha256"]) for entry in entries}
    written: list[Mapping[str, Any]] = []
    for name in release.of_role("checksums"):
        (target / name).write_text(format_sums(named), encoding="utf-8")
        written.append(_entry(target / name, release.files[name]))
    for name in release.of_role("provenance"):
        statement = read_regular(release.folder / name)
        _check_content(statement, release.files[name]["sha256"], release.folder / name)
        subjects, predicate = intoto.read_statement(statement, where=name)
        images = {a: subjects[a] for a in {e["artifact"] for e in entries} if a in subjects and a not in named}
        sums = {str(entry["file"]): Digest(entry["sha256"]) for entry in written}
        content = intoto.write_statement({**named, **sums, **images}, intoto.PROVENANCE, predicate)
        (target / name).write_bytes(content)
        written.append(_entry(target / name, release.files[name]))
    return written


def _check_content(content: bytes, digest: str, path: Path) -> None:
    if Digest.of(content).hex != digest:
        raise VerificationError("this differs from the manifest", where=str(path), hint=_AGAIN)


def _entry(path: Path, like: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**like, "file": path.name, "size": path.stat().st_size, "sha256": Digest.of_file(path).hex}


def _packed(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    row = {key: value for key, value in entry.items() if key not in {"file", "role"}}
    return {**row, "name": entry["file"]}


def _sign(target: Path, entries: Iterable[Mapping[str, Any]], key: EllipticCurvePrivateKey) -> None:
    signed = {f"{MANIFEST}{sigstore.SUFFIX}": sigstore.sign_blob(key, (target / MANIFEST).read_bytes())}
    for entry in entries:
        name, content = entry["file"], (target / entry["file"]).read_bytes()
        if entry["role"] == "checksums":
            signed[f"{name}{sigstore.SUFFIX}"] = sigstore.sign_blob(key, content)
        elif entry["role"] == "provenance":
            signed[sigstore.bundle_of_statement(name)] = sigstore.sign_statement(key, content)
    for name, content in signed.items():
        (target / name).write_bytes(content)
