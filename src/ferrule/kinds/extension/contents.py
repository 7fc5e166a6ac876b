"""What both ways to build have in common: the package, its sources laid out, and what is inside of a wheel."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ferrule.core import facts
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.formats import binary, deflate, magic
from ferrule.formats import wheel as wheel_format
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member
from ferrule.kinds import native_build
from ferrule.kinds.linked_code import audit_data as audit
from ferrule.kinds.linked_code import packed_bill, third_party

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import ActionInterface
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.binary import BinaryFacts
    from ferrule.kinds.extension.pythons import PythonBuild
    from ferrule.kinds.linked_code.packed_bill import PackedBill

MODULES: Final = "extension"
"""Role and name of the folder with the compiled files, as they stand in the wheels."""

_OF_PYTHON: Final = re.compile(r"_?Py[A-Z_]")
_OF_PYTHON_DLL: Final = re.compile(r"(?i)(python3\d*t?|libpypy3\.\d+-c)\.dll")
_RUSTC: Final = re.compile(rb"rustc version (\d+\.\d+\.\d+)")
_MODULE_SUFFIXES: Final = (".so", ".pyd")


@dataclass(frozen=True, slots=True)
class PlannedWheel:
    """A wheel that was promised: for which build of Python, under which name, tags and package URL."""

    python: PythonBuild
    name: str
    tags: tuple[str, ...]
    purl: str


@dataclass(frozen=True, slots=True)
class LinkedCode:
    """What says which crates are linked into the compiled files of wheels, and the bill of one but for its URL."""

    contents: ActionInterface
    bill: PackedBill


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package with an extension module: the folder of its pyproject.toml, and what its wheels say."""

    source: str
    name: str
    version: str
    commit: str
    license_files: tuple[str, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR

    def pack(
        self, context: ActionContext, wheel: Path, target: Path, planned: PlannedWheel, linked: LinkedCode
    ) -> None:
        """Pack a wheel that somebody else made as all wheels are packed, under the promised name.

        It gets the licence texts of what is linked into it, and a bill of materials of its compiled files.
        """
        compiled = {name: context.output(MODULES) / name for name in compiled_files(wheel)}
        recorded = facts.Facts.from_json(context.facts, context.action.id)
        bill = replace(linked.bill, purl=planned.purl).write(context, recorded, compiled)
        wheel_format.rewrite_wheel(
            wheel,
            target,
            name=self.name,
            version=self.version,
            tags=planned.tags,
            licenses=[
                *(Member(f.rpartition("/")[2], context.project / f) for f in self.license_files),
                *third_party.licence_texts_of(context, [linked.contents]),
            ],
            bills=[packed_bill.member(self.name, bill)],
            epoch=self.epoch,
        )


def check_floor(tags: Iterable[str], floor: str, where: str) -> None:
    """Refuse a wheel whose maker found that it needs more than the floor; raises VerificationError."""
    oldest = wheel_format.oldest_platform(tags)
    if oldest is None or oldest > wheel_format.parse_floor(floor):
        platforms = ", ".join(sorted({tag.rpartition("-")[2] for tag in tags}))
        raise VerificationError(
            f"the wheel is for {platforms}, and the target's floor is {floor}",
            where=where,
            hint="build in an older image, or raise the target's floor; what is linux_… was not repaired",
        )


def keep_compiled_files(
    context: ActionContext,
    wheels: Iterable[Path],
    platform: Platform,
    floor: str | None,
    *,
    image: str | None = None,
    system_libraries_only: bool = False,
    audit_data: bytes | None = None,
) -> None:
    """Keep every compiled file of the wheels beside them, measured, so that each has a digest and facts.

    With `system_libraries_only` they may need no others, but for Python's own; else whoever made the wheels has looked.
    With `audit_data` the modules hold the list of their crates. Raises VerificationError for one that is not as
    declared, a wheel without a module, and two files of one name.
    """
    measured: dict[str, BinaryFacts] = {}
    compilers: set[str] = set()
    problems: list[str] = []
    for wheel in wheels:
        inside = compiled_files(wheel)
        for name, content in inside.items():
            path = context.output(MODULES) / name
            if name in measured and path.read_bytes() != content:
                problems.append(f"{name}: two of the wheels hold different files of this name")
                continue
            measured[name] = binary.measure(content, where=name)
            compilers |= {match.decode() for match in _RUSTC.findall(content)}
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if not any(_is_module(name, measured[name]) for name in inside):
            problems.append(f"{wheel.name} holds no extension module: no file that exports PyInit_…")
    for name, file in measured.items():
        libraries = tuple(filter(_OF_PYTHON_DLL.fullmatch, file.needed)) if system_libraries_only else None
        faults = binary.check(file, platform=platform, floor=floor, libraries=libraries)
        problems += [f"{name}: {fault}" for fault in faults]
    problems += undefined(measured, platform, floor, context)
    for name in (name for name, file in measured.items() if audit_data is not None and _is_module(name, file)):
        audit.check(context.output(MODULES) / name, audit_data or b"", context.action.id)
    if problems:
        raise VerificationError(
            "the wheel does not match its declaration:\n" + "\n".join(f"  - {p}" for p in problems),
            where=f"{context.action.artifact} for {platform.triple}",
            hint="correct the package or what targets.yaml declares; nothing was shipped",
        )
    built = facts.ExtensionFacts(image, min(compilers) if len(compilers) == 1 else None)
    compiled = {name: binary.summary(file) for name, file in measured.items()}
    context.record_facts(facts.Facts((facts.BuildIdentity(context.fingerprint.hex), built), compiled))


def compiled_files(wheel: Path) -> Mapping[str, bytes]:
    """The compiled files of a wheel by their names in it."""
    entries = ((entry.name, entry.read()) for entry in zips.read_zip(wheel) if entry.regular)
    return {name: content for name, content in entries if content.startswith(magic.NATIVE)}


def modules(wheel: Path) -> Mapping[str, bytes]:
    """Those of the compiled files that are extension modules."""
    files = compiled_files(wheel)
    return {name: content for name, content in files.items() if _is_module(name, binary.measure(content, where=name))}


def _is_module(name: str, file: BinaryFacts) -> bool:
    return name.endswith(_MODULE_SUFFIXES) and any(export.startswith("PyInit_") for export in file.exports)


def undefined(
    measured: Mapping[str, BinaryFacts], platform: Platform, floor: str | None, context: ActionContext
) -> Iterator[str]:
    """Symbols that nothing defines where Python loads the files; a DLL is never linked with any."""
    system = native_build.system_symbols(platform, context)
    if system is None:
        return
    for name, file in measured.items():
        # Python itself has loaded all parts of the C library, and defines what begins with its name.
        symbols = binary.undefined(
            file,
            system,
            floor=floor,
            host_defines=lambda symbol: _OF_PYTHON.match(symbol) is not None,
            host_loads=system.libraries,
        )
        yield from (f"{name}: {symbol.problem}" for symbol in symbols)
