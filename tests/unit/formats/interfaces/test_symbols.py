"""What a native library offers and needs, as an interface."""

from __future__ import annotations

from typing import Any

from ferrule.core.facts import MeasuredFile
from ferrule.formats.interfaces import header, symbols

STANDARD = header.stand_ins()["ferrule-standard.h"].replace("#pragma once\n", "")


def c(text: str, **options: Any) -> Any:
    return header.read(f'# 1 "standard.h"\n{STANDARD}# 1 "x.h"\n{text}', "x.h", release="1.0.0", **options)


def test_library_that_needs_less():
    old = symbols.read(
        MeasuredFile(
            "elf",
            name="a",
            exports=("f", "_init"),
            needed=("libssl.so.3", "libm.so.6", "ld-linux-x86-64.so.2"),
            glibc="2.17",
        )
    )
    new = symbols.read(MeasuredFile("elf", name="a", exports=("f",)))
    assert [(c.item, c.breaking) for c in symbols.compare(old, new)] == [("libssl.so.3", False), ("glibc", False)]
    assert [(c.item, c.breaking) for c in symbols.compare(new, old)] == [("libssl.so.3", True), ("glibc", True)]
    assert symbols.read(MeasuredFile("macho", macos="11.0"))["floor"] == {"macos": "11.0"}
