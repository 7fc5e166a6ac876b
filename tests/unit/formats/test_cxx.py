from __future__ import annotations

import gzip
import struct
from pathlib import Path

import lief
import pytest

from ferrule.core.errors import VerificationError
from ferrule.formats.cxx import undefined_cxx

BINARIES = Path(__file__).parents[2] / "golden" / "binaries"


def golden(name: str) -> bytes:
    return gzip.decompress((BINARIES / f"{name}.gz").read_bytes())


def archive(*members: tuple[str, bytes]) -> bytes:
    """A static library as GNU ar writes it (ar(5))."""
    parts = [b"!<arch>\n"]
    for name, content in members:
        header = f"{name + '/':<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(content):<10}`\n"
        parts += [header.encode(), content, b"\n" * (len(content) % 2)]
    return b"".join(parts)


def test_what_c_plus_plus_leaves_to_the_linker() -> None:
    symbols = undefined_cxx(archive(("a.o", b"no object"), ("words.o", golden("cxx-linux.o"))))
    assert symbols == dict.fromkeys(
        (
            "_ZNSt13runtime_errorC1EPKc",
            "_ZNSt13runtime_errorD1Ev",
            "_ZTISt13runtime_error",
            "__cxa_allocate_exception",
            "__cxa_free_exception",
            "__cxa_throw",
            "__gxx_personality_v0",
        ),
        "words.o",
    )


def test_c_leaves_nothing_and_mach_o_is_for_the_library_of_macos() -> None:
    assert undefined_cxx(golden("demo-linux.a")) == {}
    assert undefined_cxx(golden("demo-macos.a")) == {}


def test_a_damaged_object_is_passed_over() -> None:
    assert undefined_cxx(archive(("words.o", golden("cxx-linux.o")[:200] + b"\0__cxa_throw\0"))) == {}
    with pytest.raises(VerificationError, match="not an ar archive"):
        undefined_cxx(b"\x7fELF")


def test_what_another_object_defines_is_not_left() -> None:
    data = bytearray(golden("cxx-linux.o"))
    elf = lief.ELF.parse(bytes(data))
    index = next(n for n, symbol in enumerate(elf.symtab_symbols) if symbol.name == "__cxa_throw")
    table = next(section for section in elf.sections if section.name == ".symtab")
    struct.pack_into("<H", data, table.file_offset + 24 * index + 6, 1)  # Elf64_Sym.st_shndx
    symbols = undefined_cxx(archive(("words.o", golden("cxx-linux.o")), ("throw.o", bytes(data))))
    assert "__cxa_throw" not in symbols
    assert symbols["__cxa_free_exception"] == "words.o"


def test_what_may_be_missing_is_not_left() -> None:
    data = bytearray(golden("cxx-linux.o"))
    elf = lief.ELF.parse(bytes(data))
    index = next(n for n, symbol in enumerate(elf.symtab_symbols) if symbol.name == "__cxa_throw")
    table = next(section for section in elf.sections if section.name == ".symtab")
    data[table.file_offset + 24 * index + 4] = 0x20  # Elf64_Sym.st_info: STB_WEAK
    assert "__cxa_throw" not in undefined_cxx(archive(("words.o", bytes(data))))
