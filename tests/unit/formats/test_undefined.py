from __future__ import annotations

import pytest

from fakes.symbol_lists import glibc, libsystem
from ferrule.formats.binary import BinaryFacts, Floor, measure, undefined
from ferrule.formats.glibc_abilist import read_glibc
from ferrule.formats.tbd import read_tbd

GLIBC = read_glibc(glibc(), target="x86_64-linux-gnu", loader="ld-linux-x86-64.so.2")
LIBSYSTEM = "/usr/lib/libSystem.B.dylib"
MACOS = read_tbd(libsystem(), machine="arm64")


def library(*imports, needed=("libc.so.6",), **more):
    return BinaryFacts("elf", "shared library", "linux", "x86_64", 1, imports=imports, needed=needed, **more)


def problems(facts, floor="2.17", **more):
    return [symbol.problem for symbol in undefined(facts, GLIBC, floor=floor, **more)]


def test_the_symbols_of_a_real_library_are_all_defined(golden):
    facts = measure(golden("demo-x86_64.so"))
    assert facts.imports == ("malloc", "memcpy", "strlen")
    assert undefined(facts, GLIBC, floor="2.17") == ()


def test_a_symbol_that_came_after_the_floor_is_named_with_its_first_version():
    (symbol,) = undefined(library("memfd_create"), GLIBC, floor="2.17")
    assert symbol.symbol == "memfd_create"
    assert symbol.problem == "it needs memfd_create, which glibc has from 2.27 on, declared is 2.17"
    assert problems(library("memfd_create"), "2.27") == []
    assert problems(library("getrandom"), "2.24") != []


def test_without_a_declared_floor_the_measured_one_counts():
    facts = library("memfd_create", floor=Floor((2, 14), ("memcpy",), "GLIBC_2.14"))
    assert problems(facts, None) == ["it needs memfd_create, which glibc has from 2.27 on, declared is 2.14"]
    assert problems(library("memfd_create"), None) == []


def test_a_symbol_that_nothing_defines_is_named():
    assert problems(library("helper", "malloc")) == [
        "it needs helper, which nothing defines: neither the file itself nor a library that it needs"
    ]
    assert problems(library("of_arm")) != []


def test_what_may_be_missing_is_nobodys_mistake():
    assert problems(library("helper", weak_imports=("helper",))) == []


def test_a_library_that_is_not_asked_for_is_named():
    assert problems(library("dlopen")) == [
        "it needs dlopen and not libdl.so.2, the library that has it: link with that library"
    ]
    assert problems(library("dlopen", needed=("libdl.so.2",))) == []
    assert problems(library("dlopen"), "2.34") == []
    assert problems(library("malloc", needed=())) == [
        "it needs malloc and not libc.so.6, the library that has it: link with that library"
    ]


def test_every_part_of_glibc_brings_the_c_library_and_the_loader():
    assert problems(library("malloc", "__tls_get_addr", "environ", needed=("libm.so.6",))) == []


def test_what_no_list_has_may_be_of_a_library_that_no_list_describes():
    assert problems(library("SSL_new", needed=("libc.so.6", "libssl.so.3"))) == []
    assert problems(library("memfd_create", needed=("libc.so.6", "libssl.so.3"))) != []


@pytest.mark.parametrize(
    ("name", "needed", "fine"),
    [
        ("_Unwind_Resume", "libgcc_s.so.1", True),
        ("helper", "libgcc_s.so.1", False),
        ("_ZNSt6vector", "libstdc++.so.6", True),
        ("helper", "libstdc++.so.6", False),
    ],
)
def test_libraries_of_compilers_have_names_of_their_own(name, needed, fine):
    assert (problems(library(name, needed=("libc.so.6", needed))) == []) is fine


def test_a_symbol_with_the_version_of_a_library_has_to_be_that_librarys():
    versions = {"GLIBC_2.2.5": ("malloc", "lost"), "GLIBC_9.9": ("future",), "OPENSSL_3.0.0": ("SSL_new",)}
    providers = {"malloc": "libc.so.6", "lost": "libc.so.6", "future": "libc.so.6", "SSL_new": "libssl.so.3"}
    facts = library("malloc", "lost", "future", "SSL_new", symbol_versions=versions, providers=providers)
    assert problems(facts) == ["it needs lost of libc.so.6, which has no such symbol"]


def test_the_program_that_loads_a_file_may_define_symbols():
    assert problems(library("PyList_New", "Pythia"), host_defines=lambda name: name.startswith("Py")) == []
    assert len(problems(library("PyList_New"))) == 1


def test_the_program_that_loads_a_file_may_bring_libraries():
    assert problems(library("dlopen"), host_loads=GLIBC.libraries) == []
    assert len(problems(library("memfd_create"), host_loads=GLIBC.libraries)) == 1


def test_symbols_of_macos_are_those_of_its_stub(golden):
    facts = measure(golden("demo-arm64.dylib"))
    assert facts.providers["malloc"] == LIBSYSTEM
    missing = {symbol.symbol for symbol in undefined(facts, MACOS, floor="11.0")}
    assert missing == set(facts.imports) - {"malloc", "memcpy", "strlen", "dyld_stub_binder"} - set(facts.weak_imports)


def test_a_symbol_of_macos_that_no_library_is_expected_to_have():
    def dylib(*imports, providers):
        return BinaryFacts(
            "macho", "shared library", "macos", "arm64", 1, imports=imports, needed=(LIBSYSTEM,), providers=providers
        )

    facts = dylib("helper", "malloc", "CFRelease", providers={"malloc": LIBSYSTEM, "CFRelease": "/System/CF"})
    assert [symbol.symbol for symbol in undefined(facts, MACOS)] == ["helper"]
    (symbol,) = undefined(dylib("helper", providers={"helper": LIBSYSTEM}), MACOS)
    assert symbol.problem == f"it needs helper of {LIBSYSTEM}, which has no such symbol"
