"""Symbols of the objects in a static library, and what a program that is linked with it has to bring.

Home-made, because lief reads whole objects, and a library of Rust has hundreds of which only the symbol tables matter.
Formats: System V ABI, "Symbol Table"; mach-o/nlist.h; for Windows `formats.pe`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import VerificationError
from ferrule.formats import elf, macho, magic, pe
from ferrule.formats.ar import read_ar
from ferrule.formats.binary_facts import BinaryFacts
from ferrule.formats.damage import damage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ferrule.formats.system_symbols import SystemSymbols

_SYMTAB: Final = 2
_LOCAL, _WEAK = 0, 2
_VISIBLE: Final = frozenset({0, 3})
_MACHO_SYMBOL: Final = struct.Struct("<LBBHQ")
_MACHO_SYMTAB: Final = 2
_STAB, _PRIVATE, _TYPE, _EXTERNAL = 0xE0, 0x10, 0x0E, 0x01
_WEAK_REFERENCE: Final = 0x40
_SAVED: Final = ("gpr0", "gpr1", "fpr")
_OF_LINKERS: Final = frozenset(
    (
        *("_GLOBAL_OFFSET_TABLE_", "_DYNAMIC", "_PROCEDURE_LINKAGE_TABLE_"),
        *("_init", "_fini", "_end", "_edata", "_etext"),
        # On POWER, the base of the table of contents, and what saves registers (64-bit ELF V2 ABI, 2.3.3 and 3.4).
        *(".TOC.", *(f"_{verb}{kind}_{n}" for verb in ("save", "rest") for kind in _SAVED for n in range(14, 32))),
    )
)
_OF_COMPILERS: Final = {"gcc_s": "libgcc_s.so.1", "stdc++": "libstdc++.so.6"}
"""What gcc and clang bring: `formats.undefined` knows the names of these libraries."""

_NONSHARED: Final = frozenset(
    (
        *("stat", "fstat", "lstat", "fstatat", "stat64", "fstat64", "lstat64", "fstatat64", "mknod", "mknodat"),
        *("atexit", "at_quick_exit", "pthread_atfork"),
    )
)
"""What glibc's libc_nonshared.a defines in every program, also where no shared library has it yet (glibc 2.17, io/)."""

_PARTS_OF_LIBC: Final = frozenset({"c", "m", "pthread", "dl", "rt", "util", "System"})
"""Libraries that musl and macOS have in their only one."""


@dataclass(frozen=True, slots=True)
class ObjectSymbols:
    """What an object defines for others, which of that a shared library would export, and what it asks others for."""

    name: str
    defines: frozenset[str]
    visible: frozenset[str]
    needs: frozenset[str]


def read_objects(archive: bytes, *, where: str | None = None) -> tuple[ObjectSymbols, ...]:
    """Symbols of each object of a static library, names as C knows them; weak ones that may be missing are no needs.

    Raises VerificationError for what is no static library, or has a damaged object.
    """
    objects = []
    for name, content in read_ar(archive, where=where):
        try:
            if bytes(content[:4]) == magic.ELF:
                objects.append(_object(name, _elf_symbols(bytes(content))))
            elif bytes(content[:4]) == magic.MACHO:
                objects.append(_object(name, _macho_symbols(bytes(content))))
            elif pe.is_object(bytes(content[:8])):
                objects.append(_object(name, (_Symbol(*s, is_visible=True) for s in pe.object_symbols(bytes(content)))))
        except (struct.error, IndexError, ValueError) as error:
            raise VerificationError(f"the object {name} is damaged: {damage(error)}", where=where) from error
    return tuple(objects)


def facts_for_linking(objects: Iterable[ObjectSymbols], options: Iterable[str], system: SystemSymbols) -> BinaryFacts:
    """What `formats.undefined` reads, of a program that takes all of the objects with these options of the linker."""
    chosen = tuple(objects)
    defined = frozenset[str]().union(*(one.defines for one in chosen))
    imports = frozenset[str]().union(*(one.needs for one in chosen)) - defined - _OF_LINKERS - _NONSHARED
    return BinaryFacts(
        format="ar",
        kind="static library",
        system="",
        machine="",
        size=0,
        imports=tuple(sorted(imports)),
        needed=(_OF_COMPILERS["gcc_s"], *_libraries(options, system)),
    )


def linked(objects: Iterable[ObjectSymbols], roots: Collection[str]) -> tuple[ObjectSymbols, ...]:
    """The objects that a linker takes for a program that uses the roots: those that define them, or what these need."""
    definers: dict[str, ObjectSymbols] = {}
    for one in objects:
        for symbol in one.defines:
            definers.setdefault(symbol, one)
    taken: dict[int, ObjectSymbols] = {}
    waiting = sorted(roots, reverse=True)
    while waiting:
        definer = definers.get(waiting.pop())
        if definer is not None and id(definer) not in taken:
            taken[id(definer)] = definer
            waiting += sorted(definer.needs, reverse=True)
    return tuple(taken.values())


def _libraries(options: Iterable[str], system: SystemSymbols) -> Iterator[str]:
    """The libraries that options name, as the list of the system names them; others keep a name that it does not have.

    What every program is linked with is there as well, as compilers add it.
    """
    yield from system.always
    for option in options:
        name = option.removeprefix("-l")
        listed = [file for file in system.libraries if file.rpartition("/")[2].startswith(f"lib{name}.")]
        if listed or name not in _PARTS_OF_LIBC:
            yield listed[0] if listed else _OF_COMPILERS.get(name, option)


@dataclass(frozen=True, slots=True)
class _Symbol:
    name: str
    is_defined: bool
    is_weak: bool
    is_visible: bool


def _object(name: str, symbols: Iterable[_Symbol]) -> ObjectSymbols:
    every = tuple(symbols)
    return ObjectSymbols(
        name,
        defines=frozenset(one.name for one in every if one.is_defined),
        visible=frozenset(one.name for one in every if one.is_defined and one.is_visible),
        needs=frozenset(one.name for one in every if not one.is_defined and not one.is_weak),
    )


def _elf_symbols(data: bytes) -> Iterator[_Symbol]:
    tables = elf.read_tables(data)
    sections = list(tables.sections(data))
    for number, section in enumerate(sections):
        if section.kind != _SYMTAB:
            continue
        header = tables.sections_start + number * tables.section_size
        strings = sections[tables.form.link(data, header)]
        names = data[strings.offset : strings.offset + strings.size]
        table = data[section.offset : section.offset + section.size]
        for place, information, other, index in tables.form.symbols(table):
            binding = information >> 4
            if binding != _LOCAL and place:
                yield _Symbol(_text(names, place), index != 0, binding == _WEAK, (other & 3) in _VISIBLE)


def _macho_symbols(data: bytes) -> Iterator[_Symbol]:
    for kind, offset in macho.load_commands(data):
        if kind != _MACHO_SYMTAB:
            continue
        start, count, strings, size = struct.unpack_from("<LLLL", data, offset + 8)
        names = data[strings : strings + size]
        for number in range(count):
            place, flags, _, description, value = _MACHO_SYMBOL.unpack_from(data, start + number * _MACHO_SYMBOL.size)
            if flags & _STAB or not flags & _EXTERNAL:
                continue
            # An undefined symbol with a value is a common one: whoever links makes room for it.
            is_defined = bool(flags & _TYPE) or bool(value)
            name = _text(names, place).removeprefix("_")
            yield _Symbol(name, is_defined, bool(description & _WEAK_REFERENCE), not flags & _PRIVATE)


def _text(names: bytes, start: int) -> str:
    return names[start : names.index(b"\0", start)].decode()
