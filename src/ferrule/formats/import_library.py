"""Import libraries, which programs are linked with in place of a DLL (Microsoft, "PE Format", Import Library Format).

Only the short form is read, which lld and Microsoft's linker write: each symbol is a member of its own with the name of
the DLL. GNU ld's long form has none of them, and so reads as a library of nothing.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import VerificationError
from ferrule.formats.ar import read_ar

if TYPE_CHECKING:
    from collections.abc import Collection

_HEADER: Final = struct.Struct("<HHHHLLHH")
_SIGNATURE: Final = (0, 0xFFFF, 0)


def read_import_library(archive: bytes, *, where: str | None = None) -> dict[str, str]:
    """Each imported name and the DLL that has it; raises VerificationError for a damaged library."""
    return dict(
        _names(content, where)
        for _, content in read_ar(archive, where=where)
        if len(content) >= _HEADER.size and _HEADER.unpack_from(content)[:3] == _SIGNATURE
    )


def import_library_problems(archive: bytes, dll: str, exports: Collection[str], *, where: str | None) -> list[str]:
    """What an import library and what its DLL exports differ in, as sentences.

    Raises VerificationError for a damaged library.
    """
    names = read_import_library(archive, where=where)
    others = sorted({library for library in names.values() if library != dll})
    return [
        *(f"programs that are linked with it ask for {library}" for library in others),
        *(f"it does not have {name}, which the DLL exports" for name in sorted(set(exports) - set(names))),
        *(f"it has {name}, which the DLL does not export" for name in sorted(set(names) - set(exports))),
    ]


def _names(content: memoryview, where: str | None) -> tuple[str, str]:
    try:
        name, dll = bytes(content[_HEADER.size :]).decode().split("\0")[:2]
    except ValueError as error:
        raise VerificationError(f"the import library is damaged: {error}", where=where) from error
    return name, dll
