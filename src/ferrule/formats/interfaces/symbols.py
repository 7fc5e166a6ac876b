"""What a dynamic library offers to the loader and asks of the machine: exports, name, floor, needed libraries.

Compared here, for abidiff reads ELF alone and types only from debug information, which no released library has; it is
a judge in the tests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.formats.interfaces import Change, Surface, added, broken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.core.facts import MeasuredFile

_GLIBC_ITSELF: Final = re.compile(r"lib(c|m|dl|rt|util|pthread)\.so\.\d+|ld-linux[\w-]*\.so\.\d+")
"""Parts of glibc: which of them are asked for by name follows from the floor, and none is there without the rest."""


def read(library: MeasuredFile) -> Surface:
    """The interface of a library from what was measured of it.

    Names that begin with an underscore belong to compilers and linkers (C11, 7.1.3) and are left out.
    """
    floors = {"glibc": library.glibc, "macos": library.macos}
    return {
        "name": library.name,
        "exports": sorted(name for name in library.exports if not name.startswith("_")),
        "needed": sorted(name for name in library.needed if not _GLIBC_ITSELF.fullmatch(name)),
        "floor": {system: version for system, version in floors.items() if version},
    }


def compare(old: Surface, new: Surface) -> Iterator[Change]:
    """Every difference for programs that were linked with the older library."""
    if old["name"] != new["name"]:
        yield broken(str(old["name"]), f"is now called {new['name']}, and programs ask for it by its name")
    for name in sorted({*old["exports"]} - {*new["exports"]}):
        yield broken(name, "is no longer exported")
    for name in sorted({*new["exports"]} - {*old["exports"]}):
        yield added(name, "is exported now")
    for library in sorted({*new["needed"]} - {*old["needed"]}):
        yield broken(library, "is a library that has to be there now")
    for library in sorted({*old["needed"]} - {*new["needed"]}):
        yield added(library, "is no longer needed")
    yield from _floors(old["floor"], new["floor"])


def _floors(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for system in sorted({*old, *new}):
        before, after = old.get(system), new.get(system)
        if before == after:
            continue
        if before is not None and (after is None or _numbers(after) < _numbers(before)):
            yield added(system, f"is needed from {after} on instead of {before}" if after else "is no longer needed")
        else:
            yield broken(system, f"is needed from {after} on, and was from {before} on" if before else "is needed now")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
