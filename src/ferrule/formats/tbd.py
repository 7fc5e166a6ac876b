"""Text-based stubs of Apple's libraries (.tbd, version 4): which symbols each has, for which machines.

Home-made, because of the YAML that they are written in only lists in brackets matter here, and a YAML parser in Python
needs seconds for the stub of libSystem. Format: llvm/lib/TextAPI/TextStub.cpp.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.formats.system_symbols import SystemSymbols

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIST: Final = re.compile(
    r"^[ -]*(targets|install-name|symbols|weak-symbols|thread-local-symbols|objc-classes|objc-eh-types):\s*"
    r"(?:\[([^\]]*)\]|'([^'\n]*)')",
    re.MULTILINE,
)
_ITEM: Final = re.compile(r"'([^']*)'|([^\s,']+)")
_PREFIXES: Final = {"objc-classes": ("_OBJC_CLASS_$_", "_OBJC_METACLASS_$_"), "objc-eh-types": ("_OBJC_EHTYPE_$_",)}


def read_tbd(text: str, *, machine: str) -> SystemSymbols:
    """The symbols of a library and of those that it hands on, without the underscore that C's names have there.

    All count as those of the first library in the file, which is the one that is linked with. Raises ValueError for
    what is no such stub.
    """
    if not text.startswith("--- !tapi-tbd"):
        raise ValueError("it is no text-based stub")
    symbols: set[str] = set()
    library, here = "", False
    for key, items in _lists(text):
        if key == "install-name":
            library = library or items[0]
        elif key == "targets":
            # A library for arm64e serves arm64 too: both are slices of the same file.
            here = any(target.startswith(machine) and target.endswith("-macos") for target in items)
        elif here:
            symbols.update(prefix + item for item in items for prefix in _PREFIXES.get(key, ("",)))
    return SystemSymbols("macOS", {library: {symbol.removeprefix("_"): () for symbol in symbols}}, always=(library,))


def _lists(text: str) -> Iterator[tuple[str, list[str]]]:
    for match in _LIST.finditer(text):
        key, items, name = match.groups()
        yield key, [name] if items is None else [quoted or plain for quoted, plain in _ITEM.findall(items)]
