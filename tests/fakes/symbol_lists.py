"""Lists of system libraries' symbols in the forms that zig carries them in, with as few symbols as a test needs."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ferrule.formats.leb128 import encode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TARGETS = ("arm-linux-gnueabi", "aarch64-linux-gnu", "x86_64-linux-gnu")
LIBRARIES = ("m", "c", "ld", "resolv", "pthread", "dl", "rt", "util")
VERSIONS = ((2, 0, 0), (2, 2, 5), (2, 14, 0), (2, 17, 0), (2, 25, 0), (2, 27, 0), (2, 34, 0), (2, 36, 0))
Entries = "Mapping[str, Sequence[tuple[str, Iterable[str], Iterable[tuple[int, int, int]]]]]"


def abilist(functions: Entries, objects: Entries | None = None) -> bytes:
    """Write a list: each symbol with entries of library, targets and versions."""
    head = bytes([len(LIBRARIES)]) + b"".join(name.encode() + b"\0" for name in LIBRARIES)
    head += bytes([len(VERSIONS)]) + b"".join(map(bytes, VERSIONS))
    head += bytes([len(TARGETS)]) + b"".join(name.encode() + b"\0" for name in TARGETS)
    return head + _part(functions, b"") + _part(objects or {}, encode(8)) + _part({}, b"")


def _part(entries: Entries, size: bytes) -> bytes:
    rows = []
    for name, places in entries.items():
        for number, (library, targets, versions) in enumerate(places):
            last = number == len(places) - 1
            numbers = [VERSIONS.index(version) for version in versions]
            numbers[-1] |= 0x80
            rows.append(
                (b"" if number else name.encode() + b"\0")
                + encode(sum(1 << TARGETS.index(target) for target in targets))
                + size
                + bytes([LIBRARIES.index(library) | (0x80 if last else 0), *numbers])
            )
    return struct.pack("<H", len(rows)) + b"".join(rows)


def glibc(names: Iterable[str] = ("malloc", "memcpy", "strlen")) -> bytes:
    """Functions that glibc always had, and some that came later or moved."""
    everywhere = ("aarch64-linux-gnu", "x86_64-linux-gnu")
    first = [("c", ["x86_64-linux-gnu"], [(2, 2, 5)]), ("c", ["aarch64-linux-gnu"], [(2, 17, 0)])]
    return abilist(
        dict.fromkeys(names, first)
        | {
            "memfd_create": [("c", everywhere, [(2, 27, 0)])],
            "getrandom": [("c", everywhere, [(2, 25, 0)])],
            "dlopen": [
                ("c", everywhere, [(2, 34, 0)]),
                ("dl", ["x86_64-linux-gnu"], [(2, 2, 5)]),
                ("dl", ["aarch64-linux-gnu"], [(2, 17, 0)]),
            ],
            "__tls_get_addr": [("ld", ["x86_64-linux-gnu"], [(2, 17, 0)])],
            "of_arm": [("c", ["arm-linux-gnueabi"], [(2, 0, 0)])],
        },
        {"environ": first},
    )


def libsystem(names: Iterable[str] = ("malloc", "memcpy", "strlen")) -> str:
    """A stub of libSystem with a part of its own, which has symbols for some machines only."""
    listed = ", ".join(f"'_{name}'" for name in names)
    return f"""--- !tapi-tbd
tbd-version:     4
targets:         [ x86_64-macos, x86_64-maccatalyst, arm64e-macos ]
install-name:    '/usr/lib/libSystem.B.dylib'
exports:
  - targets:         [ x86_64-macos, arm64e-macos ]
    symbols:         [ {listed},
                       dyld_stub_binder ]
--- !tapi-tbd
tbd-version:     4
targets:         [ x86_64-macos, arm64e-macos ]
install-name:    '/usr/lib/system/libsystem_c.dylib'
exports:
  - targets:         [ x86_64-maccatalyst ]
    symbols:         [ _of_catalyst ]
  - targets:         [ x86_64-macos ]
    symbols:         [ '_stat$INODE64' ]
    objc-classes:    [ OS_object ]
    weak-symbols:    [ _sometimes ]
  - targets:         [ arm64-macos ]
    symbols:         [ _of_arm ]
...
"""


def write_lists(libc: Path) -> None:
    """Lay the lists out as zig does below its `lib/libc`."""
    for name, content in (("glibc/abilists", glibc()), ("darwin/libSystem.tbd", libsystem().encode())):
        (libc / name).parent.mkdir(parents=True, exist_ok=True)
        (libc / name).write_bytes(content)
