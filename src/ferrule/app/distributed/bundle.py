"""The bundle of a shard: a folder with the outputs of its actions by digest, and a document that describes them.

    bundle.json    which plan, commit, lock file and tools; for each action its key, files and facts; a checksum of it
    objects/<hex>  the files' contents

A bundle says nothing about the machine or the time it was made: the same shard always gives the same bytes. Its
checksums are against accidents. Whoever may write where bundles are kept can write others; let that be nobody else.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import StorageError, UsageError, VerificationError
from ferrule.core.model import Digest, FileRecord, Json
from ferrule.core.safe_files import clear, open_regular
from ferrule.engine.key import canonical
from ferrule.engine.store import (
    Result,
    Store,
    decode_document,
    encode,
    is_inside,
    portable,
    storage_errors,
    write_aside,
)
from ferrule.toolchain import find

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.core.toolchain import Toolchain

DOCUMENT: Final = "bundle.json"
OBJECTS: Final = "objects"
VERSION: Final = 2

_LARGEST: Final = 256 << 20
_AGAIN: Final = "build this shard again"


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools that made a bundle: version and identity by name, what std each target had, and the source of Rust.

    `published` are digests of those that are programs as somebody published them.
    """

    rust_source: str
    tools: Mapping[str, tuple[str, str]]
    std: Mapping[str, str]
    published: Mapping[str, str]

    @classmethod
    def of(cls, toolchain: Toolchain) -> Tools:
        """What is known of a toolchain anywhere."""
        tools = {name: (tool.version, tool.identity) for name, tool in sorted(toolchain.tools.items())}
        digests = {name: digest for name, tool in sorted(toolchain.tools.items()) if (digest := find.published(tool))}
        return cls(toolchain.rust_source, tools, dict(sorted(toolchain.std.items())), digests)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is in a bundle, as it says itself; `results` by action, with the seconds left out."""

    project: str
    release: str
    plan: Digest
    split: Digest
    shard: int
    of: int
    commit: str | None
    dirty: bool | None
    lock: Digest | None
    tools: Tools
    results: Mapping[str, Result]

    @property
    def id(self) -> str:
        """The shard's name: `1-of-4`."""
        return f"{self.shard}-of-{self.of}"

    @property
    def files(self) -> dict[Digest, FileRecord]:
        """Every content, once."""
        return {record.digest: record for result in self.results.values() for record in result.files}


def write(folder: Path, bundle: Bundle, store: Store) -> None:
    """Make `folder` that bundle: written beside it and renamed, in place of an older bundle if there is one.

    Raises StorageError, also where something else stands there.
    """
    aside = folder.with_name(f".{folder.name}.aside")
    with storage_errors(folder):
        _check_free(folder)
        clear(aside)
        (aside / OBJECTS).mkdir(parents=True)
        for digest, record in bundle.files.items():
            store.copy_out(replace(record, executable=False), aside / OBJECTS / digest.hex)
        write_aside(aside / DOCUMENT, document(bundle))
        if folder.exists():
            shutil.rmtree(folder)
        aside.replace(folder)


def document(bundle: Bundle) -> bytes:
    """The document of a bundle, as it is written."""
    return seal(
        {
            "version": VERSION,
            "project": bundle.project,
            "release": bundle.release,
            "plan": bundle.plan.hex,
            "split": bundle.split.hex,
            "shard": bundle.shard,
            "of": bundle.of,
            "commit": bundle.commit,
            "dirty": bundle.dirty,
            "lock": bundle.lock.hex if bundle.lock else None,
            "toolchain": {
                "rust-source": bundle.tools.rust_source,
                "tools": {name: list(tool) for name, tool in bundle.tools.tools.items()},
                "std": dict(bundle.tools.std),
                "published": dict(bundle.tools.published),
            },
            "actions": {
                action: {"key": result.key.hex, "record": json.loads(encode(replace(portable(result), seconds=0.0)))}
                for action, result in bundle.results.items()
            },
        }
    )


def seal(body: Json) -> bytes:
    """The document of a bundle: its body with the checksum of that."""
    document: Json = {"body": body, "sha256": Digest.of(canonical(body)).hex}
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _check_free(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise StorageError("this is no folder", where=str(folder), hint="choose another directory with --bundle")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / DOCUMENT).is_file():
        raise StorageError(
            "this folder holds something that is no bundle, and was left alone",
            where=str(folder),
            hint="choose another directory with --bundle",
        )


