"""Writes tar archives whose bytes follow from the entries alone (POSIX.1-2017, pax, "ustar Interchange Format")."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ferrule.core.model import Digest
from ferrule.formats.archive_member import (
    Member,
    check_folded,
    in_order,
)
from ferrule.formats.deflate import gzip_stream

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ferrule.formats.deflate import Sink

_BLOCK = 512
_RECORD = 20 * _BLOCK
_NAME, _PREFIX, _LINK = 100, 155, 100
_OCTAL_SIZE = 8**11


def write_tar(stream: Sink, entries: Iterable[Member], epoch: int) -> None:
    """Write a POSIX archive (IEEE Std 1003.1, pax: ustar headers, extended ones where ustar is too small).

    Members are sorted; all belong to user and group 0 without names, and were modified at `epoch` (seconds). Ends with
    two blocks of zeros, filled up to a record of 10240 bytes as GNU tar and tarfile do. Raises BuildError for entries
    that contradict each other and for files that change meanwhile.
    """
    written = 0
    for entry in in_order(entries):
        size = entry.size
        head = _headers(entry, size, epoch)
        stream.write(head)
        for chunk in entry.chunks():
            stream.write(chunk)
        padding = -size % _BLOCK
        stream.write(bytes(padding))
        written += len(head) + size + padding
    end = 2 * _BLOCK
    stream.write(bytes(end + -(written + end) % _RECORD))


def write_tar_gz(path: Path, entries: Iterable[Member], epoch: int) -> Digest:
    """Write a compressed archive for people in one pass, and return the digest of the file.

    Raises as `write_tar` does, and BuildError for names that are one where case does not count.
    """
    entries = in_order(entries)
    check_folded(entries)
    with path.open("wb") as file:
        sink = HashingSink(file)
        with gzip_stream(sink) as packed:
            write_tar(packed, entries, epoch)
    return sink.digest


class HashingSink:
    """Passes bytes on and knows the digest and number of those that went through."""

    def __init__(self, sink: Sink) -> None:
        self.size = 0
        self._sink = sink
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Hash and pass on."""
        self.size += len(data)
        self._hash.update(data)
        self._sink.write(data)

    @property
    def digest(self) -> Digest:
        """Digest of everything written so far."""
        return Digest(self._hash.hexdigest())


def _headers(entry: Member, size: int, epoch: int) -> bytes:
    name = entry.name + "/" if entry.folder else entry.name
    kind = b"5" if entry.folder else b"0" if entry.link is None else b"2"
    link = entry.link or ""
    prefix, short = _split(name)
    records = {}
    if short is None:
        records["path"] = name
        prefix, short = "", _shortened(name, _NAME)
    if _too_long(link, _LINK):
        records["linkpath"] = link
        link = _shortened(link, _LINK)
    if size >= _OCTAL_SIZE:
        records["size"] = str(size)
    extended = _extended(records, epoch) if records else b""
    return extended + _header(
        prefix=prefix, name=short, mode=entry.permissions, size=size % _OCTAL_SIZE, mtime=epoch, kind=kind, link=link
    )


def _too_long(text: str, limit: int) -> bool:
    return not text.isascii() or len(text) > limit


def _shortened(text: str, limit: int) -> str:
    return text.encode("ascii", "replace").decode("ascii")[:limit]


def _split(name: str) -> tuple[str, str | None]:
    """Cut a name into ustar's prefix and name, or say by None that it does not fit."""
    if not _too_long(name, _NAME):
        return "", name
    cut = name.rfind("/", 0, min(_PREFIX, len(name) - 2) + 1)
    if cut <= 0 or _too_long(name, _PREFIX + 1 + _NAME) or len(name) - cut - 1 > _NAME:
        return "", None
    return name[:cut], name[cut + 1 :]


def _extended(records: dict[str, str], epoch: int) -> bytes:
    body = b"".join(_record(key, value) for key, value in sorted(records.items()))
    head = _header(prefix="", name="././@PaxHeader", mode=0o644, size=len(body), mtime=epoch, kind=b"x", link="")
    return head + body + bytes(-len(body) % _BLOCK)


def _record(key: str, value: str) -> bytes:
    body = b" " + key.encode() + b"=" + value.encode() + b"\n"
    length = len(body) + len(str(len(body)))
    length = len(body) + len(str(length))
    return str(length).encode() + body


def _header(*, prefix: str, name: str, mode: int, size: int, mtime: int, kind: bytes, link: str) -> bytes:
    fields = (
        name.encode("ascii").ljust(100, b"\0"),
        b"%07o\0%07o\0%07o\0" % (mode, 0, 0),
        b"%011o\0%011o\0" % (size, mtime),
        b" " * 8,
        kind,
        link.encode("ascii").ljust(100, b"\0"),
        b"ustar\00000",
        bytes(64),
        b"%07o\0%07o\0" % (0, 0),
        prefix.encode("ascii").ljust(155, b"\0"),
        bytes(12),
    )
    block = b"".join(fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
