"""What was measured of a built file: the same record for ELF, Mach-O, WebAssembly and static libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ferrule.core.facts import MeasuredFile
from ferrule.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ferrule.formats.signature import Signature

Format = Literal["elf", "macho", "macho-fat", "pe", "wasm", "ar"]
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(\.\d+)?")
_GLIBC_FEATURES = {"GLIBC_ABI_DT_RELR": (2, 36)}


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
    """What was measured of a file.

    `kind` says in words what it is, `system` and `machine` whom it is for (as `platforms.Platform` names them). `name`
    is the soname or install name, `needed` the libraries it asks for, `search_paths` its rpath and runpath. `exports`
    and `imports` are names as C knows them (Mach-O's leading underscore is taken off), `weak_imports` those that may be
    missing. `symbol_versions` maps each
    version of a library's interface to the imported symbols that carry it, `providers` each such symbol to the library
    that it is expected in, `floor` is what follows for glibc; `defines` are versions that the file itself offers, and
    `export_versions` those of its exported symbols, None for a symbol without one.
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
    weak_imports: tuple[str, ...] = ()
    symbol_versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    defines: tuple[str, ...] = ()
    export_versions: Mapping[str, str | None] = field(default_factory=dict)
    floor: Floor | None = None
    build_id: str | None = None
    stripped: bool = False
    minimum_os: str | None = None
    sdk: str | None = None
    signature: Signature | None = None
    sections: Mapping[str, int] = field(default_factory=dict)
    members: int = 0


def glibc_version(version: str) -> tuple[int, int] | None:
    """The version of glibc that a version of its interface stands for; None if it stands for none."""
    match = _GLIBC.fullmatch(version)
    return (int(match[1]), int(match[2])) if match else _GLIBC_FEATURES.get(version)


def glibc_versions(versions: Iterable[str]) -> set[tuple[int, int]]:
    """Those of the versions of interfaces that are versions of glibc, as numbers.

    >>> glibc_versions(["GLIBC_2.17", "GCC_3.0", "GLIBC_PRIVATE"])
    {(2, 17)}
    """
    return {number for version in versions if (number := glibc_version(version)) is not None}


def glibc_floor(versions: Mapping[str, tuple[str, ...]]) -> Floor | None:
    """The oldest glibc that has all of these versions, with the symbols that ask for the newest of them."""
    numbers = {name: number for name in versions if (number := glibc_version(name)) is not None}
    if not numbers:
        return None
    highest = max(numbers.values())
    causes = sorted(name for name, number in numbers.items() if number == highest)
    return Floor(highest, tuple(sorted(s for name in causes for s in versions[name])), ", ".join(causes))


def name_text(value: object) -> str:
    """A name that lief read; raises ValueError for bytes, which is no UTF-8, and for control characters."""
    if not isinstance(value, str) or printable(value) != value:
        raise ValueError(f"the name {value!r} is not text")
    return value


def summed(sizes: Iterator[tuple[str, int]]) -> dict[str, int]:
    """Sizes by name, where a name may occur more than once."""
    total: dict[str, int] = {}
    for name, size in sizes:
        total[name] = total.get(name, 0) + size
    return total


def summary(facts: BinaryFacts) -> MeasuredFile:
    """What a manifest keeps of the facts: imports only of WebAssembly."""
    return MeasuredFile(
        format=facts.format,
        machine=facts.machine,
        name=facts.name,
        glibc=facts.floor.text if facts.floor else None,
        glibc_because_of=facts.floor.symbols if facts.floor else (),
        macos=facts.minimum_os,
        sdk=facts.sdk,
        needed=facts.needed,
        exports=facts.exports,
        imports=facts.imports if facts.format == "wasm" else (),
        build_id=facts.build_id,
        signature=facts.signature.kind if facts.signature else None,
        stripped=facts.stripped,
        sections=dict(facts.sections),
        members=facts.members,
    )
