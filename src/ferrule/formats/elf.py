"""ELF files, read by lief.

lief is forgiving, so the tables of a file are compared with its size first.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lief

from ferrule.core.errors import VerificationError
from ferrule.formats import magic
from ferrule.formats.ar import read_ar
from ferrule.formats.binary_facts import BinaryFacts, glibc_floor, name_text, summed

if TYPE_CHECKING:
    import mmap
    from collections.abc import Collection, Iterator

    Data = bytes | mmap.mmap
    """A file in memory, or as the system brings its pages there."""

MACHINES = {
    3: "i686",
    22: "s390x",
    40: "arm",
    62: "x86_64",
    21: "ppc64le",
    183: "aarch64",
    243: "riscv64",
    258: "loongarch64",
}
_KINDS = {1: "object", 2: "executable", 3: "shared library"}
_NULL, _NOBITS = 0, 8
_GLOBAL, _WEAK, _UNIQUE = 1, 2, 10
_DEFAULT, _PROTECTED = 0, 3
_BUILD_ID = 3
_BASE = 1  # VER_FLG_BASE (gABI, "Symbol Versioning")
_COMPRESSED = 0x800


def measure_elf(data: bytes, where: str | None) -> BinaryFacts:
    """Read an ELF file; raises VerificationError for a cut one and what lief raises for other damage."""
    _check_extent(data, where)
    lief.logging.disable()
    elf: Any = lief.ELF.parse(data)
    dynamic: list[Any] = list(elf.dynamic_entries)
    kinds = lief.ELF
    names = [name_text(entry.name) for entry in dynamic if isinstance(entry, kinds.DynamicSharedObject)]
    paths = [
        entry.paths for entry in dynamic if isinstance(entry, (kinds.DynamicEntryRpath, kinds.DynamicEntryRunPath))
    ]
    versions = _versions(elf)
    sections = summed((name_text(section.name), section.size) for section in elf.sections if section.name)
    (kind,) = struct.unpack_from(f"{Form.of(data).order}H", data, 16)
    return BinaryFacts(
        format="elf",
        kind=_KINDS.get(kind, "unknown"),
        system="linux",
        machine=machine(data),
        size=len(data),
        name=names[0] if names else None,
        interpreter=elf.interpreter or None,
        needed=tuple(name_text(entry.name) for entry in dynamic if isinstance(entry, kinds.DynamicEntryLibrary)),
        search_paths=tuple(name_text(path) for group in paths for path in group),
        exports=tuple(sorted({name_text(s.name) for s in elf.dynamic_symbols if _exported(s)})),
        imports=tuple(sorted({name_text(s.name) for s in elf.dynamic_symbols if s.name and s.shndx == 0})),
        weak_imports=tuple(
            sorted({name_text(s.name) for s in elf.dynamic_symbols if s.shndx == 0 and s.information >> 4 == _WEAK})
        ),
        symbol_versions=versions,
        providers=_providers(elf),
        defines=tuple(
            sorted({name_text(a.name) for d in elf.symbols_version_definition for a in [*d.auxiliary_symbols][:1]})
        ),
        export_versions=_export_versions(elf),
        floor=glibc_floor(versions),
        build_id=_build_id(elf),
        stripped=not any(name == ".symtab" or name.startswith(".debug_") for name in sections),
        sections=sections,
    )


@dataclass(frozen=True, slots=True)
class Form:
    """How the numbers of an ELF file are written (System V ABI, "ELF Identification"): their order, their width.

    `start` is where the header says where the tables are, `counts` where it says how large these are.
    """

    order: str
    is_wide: bool

    @classmethod
    def of(cls, data: Data) -> Form:
        """That of a file; raises ValueError for bytes that name none."""
        if data[4:5] not in {b"\x01", b"\x02"} or data[5:6] not in {b"\x01", b"\x02"}:
            raise ValueError("its header names neither 32 nor 64 bits, or no order of bytes")
        return cls("<" if data[5] == 1 else ">", data[4] == 2)  # noqa: PLR2004 - ELFCLASS64

    @property
    def header_size(self) -> int:
        """Bytes of the header."""
        return 64 if self.is_wide else 52

    def tables(self, data: Data) -> Tables:
        """Where the tables stand, as the header says."""
        start, counts = (32, 54) if self.is_wide else (28, 42)
        places = struct.unpack_from(f"{self.order}{'QQ' if self.is_wide else 'LL'}", data, start)
        return Tables(self, *places, *struct.unpack_from(f"{self.order}HHHHH", data, counts))

    def section(self, data: Data, offset: int) -> tuple[int, int, int, int, int]:
        """Name, type, flags, offset and size of a section header."""
        fields = struct.unpack_from(f"{self.order}{'LLQQQQ' if self.is_wide else 'LLLLLL'}", data, offset)
        return fields[0], fields[1], fields[2], fields[4], fields[5]

    def segment(self, data: bytes, offset: int) -> tuple[int, int]:
        """Offset and size in the file of a program header."""
        fields = struct.unpack_from(f"{self.order}{'LLQQQQ' if self.is_wide else 'LLLLL'}", data, offset)
        return (fields[2], fields[5]) if self.is_wide else (fields[1], fields[4])

    def link(self, data: bytes, offset: int) -> int:
        """The section that a section header refers to: of a table of symbols, that of their names."""
        (number,) = struct.unpack_from(f"{self.order}L", data, offset + (40 if self.is_wide else 24))
        return int(number)

    def symbols(self, table: bytes) -> Iterator[tuple[int, int, int, int]]:
        """Name, information, visibility and section of each symbol of a table."""
        if self.is_wide:
            for name, information, other, section, _, _ in struct.iter_unpack(f"{self.order}LBBHQQ", table):
                yield name, information, other, section
        else:
            for name, _, _, information, other, section in struct.iter_unpack(f"{self.order}LLLBBH", table):
                yield name, information, other, section

    def compression(self, data: Data, offset: int) -> tuple[int, int]:
        """Kind of compression, and the size of the header that says it."""
        (kind,) = struct.unpack_from(f"{self.order}L", data, offset)
        return kind, 24 if self.is_wide else 12


@dataclass(frozen=True, slots=True)
class SectionHeader:
    """An entry of the section table: where its name stands in the table of names, and which bytes belong to it."""

    name: int
    kind: int
    offset: int
    size: int

    @property
    def in_file(self) -> bool:
        """Whether it has bytes in the file."""
        return self.kind not in (_NULL, _NOBITS)


@dataclass(frozen=True, slots=True)
class Tables:
    """Where the two tables of an ELF file stand, as its header says (System V ABI, "ELF Header").

    The methods raise struct.error where a table is cut.
    """

    form: Form
    segments_start: int
    sections_start: int
    segment_size: int
    segment_count: int
    section_size: int
    section_count: int
    names: int

    @property
    def segments_end(self) -> int:
        """Where the program headers end."""
        return self.segments_start + self.segment_size * self.segment_count

    @property
    def sections_end(self) -> int:
        """Where the section headers end."""
        return self.sections_start + self.section_size * self.section_count

    def segments(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Offset and size in the file of each segment."""
        for number in range(self.segment_count):
            yield self.form.segment(data, self.segments_start + number * self.segment_size)

    def sections(self, data: bytes) -> Iterator[SectionHeader]:
        """Each entry of the section table."""
        for number in range(self.section_count):
            start = self.sections_start + number * self.section_size
            name, kind, _, offset, size = self.form.section(data, start)
            yield SectionHeader(name, kind, offset, size)


