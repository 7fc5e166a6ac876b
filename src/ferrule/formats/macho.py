"""Mach-O files, read by lief; the load commands are compared with the size of the file first.

Universal files are those of `formats.universal`. Code signatures are recomputed (`formats.signature`), for lief shows
them without checking.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import lief

from ferrule.core.errors import VerificationError
from ferrule.formats.binary_facts import BinaryFacts, name_text, summed
from ferrule.formats.signature import Signature, read_signature
from ferrule.formats.universal import MACHINES

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = {1: "object", 2: "executable", 6: "shared library", 8: "bundle", 10: "debug symbols"}
_MACOS = 1
_PRIVATE_TYPE_EXTERNAL, _DEFINED_EXTERNAL = 0x1F, 0x0F
_WEAK_REFERENCE = 0x40
HEADER, SEGMENT_64 = 32, 0x19
_UUID = 0x1B


def measure_macho(data: bytes, where: str | None) -> BinaryFacts:
    """Read a Mach-O file; raises VerificationError for a cut one and what lief raises for other damage."""
    _check_extent(data, where)
    lief.logging.disable()
    fat: Any = lief.MachO.parse(data)
    macho = fat.at(0)
    kinds = lief.MachO.LoadCommand.TYPE
    libraries = list(macho.libraries)
    names = [name_text(library.name) for library in libraries if library.command == kinds.ID_DYLIB]
    minimum, sdk = _versions(macho)
    symbols = list(macho.symbols)
    return BinaryFacts(
        format="macho",
        kind=_KINDS.get(struct.unpack_from("<L", data, 12)[0], "unknown"),
        system="macos" if _for_macos(macho, data) else "another Apple system",
        machine=MACHINES.get(struct.unpack_from("<L", data, 4)[0], "unknown"),
        size=len(data),
        name=names[0] if names else None,
        needed=tuple(name_text(library.name) for library in libraries if library.command != kinds.ID_DYLIB),
        search_paths=tuple(name_text(entry.path) for entry in macho.rpaths),
        exports=tuple(sorted(_c_name(name) for name in _exports(macho))),
        imports=tuple(sorted({_c_name(s.name) for s in symbols if _is_undefined(s)})),
        weak_imports=tuple(
            sorted({_c_name(s.name) for s in symbols if _is_undefined(s) and s.description & _WEAK_REFERENCE})
        ),
        providers=_providers(
            symbols, [name_text(entry.name) for entry in libraries if entry.command != kinds.ID_DYLIB]
        ),
        build_id=bytes(macho.uuid.uuid).hex() if macho.has_uuid else None,
        stripped=not any(_is_local(symbol) for symbol in symbols),
        minimum_os=minimum,
        sdk=sdk,
        signature=_signature(macho, data),
        sections=summed((f"{s.segment_name},{s.name}", s.size) for s in macho.sections),
    )


def commands_end(data: bytes) -> int:
    """Where the load commands end; raises struct.error for a cut header."""
    (total,) = struct.unpack_from("<L", data, 20)
    return HEADER + int(total)


def load_commands(data: bytes, where: str | None = None) -> Iterator[tuple[int, int]]:
    """Kind and offset of each load command (mach-o/loader.h); raises VerificationError for one that is too long."""
    (count,) = struct.unpack_from("<L", data, 16)
    offset, end = HEADER, commands_end(data)
    for _ in range(count):
        kind, size = struct.unpack_from("<LL", data, offset)
        if size < 8 or offset + size > end:  # noqa: PLR2004 - kind and size themselves
            raise VerificationError("the Mach-O file is damaged: its load commands cannot be read", where=where)
        yield kind, offset
        offset += size


def with_uuid(data: bytes, uuid: bytes, where: str | None = None) -> bytes:
    """The same file with another UUID of 16 bytes, by which it and its debug symbols belong together.

    A code signature no longer holds then. Raises VerificationError for a file without UUID, or a damaged one.
    """
    for kind, offset in load_commands(data, where):
        if kind == _UUID:
            return data[: offset + 8] + uuid + data[offset + 24 :]
    raise VerificationError("the Mach-O file has no UUID", where=where)


def _check_extent(data: bytes, where: str | None) -> None:
    """Walk over the load commands and compare what segments cover with the size (mach-o/loader.h)."""
    ends = [commands_end(data)]
    for kind, offset in load_commands(data, where):
        if kind == SEGMENT_64:
            ends.append(sum(struct.unpack_from("<QQ", data, offset + 40)))
    if max(ends) > len(data):
        raise VerificationError(f"the Mach-O file is cut: it needs {max(ends)} bytes and has {len(data)}", where=where)


def _for_macos(macho: Any, data: bytes) -> bool:  # noqa: ANN401 - lief's types allow bytes for text
    if not macho.has_build_version:
        return macho.version_min is not None
    return bool(struct.unpack_from("<L", data, macho.build_version.command_offset + 8)[0] == _MACOS)


def _versions(macho: Any) -> tuple[str | None, str | None]:  # noqa: ANN401 - lief's types allow bytes for text
    if macho.has_build_version:
        return _version(macho.build_version.minos), _version(macho.build_version.sdk)
    if macho.version_min is not None:
        return _version(macho.version_min.version), _version(macho.version_min.sdk)
    return None, None


def _version(numbers: list[int]) -> str:
    major, minor, patch = numbers
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"


def _c_name(symbol: object) -> str:
    return name_text(symbol).removeprefix("_")


def _type(symbol: Any) -> int:  # noqa: ANN401 - lief's types allow bytes for text
    return int(symbol.raw_type)


def _is_undefined(symbol: Any) -> bool:  # noqa: ANN401 - lief's types allow bytes for text
    return _type(symbol) & 0x0F == 0x01


def _providers(symbols: list[Any], libraries: list[str]) -> dict[str, str]:
    """Imported symbols and the library that each is expected in, by its number in n_desc (mach-o/nlist.h)."""
    numbers = {_c_name(s.name): s.description >> 8 & 0xFF for s in symbols if _is_undefined(s)}
    return {name: libraries[number - 1] for name, number in sorted(numbers.items()) if 0 < number <= len(libraries)}


def _is_local(symbol: Any) -> bool:  # noqa: ANN401 - lief's types allow bytes for text
    """Whether a symbol only serves debuggers: a STAB entry, or defined and not external (mach-o/nlist.h)."""
    kind = _type(symbol)
    return bool(kind & 0xE0) or (not kind & 0x01 and kind & 0x0E != 0)


def _exports(macho: Any) -> set[str]:  # noqa: ANN401 - lief's types allow bytes for text
    """Names in the export trie, which is what the loader offers to others; a file without one exports its symbols."""
    for present, info in (
        (macho.has_dyld_exports_trie, macho.dyld_exports_trie),
        (macho.has_dyld_info, macho.dyld_info),
    ):
        if present:
            return {export.symbol.name for export in info.exports if export.has_symbol}
    return {symbol.name for symbol in macho.symbols if _type(symbol) & _PRIVATE_TYPE_EXTERNAL == _DEFINED_EXTERNAL}


def _signature(macho: Any, data: bytes) -> Signature | None:  # noqa: ANN401 - lief's types allow bytes for text
    if not macho.has_code_signature:
        return None
    command = macho.code_signature
    return read_signature(data, command.data_offset, command.data_size)
