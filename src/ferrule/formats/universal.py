"""Universal files of macOS: one file for several machines (mach-o/fat.h), joined and read.

Joined here because lipo is Apple's, its double of LLVM comes with no Rust and no zig, and the form is a header before
the files. They are put in as they are, so the code signature of each (which covers its own bytes alone) still holds.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import VerificationError
from ferrule.core.platforms import joined_floor
from ferrule.formats import magic
from ferrule.formats.ar import read_ar
from ferrule.formats.binary_facts import BinaryFacts, summed
from ferrule.formats.signature import Signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MACHINES: Final = {0x01000007: "x86_64", 0x0100000C: "arm64"}
"""Types of processors in Apple's files (mach/machine.h)."""

_PAGES: Final = {0x01000007: 12, 0x0100000C: 14}
"""Binary logarithm of the size of a page, at which the loader maps a machine's file."""
_HEADER, _ROW, _WIDE_ROW = 8, 20, 32
_MOST: Final = 1 << 32


def join(files: Sequence[bytes], *, where: str | None = None, limit: int = _MOST) -> bytes:
    """One file of several, by ascending size of their machines' pages as lipo orders them.

    They are 64-bit Mach-O files or static libraries of such. Raises VerificationError for others, for two of one
    machine, and for more bytes than `limit`, to which the header counts.
    """
    rows = sorted((_PAGES[processor[0]], processor, file) for file in files for processor in [_processor(file, where)])
    if len({processor for _, processor, _ in rows}) != len(rows):
        raise VerificationError("a universal file cannot hold two files for one machine", where=where)
    header = struct.pack(">4sL", magic.MACHO_FAT, len(rows))
    offset, body = _HEADER + _ROW * len(rows), b""
    for page, (kind, variant), file in rows:
        start = -(-(offset + len(body)) >> page) << page
        header += struct.pack(">LLLLL", kind, variant, start, len(file), page) if start + len(file) < limit else b""
        body += bytes(start - offset - len(body)) + file
    if len(header) != offset:
        raise VerificationError("the files are too large for a universal file", where=where)
    return header + body


def _processor(file: bytes, where: str | None) -> tuple[int, int]:
    """The type of processor and its variant that a file is for."""
    data = next((bytes(content[:12]) for _, content in read_ar(file, where=where)), b"") if _is_ar(file) else file
    processor = struct.unpack_from("<LL", data, 4) if data.startswith(magic.MACHO) and len(data) >= 12 else (0, 0)  # noqa: PLR2004 - both fields
    if processor[0] not in MACHINES:
        raise VerificationError("only Mach-O files for macOS make a universal file", where=where)
    return processor


def _is_ar(file: bytes) -> bool:
    return file.startswith(magic.AR)


def slices(data: bytes, where: str | None) -> Iterator[tuple[str, bytes]]:
    """The files in a universal one, each with its machine; raises VerificationError for a cut one."""
    wide = data.startswith(magic.MACHO_FAT_64)
    try:
        (count,) = struct.unpack_from(">L", data, 4)
        for number in range(count):
            row = _HEADER + number * (_WIDE_ROW if wide else _ROW)
            kind, _, start, size = struct.unpack_from(">LLQQ" if wide else ">LLLL", data, row)
            if start + size > len(data):
                raise VerificationError("the universal file is cut", where=where)
            yield MACHINES.get(kind, "unknown"), data[start : start + size]
    except struct.error:
        raise VerificationError("the universal file is cut", where=where) from None


def measure_universal(
    data: bytes, where: str | None, measure: Callable[[bytes, str | None], BinaryFacts]
) -> BinaryFacts:
    """What is true of a universal file, each of its files measured by `measure`: what all export, what any needs.

    Raises VerificationError for a cut file, one without files, and one whose files are for others than it says.
    """
    files = [*slices(data, where)]
    parts = {machine: measure(file, where) for machine, file in files}
    if len(parts) != len(files):
        raise VerificationError("the universal file is damaged: it holds two files for one machine", where=where)
    wrong = [machine for machine, facts in parts.items() if facts.machine != machine]
    if wrong or not parts:
        problem = f"what it holds for {wrong[0]} is for {parts[wrong[0]].machine}" if wrong else "it holds nothing"
        raise VerificationError(f"the universal file is damaged: {problem}", where=where)
    first = next(iter(parts.values()))
    floors = {machine: facts.minimum_os for machine, facts in parts.items() if facts.minimum_os}
    return BinaryFacts(
        format="macho-fat",
        kind=first.kind,
        system="+".join(sorted({facts.system for facts in parts.values()})),
        machine="+".join(sorted(parts)),
        size=len(data),
        name=first.name,
        needed=tuple(dict.fromkeys(name for facts in parts.values() for name in facts.needed)),
        search_paths=tuple(dict.fromkeys(path for facts in parts.values() for path in facts.search_paths)),
        exports=tuple(sorted(frozenset.intersection(*(frozenset(facts.exports) for facts in parts.values())))),
        imports=tuple(sorted({name for facts in parts.values() for name in facts.imports})),
        build_id="+".join(facts.build_id or "none" for facts in parts.values()) if first.build_id else None,
        stripped=all(facts.stripped for facts in parts.values()),
        minimum_os=joined_floor(floors) if len(floors) == len(parts) else None,
        sdk=first.sdk,
        signature=_signature(parts),
        sections=summed((name, size) for facts in parts.values() for name, size in facts.sections.items()),
        members=sum(facts.members for facts in parts.values()),
    )


def _signature(parts: Mapping[str, BinaryFacts]) -> Signature | None:
    """What the signatures of all files come to, as far as macOS asks for one: on arm64 always."""
    signed = {machine: facts.signature for machine, facts in parts.items() if facts.signature}
    if not signed or ("arm64" in parts and "arm64" not in signed):
        return None
    kinds = {one.kind for one in signed.values()}
    problems = tuple(f"for {machine}, {problem}" for machine, one in signed.items() for problem in one.problems)
    first = next(iter(signed.values()))
    kind = kinds.pop() if len(kinds) == 1 else "incomplete"
    return Signature(kind, first.identifier, sum(one.pages for one in signed.values()), problems)


def differences(parts: Mapping[str, BinaryFacts]) -> list[str]:
    """What is not the same in files that are to be joined, as sentences: kind, name, exported symbols."""
    (one, first), *others = parts.items()
    problems: list[str] = []
    for other, facts in others:
        if (facts.kind, facts.name) != (first.kind, first.name):
            problems.append(
                f"it is a {first.kind} called {first.name} for {one}, "
                f"and a {facts.kind} called {facts.name} for {other}"
            )
        lacking = {other: {*first.exports} - {*facts.exports}, one: {*facts.exports} - {*first.exports}}
        problems += [
            f"for {machine} it does not export {name}" for machine, names in lacking.items() for name in sorted(names)
        ]
    return problems
