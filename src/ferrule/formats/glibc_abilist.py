"""The list of glibc's symbols that zig carries: which version of glibc brought which symbol into which library.

Home-made, because the form is zig's own (src/libs/glibc.zig, `loadMetaData` and `buildSharedObjects`, of zig 0.17): the
names of libraries, versions and targets, then functions, objects and thread-local objects. Each entry is a symbol, a
set of targets as bits, a library, and the versions in which these have it; the name is left out where it is the one of
the entry before.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ferrule.formats import leb128
from ferrule.formats.system_symbols import SystemSymbols, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

_LAST: Final = 0x80
_FILES: Final = {
    "c": "libc.so.6",
    "m": "libm.so.6",
    "pthread": "libpthread.so.0",
    "dl": "libdl.so.2",
    "rt": "librt.so.1",
    "util": "libutil.so.1",
    "resolv": "libresolv.so.2",
}


def read_glibc(data: bytes, *, target: str, loader: str) -> SystemSymbols:
    """The symbols of glibc for a target (`x86_64-linux-gnu`), by library; `loader` is its dynamic loader's file name.

    Raises ValueError for what is no such list, and for a target that it does not have.
    """
    try:
        reader = _Reader(data)
        files = [loader if name == "ld" else _FILES.get(name, f"lib{name}.so") for name in reader.names()]
        versions = [tuple(reader.take(3)[:2]) for _ in range(reader.byte())]
        targets = list(reader.names())
        bit = 1 << targets.index(target)
        libraries: dict[str, dict[str, Version]] = {name: {} for name in files}
        for sized in (False, True, True):
            for name, target_bits, library, numbers in reader.entries(sized=sized):
                if target_bits & bit:
                    symbols = libraries[files[library]]
                    first = min(versions[number] for number in numbers)
                    symbols[name] = min(first, symbols.get(name, first))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"it is cut or damaged ({error})") from error
    if not reader.ended:
        raise ValueError("it goes on after its last entry")
    return SystemSymbols("glibc", libraries, always=("libc.so.6", loader))


class _Reader:
    """Walks over the bytes; steps beyond them raise IndexError, struct.error or ValueError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    @property
    def ended(self) -> bool:
        return self._offset == len(self._data)

    def byte(self) -> int:
        self._offset += 1
        return self._data[self._offset - 1]

    def take(self, size: int) -> bytes:
        self._offset += size
        if self._offset > len(self._data):
            raise IndexError("an entry is cut")
        return self._data[self._offset - size : self._offset]

    def number(self) -> int:
        value, self._offset = leb128.decode(self._data, self._offset)
        return value

    def text(self) -> str:
        end = self._data.index(b"\0", self._offset)
        text = self._data[self._offset : end].decode("ascii")
        self._offset = end + 1
        return text

    def names(self) -> Iterator[str]:
        for _ in range(self.byte()):
            yield self.text()

    def entries(self, *, sized: bool) -> Iterator[tuple[str, int, int, list[int]]]:
        """Name, targets, library and versions of each entry of a part; objects have a size, functions none."""
        (count,) = struct.unpack("<H", self.take(2))
        name = ""
        for _ in range(count):
            name = name or self.text()
            targets = self.number()
            if sized:
                self.number()
            library = self.byte()
            yield name, targets, library & ~_LAST, list(self._versions())
            if library & _LAST:
                name = ""

    def _versions(self) -> Iterator[int]:
        more = True
        while more:
            byte = self.byte()
            yield byte & ~_LAST
            more = not byte & _LAST