def read_tables(data: Data) -> Tables:
    """Where the tables stand; raises struct.error for a cut header, ValueError for one of no known form."""
    return Form.of(data).tables(data)


def compressed_sections(data: Data) -> Iterator[tuple[int, bytes]]:
    """Kind of compression and content of each compressed section (gABI, "Section Compression"; 1 is zlib).

    Raises struct.error where the table is cut.
    """
    tables = read_tables(data)
    for number in range(tables.section_count):
        start = tables.sections_start + number * tables.section_size
        _, _, flags, offset, size = tables.form.section(data, start)
        if flags & _COMPRESSED:
            kind, header = tables.form.compression(data, offset)
            yield kind, data[offset + header : offset + size]


def machine(head: bytes) -> str:
    """The machine that the first 20 bytes of a file name; raises ValueError for a header of no known form."""
    return MACHINES.get(struct.unpack_from(f"{Form.of(head).order}H", head, 18)[0], "unknown")


def _check_extent(data: bytes, where: str | None) -> None:
    """Compare both tables of the header, and what they point to, with the size (System V ABI, "Object Files")."""
    tables = read_tables(data)
    ends = [tables.segments_end, tables.sections_end]
    if max(ends) <= len(data):
        ends += [offset + size for offset, size in tables.segments(data)]
        ends += [section.offset + section.size for section in tables.sections(data) if section.in_file]
    if max(ends) > len(data):
        raise VerificationError(f"the ELF file is cut: it needs {max(ends)} bytes and has {len(data)}", where=where)


