"""The ar container of Debian packages and static libraries: a reader for files that nobody vouches for.

Read here because the standard library has no module for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ferrule.core.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"!<arch>\n"
_HEADER = 60
_INDEXES = ("/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64", "__.SYMDEF_64 SORTED")


def read_ar(data: bytes, *, where: str | None = None) -> Iterator[tuple[str, memoryview]]:
    """Yield name and content of each member in order (ar(5); long names of GNU and of BSD; symbol tables left out).

    Raises VerificationError if `data` is not such an archive, is cut, or a header is damaged.
    """
    if not data.startswith(MAGIC):
        _fail("this is not an ar archive", where)
    names = b""
    place = len(MAGIC)
    while place < len(data):
        header = data[place : place + _HEADER]
        field = header[48:58].strip()
        if len(header) != _HEADER or header[58:60] != b"`\n" or not field.isdigit():
            _fail("the archive has a damaged header", where)
        size = int(field)
        start = place + _HEADER
        if start + size > len(data):
            _fail("the archive ends in the middle of a member", where)
        content = memoryview(data)[start : start + size]
        place = start + size + size % 2
        name = header[:16].rstrip(b" ")
        if name == b"//":
            names = bytes(content)
            continue
        text, content = _named(name, content, names, where)
        if text not in _INDEXES:
            yield text, content


def _named(name: bytes, content: memoryview, names: bytes, where: str | None) -> tuple[str, memoryview]:
    if name.startswith(b"#1/") and name[3:].isdigit():
        length = int(name[3:])
        if length > len(content):
            _fail("the archive has a name longer than its member", where)
        name, content = bytes(content[:length]).rstrip(b"\0"), content[length:]
    elif name[:1] == b"/" and name[1:].isdigit():
        start = int(name[1:])
        end = names.find(b"\n", start)
        if end < 0:
            _fail("the archive refers to a name that it does not hold", where)
        name = names[start:end].removesuffix(b"/")
    elif name not in (b"/", b"/SYM64/"):
        name = name.removesuffix(b"/")
    try:
        return name.decode(), content
    except UnicodeDecodeError:
        _fail(f"the archive has the name {name!r}, which is not UTF-8", where)


def _fail(message: str, where: str | None) -> NoReturn:
    raise VerificationError(message, where=where)
