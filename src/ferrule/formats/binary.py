"""What built files truly are: ELF, Mach-O, PE, WebAssembly, static libraries; measured, compared with a declaration.

Static libraries only need the architecture of each object, which is in its first bytes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ferrule.core.errors import VerificationError
from ferrule.formats import elf, macho, magic, pe
from ferrule.formats.ar import read_ar
from ferrule.formats.binary_check import check
from ferrule.formats.binary_facts import BinaryFacts, Floor, glibc_versions, summary
from ferrule.formats.damage import damage
from ferrule.formats.elf import objects_that_import
from ferrule.formats.undefined import Undefined, undefined
from ferrule.formats.universal import MACHINES, measure_universal
from ferrule.formats.wasm import read_wasm

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BinaryFacts",
    "Floor",
    "Undefined",
    "check",
    "glibc_versions",
    "measure",
    "objects_that_import",
    "summary",
    "undefined",
]


def measure(source: Path | bytes, *, where: str | None = None) -> BinaryFacts:
    """Read a file of any of the formats.

    Raises VerificationError for files of other formats and for damaged or cut ones, OSError if it cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    label = where or (None if isinstance(source, bytes) else str(source))
    if data.startswith((magic.ELF, magic.MACHO, magic.PE)):
        return _measure_native(data, label)
    if data.startswith(magic.MACHO_FATS):
        return measure_universal(data, label, _measure_part)
    if data.startswith(magic.WASM):
        return _measure_wasm(data, label)
    if data.startswith(magic.AR):
        return _measure_archive(data, label)
    raise VerificationError("this is neither ELF, 64-bit Mach-O, PE, WebAssembly nor a static library", where=label)


def _measure_native(data: bytes, where: str | None) -> BinaryFacts:
    """Read by lief, whose objects lack attributes or hold bytes for text where a file is damaged."""
    try:
        if data.startswith(magic.PE):
            return pe.measure_pe(data, where)
        return elf.measure_elf(data, where) if data.startswith(magic.ELF) else macho.measure_macho(data, where)
    except (AttributeError, TypeError, ValueError, IndexError, OverflowError, RuntimeError, struct.error) as error:
        raise VerificationError(f"the file is damaged: {damage(error)}", where=where) from error


def _measure_part(data: bytes, where: str | None) -> BinaryFacts:
    """One of the files in a universal one."""
    if data.startswith(magic.MACHO):
        return _measure_native(data, where)
    if data.startswith(magic.AR):
        return _measure_archive(data, where)
    raise VerificationError("the universal file holds what is no 64-bit Mach-O file and no static library", where=where)


def _measure_wasm(data: bytes, where: str | None) -> BinaryFacts:
    wasm = read_wasm(data, where=where)
    return BinaryFacts(
        format="wasm",
        kind="core module" if wasm.kind == "core" else "component",
        system="wasm",
        machine="wasm32",
        size=len(data),
        exports=tuple(sorted(wasm.exports)),
        imports=tuple(sorted(wasm.imports)),
        stripped=not any(
            section.name == "name" or (section.name or "").startswith(".debug_") for section in wasm.sections
        ),
        sections=wasm.sizes(),
    )


def _measure_archive(data: bytes, where: str | None) -> BinaryFacts:
    try:
        objects = [_object_machine(bytes(content[:20])) for _, content in read_ar(data, where=where)]
    except ValueError as error:
        raise VerificationError(f"an object of the static library is damaged: {error}", where=where) from error
    if not objects:
        raise VerificationError("the static library holds no object", where=where)
    systems, machines = ({pair[i] for pair in objects} for i in (0, 1))
    return BinaryFacts(
        format="ar",
        kind="static library",
        system="+".join(sorted(systems)),
        machine="+".join(sorted(machines)),
        size=len(data),
        members=len(objects),
    )


def _object_machine(head: bytes) -> tuple[str, str]:
    if head.startswith(magic.ELF) and len(head) == 20:  # noqa: PLR2004 - e_machine ends there
        return "linux", elf.machine(head)
    if head.startswith(magic.MACHO):
        return "macos", MACHINES.get(int.from_bytes(head[4:8], "little"), "unknown")
    if head.startswith(magic.WASM):
        return "wasm", "wasm32"
    if pe.is_object(head):
        return "windows", pe.machine(head)
    return "unknown", "unknown"