def _exported(symbol: Any) -> bool:  # noqa: ANN401 - lief's types allow bytes for text
    binding, visibility = symbol.information >> 4, symbol.other & 3
    reachable = binding in (_GLOBAL, _WEAK, _UNIQUE) and visibility in (_DEFAULT, _PROTECTED)
    return reachable and symbol.shndx != 0 and bool(symbol.name)


def _versions(elf: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - lief's types allow bytes for text
    versions: dict[str, set[str]] = {
        name_text(aux.name): set() for need in elf.symbols_version_requirement for aux in need.get_auxiliary_symbols()
    }
    for symbol in elf.dynamic_symbols:
        version = symbol.symbol_version
        if symbol.shndx == 0 and version is not None and version.has_auxiliary_version:
            versions.setdefault(name_text(version.symbol_version_auxiliary.name), set()).add(name_text(symbol.name))
    return {version: tuple(sorted(symbols)) for version, symbols in sorted(versions.items())}


def _export_versions(elf: Any) -> dict[str, str | None]:  # noqa: ANN401 - lief's types allow bytes for text
    """Exported symbols and their versions; the base version, which names the file, is none."""
    names = {
        definition.ndx: name_text(auxiliary.name)
        for definition in elf.symbols_version_definition
        for auxiliary in [*definition.auxiliary_symbols][:1]
        if not definition.flags & _BASE
    }
    return {
        name_text(symbol.name): names.get(symbol.symbol_version.value & 0x7FFF) if symbol.symbol_version else None
        for symbol in elf.dynamic_symbols
        if _exported(symbol)
    }


def _providers(elf: Any) -> dict[str, str]:  # noqa: ANN401 - lief's types allow bytes for text
    """Imported symbols and the library that has each, by the number that both share (gABI, "Symbol Versioning")."""
    libraries = {
        aux.other: name_text(need.name)
        for need in elf.symbols_version_requirement
        for aux in need.get_auxiliary_symbols()
    }
    providers = {
        name_text(symbol.name): libraries.get(symbol.symbol_version.value & 0x7FFF)
        for symbol in elf.dynamic_symbols
        if symbol.shndx == 0 and symbol.symbol_version is not None
    }
    return {name: library for name, library in sorted(providers.items()) if library is not None}


def _build_id(elf: Any) -> str | None:  # noqa: ANN401 - lief's types allow bytes for text
    ids = [bytes(n.description).hex() for n in elf.notes if n.name == "GNU" and n.original_type == _BUILD_ID]
    return ids[0] if ids else None


def objects_that_import(archive: bytes, symbols: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each of the symbols, names of the ELF objects in a static library that ask others for it.

    Raises VerificationError for what is no static library; an object that cannot be read is passed over.
    """
    lief.logging.disable()
    importers: dict[str, list[str]] = {}
    for name, content in read_ar(archive):
        data = bytes(content)
        mentioned = [symbol for symbol in symbols if b"\0" + symbol.encode() + b"\0" in data]
        if mentioned and data.startswith(magic.ELF):
            with suppress(AttributeError, TypeError, ValueError, RuntimeError):
                elf: Any = lief.ELF.parse(data)
                undefined = {name_text(s.name) for s in elf.symtab_symbols if s.shndx == 0 and s.name}
                for symbol in undefined.intersection(mentioned):
                    importers.setdefault(symbol, []).append(name)
    return {symbol: tuple(names) for symbol, names in sorted(importers.items())}
