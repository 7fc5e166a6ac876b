from __future__ import annotations

import pytest

from fakes.symbol_lists import libsystem
from ferrule.formats.tbd import read_tbd


def test_symbols_of_all_parts_are_those_of_the_first_library():
    symbols = read_tbd(libsystem(), machine="x86_64")
    assert symbols.system == "macOS"
    assert symbols.always == ("/usr/lib/libSystem.B.dylib",)
    assert symbols.libraries == {
        "/usr/lib/libSystem.B.dylib": dict.fromkeys(
            (
                *("malloc", "memcpy", "strlen", "dyld_stub_binder", "stat$INODE64", "sometimes"),
                *("OBJC_CLASS_$_OS_object", "OBJC_METACLASS_$_OS_object"),
            ),
            (),
        )
    }


def test_what_arm64e_has_arm64_has():
    (symbols,) = read_tbd(libsystem(), machine="arm64").libraries.values()
    assert set(symbols) == {"malloc", "memcpy", "strlen", "dyld_stub_binder", "of_arm"}


def test_another_form_is_refused():
    with pytest.raises(ValueError, match="no text-based stub"):
        read_tbd("---\narchs: [ x86_64 ]\n", machine="x86_64")
