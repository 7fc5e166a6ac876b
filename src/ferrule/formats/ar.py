"""The ar container of Debian packages and static libraries: a reader for files that nobody vouches for.

Read here because the standard library has no module for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NoReturn

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.formats import magic

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    Data = bytes | mmap.mmap

_HEADER = 60
_NAMES = "//"
_NAME_END = re.compile(rb"[\n\0]")
"""What ends a long name: a line for GNU, a zero for Microsoft ("PE Format", Longnames Member)."""
_INDEXES = ("/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64", "__.SYMDEF_64 SORTED")


@dataclass(frozen=True, slots=True)
class ArMember:
    """A member with the fields of its header as they are written; `offset` is where its content begins.

    `table` is what a member that no user put there serves for: `index` of symbols, or long `names`.
    """

    name: str
    content: memoryview
    offset: int
    time: str
    owner: str
    group: str
    mode: str
    table: Literal["index", "names"] | None


def read_ar(data: Data, *, where: str | None = None) -> Iterator[tuple[str, memoryview]]:
    """Yield name and content of each member in order; tables are left out. Raises VerificationError as `members`."""
    return ((member.name, member.content) for member in members(data, where=where) if member.table is None)


def members(data: Data, *, where: str | None = None) -> Iterator[ArMember]:
    """Yield each member in order (ar(5)), tables included; long names of GNU, Microsoft and BSD are resolved.

    Contents are views of `data`; of a mapped file they are copies, which do not keep it open.
    Raises VerificationError if `data` is not such an archive, is cut, or a header is damaged.
    """
    if data[: len(magic.AR)] != magic.AR:
        _fail("this is not an ar archive", where)
    names = b""
    offset = len(magic.AR)
    while offset < len(data):
        header = data[offset : offset + _HEADER]
        field = header[48:58].strip()
        if len(header) != _HEADER or header[58:60] != b"`\n" or not field.isdigit():
            _fail("the archive has a damaged header", where)
        size = int(field)
        start = offset + _HEADER
        if start + size > len(data):
            _fail("the archive ends in the middle of a member", where)
        end = start + size
        content = memoryview(data)[start:end] if isinstance(data, bytes) else memoryview(data[start:end])
        offset = start + size + size % 2
        raw = header[:16].rstrip(b" ")
        if raw == _NAMES.encode():
            names = bytes(content)
        name, skipped = _named(raw, content, names, where)
        time, owner, group, mode = (
            header[a:b].decode("ascii", "replace").strip() for a, b in ((16, 28), (28, 34), (34, 40), (40, 48))
        )
        table: Literal["index", "names"] | None = "index" if name in _INDEXES else "names" if name == _NAMES else None
        yield ArMember(name, content[skipped:], start + skipped, time, owner, group, mode, table)


def _named(raw: bytes, content: memoryview, names: bytes, where: str | None) -> tuple[str, int]:
    """The name of a member, and how many bytes of its content belong to the name."""
    skipped = 0
    if raw.startswith(b"#1/") and raw[3:].isdigit():
        skipped = int(raw[3:])
        if skipped > len(content):
            _fail("the archive has a name longer than its member", where)
        raw = bytes(content[:skipped]).rstrip(b"\0")
    elif raw[:1] == b"/" and raw[1:].isdigit():
        start = int(raw[1:])
        end = _NAME_END.search(names, start)
        if end is None:
            _fail("the archive refers to a name that it does not hold", where)
        raw = names[start : end.start()].removesuffix(b"/")
    elif raw.decode("latin-1") not in (*_INDEXES, _NAMES):
        raw = raw.removesuffix(b"/")
    try:
        return raw.decode(), skipped
    except UnicodeDecodeError:
        _fail(f"the archive has the name {raw!r}, which is not UTF-8", where)


def _fail(message: str, where: str | None) -> NoReturn:
    raise VerificationError(message, where=where)
