"""PE files of Windows, read by lief; COFF objects in static libraries as far as their symbols (Microsoft, "PE Format").

lief is forgiving, so that the sections of a file are compared with its size first. The symbols of objects are read
here, because a library of Rust has hundreds of objects of which only these matter.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any, Final

import lief

from ferrule.core.errors import VerificationError
from ferrule.formats.binary_facts import BinaryFacts, name_text, summed

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINES: Final = {0x8664: "x86_64", 0xAA64: "aarch64", 0x14C: "i686"}
_DLL, _EXECUTABLE = 0x2000, 0x0002
_SYMBOL: Final = struct.Struct("<8sLhHBB")
_BIG: Final = b"\0\0\xff\xff"
"""How objects with more than 65,279 sections begin, whose numbers are wider (winnt.h, ANON_OBJECT_HEADER_BIGOBJ)."""
_BIG_SYMBOL: Final = struct.Struct("<8sLlHBB")
_EXTERNAL, _WEAK = 2, 105
_IMPORT_HEADER: Final = 20


def measure_pe(data: bytes, where: str | None) -> BinaryFacts:
    """Read a DLL or a program; raises VerificationError for a cut one and what lief raises for other damage."""
    header = _check_extent(data, where)
    lief.logging.disable()
    pe: Any = lief.PE.parse(list(data))
    if pe is None:
        raise VerificationError("this begins like a file for Windows, and cannot be read as one", where=where)
    (flags,) = struct.unpack_from("<H", data, header + 22)
    exports = pe.get_export() if pe.has_exports else None
    imported = [(name_text(library.name), entry) for library in pe.imports for entry in library.entries]
    sections = summed((_full_name(name_text(section.name), data, header), section.size) for section in pe.sections)
    names = {name_text(entry.name): library for library, entry in imported if not entry.is_ordinal}
    return BinaryFacts(
        format="pe",
        kind="shared library" if flags & _DLL else "executable" if flags & _EXECUTABLE else "unknown",
        system="windows",
        machine=machine(data[header + 4 :]),
        size=len(data),
        # Debug symbols say where the exports of their file are, and have none of them.
        name=name_text(exports.name) or None if exports is not None else None,
        needed=tuple(dict.fromkeys(name_text(library.name) for library in (*pe.imports, *pe.delay_imports))),
        exports=tuple(sorted({name_text(entry.name) for entry in exports.entries if entry.name}) if exports else ()),
        imports=tuple(sorted(names)),
        providers=dict(sorted(names.items())),
        build_id=next((bytes(one.signature).hex() for one in pe.debug if isinstance(one, lief.PE.CodeViewPDB)), None),
        stripped=not any(name.startswith((".debug_", "/")) for name in sections) and not _symbol_count(data, header),
        sections=sections,
    )


def machine(head: bytes) -> str:
    """The machine of an object or of what follows a PE file's signature, by its first bytes."""
    offset = 6 if head.startswith(_BIG) else 0
    return MACHINES.get(int.from_bytes(head[offset : offset + 2], "little"), "unknown")


def is_object(head: bytes) -> bool:
    """Whether an archive's member is an object: a header that begins with a machine, or says that it is a large one."""
    return machine(head) != "unknown"


def is_import(head: bytes) -> bool:
    """Whether an archive's member stands for a function of a DLL: a header and names, no code ("Import Header")."""
    return head.startswith(_BIG) and head[4:6] == b"\0\0"


def object_symbols(data: bytes) -> Iterator[tuple[str, bool, bool]]:
    """Name of each external symbol of an object, whether it is defined there, and whether it is weak.

    Raises struct.error, IndexError or ValueError for a damaged one.
    """
    if is_import(data):
        yield from _imported(data)
        return
    big = data.startswith(_BIG)
    start, count = struct.unpack_from("<LL", data, 48 if big else 8)
    form = _BIG_SYMBOL if big else _SYMBOL
    strings = start + count * form.size
    number = 0
    while number < count:
        name, value, section, _, storage, more = form.unpack_from(data, start + number * form.size)
        number += 1 + more
        if storage in (_EXTERNAL, _WEAK):
            if name[:4] == b"\0\0\0\0":
                begin = strings + int.from_bytes(name[4:], "little")
                name = data[begin : data.index(b"\0", begin)]
            # An undefined symbol with a value is a common one: whoever links makes room for it.
            yield name.rstrip(b"\0").decode(), section != 0 or value > 0, storage == _WEAK


def _imported(data: bytes) -> Iterator[tuple[str, bool, bool]]:
    """What an object of an import library defines: a name of a DLL, and the pointer to it ("Import Library Format")."""
    name = data[_IMPORT_HEADER : data.index(b"\0", _IMPORT_HEADER)].decode()
    yield from ((symbol, True, False) for symbol in (name, f"__imp_{name}"))


def _full_name(name: str, data: bytes, header: int) -> str:
    """The name of a section; one of more than eight letters stands behind the symbols ("Section Table")."""
    (symbols,) = struct.unpack_from("<L", data, header + 12)
    if not symbols or not re.fullmatch(r"/[0-9]+", name):
        return name
    start = symbols + _symbol_count(data, header) * _SYMBOL.size + int(name[1:])
    return name_text(data[start : data.index(b"\0", start)].decode())


def _symbol_count(data: bytes, header: int) -> int:
    (count,) = struct.unpack_from("<L", data, header + 16)
    return int(count)


def _check_extent(data: bytes, where: str | None) -> int:
    """Where the signature stands, after what the section headers point to was compared with the size."""
    (header,) = struct.unpack_from("<L", data, 0x3C)
    if data[header : header + 4] != b"PE\0\0":
        raise VerificationError("this is an MS-DOS program, and no PE file", where=where)
    count, optional = struct.unpack_from("<H", data, header + 6)[0], struct.unpack_from("<H", data, header + 20)[0]
    ends = [header + 24 + optional + 40 * count]
    if ends[0] <= len(data):
        for number in range(count):
            size, start = struct.unpack_from("<LL", data, header + 24 + optional + 40 * number + 16)
            ends.append(start + size)
    if max(ends) > len(data):
        raise VerificationError(f"the PE file is cut: it needs {max(ends)} bytes and has {len(data)}", where=where)
    return int(header)
