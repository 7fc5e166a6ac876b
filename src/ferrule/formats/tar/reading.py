"""Reads tar archives that nobody vouches for: what is damaged, leads outside or holds too much is refused."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from ferrule.core.errors import VerificationError
from ferrule.formats.archive_member import (
    CHUNK,
    Member,
    checked_name,
    folded,
    link_path,
    parents,
    shortened,
)
from ferrule.formats.decompress import LIMITS, Gunzip, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ferrule.formats.decompress import Source

_BLOCK = 512
_LONGEST_LINK = 4096
_ZEROS = bytes(_BLOCK)


def read_tar(
    stream: Source,
    limits: Limits = LIMITS,
    *,
    root: bool = False,
    where: str | None = None,
) -> Iterator[Member]:
    """Yield the members of an archive (ustar, pax, GNU long names) in their order, each with its content in memory.

    Allowed are files, folders and symbolic links that stay inside; modes are kept, owners and times are not. With
    `root` the archive is the root of a system: absolute links are taken from that root, and hard links to members seen
    before are given as relative symbolic ones. A leading `./` is dropped from names, and the member `./` itself.

    Raises VerificationError, naming the member, for anything else: absolute names and `..`, links to outside, members
    below a link, devices, FIFOs, sparse and unknown types, set-user-ID files, duplicates (but in a `root` also names
    that differ in case alone), more than `limits` allow, damaged or cut headers, and data after the end. `where` is the
    place named in the message.
    """
    return _Reader(stream, limits, root=root, where=where).members()


@dataclass(frozen=True, slots=True)
class SurveyedMember:
    """A member as it is called in an archive that is only looked into: no folder, maybe a link, maybe with content."""

    name: str
    folder: bool
    link: str | None
    content: bytes | None


def survey(
    stream: Source,
    limits: Limits = LIMITS,
    *,
    is_read: Callable[[str], bool] = lambda _: False,
    where: str | None = None,
) -> Iterator[SurveyedMember]:
    """Yield every member, whatever it is called and wherever it leads: for archives that somebody else will unpack.

    Names are as they stand there, with bytes that are not UTF-8 as surrogates. Only files whose name `is_read` accepts
    are read. Raises VerificationError for damage, sparse members, and more than `limits` allow.
    """
    return _Reader(stream, limits, root=True, where=where, strict=False).survey(is_read)


def read_tar_gz(
    stream: BinaryIO,
    limits: Limits = LIMITS,
    *,
    root: bool = False,
    where: str | None = None,
) -> Iterator[Member]:
    """The same for an archive compressed by gzip; a damaged or cut stream is a VerificationError too."""
    return read_tar(Gunzip(stream, where, limits), limits, root=root, where=where)


@dataclass(slots=True)
class _Header:
    name: str
    link: str
    mode: int
    size: int
    kind: bytes


_WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")  # whatever size some writers give them
_IGNORED = (b"GNU.sparse.", b"GNU.volume.")
_PREFIXED = b"ustar\x0000"


class _Reader:
    """One pass over one archive."""

    def __init__(self, stream: Source, limits: Limits, *, root: bool, where: str | None, strict: bool = True) -> None:
        self._coding = "strict" if strict else "surrogateescape"
        self._stream = stream
        self._limits = limits
        self._root = root
        self._where = where
        self._read = 0
        self._kinds: dict[str, bytes] = {}
        self._folded: dict[str, str] = {}

    def members(self) -> Iterator[Member]:
        for header in self._headers():
            entry = self._entry(header)
            if entry is not None:
                yield entry

    def survey(self, is_read: Callable[[str], bool]) -> Iterator[SurveyedMember]:
        for header in self._headers():
            kind = b"5" if header.kind in (b"0", b"\0") and header.name.endswith("/") else header.kind
            if kind == b"S":
                self._refuse(header.name, _REFUSED_KINDS[kind])
            content = self._body(header) if kind in (b"0", b"\0") and is_read(header.name) else None
            if content is None and kind not in _WITHOUT_CONTENT:
                self._skip(header)
            yield SurveyedMember(header.name, kind == b"5", header.link if kind == b"2" else None, content)

    def _headers(self) -> Iterator[_Header]:
        """Headers of members, each with what extended headers before it say."""
        count = 0
        extended: dict[str, str] = {}
        while (header := self._header()) is not None:
            count += 1
            if count > self._limits.members:
                self._refuse(header.name, f"the archive has more than {self._limits.members} members")
            if header.kind in b"xgLK":
                self._extension(header, extended)
                continue
            header.name = extended.get("path", header.name)
            header.link = extended.get("linkpath", header.link)
            header.size = self._number(header.name, extended["size"]) if "size" in extended else header.size
            extended = {}
            yield header
        if extended:
            self._fail("the archive ends after an extended header")

    def _header(self) -> _Header | None:
        block = self._exactly(_BLOCK, "a header")
        if block == _ZEROS:
            self._finish()
            return None
        try:
            stored = _octal(block[148:156])
            header = _Header(
                name=self._text(block[0:100]),
                link=self._text(block[157:257]),
                mode=_octal(block[100:108]),
                size=_octal(block[124:136]),
                kind=block[156:157],
            )
            if block[257:265] == _PREFIXED and block[345] != 0:
                header.name = f"{self._text(block[345:500])}/{header.name}"
        except ValueError:
            self._fail("the archive has a damaged header")
        if stored != sum(block) - sum(block[148:156]) + 8 * 0x20:
            self._fail("the archive has a header with a wrong checksum")
        return header

    def _finish(self) -> None:
        while chunk := self._bounded(CHUNK):
            if chunk.strip(b"\0"):
                self._fail("the archive goes on after its end")

    def _extension(self, header: _Header, extended: dict[str, str]) -> None:
        if header.size > CHUNK:
            self._refuse(header.name, "its extended header is larger than any name needs")
        data = self._body(header)
        if header.kind in b"LK":
            extended["path" if header.kind == b"L" else "linkpath"] = self._decoded(data.rstrip(b"\0"))
            return
        for key, value in self._records(header.name, data):
            if key.startswith(_IGNORED):
                self._refuse(header.name, "sparse members are not accepted")
            if key in (b"path", b"linkpath", b"size"):
                if header.kind == b"g":
                    self._refuse(header.name, f"a global {key.decode()} applies to every member")
                extended[key.decode()] = self._decoded(value)

    def _records(self, name: str, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        while data:
            digits, _, _ = data.partition(b" ")
            length = int(digits) if digits.isdigit() and len(digits) < 8 else 0  # noqa: PLR2004 - CHUNK has 7 digits
            record, data = data[:length], data[length:]
            key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
            if len(record) != length or not record.endswith(b"\n") or not equals:
                self._refuse(name, "its extended header is damaged")
            yield key, value

    def _entry(self, header: _Header) -> Member | None:
        kind = b"0" if header.kind == b"\0" else header.kind
        if kind == b"0" and header.name.endswith("/"):
            kind = b"5"
        name = header.name.removeprefix("./").removesuffix("/") if kind == b"5" else header.name.removeprefix("./")
        if kind == b"5" and name in ("", "."):
            return None
        self._check(name, kind, header)
        mode = header.mode & (0o1777 if kind == b"5" else 0o777)
        if kind == b"5":
            return Member(name, folder=True, mode=mode)
        if kind == b"0":
            return Member(name, self._body(header), executable=bool(mode & 0o100), mode=mode)
        return Member(name, link=self._target(name, kind, header.link))

    def _check(self, name: str, kind: bytes, header: _Header) -> None:
        try:
            checked_name(name)
        except VerificationError as error:
            raise VerificationError(error.message, where=self._where) from None
        if name in self._kinds:
            self._refuse(name, "it is there twice")
        other = name if self._root else self._folded.setdefault(folded(name), name)
        if other != name:
            self._refuse(name, f"where case does not count it is {other} again")
        if kind not in (b"0", b"1", b"2", b"5"):
            self._refuse(name, _REFUSED_KINDS.get(kind, f"its type {kind!r} is unknown"))
        if kind == b"0" and header.mode & 0o6000:
            self._refuse(name, "it would run with the rights of its owner (set-user-ID or set-group-ID)")
        if kind != b"0" and header.size:
            self._refuse(name, "only files have content")
        above = next((p for p in parents(name) if self._kinds.get(p, b"5") != b"5"), None)
        if above is not None:
            self._refuse(name, f"it is below {above}, which is not a folder")
        self._kinds[name] = kind

    def _target(self, name: str, kind: bytes, target: str) -> str:
        if kind == b"1":
            path = target.removeprefix("./")
            if not self._root or self._kinds.get(path) != b"0":
                self._refuse(name, f"it is a hard link to {shortened(target)}")
            return posixpath.relpath(path, posixpath.dirname(name) or ".")
        if not target or not target.isprintable() or "\\" in target or len(target) > _LONGEST_LINK:
            self._refuse(name, f"it is a link to {shortened(target)}")
        if (target.startswith("/") and not self._root) or link_path(name, target) is None:
            self._refuse(name, f"it is a link to {target}, outside of the archive")
        return target

    def _body(self, header: _Header) -> bytes:
        if header.size > self._limits.member_bytes:
            self._refuse(header.name, f"it is larger than {self._limits.member_bytes} bytes")
        data = self._exactly(header.size, header.name)
        if self._exactly(-header.size % _BLOCK, header.name).strip(b"\0"):
            self._refuse(header.name, "data is hidden behind its end")
        return data

    def _skip(self, header: _Header) -> None:
        left = header.size + -header.size % _BLOCK
        while left:
            piece = self._bounded(min(left, CHUNK))
            if not piece:
                self._fail(f"the archive ends in the middle of {shortened(header.name)}")
            left -= len(piece)

    def _exactly(self, size: int, what: str) -> bytes:
        pieces = []
        while size:
            piece = self._bounded(min(size, CHUNK))
            if not piece:
                self._fail(f"the archive ends in the middle of {what}")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _bounded(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._read += len(data)
        if self._read > self._limits.total_bytes:
            self._fail(f"the archive holds more than {self._limits.total_bytes} bytes")
        return data

    def _text(self, field: bytes) -> str:
        return field.partition(b"\0")[0].decode(errors=self._coding)

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode(errors=self._coding)
        except UnicodeDecodeError:
            self._fail(f"the archive has the name {data[:100]!r}, which is not UTF-8")

    def _number(self, name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20):  # noqa: PLR2004 - 2**64 has 20 digits
            self._refuse(name, f"it has the size {shortened(text)}")
        return int(text)

    def _refuse(self, name: str, reason: str) -> NoReturn:
        self._fail(f"the member {shortened(name)} is not accepted: {reason}")

    def _fail(self, message: str) -> NoReturn:
        raise VerificationError(message, where=self._where)


_REFUSED_KINDS = {
    b"3": "it is a device",
    b"4": "it is a device",
    b"6": "it is a FIFO",
    b"S": "sparse members are not accepted",
}


def _octal(field: bytes) -> int:
    digits = field.rstrip(b"\0 ").lstrip(b" ")
    if not digits:
        return 0
    if not digits.isdigit():
        raise ValueError(field)
    return int(digits, 8)
