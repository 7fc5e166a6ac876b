"""C++ inside of static libraries: what of the C++ library they leave to whoever links them.

zig compiles C++ against its own libc++, whose names (`std::__1`) are not those of GNU's library; only the very same
library can be linked with such an object (libc++, "ABI versions and stability").
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final

import lief

from ferrule.formats import magic
from ferrule.formats.ar import read_ar

# The Itanium C++ ABI, 5.1 "External Names": names of namespace std and of operators new and delete, and its run time.
_NAME: Final = re.compile(
    r"_Z(T[VIS])?(N?K?St|N10__cxxabiv1)\w*|_Z(nw|na|dl|da)\w*|__gxx_personality_v0|__dynamic_cast"
    r"|__cxa_(throw|rethrow|begin_catch|end_catch|allocate_exception|free_exception|guard_\w+|pure_virtual|bad_\w+)"
)
_MARKS: Final = (b"\0_Zn", b"\0_Zd", b"\0_ZNSt", b"\0_ZNKSt", b"\0_ZSt", b"\0_ZTV", b"\0_ZTI", b"\0__gxx_", b"\0__cxa_")


def undefined_cxx(archive: bytes) -> dict[str, str]:
    """Names of the C++ library that no object of a static library defines, each with an object that needs it (ELF).

    Raises VerificationError for what is no static library; an object that cannot be read is passed over.
    """
    lief.logging.disable()
    users: dict[str, str] = {}
    defined: set[str] = set()
    for name, content in read_ar(archive):
        data = bytes(content)
        if data.startswith(magic.ELF) and any(mark in data for mark in _MARKS):
            with suppress(AttributeError, TypeError, ValueError, RuntimeError):
                elf: Any = lief.ELF.parse(data)
                for symbol in elf.symtab_symbols:
                    if not isinstance(symbol.name, str) or not _NAME.fullmatch(symbol.name):
                        continue
                    if symbol.shndx != 0:
                        defined.add(symbol.name)
                    elif symbol.binding != lief.ELF.Symbol.BINDING.WEAK:
                        users.setdefault(symbol.name, name)
    return {symbol: name for symbol, name in sorted(users.items()) if symbol not in defined}
