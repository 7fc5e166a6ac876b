"""A measured file compared with what was declared for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.formats.binary_facts import glibc_version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ferrule.core.platforms import Platform
    from ferrule.formats.binary_facts import BinaryFacts

# Names that linkers add by themselves, and those of compiler-rt that code asks for the version of macOS by, which zig
# links into every Mach-O file that uses them.
_LINKER_SYMBOLS = frozenset(
    (
        *("_init", "_fini", "_edata", "_end", "__bss_start", "_mh_dylib_header", "_mh_execute_header", "__dso_handle"),
        *("__isOSVersionAtLeast", "__isPlatformVersionAtLeast", "__isPlatformOrVariantPlatformVersionAtLeast"),
    )
)
_SYSTEM_LIBRARIES = ("/usr/lib/", "/System/Library/")
_RELATIVE_PATHS = ("$ORIGIN", "${ORIGIN}", "@loader_path", "@executable_path", "@rpath")


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
    """Compare what a file is with what was declared and return every difference as a sentence; none means it is right.

    `floor` is the oldest glibc or macOS it must run on, `name` the soname or install name that it must have. With
    `libraries` it may need these and the system's, and no others. With `exports_allowed` every other exported name is a
    fault, but for those that linkers add by themselves; `exports_required` must be there.
    """
    if facts.format == "macho-fat" and platform.machine in facts.machine.split("+"):
        return [f"it is a universal file, and not one for {platform.triple} alone"]
    if (facts.system, facts.machine) != (platform.system, platform.machine):
        return [f"it is a {facts.kind} for {facts.system} on {facts.machine}, not for {platform.triple}"]
    return [
        *(_floor_problems(facts, floor) if floor else ()),
        *_name_problems(facts, name),
        *_needed_problems(facts, platform, libraries),
        *_export_problems(facts, exports_allowed, exports_required),
        *_import_problems(facts, platform),
        *_signature_problems(facts),
    ]


def _is_linked_macho(facts: BinaryFacts) -> bool:
    return facts.format in {"macho", "macho-fat"} and facts.kind not in {"static library", "debug symbols"}


def _floor_problems(facts: BinaryFacts, floor: str) -> Iterator[str]:
    declared = _numbers(floor)
    if facts.floor is not None and facts.floor.version > declared:
        above = [v for v in facts.symbol_versions if (number := glibc_version(v)) is not None and number > declared]
        above.sort(key=lambda version: glibc_version(version) or (), reverse=True)
        causes = "; ".join(f"{v} ({_symbols_of(facts, v)})" for v in above)
        yield f"it needs glibc {facts.floor.text}, declared is {floor}, because of {causes}"
    for version, symbols in facts.symbol_versions.items():
        if version.startswith("GLIBC_") and glibc_version(version) is None:
            yield f"it needs {version}, which belongs to no version of glibc: {', '.join(symbols) or 'the file itself'}"
    if facts.minimum_os is not None and _numbers(facts.minimum_os) > declared:
        yield f"it needs macOS {facts.minimum_os}, declared is {floor}"
    if _is_linked_macho(facts) and facts.minimum_os is None:
        yield "it does not say which macOS it needs"


def _symbols_of(facts: BinaryFacts, version: str) -> str:
    """The symbols of a version, each with the library that has it."""
    libraries: dict[str, list[str]] = {}
    for symbol in facts.symbol_versions[version]:
        libraries.setdefault(facts.providers.get(symbol, ""), []).append(symbol)
    texts = [", ".join(names) + (f" of {library}" if library else "") for library, names in libraries.items()]
    return ", ".join(texts) or "the file itself"


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _name_problems(facts: BinaryFacts, expected: str | None) -> Iterator[str]:
    if facts.name is not None and "/" in facts.name and not facts.name.startswith("@"):
        yield f"its name {facts.name} is a path of the machine that built it; it should begin with @rpath/"
    elif expected is not None and facts.name != expected:
        yield f"its name is {facts.name or 'missing'}, and programs that are linked with it have to ask for {expected}"
    elif _is_linked_macho(facts) and facts.kind == "shared library" and facts.name is None:
        yield "it has no install name"
    for path in facts.search_paths:
        if path.startswith("/"):
            yield f"it looks for libraries in {path}, a path of the machine that built it"
        elif not path.startswith(_RELATIVE_PATHS):
            yield f"it looks for libraries in {path or 'the current folder'}, which is wherever it is started"


def _needed_problems(facts: BinaryFacts, platform: Platform, allowed: Collection[str] | None) -> Iterator[str]:
    for library in facts.needed:
        if "/" in library and not library.startswith(("@", *_SYSTEM_LIBRARIES)):
            yield f"it needs {library}, a path of the machine that built it"
        elif allowed is not None and library not in allowed and not platform.provides(library):
            yield f"it needs {library}, which is neither a system library nor declared"


def _export_problems(facts: BinaryFacts, allowed: Collection[str] | None, required: Collection[str]) -> Iterator[str]:
    if allowed is not None:
        for name in sorted(set(facts.exports) - set(allowed) - _LINKER_SYMBOLS):
            yield f"it exports a symbol that `exports` does not list: {name}"
    for name in sorted(set(required) - set(facts.exports)):
        yield f"it does not export {name}"


def _import_problems(facts: BinaryFacts, platform: Platform) -> Iterator[str]:
    """What a program in WebAssembly imports that its system does not have."""
    if platform.family.program_imports:
        for name in facts.imports:
            if not name.startswith(platform.family.program_imports):
                yield f"it imports {name}, which {platform.title} does not have"


def _signature_problems(facts: BinaryFacts) -> Iterator[str]:
    if facts.signature is not None:
        yield from facts.signature.problems
    elif _is_linked_macho(facts) and "arm64" in facts.machine and facts.kind != "object":
        yield "it is not signed, and macOS on arm64 ends every process that loads such a file"
