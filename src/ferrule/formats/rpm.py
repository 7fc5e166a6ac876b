"""RPM packages without rpm: what they say of themselves and what they hold, read as nobody vouches for them.

Read here because rpm is not on every machine, and no library for Python reads a package without it.
"""

from __future__ import annotations

import hashlib
import io
import stat
import struct
from typing import TYPE_CHECKING, Final, NoReturn

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.formats.archive_member import Member
from ferrule.formats.decompress import LIMITS, Gunzip, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LEAD: Final = 96
_LEAD_MAGIC: Final = b"\xed\xab\xee\xdb"
_HEADER_MAGIC: Final = b"\x8e\xad\xe8\x01"
_MOST_ENTRIES: Final = 1 << 16
_LARGEST_STORE: Final = 256 << 20
_STRING, _STRINGS, _TRANSLATED = 6, 8, 9
"""Types of values (rpm, "RPM V4 Package format", Index)."""

_TAGS: Final = {"name": 1000, "version": 1001, "release": 1002, "license": 1014, "architecture": 1022}
_REQUIRES: Final = (1049, 1050)
_COMPRESSOR, _PAYLOAD_DIGEST, _HEADER_DIGEST = 1125, 5092, 273
"""Tags (rpm, "Tags")."""

_CPIO: Final = 110
_TRAILER: Final = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class RpmPackage:
    """A package that was read: what it says of itself, what it requires (name and version), and its files."""

    fields: Mapping[str, str]
    requires: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]


def read_rpm(source: bytes | Path, limits: Limits = LIMITS, *, where: str | None = None) -> RpmPackage:
    """Read a binary package of format 4 whose data are gzip ("RPM V4 Package format"; cpio(5), "New ASCII Format").

    Raises VerificationError for damage, digests that do not fit, data that are compressed in another way, and members
    that are neither files nor folders, would run with the rights of their owner, or lead outside.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    label = where or (None if isinstance(source, bytes) else str(source))
    return _Reader(data, limits, label).package()


class _Reader:
    """One pass over one package."""

    def __init__(self, data: bytes, limits: Limits, where: str | None) -> None:
        self._data = data
        self._limits = limits
        self._where = where

    def package(self) -> RpmPackage:
        if self._data[:4] != _LEAD_MAGIC or len(self._data) < _LEAD:
            self._fail("this is not an RPM package")
        signature, end = self._header(_LEAD)
        start = end + -end % 8
        header, payload = self._header(start)
        if signature.get(_HEADER_DIGEST) != (hashlib.sha256(self._data[start:payload]).hexdigest(),):
            self._fail("the package's header has another digest than the package says")
        if header.get(_PAYLOAD_DIGEST) != (hashlib.sha256(self._data[payload:]).hexdigest(),):
            self._fail("the package's data have another digest than the package says")
        if header.get(_COMPRESSOR) != ("gzip",):
            self._fail("the package's data are compressed in a way that is not supported")
        fields = {name: values[0] for name, tag in _TAGS.items() if (values := header.get(tag))}
        if missing := [name for name in _TAGS if name not in fields]:
            self._fail(f"the package does not say its {missing[0]}")
        names, versions = (header.get(tag, ()) for tag in _REQUIRES)
        if len(names) != len(versions):
            self._fail("the package has other numbers of requirements and of their versions")
        return RpmPackage(fields, tuple(zip(names, versions, strict=True)), tuple(self._members(payload)))

    def _header(self, start: int) -> tuple[dict[int, tuple[str, ...]], int]:
        """The values of a header by their tags, and where it ends."""
        head = self._data[start : start + 16]
        if len(head) != 16 or head[:4] != _HEADER_MAGIC:  # noqa: PLR2004 - bytes of the preamble
            self._fail("the package has a damaged header")
        count, size = struct.unpack(">LL", head[8:])
        entries, store = start + 16, start + 16 + 16 * count
        if count > _MOST_ENTRIES or size > _LARGEST_STORE or store + size > len(self._data):
            self._fail("the package ends in the middle of a header")
        values: dict[int, tuple[str, ...]] = {}
        content = self._data[store : store + size]
        for number in range(count):
            tag, kind, offset, length = struct.unpack_from(">LLLL", self._data, entries + 16 * number)
            if kind in {_STRING, _STRINGS, _TRANSLATED}:
                values[tag] = self._strings(content, offset, 1 if kind == _STRING else length)
        return values, store + size

    def _strings(self, content: bytes, offset: int, count: int) -> tuple[str, ...]:
        texts = content[offset:].split(b"\0", count)[:count]
        if offset > len(content) or len(texts) != count or offset + sum(map(len, texts)) + count > len(content):
            self._fail("the package has a damaged header")
        return tuple(text.decode("utf-8", "replace") for text in texts)

    def _members(self, payload: int) -> Iterator[Member]:
        stream = Gunzip(io.BytesIO(self._data[payload:]), self._where, self._limits)
        seen: set[str] = set()
        total = 0
        while True:
            name, mode, size = self._cpio_header(stream)
            if name == _TRAILER:
                return
            total += size
            if size > self._limits.member_bytes or total > self._limits.total_bytes or len(seen) > self._limits.members:
                self._fail("the package holds more than any that is worth reading does")
            content = self._exactly(stream, size + -size % 4)[:size]
            name = name.removeprefix("./").removeprefix("/")
            if name in seen:
                self._fail(f"the package holds {name} twice")
            seen.add(name)
            yield self._member(name, mode, content)

    def _cpio_header(self, stream: Gunzip) -> tuple[str, int, int]:
        head = self._exactly(stream, _CPIO)
        try:
            fields = [int(head[at : at + 8], 16) for at in range(6, _CPIO, 8)]
        except ValueError:
            fields = []
        if head[:6] != b"070701" or not fields:
            self._fail("the package's data are damaged")
        length = fields[11]
        if length > 1 << 14:
            self._fail("the package holds a name that is too long")
        name = self._exactly(stream, length + -(_CPIO + length) % 4)[:length].rstrip(b"\0")
        try:
            return name.decode(), fields[1], fields[6]
        except UnicodeDecodeError:
            self._fail("the package holds a name that is not UTF-8")

    def _member(self, name: str, mode: int, content: bytes) -> Member:
        permissions = stat.S_IMODE(mode)
        if permissions & (stat.S_ISUID | stat.S_ISGID):
            self._fail(f"{name} would run with the rights of its owner")
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            self._fail(f"{name} is neither a file nor a folder")
        return Member(name, content, folder=stat.S_ISDIR(mode), mode=permissions)

    def _exactly(self, stream: Gunzip, size: int) -> bytes:
        pieces = []
        while size:
            piece = stream.read(size)
            if not piece:
                self._fail("the package's data end too early")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _fail(self, message: str) -> NoReturn:
        raise VerificationError(message, where=self._where)
