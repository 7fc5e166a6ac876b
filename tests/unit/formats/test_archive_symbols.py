from __future__ import annotations

import struct

import pytest

from fakes.symbol_lists import glibc, libsystem
from ferrule.core.errors import VerificationError
from ferrule.formats.archive_symbols import ObjectSymbols, facts_for_linking, linked, read_objects
from ferrule.formats.binary import undefined
from ferrule.formats.glibc_abilist import read_glibc
from ferrule.formats.tbd import read_tbd

GLIBC = read_glibc(glibc(), target="x86_64-linux-gnu", loader="ld-linux-x86-64.so.2")
MACOS = read_tbd(libsystem(), machine="arm64")


def one(name, *defines, needs=()):
    return ObjectSymbols(name, frozenset(defines), frozenset(defines), frozenset(needs))


def problems(objects, *options, system=GLIBC, floor="2.17"):
    return [s.problem for s in undefined(facts_for_linking(objects, options, system), system, floor=floor)]


@pytest.mark.parametrize("name", ["demo-linux.a", "demo-macos.a"])
def test_symbols_of_real_objects(golden, name):
    (symbols,) = read_objects(golden(name))
    assert symbols.defines == symbols.visible == {"demo_add", "demo_copy"}
    assert symbols.needs == {"malloc", "memcpy", "strlen"}


def test_visibility_and_weakness_of_c_plus_plus(golden, ar):
    (symbols,) = read_objects(ar(("words.o/", golden("cxx-linux.o"))))
    assert "_ZNSt13runtime_errorC1EPKc" in symbols.needs
    assert symbols.visible <= symbols.defines


def test_a_damaged_object_is_refused(golden, ar):
    cut = golden("cxx-linux.o")[:200]
    with pytest.raises(VerificationError, match=r"the object words\.o is damaged"):
        read_objects(ar(("words.o/", cut)))


def test_a_hidden_and_a_weak_symbol_of_mach_o(ar):
    """mach-o/nlist.h: a private definition, a weak reference, a common symbol, a local one."""
    names = b"\0_hidden\0_maybe\0_common\0_local\0_needed\0"
    rows = [(0x1F, 0, 8), (0x01, 0x40, 0), (0x01, 0, 4), (0x0E, 0, 0), (0x01, 0, 0)]
    places = [names.index(text) for text in (b"_hidden", b"_maybe", b"_common", b"_local", b"_needed")]
    table = b"".join(
        struct.pack("<LBBHQ", path, kind, 1, description, value)
        for path, (kind, description, value) in zip(places, rows, strict=True)
    )
    start = 32 + 24
    command = struct.pack("<LLLLLL", 2, 24, start, len(rows), start + len(table), len(names))
    head = struct.pack("<LLLLLLLL", 0xFEEDFACF, 0x0100000C, 0, 1, 1, 24, 0, 0)
    (symbols,) = read_objects(ar(("mac.o/", head + command + table + names)))
    assert symbols == ObjectSymbols(
        "mac.o", frozenset({"hidden", "common"}), frozenset({"common"}), frozenset({"needed"})
    )


def test_only_objects_that_are_needed_are_linked():
    first, second, third = one("a", "demo", needs=("inner",)), one("b", "inner", needs=("demo",)), one("c", "unused")
    assert linked([third, second, first], ["demo", "absent"]) == (first, second)


def test_what_a_program_lacks_is_told_with_the_words_for_libraries():
    objects = [one("a", "demo", needs=("helper", "memfd_create", "malloc", "inner")), one("b", "inner")]
    assert problems(objects, "-lgcc_s", "-lm", "-lc") == [
        "it needs helper, which nothing defines: neither the file itself nor a library that it needs",
        "it needs memfd_create, which glibc has from 2.27 on, declared is 2.17",
    ]
    assert problems(objects, "-lc", floor="2.27")[1:] == []


@pytest.mark.parametrize(
    "symbol", ["stat64", "_GLOBAL_OFFSET_TABLE_", ".TOC.", "_restgpr0_31", "_Unwind_Resume", "__udivti3", "atexit"]
)
def test_what_compilers_and_linkers_bring_is_not_missing(symbol):
    assert problems([one("a", "demo", needs=(symbol,))], "-lc") == []


def test_a_library_that_no_list_describes_may_have_what_is_missing():
    objects = [one("a", "demo", needs=("SSL_new",))]
    assert problems(objects, "-lgcc_s", "-lc") != []
    assert problems(objects, "-lssl", "-lc") == []
    assert problems(objects, "-framework", "Security", "-lc", system=MACOS, floor="11.0") == []
    assert problems(objects, "-lSystem", "-lm", "-lc", system=MACOS, floor="11.0") != []


def test_a_library_of_the_system_has_to_be_named():
    objects = [one("a", "demo", needs=("dlopen",))]
    assert problems(objects, "-lc") == [
        "it needs dlopen and not libdl.so.2, the library that has it: link with that library"
    ]
    assert problems(objects, "-ldl", "-lc") == []


def test_what_is_no_object_has_no_symbols(ar):
    assert read_objects(ar(("notes.txt", b"text"))) == ()


@pytest.mark.parametrize("name", ["demo-arm.o", "demo-s390x.o"])
def test_symbols_of_narrow_objects_and_of_those_with_the_other_order(golden, ar, name):
    (symbols,) = read_objects(ar(("demo.o/", golden(name))))
    assert symbols.defines >= {"demo_add", "demo_data"}
    assert "getpid" in symbols.needs
