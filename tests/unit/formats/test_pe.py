"""DLLs, objects and import libraries of Windows, as zig writes them, and damaged ones."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from ferrule.core.errors import VerificationError
from ferrule.formats import archive_symbols, pe
from ferrule.formats.binary import measure

GOLDEN = Path(__file__).parents[2] / "golden" / "binaries"
MACHINES = ["x86_64", "aarch64"]


def golden(name: str) -> bytes:
    return gzip.decompress((GOLDEN / f"{name}.gz").read_bytes())


def archive(*objects: bytes) -> bytes:
    members = b""
    for content in objects:
        members += b"o.o/            0           0     0     644     %-10d`\n" % len(content) + content
        members += b"\n" * (len(content) % 2)
    return b"!<arch>\n" + members


@pytest.mark.parametrize("machine", MACHINES)
def test_a_dll_is_measured(machine: str) -> None:
    facts = measure(golden(f"demo-{machine}.dll"))
    assert (facts.format, facts.kind, facts.system, facts.machine) == ("pe", "shared library", "windows", machine)
    assert facts.name == f"demo-{machine}.dll"
    assert facts.needed == ("KERNEL32.dll",)
    assert facts.exports == ("a_long_name_that_is_more_than_eight", "z_add")
    assert dict(facts.providers) == {"GetTickCount": "KERNEL32.dll"}
    assert facts.imports == ("GetTickCount",)
    assert facts.stripped
    assert facts.sections[".text"] == 512


def test_a_program_and_other_machines() -> None:
    data = bytearray(golden("demo-x86_64.dll"))
    (header,) = struct.unpack_from("<L", data, 0x3C)
    (flags,) = struct.unpack_from("<H", data, header + 22)
    struct.pack_into("<H", data, header + 22, flags & ~0x2000)
    assert measure(bytes(data)).kind == "executable"
    struct.pack_into("<H", data, header + 22, 0)
    assert measure(bytes(data)).kind == "unknown"
    struct.pack_into("<H", data, header + 4, 0x1C4)
    assert measure(bytes(data)).machine == "unknown"


@pytest.mark.parametrize("length", [2, 63, 64, 200, 300, 1024, 3583])
def test_a_cut_dll_is_refused(length: int) -> None:
    with pytest.raises(VerificationError) as caught:
        measure(golden("demo-x86_64.dll")[:length], where="x.dll")
    assert caught.value.where == "x.dll"


def test_a_program_of_ms_dos_is_none_of_windows() -> None:
    with pytest.raises(VerificationError, match="MS-DOS program"):
        measure(b"MZ" + b"\0" * 200)


@pytest.mark.parametrize("machine", MACHINES)
def test_symbols_of_objects(machine: str) -> None:
    (one,) = archive_symbols.read_objects(archive(golden(f"demo-{machine}.obj")))
    assert one.defines >= {"z_add", "z_data", "a_long_name_that_is_more_than_eight", "DllMainCRTStartup"}
    assert one.needs == {"__imp_GetTickCount"}
    facts = measure(archive(golden(f"demo-{machine}.obj")))
    assert (facts.system, facts.machine, facts.members) == ("windows", machine, 1)


def test_an_import_library_defines_what_the_dll_exports() -> None:
    objects = archive_symbols.read_objects(golden("libdemo-x86_64.dll.a"))
    defined = frozenset[str]().union(*(one.defines for one in objects))
    assert defined >= {"z_add", "__imp_z_add", "a_long_name_that_is_more_than_eight"}
    assert measure(golden("libdemo-x86_64.dll.a")).machine == "x86_64"


def test_a_large_object_has_wider_numbers() -> None:
    symbols = struct.pack("<8sLlHBB", b"near", 0, 1, 0, 2, 1) + b"\0" * 20
    symbols += struct.pack("<8sLlHBB", b"\0\0\0\0" + struct.pack("<L", 4), 0, 0, 0, 2, 0)
    symbols += struct.pack("<8sLlHBB", b"common", 8, 0, 0, 2, 0) + struct.pack("<8sLlHBB", b"weak", 0, 0, 0, 105, 0)
    symbols += struct.pack("<8sLlHBB", b"local", 0, 1, 0, 3, 0)
    header = struct.pack("<HHHH", 0, 0xFFFF, 2, 0x8664) + b"\0" * 40 + struct.pack("<LL", 56, 6)
    data = header + symbols + struct.pack("<L", 20) + b"a_name_of_many\0"
    assert list(pe.object_symbols(data)) == [
        ("near", True, False),
        ("a_name_of_many", False, False),
        ("common", True, False),
        ("weak", False, True),
    ]


def test_a_damaged_object_is_refused() -> None:
    data = golden("demo-x86_64.obj")
    with pytest.raises(VerificationError, match=r"the object o\.o is damaged"):
        archive_symbols.read_objects(archive(data[: len(data) // 2]))
