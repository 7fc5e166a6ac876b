"""Code signatures of Mach-O files, recomputed: macOS on arm64 ends a process whose pages do not have the signed hashes.

The structure is that of XNU's `osfmk/kern/cs_blobs.h`: a super blob with code directories, requirements and a CMS blob.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_SUPER, _DIRECTORY = 0xFADE0CC0, 0xFADE0C02
_CMS_SLOT = 0x10000
_DIRECTORY_SLOTS = (0, 0x1000, 0x1001, 0x1002, 0x1003, 0x1004)
_AD_HOC = 0x2
_WIDE_LIMIT = 0x20300
_HASHES: Mapping[int, Callable[[bytes], bytes]] = {
    1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    2: lambda data: hashlib.sha256(data).digest(),
    3: lambda data: hashlib.sha256(data).digest()[:20],
    4: lambda data: hashlib.sha384(data).digest(),
}


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it was found: who signed, for which identifier, how many pages, and every fault as a sentence."""

    kind: Literal["ad-hoc", "certificate", "incomplete"]
    identifier: str
    pages: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Directory:
    flags: int
    identifier: str
    special: int
    slots: int
    limit: int
    hash_kind: int
    page: int
    hashes: int
    hash_size: int
    blob: bytes

    def slot(self, number: int) -> bytes:
        """The hash in a slot; negative numbers are those of other blobs. Raises struct.error beyond the blob."""
        start = self.hashes + number * self.hash_size
        return _exactly(self.blob, start, self.hash_size)


def read_signature(data: bytes, start: int, size: int) -> Signature:
    """Recompute a signature that lies at `start` in a thin file: each page's hash, and those of its other parts."""
    try:
        blobs = dict(_blobs(_exactly(data, start, size)))
        directories = [_directory(blobs[slot]) for slot in _DIRECTORY_SLOTS if slot in blobs]
        problems = [problem for directory in directories for problem in _problems(directory, blobs, data, start)]
    except (struct.error, UnicodeDecodeError):
        return Signature("incomplete", "", 0, ("its signature is damaged",))
    if not directories:
        return Signature("incomplete", "", 0, ("its signature has no code directory",))
    first = directories[0]
    certified = len(blobs.get(_CMS_SLOT, b"")) > 8  # noqa: PLR2004 - an empty blob is only a header
    kind: Literal["ad-hoc", "certificate", "incomplete"]
    kind = "certificate" if certified else "ad-hoc" if first.flags & _AD_HOC else "incomplete"
    if kind == "incomplete":
        problems.append("its signature is neither ad-hoc nor made with a certificate")
    return Signature(kind, first.identifier, first.slots, tuple(problems))


def _exactly(data: bytes, start: int, size: int) -> bytes:
    piece = data[start : start + size] if start >= 0 else b""
    if len(piece) != size:
        raise struct.error("beyond the end")
    return piece


def _blobs(signature: bytes) -> Iterator[tuple[int, bytes]]:
    magic, _, count = struct.unpack_from(">LLL", signature)
    if magic != _SUPER:
        raise struct.error("not a super blob")
    for number in range(count):
        slot, offset = struct.unpack_from(">LL", signature, 12 + 8 * number)
        _, length = struct.unpack_from(">LL", signature, offset)
        yield slot, _exactly(signature, offset, length)


def _directory(blob: bytes) -> _Directory:
    magic, _, version, flags, hashes, name, special, slots, limit = struct.unpack_from(">9L", blob)
    if magic != _DIRECTORY:
        raise struct.error("not a code directory")
    hash_size, hash_kind, _, page = struct.unpack_from(">4B", blob, 36)
    if version >= _WIDE_LIMIT:
        (wide,) = struct.unpack_from(">Q", blob, 56)
        limit = wide or limit
    identifier = blob[name : blob.index(b"\0", name)].decode() if b"\0" in blob[name:] else ""
    return _Directory(flags, identifier, special, slots, limit, hash_kind, page, hashes, hash_size, blob)


def _problems(directory: _Directory, blobs: Mapping[int, bytes], data: bytes, start: int) -> Iterator[str]:
    digest = _HASHES.get(directory.hash_kind)
    if digest is None:
        yield f"its signature uses the unknown hash {directory.hash_kind}"
        return
    if directory.limit != start:
        yield f"its signature covers {directory.limit} bytes of the {start} before it"
    signed = _exactly(data, 0, min(directory.limit, len(data)))
    page = 1 << directory.page if 0 < directory.page < 32 else max(len(signed), 1)  # noqa: PLR2004 - 0 means one page
    pages = [signed[offset : offset + page] for offset in range(0, len(signed), page)]
    if len(pages) != directory.slots:
        yield f"its signature has hashes for {directory.slots} pages and the file has {len(pages)}"
    pairs = enumerate(pages[: directory.slots])
    wrong = [number for number, content in pairs if digest(content) != directory.slot(number)]
    if wrong:
        yield f"its signature is broken: {len(wrong)} of {len(pages)} pages were changed, the first is {wrong[0]}"
    for slot in range(1, directory.special + 1):
        if slot in blobs and digest(blobs[slot]) != directory.slot(-slot):
            yield f"its signature is broken: its part {slot} was changed after signing"
