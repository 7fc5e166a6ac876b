"""The symbols of musl's one library, from the assembly source that zig makes its stub of (lib/libc/musl/libc.S).

Home-made, because the file is an assembler's and only three of its directives matter. It knows no versions: what a
later musl added counts as always there.
"""

from __future__ import annotations

import re
from typing import Final

from ferrule.formats.system_symbols import SystemSymbols

LIBRARY: Final = "libc.so"
_SYMBOL: Final = re.compile(r"(?:\.globl|\.weak|WEAK64|WEAKTIME64) (\w+)")
_FAMILIES: Final = {"x86_64": "x86", "riscv64": "riscv"}
_TIME32: Final = frozenset({"arm"})
"""Machines whose musl began with 32 bits of time and kept the names of that."""


def read_musl(text: str, *, machine: str) -> SystemSymbols:
    """The symbols on a machine as zig names it: `x86_64`, `arm`. Raises ValueError for what is no such source."""
    macros = {f"ARCH_{machine}", f"FAMILY_{_FAMILIES.get(machine, machine)}"}
    macros |= {"TIME32"} if machine in _TIME32 else set()
    macros |= {"PTR64"} if machine.endswith("64") else set()
    symbols: set[str] = set()
    branches: list[bool] = []
    for line in text.splitlines():
        if line.startswith("#if"):
            branches.append(_holds(line, macros))
        elif line.startswith(("#else", "#endif")):
            if not branches:
                raise ValueError(f"{line} without #if")
            branch = branches.pop()
            branches += [not branch] if line.startswith("#else") else []
        elif (symbol := _SYMBOL.match(line)) and all(branches):
            symbols.add(symbol[1])
    if branches or not symbols:
        raise ValueError("it is cut or no list of symbols")
    return SystemSymbols("musl", {LIBRARY: dict.fromkeys(symbols, ())}, always=(LIBRARY,))


def _holds(line: str, macros: set[str]) -> bool:
    """Whether a condition holds: `#ifdef NAME`, or `#if` with `defined(NAME)`, `!` and `&&`."""
    if name := re.fullmatch(r"#if(n?)def (\w+)", line):
        return (name[2] in macros) is not bool(name[1])
    terms = [re.fullmatch(r"(!?)defined\((\w+)\)", term.strip()) for term in line.removeprefix("#if").split("&&")]
    if not all(terms):
        raise ValueError(f"{line} is not understood")
    return all((term[2] in macros) is not bool(term[1]) for term in terms if term)
