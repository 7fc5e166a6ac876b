from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.symbol_lists import abilist, glibc
from ferrule.formats.glibc_abilist import read_glibc

LOADER = "ld-linux-x86-64.so.2"


def test_symbols_are_listed_by_library_with_the_first_version_that_has_them():
    symbols = read_glibc(glibc(), target="x86_64-linux-gnu", loader=LOADER)
    assert symbols.system == "glibc"
    assert symbols.always == ("libc.so.6", LOADER)
    assert symbols.libraries["libc.so.6"] == {
        "malloc": (2, 2),
        "memcpy": (2, 2),
        "strlen": (2, 2),
        "memfd_create": (2, 27),
        "getrandom": (2, 25),
        "dlopen": (2, 34),
        "environ": (2, 2),
    }
    assert symbols.libraries["libdl.so.2"] == {"dlopen": (2, 2)}
    assert symbols.libraries[LOADER] == {"__tls_get_addr": (2, 17)}
    assert symbols.libraries["libm.so.6"] == {}


def test_each_machine_has_its_own_versions():
    symbols = read_glibc(glibc(), target="aarch64-linux-gnu", loader="ld-linux-aarch64.so.1")
    assert symbols.libraries["libdl.so.2"] == {"dlopen": (2, 17)}
    assert symbols.libraries["ld-linux-aarch64.so.1"] == {}


def test_the_oldest_of_several_versions_counts():
    data = abilist({"memcpy": [("c", ["x86_64-linux-gnu"], [(2, 14, 0), (2, 2, 5)])]})
    assert read_glibc(data, target="x86_64-linux-gnu", loader=LOADER).libraries["libc.so.6"] == {"memcpy": (2, 2)}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut"),
        (glibc()[:-1], "cut"),
        (glibc()[:200], "cut|not found|damaged"),
        (glibc() + b"\0", "goes on"),
        (glibc().replace(b"x86_64-linux-gnu", b"sparc9-linux-gnu"), "x86_64-linux-gnu"),
    ],
)
def test_another_form_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        read_glibc(data, target="x86_64-linux-gnu", loader=LOADER)


@given(st.integers(0, len(glibc()) - 1), st.integers(0, 255))
def test_no_damage_is_more_than_an_error(offset, byte):
    data = bytearray(glibc())
    data[offset] = byte
    try:
        read_glibc(bytes(data), target="x86_64-linux-gnu", loader=LOADER)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - any reason will do
