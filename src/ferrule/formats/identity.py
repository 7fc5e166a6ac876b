"""What a file says of itself: version and fingerprints as a release wrote them in, read from the bytes alone.

Nothing is loaded or run, so that a library of another machine, and one that nobody trusts, can be asked too.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import VerificationError
from ferrule.core.safe_files import read_regular
from ferrule.formats import decompress, magic, tar, wasm
from ferrule.formats import zip as zips

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SECTION: Final = "ferrule"
"""Name of the custom section of WebAssembly files that holds version and fingerprints."""

_FIELDS: Final = ("name", "version", "commit", "target", "rustc")
_FAR: Final = 1 << 16
_FINGERPRINT: Final = re.compile(rb'"fingerprint"\s*:\s*"(?:[0-9a-f]{64}|unreleased)"')
# How sources of C, Python and Go state the same: NAME_FINGERPRINT "…", FINGERPRINT: str = "…", fingerprint = "…".
_STATED: Final = re.compile(
    rb"^(?:#define \w+_|const )?(FINGERPRINT|INTERFACE|VERSION|fingerprint|interfaceFingerprint|version)"
    rb'(?:: str)?(?: =)? "([^"\n]{1,128})"$',
    re.MULTILINE,
)
_STATED_NAMES: Final = {"interfaceFingerprint": "interface"}
_BINARY: Final = (*magic.NATIVE, magic.AR)
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_LARGEST_TEXT: Final = 1 << 20
_MOST_STATED: Final = 256
_MOST_UNPACKED: Final = 1 << 30
_MEMBER: Final = 1 << 10  # what a member costs besides its content


@dataclass(frozen=True, slots=True)
class Identity:
    """What is stated at one place: `member` inside the file (empty: the file itself) and in which `form`.

    `fingerprint` and `interface` are digests, or `unreleased` for what was not built by a release; empty where nothing
    is stated. `more` are further statements: name, commit, target, compiler.
    """

    member: str
    form: str
    version: str = ""
    fingerprint: str = ""
    interface: str = ""
    more: tuple[tuple[str, str], ...] = ()


def identities(path: Path) -> Iterator[Identity]:
    """Everything that a file, an archive, an image layout or a folder states, each at its place.

    Raises OSError if the file cannot be read.
    """
    for name, data in files_inside(path):
        yield from identities_of(name, data)


def files_inside(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file in a folder or archive, and in archives in there; a plain file itself, unnamed.

    Damaged archives end the search with what was found so far, and so do those that hold more than anybody packs.
    Raises OSError if the file cannot be read.
    """
    left = [_MOST_UNPACKED]
    if path.is_dir():
        for inner in sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()):
            yield from _opened(inner.relative_to(path).as_posix(), inner.read_bytes(), 0, left)
    else:
        yield from _opened("", read_regular(path, follow=True), 0, left)


def _opened(name: str, data: bytes, depth: int, left: list[int]) -> Iterator[tuple[str, bytes]]:
    if depth < 3 and data.startswith((magic.ZIP, magic.GZIP)):  # noqa: PLR2004 - a layer in a tar in a tar
        for member, content in _members(data, left):
            yield from _opened(f"{name}: {member}" if name else member, content, depth + 1, left)
    else:
        yield name, data


def identities_of(name: str, data: bytes) -> Iterator[Identity]:
    """What a file that is no archive states."""
    if data.startswith(magic.WASM):
        yield from _of_wasm(name, data)
    elif data.startswith(_BINARY):
        yield from (_of_object(name, "library", document) for document in _objects(data))
    elif len(data) <= _LARGEST_TEXT:
        yield from _of_text(name, data)


def _members(data: bytes, left: list[int]) -> Iterator[tuple[str, bytes]]:
    """Files of an archive, as long as `left` holds how many bytes may still be unpacked of all archives together."""
    stream, limits = io.BytesIO(data), decompress.Limits(total_bytes=left[0])
    try:
        for entry in (
            zips.read_zip(stream, limits) if data.startswith(magic.ZIP) else tar.read_tar_gz(stream, limits, root=True)
        ):
            left[0] -= entry.size + _MEMBER
            if left[0] < 0:
                return
            if entry.regular:
                yield entry.name, entry.read()
    except VerificationError:
        return


