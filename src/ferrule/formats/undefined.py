"""Undefined symbols of a measured library, resolved against what it will find when it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.formats.binary_facts import glibc_version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ferrule.formats.binary_facts import BinaryFacts
    from ferrule.formats.system_symbols import SystemSymbols, Version

# Libraries of compilers that are there wherever glibc is: their symbols have versions unless a linker did not see them.
_OF_COMPILERS = {"libgcc_s.so.1": ("_Unwind_", "__"), "libstdc++.so.6": ("_Z", "__")}


@dataclass(frozen=True, slots=True)
class Undefined:
    """A symbol that the loader will not find, and why not."""

    symbol: str
    problem: str


def undefined(
    facts: BinaryFacts,
    system: SystemSymbols,
    *,
    floor: str | None = None,
    host_defines: Callable[[str], bool] = lambda _: False,
    host_loads: Collection[str] = (),
) -> tuple[Undefined, ...]:
    """Symbols that nothing defines where a file is loaded; weak ones aside, for these may be missing.

    `floor` is the oldest version of the system, by default the one that the file's own symbols ask for. `host_defines`
    tells symbols of the program that loads the file, `host_loads` are libraries that it brings. Symbols that carry the
    version of a library, or the number of one (Mach-O), have to be that library's; others may be of any library that
    the file needs, so that where it needs one that no list describes, what no list has is believed to be that one's.
    """
    version = tuple(int(n) for n in floor.split(".")) if floor else facts.floor.version if facts.floor else None
    names = [name for name in sorted({*facts.imports} - {*facts.weak_imports}) if not host_defines(name)]
    problems = (_problem(facts, system, name, version, host_loads) for name in names)
    return tuple(Undefined(name, problem) for name, problem in zip(names, problems, strict=True) if problem)


def _problem(
    facts: BinaryFacts,
    system: SystemSymbols,
    symbol: str,
    floor: Version | None,
    host_loads: Collection[str],
) -> str | None:
    provider = facts.providers.get(symbol)
    if provider is not None:
        return _problem_of_provider(facts, system, symbol, provider)
    loaded = {*facts.needed, *host_loads, *(system.always if system.libraries.keys() & {*facts.needed} else ())}
    first = min(_versions(system, symbol, loaded), default=None)
    late = first is not None and floor is not None and first > floor
    others = sorted(library for library, symbols in system.libraries.items() if symbol in symbols)
    if (first is None or late) and (library := _library_at(system, others, symbol, floor)):
        return f"it needs {symbol} and not {library}, the library that has it: link with that library"
    if first is not None and floor is not None and late:
        return f"it needs {symbol}, which {system.system} has from {_text(first)} on, declared is {_text(floor)}"
    if first is None and not any(_may_define(library, symbol) for library in loaded - system.libraries.keys()):
        return f"it needs {symbol}, which nothing defines: neither the file itself nor a library that it needs"
    return None


def _problem_of_provider(facts: BinaryFacts, system: SystemSymbols, symbol: str, provider: str) -> str | None:
    symbols = system.libraries.get(provider)
    if symbols is None or symbol in symbols or _is_newer(facts, system, symbol):
        return None
    return f"it needs {symbol} of {provider}, which has no such symbol"


def _library_at(system: SystemSymbols, libraries: list[str], symbol: str, floor: Version | None) -> str | None:
    """The first of the libraries that has a symbol at the floor."""
    return next((name for name in libraries if floor is None or system.libraries[name][symbol] <= floor), None)


def _versions(system: SystemSymbols, symbol: str, libraries: set[str]) -> Iterator[Version]:
    for library in libraries & system.libraries.keys():
        if symbol in system.libraries[library]:
            yield system.libraries[library][symbol]


def _is_newer(facts: BinaryFacts, system: SystemSymbols, symbol: str) -> bool:
    """Whether a symbol has a version that the list does not reach, or none of glibc's, which raises the floor."""
    newest = max((v for symbols in system.libraries.values() for v in symbols.values()), default=())
    versions = [glibc_version(version) for version, symbols in facts.symbol_versions.items() if symbol in symbols]
    return any(version is None or version > newest for version in versions)


def _may_define(library: str, symbol: str) -> bool:
    prefixes = _OF_COMPILERS.get(library)
    return prefixes is None or symbol.startswith(prefixes)


def _text(version: Version) -> str:
    return ".".join(map(str, version))
