"""What built files truly are: ELF, Mach-O, WebAssembly and static libraries, measured and compared with a wish.

ELF and Mach-O are read by lief. It is forgiving, so that what it found is compared with the size of the file. Static
libraries only need the architecture of each object, which is in its first bytes; code signatures are recomputed here
because lief shows them without checking.
"""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ferrule.core.errors import VerificationError
from ferrule.formats.ar import MAGIC as AR_MAGIC
from ferrule.formats.ar import read_ar
from ferrule.formats.signature import Signature, read_signature
from ferrule.formats.wasm import MAGIC as WASM_MAGIC
from ferrule.formats.wasm import read_wasm

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import Json
    from ferrule.core.platforms import Platform

Format = Literal["elf", "macho", "macho-fat", "wasm", "ar"]
ELF_MAGIC = b"\x7fELF"
_MACHO_MAGIC = b"\xcf\xfa\xed\xfe"
_FAT_MAGICS = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_ELF_MACHINES = {62: "x86_64", 183: "aarch64", 243: "riscv64", 21: "ppc64le", 258: "loongarch64"}
_MACHO_MACHINES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
_ELF_KINDS = {1: "object", 2: "executable", 3: "shared library"}
_MACHO_KINDS = {1: "object", 2: "executable", 6: "shared library", 8: "bundle"}
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(\.\d+)?")
_GLIBC_FEATURES = {"GLIBC_ABI_DT_RELR": (2, 36)}
_LINKER_MADE = frozenset(
    ("_init", "_fini", "_edata", "_end", "__bss_start", "_mh_dylib_header", "_mh_execute_header", "__dso_handle")
)
_SYSTEM_LIBRARIES = ("/usr/lib/", "/System/Library/")
# What every machine with glibc has (PEP 600 takes the list of PEP 513); libgcc_s and libstdc++ come with its compiler.
_GLIBC_LIBRARIES = (
    *("libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libutil.so.1", "libresolv.so.2"),
    *("libnsl.so.1", "libgcc_s.so.1", "libstdc++.so.6"),
)
_BESIDE = ("$ORIGIN", "${ORIGIN}", "@loader_path", "@executable_path", "@rpath")
_ELF_64_LITTLE = b"\x02\x01"
_SECTION, _SEGMENT = struct.Struct("<LLQQQQ"), struct.Struct("<LLQQQQ")
_NOBITS = 8
_GLOBAL, _WEAK, _UNIQUE = 1, 2, 10
_DEFAULT, _PROTECTED = 0, 3
_BUILD_ID = 3
_MACOS = 1
_PRIVATE_TYPE_EXTERNAL, _DEFINED_EXTERNAL = 0x1F, 0x0F
_MACHO_HEADER, _SEGMENT_64 = 32, 0x19


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest glibc that can load a file, and the symbols that raise it so far (none if it is a loader feature)."""

    version: tuple[int, int]
    symbols: tuple[str, ...]
    cause: str

    @property
    def text(self) -> str:
        """The version as it is written: `2.17`."""
        return f"{self.version[0]}.{self.version[1]}"


@dataclass(frozen=True, slots=True)
class BinaryFacts:
    """What a file was found to be.

    `kind` says in words what it is, `system` and `machine` whom it is for (as `platforms.Platform` names them). `name`
    is the soname or install name, `needed` the libraries it asks for, `search_paths` its rpath and runpath. `exports`
    and `imports` are names as C knows them (Mach-O's leading underscore is taken off). `symbol_versions` maps each
    version of a library's interface to the imported symbols that carry it, `providers` each such symbol to the library
    that it is expected in, `floor` is what follows for glibc; `defines` are versions that the file itself offers.
    `minimum_os` and `sdk` are versions of macOS. `sections` are sizes in bytes, `members` the number of objects in a
    static library.
    """

    format: Format
    kind: str
    system: str
    machine: str
    size: int
    name: str | None = None
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    search_paths: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    symbol_versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    defines: tuple[str, ...] = ()
    floor: Floor | None = None
    build_id: str | None = None
    stripped: bool = False
    minimum_os: str | None = None
    sdk: str | None = None
    signature: Signature | None = None
    sections: Mapping[str, int] = field(default_factory=dict)
    members: int = 0


def measure(source: Path | bytes, *, where: str | None = None) -> BinaryFacts:
    """Read a file of any of the formats.

    Raises VerificationError for files of other formats and for damaged or cut ones, OSError if it cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    place = where or (None if isinstance(source, bytes) else str(source))
    if data.startswith((ELF_MAGIC, _MACHO_MAGIC)):
        return _measure_native(data, place)
    if data.startswith(_FAT_MAGICS):
        return _measure_fat(data, place)
    if data.startswith(WASM_MAGIC):
        return _measure_wasm(data, place)
    if data.startswith(AR_MAGIC):
        return _measure_archive(data, place)
    raise VerificationError("this is neither ELF, 64-bit Mach-O, WebAssembly nor a static library", where=place)


def _measure_native(data: bytes, where: str | None) -> BinaryFacts:
    """Read by lief, whose objects lack attributes or hold bytes for text where a file is damaged."""
    try:
        return _measure_elf(data, where) if data.startswith(ELF_MAGIC) else _measure_macho(data, where)
    except (AttributeError, TypeError, ValueError, IndexError, OverflowError, RuntimeError, struct.error) as error:
        raise VerificationError(f"the file is damaged: {error}", where=where) from error


def _measure_elf(data: bytes, where: str | None) -> BinaryFacts:
    import lief  # noqa: PLC0415 - a third of a second, and only measuring needs it

    if data[4:6] != _ELF_64_LITTLE:
        raise VerificationError("the ELF file is not of a 64-bit little-endian machine", where=where)
    _check_elf_extent(data, where)
    lief.logging.disable()
    elf: Any = lief.ELF.parse(data)
    dynamic: list[Any] = list(elf.dynamic_entries)
    kinds = lief.ELF
    names = [_text(entry.name) for entry in dynamic if isinstance(entry, kinds.DynamicSharedObject)]
    paths = [
        entry.paths for entry in dynamic if isinstance(entry, (kinds.DynamicEntryRpath, kinds.DynamicEntryRunPath))
    ]
    versions = _elf_versions(elf)
    sections = _summed((_text(section.name), section.size) for section in elf.sections if section.name)
    kind, machine = struct.unpack_from("<HH", data, 16)
    return BinaryFacts(
        format="elf",
        kind=_ELF_KINDS.get(kind, "unknown"),
        system="linux",
        machine=_ELF_MACHINES.get(machine, "unknown"),
        size=len(data),
        name=names[0] if names else None,
        interpreter=elf.interpreter or None,
        needed=tuple(_text(entry.name) for entry in dynamic if isinstance(entry, kinds.DynamicEntryLibrary)),
        search_paths=tuple(_text(path) for group in paths for path in group),
        exports=tuple(sorted({_text(s.name) for s in elf.dynamic_symbols if _elf_exported(s)})),
        imports=tuple(sorted({_text(s.name) for s in elf.dynamic_symbols if s.name and s.shndx == 0})),
        symbol_versions=versions,
        providers=_elf_providers(elf),
        defines=tuple(
            sorted({_text(a.name) for d in elf.symbols_version_definition for a in [*d.auxiliary_symbols][:1]})
        ),
        floor=_glibc_floor(versions),
        build_id=_elf_build_id(elf),
        stripped=not any(name == ".symtab" or name.startswith(".debug_") for name in sections),
        sections=sections,
    )


def _check_elf_extent(data: bytes, where: str | None) -> None:
    """Compare both tables of the header, and what they point to, with the size (System V ABI, "Object Files")."""
    segments, sections = struct.unpack_from("<QQ", data, 32)
    segment_size, segment_count, section_size, section_count = struct.unpack_from("<HHHH", data, 54)
    ends = [segments + segment_size * segment_count, sections + section_size * section_count]
    if max(ends) <= len(data):
        for number in range(segment_count):
            _, _, offset, _, _, size = _SEGMENT.unpack_from(data, segments + number * segment_size)
            ends.append(offset + size)
        for number in range(section_count):
            _, kind, _, _, offset, size = _SECTION.unpack_from(data, sections + number * section_size)
            ends.append(0 if kind == _NOBITS else offset + size)
    if max(ends) > len(data):
        raise VerificationError(f"the ELF file is cut: it needs {max(ends)} bytes and has {len(data)}", where=where)


def _elf_exported(symbol: Any) -> bool:  # noqa: ANN401 - lief's types allow bytes for text
    binding, visibility = symbol.information >> 4, symbol.other & 3
    reachable = binding in (_GLOBAL, _WEAK, _UNIQUE) and visibility in (_DEFAULT, _PROTECTED)
    return reachable and symbol.shndx != 0 and bool(symbol.name)


def _elf_versions(elf: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - lief's types allow bytes for text
    found: dict[str, set[str]] = {
        _text(aux.name): set() for need in elf.symbols_version_requirement for aux in need.get_auxiliary_symbols()
    }
    for symbol in elf.dynamic_symbols:
        version = symbol.symbol_version
        if symbol.shndx == 0 and version is not None and version.has_auxiliary_version:
            found.setdefault(_text(version.symbol_version_auxiliary.name), set()).add(_text(symbol.name))
    return {version: tuple(sorted(symbols)) for version, symbols in sorted(found.items())}


def _elf_providers(elf: Any) -> dict[str, str]:  # noqa: ANN401 - lief's types allow bytes for text
    """Imported symbols and the library that has each, by the number that both share (gABI, "Symbol Versioning")."""
    libraries = {
        aux.other: _text(need.name) for need in elf.symbols_version_requirement for aux in need.get_auxiliary_symbols()
    }
    found = {
        _text(symbol.name): libraries.get(symbol.symbol_version.value & 0x7FFF)
        for symbol in elf.dynamic_symbols
        if symbol.shndx == 0 and symbol.symbol_version is not None
    }
    return {name: library for name, library in sorted(found.items()) if library is not None}


def _glibc_version(version: str) -> tuple[int, int] | None:
    match = _GLIBC.fullmatch(version)
    return (int(match[1]), int(match[2])) if match else _GLIBC_FEATURES.get(version)


def glibc_versions(versions: Iterable[str]) -> set[tuple[int, int]]:
    """Those of the versions of interfaces that are versions of glibc, as numbers.

    >>> glibc_versions(["GLIBC_2.17", "GCC_3.0", "GLIBC_PRIVATE"])
    {(2, 17)}
    """
    return {number for version in versions if (number := _glibc_version(version)) is not None}


def _glibc_floor(versions: Mapping[str, tuple[str, ...]]) -> Floor | None:
    known = {name: number for name in versions if (number := _glibc_version(name)) is not None}
    if not known:
        return None
    highest = max(known.values())
    causes = sorted(name for name, number in known.items() if number == highest)
    return Floor(highest, tuple(sorted(s for name in causes for s in versions[name])), ", ".join(causes))


def _elf_build_id(elf: Any) -> str | None:  # noqa: ANN401 - lief's types allow bytes for text
    ids = [bytes(n.description).hex() for n in elf.notes if n.name == "GNU" and n.original_type == _BUILD_ID]
    return ids[0] if ids else None


def _measure_macho(data: bytes, where: str | None) -> BinaryFacts:
    import lief  # noqa: PLC0415 - a third of a second, and only measuring needs it

    _check_macho_extent(data, where)
    lief.logging.disable()
    fat: Any = lief.MachO.parse(data)
    macho = fat.at(0)
    kinds = lief.MachO.LoadCommand.TYPE
    libraries = list(macho.libraries)
    names = [_text(library.name) for library in libraries if library.command == kinds.ID_DYLIB]
    minimum, sdk = _macho_versions(macho)
    symbols = list(macho.symbols)
    return BinaryFacts(
        format="macho",
        kind=_MACHO_KINDS.get(struct.unpack_from("<L", data, 12)[0], "unknown"),
        system="macos" if _for_macos(macho, data) else "another Apple system",
        machine=_MACHO_MACHINES.get(struct.unpack_from("<L", data, 4)[0], "unknown"),
        size=len(data),
        name=names[0] if names else None,
        needed=tuple(_text(library.name) for library in libraries if library.command != kinds.ID_DYLIB),
        search_paths=tuple(_text(entry.path) for entry in macho.rpaths),
        exports=tuple(sorted(_c_name(name) for name in _macho_exports(macho))),
        imports=tuple(sorted({_c_name(s.name) for s in symbols if _macho_type(s) & 0x0F == 0x01})),
        build_id=bytes(macho.uuid.uuid).hex() if macho.has_uuid else None,
        stripped=not any(_macho_local(symbol) for symbol in symbols),
        minimum_os=minimum,
        sdk=sdk,
        signature=_macho_signature(macho, data),
        sections=_summed((f"{s.segment_name},{s.name}", s.size) for s in macho.sections),
    )


def _check_macho_extent(data: bytes, where: str | None) -> None:
    """Walk over the load commands and compare what segments cover with the size (mach-o/loader.h)."""
    count, total = struct.unpack_from("<LL", data, 16)
    place, end = _MACHO_HEADER, _MACHO_HEADER + total
    ends = [end]
    for _ in range(count):
        kind, size = struct.unpack_from("<LL", data, place)
        if size < 8 or place + size > end:  # noqa: PLR2004 - kind and size themselves
            raise VerificationError("the Mach-O file is damaged: its load commands cannot be read", where=where)
        if kind == _SEGMENT_64:
            ends.append(sum(struct.unpack_from("<QQ", data, place + 40)))
        place += size
    if max(ends) > len(data):
        raise VerificationError(f"the Mach-O file is cut: it needs {max(ends)} bytes and has {len(data)}", where=where)


def _for_macos(macho: Any, data: bytes) -> bool:  # noqa: ANN401 - lief's types allow bytes for text
    if not macho.has_build_version:
        return macho.version_min is not None
    return bool(struct.unpack_from("<L", data, macho.build_version.command_offset + 8)[0] == _MACOS)


def _macho_versions(macho: Any) -> tuple[str | None, str | None]:  # noqa: ANN401 - lief's types allow bytes for text
    if macho.has_build_version:
        return _version(macho.build_version.minos), _version(macho.build_version.sdk)
    if macho.version_min is not None:
        return _version(macho.version_min.version), _version(macho.version_min.sdk)
    return None, None


def _version(numbers: list[int]) -> str:
    major, minor, patch = numbers
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"


def _c_name(symbol: object) -> str:
    return _text(symbol).removeprefix("_")


def _text(value: object) -> str:
    """A name that lief found, which is bytes where it is no UTF-8."""
    if not isinstance(value, str):
        raise TypeError(f"the name {value!r} is not text")
    return value


def _macho_type(symbol: Any) -> int:  # noqa: ANN401 - lief's types allow bytes for text
    return int(symbol.raw_type)


def _macho_local(symbol: Any) -> bool:  # noqa: ANN401 - lief's types allow bytes for text
    """Whether a symbol only serves debuggers: a STAB entry, or defined and not external (mach-o/nlist.h)."""
    kind = _macho_type(symbol)
    return bool(kind & 0xE0) or (not kind & 0x01 and kind & 0x0E != 0)


def _macho_exports(macho: Any) -> set[str]:  # noqa: ANN401 - lief's types allow bytes for text
    """Names in the export trie, which is what the loader offers to others; a file without one exports its symbols."""
    for present, info in (
        (macho.has_dyld_exports_trie, macho.dyld_exports_trie),
        (macho.has_dyld_info, macho.dyld_info),
    ):
        if present:
            return {export.symbol.name for export in info.exports if export.has_symbol}
    return {
        symbol.name for symbol in macho.symbols if _macho_type(symbol) & _PRIVATE_TYPE_EXTERNAL == _DEFINED_EXTERNAL
    }


def _macho_signature(macho: Any, data: bytes) -> Signature | None:  # noqa: ANN401 - lief's types allow bytes for text
    if not macho.has_code_signature:
        return None
    command = macho.code_signature
    return read_signature(data, command.data_offset, command.data_size)


def _measure_fat(data: bytes, where: str | None) -> BinaryFacts:
    wide = data.startswith(_FAT_MAGICS[1])
    step = 32 if wide else 20
    machines = []
    try:
        (count,) = struct.unpack_from(">L", data, 4)
        for number in range(count):
            kind, _, start, size = struct.unpack_from(">LLQQ" if wide else ">LLLL", data, 8 + number * step)
            if start + size > len(data):
                raise VerificationError("the universal file is cut", where=where)
            machines.append(_MACHO_MACHINES.get(kind, "unknown"))
    except struct.error:
        raise VerificationError("the universal file is cut", where=where) from None
    return BinaryFacts("macho-fat", "universal binary", "macos", "+".join(sorted(machines)), len(data))


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
    found = [_object_machine(bytes(content[:20])) for _, content in read_ar(data, where=where)]
    if not found:
        raise VerificationError("the static library holds no object", where=where)
    systems, machines = ({pair[i] for pair in found} for i in (0, 1))
    return BinaryFacts(
        format="ar",
        kind="static library",
        system="+".join(sorted(systems)),
        machine="+".join(sorted(machines)),
        size=len(data),
        members=len(found),
    )


def _object_machine(head: bytes) -> tuple[str, str]:
    if head.startswith(ELF_MAGIC) and len(head) == 20:  # noqa: PLR2004 - e_machine ends there
        return "linux", _ELF_MACHINES.get(int.from_bytes(head[18:20], "little"), "unknown")
    if head.startswith(_MACHO_MAGIC):
        return "macos", _MACHO_MACHINES.get(int.from_bytes(head[4:8], "little"), "unknown")
    if head.startswith(WASM_MAGIC):
        return "wasm", "wasm32"
    return "unknown", "unknown"


def _summed(sizes: Iterator[tuple[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for name, size in sizes:
        total[name] = total.get(name, 0) + size
    return total


def check(
    facts: BinaryFacts,
    *,
    platform: Platform,
    floor: str | None = None,
    name: str | None = None,
    libraries: Collection[str] | None = None,
    exports_allowed: Collection[str] | None = None,
    exports_required: Collection[str] = (),
) -> list[str]:
    """Compare what a file is with what was wanted and return every difference as a sentence; none means it is right.

    `floor` is the oldest glibc or macOS it must run on, `name` the soname or install name that it must have. With
    `libraries` it may need these and the system's, and no others. With `exports_allowed` every other exported name is a
    fault, but for those that linkers add by themselves; `exports_required` must be there.
    """
    if facts.format == "macho-fat" and platform.machine in facts.machine.split("+"):
        return [f"it is a universal binary, and not one library for {platform.triple}"]
    if (facts.system, facts.machine) != (platform.system, platform.machine):
        return [f"it is a {facts.kind} for {facts.system} on {facts.machine}, not for {platform.triple}"]
    return [
        *(_floor_problems(facts, floor) if floor else ()),
        *_name_problems(facts, name),
        *_needed_problems(facts, platform, libraries),
        *_export_problems(facts, exports_allowed, exports_required),
        *_signature_problems(facts),
    ]


def _floor_problems(facts: BinaryFacts, floor: str) -> Iterator[str]:
    wanted = _numbers(floor)
    if facts.floor is not None and facts.floor.version > wanted:
        above = [v for v in facts.symbol_versions if (number := _glibc_version(v)) is not None and number > wanted]
        above.sort(key=lambda version: _glibc_version(version) or (), reverse=True)
        causes = "; ".join(f"{v} ({_asked(facts, v)})" for v in above)
        yield f"it needs glibc {facts.floor.text}, declared is {floor}, because of {causes}"
    for version, symbols in facts.symbol_versions.items():
        if version.startswith("GLIBC_") and _glibc_version(version) is None:
            yield f"it needs {version}, which belongs to no version of glibc: {', '.join(symbols) or 'the file itself'}"
    if facts.minimum_os is not None and _numbers(facts.minimum_os) > wanted:
        yield f"it needs macOS {facts.minimum_os}, declared is {floor}"
    if facts.format == "macho" and facts.minimum_os is None:
        yield "it does not say which macOS it needs"


def _asked(facts: BinaryFacts, version: str) -> str:
    """The symbols of a version, each with the library that has it."""
    libraries: dict[str, list[str]] = {}
    for symbol in facts.symbol_versions[version]:
        libraries.setdefault(facts.providers.get(symbol, ""), []).append(symbol)
    told = [", ".join(names) + (f" of {library}" if library else "") for library, names in libraries.items()]
    return ", ".join(told) or "the file itself"


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _name_problems(facts: BinaryFacts, wanted: str | None) -> Iterator[str]:
    if facts.name is not None and "/" in facts.name and not facts.name.startswith("@"):
        yield f"its name {facts.name} is a path of the machine that built it; it should begin with @rpath/"
    elif wanted is not None and facts.name != wanted:
        yield f"its name is {facts.name or 'missing'}, and programs that are linked with it have to ask for {wanted}"
    elif facts.format == "macho" and facts.kind == "shared library" and facts.name is None:
        yield "it has no install name"
    for path in facts.search_paths:
        if path.startswith("/"):
            yield f"it looks for libraries in {path}, a path of the machine that built it"
        elif not path.startswith(_BESIDE):
            yield f"it looks for libraries in {path or 'the current folder'}, which is wherever it is started"


def _needed_problems(facts: BinaryFacts, platform: Platform, allowed: Collection[str] | None) -> Iterator[str]:
    loader = (platform.elf_interpreter or "").rpartition("/")[2]
    for library in facts.needed:
        if "/" in library and not library.startswith(("@", *_SYSTEM_LIBRARIES)):
            yield f"it needs {library}, a path of the machine that built it"
        elif allowed is not None and not library.startswith(_SYSTEM_LIBRARIES):
            known = {*allowed, *((*_GLIBC_LIBRARIES, loader) if platform.system == "linux" else ())}
            if library not in known:
                yield f"it needs {library}, which is no library of the system and not declared"


def _export_problems(facts: BinaryFacts, allowed: Collection[str] | None, required: Collection[str]) -> Iterator[str]:
    if allowed is not None:
        for name in sorted(set(facts.exports) - set(allowed) - _LINKER_MADE):
            yield f"it exports {name}, which is not declared"
    for name in sorted(set(required) - set(facts.exports)):
        yield f"it does not export {name}, which is declared"


def objects_that_import(archive: bytes, symbols: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each of the symbols, names of the ELF objects in a static library that ask others for it.

    Raises VerificationError for what is no static library; an object that cannot be read is passed over.
    """
    import lief  # noqa: PLC0415 - as above

    lief.logging.disable()
    found: dict[str, list[str]] = {}
    for name, content in read_ar(archive):
        data = bytes(content)
        mentioned = [symbol for symbol in symbols if b"\0" + symbol.encode() + b"\0" in data]
        if mentioned and data.startswith(ELF_MAGIC):
            with suppress(AttributeError, TypeError, ValueError, RuntimeError):
                elf: Any = lief.ELF.parse(data)
                undefined = {_text(s.name) for s in elf.symtab_symbols if s.shndx == 0 and s.name}
                for symbol in undefined.intersection(mentioned):
                    found.setdefault(symbol, []).append(name)
    return {symbol: tuple(names) for symbol, names in sorted(found.items())}


def _signature_problems(facts: BinaryFacts) -> Iterator[str]:
    if facts.signature is not None:
        yield from facts.signature.problems
    elif facts.format == "macho" and facts.machine == "arm64" and facts.kind != "object":
        yield "it is not signed, and macOS on arm64 ends every process that loads such a file"


def summary(facts: BinaryFacts) -> dict[str, Json]:
    """What a manifest keeps of the facts: everything that is not empty, imports only of WebAssembly."""
    told: dict[str, Json] = {
        "format": facts.format,
        "machine": facts.machine,
        "name": facts.name,
        "glibc": facts.floor.text if facts.floor else None,
        "glibc_because_of": list(facts.floor.symbols) if facts.floor else [],
        "macos": facts.minimum_os,
        "sdk": facts.sdk,
        "needed": list(facts.needed),
        "exports": list(facts.exports),
        "imports": list(facts.imports) if facts.format == "wasm" else [],
        "build_id": facts.build_id,
        "signature": facts.signature.kind if facts.signature else None,
        "stripped": facts.stripped,
        "sections": dict(facts.sections),
        "members": facts.members,
    }
    return {name: value for name, value in told.items() if value not in (None, [], {}, 0)}
