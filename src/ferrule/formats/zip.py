"""Zip archives whose bytes follow from the entries alone, and a reader for archives that nobody vouches for.

The writer is our own because zipfile compresses with whatever zlib its Python was built with and offers no way to give
it another compressor.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from zlib_ng import zlib_ng

from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.formats.archive_member import (
    Member,
    check_folded,
    checked_name,
    folded,
    in_order,
    link_path,
    parents,
    shortened,
)
from ferrule.formats.damage import damage
from ferrule.formats.decompress import INFLATE_ERROR, SWELLS, Limits
from ferrule.formats.deflate import Deflater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

_LOCAL, _CENTRAL, _END = 0x04034B50, 0x02014B50, 0x06054B50
_END64, _LOCATOR64 = 0x06064B50, 0x07064B50
_STORED, _DEFLATED = 0, 8
_UTF8 = 1 << 11
_UNIX = 3 << 8
_FULL = 0xFFFFFFFF
_FULL_COUNT = 0xFFFF
_EXTRA64 = 0x0001
_FLAGS = _UTF8 | 0b1110  # how hard deflate tried, and the next
_LATER = 1 << 3  # sizes and checksum stand behind the content
_FARTHEST_END = 22 + 0xFFFF + 20 + 56
_LARGEST_DIRECTORY = 64 << 20


def dos_time(epoch: int) -> tuple[int, int]:
    """Time and date words of MS-DOS for seconds since 1970, in UTC, kept within 1980 to 2107 (APPNOTE 4.4.6)."""
    when = datetime.fromtimestamp(min(max(epoch, 315532800), 4354819198), UTC)
    time = when.hour << 11 | when.minute << 5 | when.second // 2
    return time, (when.year - 1980) << 9 | when.month << 5 | when.day


@dataclass(frozen=True, slots=True)
class _Member:
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    offset: int


class ZipWriter:
    """Writes members one after the other into a seekable stream (APPNOTE.TXT 6.3: deflate, zip64 where needed).

    Each local header is completed once its member is compressed, so that there are no data descriptors and nothing is
    held in memory. `large` is the size in bytes from which a member is given 64-bit fields.
    """

    def __init__(self, stream: BinaryIO, epoch: int, *, large: int = 0xF0000000) -> None:
        self._stream = stream
        self._time = dos_time(epoch)
        self._large = large
        self._members: list[_Member] = []

    def add(self, entry: Member, watch: Callable[[bytes], object] | None = None) -> None:
        """Write one entry; `watch` sees its content. Links are kept as Unix archivers do, by mode and content."""
        size = entry.size if entry.link is None else len(entry.link.encode())
        offset = self._stream.tell()
        name = (entry.name + "/" if entry.folder else entry.name).encode()
        wide = size >= self._large
        draft = _Member(
            name=name,
            flags=0 if name.isascii() else _UTF8,
            method=_DEFLATED if size else _STORED,
            crc=0,
            packed=0,
            size=size,
            attributes=_attributes(entry),
            offset=offset,
        )
        self._stream.write(self._local(draft, wide))
        crc, packed = self._pack(entry, watch) if size else (0, 0)
        member = _Member(name, draft.flags, draft.method, crc, packed, size, draft.attributes, offset)
        self._stream.seek(offset)
        self._stream.write(self._local(member, wide))
        self._stream.seek(0, 2)
        self._members.append(member)

    def _pack(self, entry: Member, watch: Callable[[bytes], object] | None) -> tuple[int, int]:
        deflater = Deflater(self._stream)
        for chunk in entry.chunks() if entry.link is None else (entry.link.encode(),):
            deflater.write(chunk)
            if watch is not None:
                watch(chunk)
        deflater.finish()
        return deflater.crc, deflater.packed

    def finish(self) -> None:
        """Write the central directory; nothing may be added afterwards."""
        start = self._stream.tell()
        for member in self._members:
            self._stream.write(self._central(member))
        size = self._stream.tell() - start
        count = len(self._members)
        if count >= _FULL_COUNT or start >= self._large:
            end_offset = self._stream.tell()
            self._stream.write(struct.pack("<LQHHLLQQQQ", _END64, 44, _UNIX | 45, 45, 0, 0, count, count, size, start))
            self._stream.write(struct.pack("<LLQL", _LOCATOR64, 0, end_offset, 1))
            count, size, start = min(count, _FULL_COUNT), min(size, _FULL), _FULL
        self._stream.write(struct.pack("<LHHHHLLH", _END, 0, 0, count, count, size, start, 0))

    def _local(self, member: _Member, wide: bool) -> bytes:
        extra = struct.pack("<HHQQ", _EXTRA64, 16, member.size, member.packed) if wide else b""
        sizes = (_FULL, _FULL) if wide else (member.packed, member.size)
        return (
            struct.pack(
                "<LHHHHHLLLHH",
                *(_LOCAL, 45 if wide else 20, member.flags, member.method, *self._time, member.crc),
                *(*sizes, len(member.name), len(extra)),
            )
            + member.name
            + extra
        )

    def _central(self, member: _Member) -> bytes:
        wide, far = member.size >= self._large, member.offset >= self._large
        values = ((member.size, member.packed) if wide else ()) + ((member.offset,) if far else ())
        extra = struct.pack(f"<HH{len(values)}Q", _EXTRA64, 8 * len(values), *values) if values else b""
        version = 45 if values else 20
        sizes = (_FULL, _FULL) if wide else (member.packed, member.size)
        return (
            struct.pack(
                "<LHHHHHHLLLHHHHHLL",
                *(_CENTRAL, _UNIX | version, version, member.flags, member.method, *self._time, member.crc),
                *(*sizes, len(member.name), len(extra), 0, 0, 0),
                *(member.attributes, _FULL if far else member.offset),
            )
            + member.name
            + extra
        )


def _attributes(entry: Member) -> int:
    if entry.folder:
        return (stat.S_IFDIR | entry.permissions) << 16 | 0x10
    return (stat.S_IFREG if entry.link is None else stat.S_IFLNK) << 16 | entry.permissions << 16


def write_zip(path: Path, entries: Iterable[Member], epoch: int) -> Digest:
    """Write the entries, sorted, and return the digest of the file.

    Raises BuildError as `in_order` and `check_folded` do: the reader refuses such names too.
    """
    ordered = in_order(entries)
    check_folded(ordered)
    with path.open("wb") as stream:
        writer = ZipWriter(stream, epoch)
        for entry in ordered:
            writer.add(entry)
        writer.finish()
    return Digest.of_file(path)


def read_zip(source: Path | BinaryIO, limits: Limits = Limits(), *, where: str | None = None) -> Iterator[Member]:  # noqa: B008 - frozen
    """Yield the members in the order of the central directory, each with its content in memory.

    Raises VerificationError, naming the member, for names and links that leave the archive, duplicates, names that
    differ in case alone, encrypted members, other methods than stored and deflated, set-user-ID files, more than
    `limits` allow, and damage of any kind: each local header must say what the directory says, no two members may share
    bytes, and each content is compared with its size and CRC-32.
    """
    label = where or (str(source) if isinstance(source, os.PathLike) else None)
    try:
        with source.open("rb") if isinstance(source, os.PathLike) else nullcontext(source) as stream:
            check_directory(stream, limits, label)
            with zipfile.ZipFile(stream) as archive:
                yield from _members(stream, archive, limits, label)
    except (zipfile.BadZipFile, INFLATE_ERROR, EOFError, NotImplementedError, ValueError, struct.error) as error:
        raise VerificationError(f"the zip archive is damaged: {damage(error)}", where=label) from error


def check_directory(stream: BinaryIO, limits: Limits = Limits(), where: str | None = None) -> None:  # noqa: B008 - frozen
    """Refuse a directory of too many members before anything is made of it (APPNOTE 4.3.14, 4.3.16).

    Raises VerificationError for that and for what is no zip archive.
    """
    end = stream.seek(0, os.SEEK_END)
    start = max(0, end - _FARTHEST_END)
    stream.seek(start)
    tail = stream.read()
    at, at64 = tail.rfind(struct.pack("<L", _END)), tail.rfind(struct.pack("<L", _END64))
    if at < 0 or len(tail) < at + 22:
        raise VerificationError("the zip archive is damaged: it has no end", where=where)
    size = struct.unpack_from("<L", tail, at + 12)[0]
    if size == _FULL and 0 <= at64 <= len(tail) - 56:
        size, at = struct.unpack_from("<Q", tail, at64 + 40)[0], at64
    if size > _LARGEST_DIRECTORY or size > start + at:
        raise VerificationError("the zip archive has a directory larger than its names need", where=where)
    stream.seek(start + at - size)
    if stream.read(size).count(struct.pack("<L", _CENTRAL)) > limits.members:
        raise VerificationError(f"the archive has more than {limits.members} members", where=where)


def _members(stream: BinaryIO, archive: zipfile.ZipFile, limits: Limits, where: str | None) -> Iterator[Member]:
    infos = archive.infolist()
    kinds: dict[str, bool] = {}
    seen: dict[str, str] = {}
    totals = [0, 0]
    ends = _ends(infos, archive.start_dir)
    for info in infos:
        name = info.filename.removesuffix("/")
        totals = [totals[0] + info.compress_size, totals[1] + info.file_size]
        reason = _fault(info, name, kinds, limits, totals[1])
        other = seen.setdefault(folded(name), name)
        if reason is None and other != name:
            reason = f"where case does not count it is {other} again"
        if reason is None and (limits.swells(info.compress_size, info.file_size) or limits.swells(*totals)):
            reason = SWELLS
        if reason:
            raise VerificationError(f"the member {shortened(info.filename)} is not accepted: {reason}", where=where)
        kinds[name] = info.is_dir()
        try:
            yield _entry(stream, info, name, ends[info.header_offset], where)
        except (INFLATE_ERROR, EOFError, ValueError, struct.error) as error:
            raise VerificationError(f"the member {shortened(name)} is damaged: {damage(error)}", where=where) from error


def _ends(infos: Sequence[zipfile.ZipInfo], directory: int) -> dict[int, int]:
    """By the place of each local header where the next begins: up to there a member may reach. Raises ValueError."""
    starts = sorted(info.header_offset for info in infos)
    if len({*starts}) < len(starts):
        raise ValueError("several members share the same bytes")
    return dict(zip(starts, (*starts[1:], directory), strict=True))


def _fault(info: zipfile.ZipInfo, name: str, kinds: dict[str, bool], limits: Limits, total: int) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    try:
        checked_name(name)
    except VerificationError as error:
        return error.message
    above = next((p for p in parents(name) if not kinds.get(p, True)), None)
    faults = (
        (info.orig_filename != info.filename, "its name is written in two ways"),
        (b"\x75\x70" in _extra_ids(info.extra), "its name is written in two ways"),
        (name in kinds, "it is there twice"),
        (above is not None, f"it is below {above}, which is not a folder"),
        (bool(info.flag_bits & 1), "it is encrypted"),
        (bool(info.flag_bits & ~_FLAGS), f"it has flags that nobody needs ({info.flag_bits:#x})"),
        (info.compress_type not in (_STORED, _DEFLATED), "it is compressed by another method than deflate"),
        (kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK), "it is neither a file, a folder nor a link"),
        (bool(info.external_attr >> 16 & 0o6000), "it would run with the rights of its owner"),
        (info.is_dir() and info.file_size > 0, "only files have content"),
        (info.file_size > limits.member_bytes, f"it is larger than {limits.member_bytes} bytes"),
        (total > limits.total_bytes, f"the archive holds more than {limits.total_bytes} bytes"),
    )
    return next((text for wrong, text in faults if wrong), None)


def _extra_ids(extra: bytes) -> Iterator[bytes]:
    """What is added to a member (APPNOTE 4.5.1): two bytes each, its length in two more."""
    offset = 0
    while offset + 4 <= len(extra):
        yield extra[offset : offset + 2]
        offset += 4 + int.from_bytes(extra[offset + 2 : offset + 4], "little")


def _entry(stream: BinaryIO, info: zipfile.ZipInfo, name: str, end: int, where: str | None) -> Member:
    mode = info.external_attr >> 16
    data = _content(stream, info, end)
    if info.is_dir():
        return Member(name, folder=True, mode=mode & 0o1777 or 0o755)
    if not stat.S_ISLNK(mode):
        return Member(name, data, executable=bool(mode & 0o100), mode=mode & 0o777 or 0o644)
    target = data[: 1 << 13].decode()
    if not target.isprintable() or target.startswith("/") or not target or link_path(name, target) is None:
        raise VerificationError(
            f"the member {shortened(name)} is not accepted: it is a link to {shortened(target)}, outside of it",
            where=where,
        )
    return Member(name, link=target)


def _content(stream: BinaryIO, info: zipfile.ZipInfo, end: int) -> bytes:
    """A member's content from behind its local header, which must agree with the directory; raises ValueError."""
    stream.seek(info.header_offset)
    fields = struct.unpack("<LHHHHHLLLHH", stream.read(30))
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    name = stream.read(name_length)
    if signature != _LOCAL or name != info.orig_filename.encode("utf-8" if flags & _UTF8 else "cp437"):
        raise ValueError("its local header has another name")
    pairs = [(crc, info.CRC), (packed, info.compress_size), (size, info.file_size)]
    later = flags & _LATER
    if (
        flags != info.flag_bits
        or method != info.compress_type
        or not all(mine in (theirs, _FULL) or (later and mine == 0) for mine, theirs in pairs)
    ):
        raise ValueError("its local header contradicts the directory")
    start = info.header_offset + 30 + name_length + extra_length
    if start + info.compress_size > end:
        raise ValueError("it reaches into what belongs to others")
    stream.seek(start)
    data = stream.read(info.compress_size)
    if method == _DEFLATED:
        data = _inflated(data, info.file_size)
    if len(data) != info.file_size:
        raise ValueError("it has another size than is declared")
    if zlib_ng.crc32(data) != info.CRC:
        raise ValueError("it has another checksum (CRC-32) than is declared")
    return data


def _inflated(data: bytes, size: int) -> bytes:
    machine = zlib_ng.decompressobj(wbits=-15)
    content = machine.decompress(data, size + 1)
    if len(content) <= size and not machine.eof:
        content += machine.decompress(machine.unconsumed_tail, 1)
    if len(content) > size or not machine.eof or machine.unused_data:
        raise ValueError("it has another size than is declared")
    return content
