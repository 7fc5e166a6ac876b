from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.core.errors import VerificationError
from ferrule.formats.ar import read_ar


def members(data, **options):
    return [(name, bytes(content)) for name, content in read_ar(data, **options)]


def test_members_in_order_with_padding(ar):
    assert members(ar(("debian-binary", b"2.0\n"), ("odd", b"x"), ("last/", b""))) == [
        ("debian-binary", b"2.0\n"),
        ("odd", b"x"),
        ("last", b""),
    ]
    assert members(b"!<arch>\n") == []


def test_long_names_of_gnu_and_bsd_and_symbol_tables(ar):
    table = b"a-very-long-name.o/\nanother.o/\n"
    assert members(ar(("/", b"symbols"), ("//", table), ("/0", b"1"), ("/20", b"2"))) == [
        ("a-very-long-name.o", b"1"),
        ("another.o", b"2"),
    ]
    bsd = b"name.o\0\0content"
    assert members(ar(("#1/8", bsd), ("__.SYMDEF", b"x"), ("#1/12", b"__.SYMDEF\0\0\0"), ("/SYM64/", b""))) == [
        ("name.o", b"content")
    ]


def test_the_archives_of_zig_are_read(golden):
    for name in ("demo-linux.a", "demo-macos.a"):
        assert len(members(golden(name))) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: b"nothing", "not an ar archive"),
        (lambda d: d[:30], "damaged header"),
        (lambda d: d[:69], "middle of a member"),
        (lambda d: d.replace(b"`\n", b"xx"), "damaged header"),
        (lambda d: d.replace(b"4         `", b"-4        `"), "damaged header"),
        (lambda d: d.replace(b"four", b"\xff\xff\xff\xff", 1), "not UTF-8"),
        (lambda d: d.replace(b"four", b"/900", 1), "does not hold"),
        (lambda d: d.replace(b"four", b"#1/9", 1), "longer than its member"),
    ],
)
def test_damage_is_refused(ar, change, reason):
    with pytest.raises(VerificationError, match=reason) as caught:
        members(change(ar(("four", b"abcd"))), where="x.a")
    assert caught.value.where == "x.a"


@given(st.integers(8, 200), st.integers(0, 255), st.integers(0, 100))
def test_no_damage_leads_to_anything_but_our_error(place, value, cut):
    data = bytearray(b"!<arch>\n" + (b"%-16s" % b"#1/4" + b" " * 32 + b"%-10d`\n" % 20 + b"name" + b"c" * 16) * 3)
    data[place] = value
    with contextlib.suppress(VerificationError):
        members(bytes(data[: len(data) - cut]))