def _of_wasm(name: str, data: bytes) -> Iterator[Identity]:
    try:
        sections = wasm.custom_sections(data, SECTION)
    except VerificationError:
        return
    for section in sections:
        document = _parsed(section.decode("utf-8", "replace"))
        if document:
            yield _of_object(name, "WebAssembly", document)


def _objects(data: bytes) -> Iterator[dict[str, Any]]:
    """JSON objects with a fingerprint, wherever they stand; each once."""
    seen: set[str] = set()
    for match in islice(_FINGERPRINT.finditer(data), _MOST_STATED):
        start = match.start()
        for _ in range(64):
            start = data.rfind(b"{", max(0, match.start() - _FAR), start)
            if start < 0:
                break
            document = _parsed(data[start : match.end() + _FAR].decode("utf-8", "replace"))
            if document and "fingerprint" in document:
                text = json.dumps(document, sort_keys=True)
                if text not in seen:
                    seen.add(text)
                    yield document
                break


def _parsed(text: str) -> dict[str, Any]:
    try:
        document, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _of_object(name: str, form: str, document: Mapping[str, Any]) -> Identity:
    fields = {field: str(document[field]) for field in _FIELDS if isinstance(document.get(field), str)}
    return Identity(
        member=name,
        form=form,
        version=fields.pop("version", ""),
        fingerprint=_digest(document.get("fingerprint")),
        interface=_digest(document.get("interface")),
        more=tuple(fields.items()),
    )


def _digest(value: object) -> str:
    return value if isinstance(value, str) and (_HEX.fullmatch(value) or value == "unreleased") else ""


def _of_text(name: str, data: bytes) -> Iterator[Identity]:
    file = name.rpartition("/")[2]
    if file in ("METADATA", "PKG-INFO"):
        yield from _of_metadata(name, data)
    elif file == "package.json":
        document = _parsed(data.decode("utf-8", "replace"))
        if isinstance(document.get("version"), str):
            yield _of_object(name, "npm package", document)
    elif b"ferrule.fingerprint" in data and data.startswith(b"{"):
        yield from _of_image_config(name, data)
    elif b"ingerprint" in data or b"FINGERPRINT" in data:
        yield from (_of_object(name, "constant", document) for document in _objects(data))
        yield from _of_statements(name, data)


def _of_metadata(name: str, data: bytes) -> Iterator[Identity]:
    """Name and version of a Python distribution (core metadata)."""
    head = data.partition(b"\n\n")[0].decode("utf-8", "replace")
    fields = dict(re.findall(r"^(Name|Version): (.+)$", head, re.MULTILINE))
    if "Version" in fields:
        yield Identity(name, "Python metadata", fields["Version"], more=(("name", fields.get("Name", "")),))


def _of_image_config(name: str, data: bytes) -> Iterator[Identity]:
    """Labels of an image (image-spec, "Image Configuration")."""
    config = _parsed(data.decode("utf-8", "replace"))
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    if isinstance(labels, dict):
        platform = "/".join(str(config.get(key, "")) for key in ("os", "architecture"))
        yield Identity(
            name,
            "image label",
            str(labels.get("org.opencontainers.image.version", "")),
            _digest(labels.get("ferrule.fingerprint")),
            _digest(labels.get("ferrule.interface")),
            (("platform", platform),),
        )


def _of_statements(name: str, data: bytes) -> Iterator[Identity]:
    stated = {key.decode(): value.decode("utf-8", "replace") for key, value in _STATED.findall(data)}
    fields = {_STATED_NAMES.get(key, key.lower()): value for key, value in stated.items()}
    if _digest(fields.get("fingerprint")) or _digest(fields.get("interface")):
        yield _of_object(name, "constant", fields)