def read(folder: Path) -> Bundle:
    """Read the document of a bundle, without its contents; raises VerificationError that names the problem."""
    where = str(folder)
    _check_entries(folder)
    try:
        with open_regular(folder / DOCUMENT) as stream:
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        raise VerificationError(
            f"there is no {DOCUMENT}: this is not a bundle, or only a part of one", where=where, hint=_AGAIN
        ) from None
    except OSError as error:
        raise VerificationError(f"{DOCUMENT} cannot be read: {error.strerror}", where=where) from error
    body = _opened(data, where)
    try:
        bundle = _decode(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError(
            f"{DOCUMENT} is not as this version writes it: {type(error).__name__} {error}", where=where, hint=_AGAIN
        ) from error
    for action, result in bundle.results.items():
        for record in result.files:
            check_name(record.name, action, where)
    _check_objects(folder, bundle)
    return bundle


def _opened(data: bytes, where: str) -> dict[str, Any]:
    """The body of a document whose checksum is right, of a version that is known."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise VerificationError(f"{DOCUMENT} is truncated or not JSON", where=where, hint=_AGAIN) from None
    body = document.get("body") if isinstance(document, dict) else None
    if not isinstance(body, dict):
        raise VerificationError(f"{DOCUMENT} is not the document of a bundle", where=where, hint=_AGAIN)
    version = body.get("version")
    if isinstance(version, int) and version > VERSION:
        raise VerificationError(
            f"this bundle is of version {version}, newer than {VERSION}, which this ferrule reads",
            where=where,
            hint="use the same ferrule for shards and merge",
        )
    try:
        intact = Digest.of(canonical(body)).hex == document.get("sha256")
    except (ValueError, RecursionError):
        intact = False
    if not intact:
        raise VerificationError(f"{DOCUMENT} was changed after it was written", where=where, hint=_AGAIN)
    return body


def _decode(body: dict[str, Any]) -> Bundle:
    if body["version"] != VERSION:
        raise ValueError(f"version {body['version']!r}")
    toolchain = body["toolchain"]
    results = {}
    for action, entry in body["actions"].items():
        results[action] = decode_document(entry["record"], Digest(entry["key"]))
    dirty, commit = body["dirty"], body["commit"]
    return Bundle(
        project=str(body["project"]),
        release=str(body["release"]),
        plan=Digest(body["plan"]),
        split=Digest(body["split"]),
        shard=int(body["shard"]),
        of=int(body["of"]),
        commit=None if commit is None else str(commit),
        dirty=None if dirty is None else bool(dirty),
        lock=Digest(body["lock"]) if body["lock"] is not None else None,
        tools=Tools(
            str(toolchain["rust-source"]),
            {str(n): (str(version), str(identity)) for n, (version, identity) in toolchain["tools"].items()},
            {str(t): str(std) for t, std in toolchain["std"].items()},
            {str(n): Digest(digest).hex for n, digest in toolchain["published"].items()},
        ),
        results=results,
    )


def check_name(name: str, action: str, where: str) -> None:
    """Refuse a file name that could lead out of the folder it is written below; raises VerificationError."""
    if not is_inside(name):
        raise VerificationError(
            f"{action} has a file named {name!r}, which leads out of its folder", where=where, hint=_AGAIN
        )


def _check_entries(folder: Path) -> None:
    """Refuse links and whatever else is neither file nor folder, and everything that does not belong there."""
    where = str(folder)
    if not folder.is_dir():
        raise UsageError("there is no such folder", where=where, hint="give one folder for each shard")
    for directory, members in ((folder, {DOCUMENT: False, OBJECTS: True}), (folder / OBJECTS, None)):
        if not directory.is_dir():
            continue
        with os.scandir(directory) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
        for entry in entries:
            if problem := _entry_problem(entry, members):
                shown = os.path.relpath(entry.path, folder)
                raise VerificationError(f"{shown} is {problem}", where=where, hint=_AGAIN)


def _entry_problem(entry: os.DirEntry[str], members: Mapping[str, bool] | None) -> str | None:
    """What is wrong about an entry of a folder with these members, that are folders or not; of one with any files."""
    if entry.is_symlink():
        return "a link, and a bundle contains none"
    is_folder = entry.is_dir(follow_symlinks=False)
    if not is_folder and not entry.is_file(follow_symlinks=False):
        return "neither a file nor a folder"
    if (members is None and is_folder) or (members is not None and members.get(entry.name) != is_folder):
        return "not part of a bundle"
    return None


def _check_objects(folder: Path, bundle: Bundle) -> None:
    """Refuse a bundle that lacks a content, holds one that nothing names, or holds one cut off."""
    try:
        with os.scandir(folder / OBJECTS) as entries:
            sizes = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in entries}
    except FileNotFoundError:
        sizes = {}
    files = bundle.files
    for digest, record in files.items():
        size = sizes.pop(digest.hex, None)
        if size is None:
            raise VerificationError(
                f"the content of {record.name} is missing: this bundle is not whole", where=str(folder), hint=_AGAIN
            )
        if size < record.size:
            raise VerificationError(
                f"the content of {record.name} is cut off after {size} of {record.size} bytes",
                where=str(folder),
                hint=_AGAIN,
            )
    if sizes:
        raise VerificationError(f"{OBJECTS}/{min(sizes)} is not part of this bundle", where=str(folder), hint=_AGAIN)
