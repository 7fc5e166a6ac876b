from __future__ import annotations

import contextlib
import re
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrule.core.errors import VerificationError
from ferrule.core.model import to_json
from ferrule.core.platforms import PLATFORMS
from ferrule.formats import macho
from ferrule.formats.binary import BinaryFacts, check, measure, summary

LINUX, ARM = PLATFORMS["x86_64-unknown-linux-gnu"], PLATFORMS["aarch64-unknown-linux-gnu"]
MAC, INTEL = PLATFORMS["aarch64-apple-darwin"], PLATFORMS["x86_64-apple-darwin"]
DEMO = ("demo_add", "demo_copy")


def test_an_elf_library(golden):
    facts = measure(golden("demo-x86_64.so"))
    assert (facts.format, facts.kind, facts.system, facts.machine) == ("elf", "shared library", "linux", "x86_64")
    assert facts.size == 3040
    assert facts.name == "libdemo.so.1"
    assert facts.needed == ("libc.so.6",)
    assert facts.search_paths == ()
    assert facts.interpreter is None
    assert facts.exports == DEMO
    assert facts.imports == ("malloc", "memcpy", "strlen")
    assert facts.symbol_versions == {"GLIBC_2.14": ("memcpy",), "GLIBC_2.2.5": ("malloc", "strlen")}
    assert (facts.floor.version, facts.floor.text, facts.floor.symbols) == ((2, 14), "2.14", ("memcpy",))
    assert len(facts.build_id) == 40
    assert facts.stripped
    assert facts.sections[".dynamic"] == 288
    assert facts.signature is None


def test_an_elf_library_with_a_search_path_from_a_file(golden, tmp_path):
    path = tmp_path / "x.so"
    path.write_bytes(golden("demo-aarch64.so"))
    facts = measure(path)
    assert facts.machine == "aarch64"
    assert facts.search_paths == ("/somewhere",)
    assert facts.build_id is None
    assert facts.floor.symbols == ("malloc", "memcpy", "strlen")
    assert check(facts, platform=ARM, floor="2.17") == [
        "it looks for libraries in /somewhere, a path of the machine that built it"
    ]


def test_a_floor_that_a_symbol_raises_is_named_with_it(golden):
    facts = measure(golden("threads-2.34.so"))
    assert check(facts, platform=LINUX, floor="2.34") == []
    assert check(facts, platform=LINUX) == []
    assert check(facts, platform=LINUX, floor="2.17") == [
        "it needs glibc 2.34, declared is 2.17, because of GLIBC_2.34 (pthread_create of libc.so.6)"
    ]


def test_every_version_above_the_floor_is_named(golden):
    facts = measure(golden("demo-x86_64.so"))
    versions = {"GLIBC_2.33": ("stat",), "GLIBC_2.9": ("old",), "GLIBC_2.34": ("a", "b"), "GCC_3.0": ("c",)}
    facts = replace(facts, symbol_versions=versions, floor=replace(facts.floor, version=(2, 34)))
    assert check(facts, platform=LINUX, floor="2.17") == [
        "it needs glibc 2.34, declared is 2.17, because of GLIBC_2.34 (a, b); GLIBC_2.33 (stat)"
    ]


def test_a_floor_that_a_feature_of_the_loader_raises_is_named(golden):
    facts = measure(golden("relr-2.36.so"))
    assert facts.floor.text == "2.36"
    assert facts.floor.symbols == ()
    assert not facts.stripped
    assert check(facts, platform=LINUX, floor="2.17") == [
        "it needs glibc 2.36, declared is 2.17, because of GLIBC_ABI_DT_RELR (the file itself)"
    ]


def test_private_symbols_of_glibc_are_a_fault(golden):
    facts = replace(measure(golden("demo-x86_64.so")), symbol_versions={"GLIBC_PRIVATE": ("_dl_x",), "GLIBC_ABI_X": ()})
    assert check(facts, platform=LINUX, floor="2.17") == [
        "it needs GLIBC_PRIVATE, which belongs to no version of glibc: _dl_x",
        "it needs GLIBC_ABI_X, which belongs to no version of glibc: the file itself",
    ]


def test_a_mach_o_library(golden):
    facts = measure(golden("demo-arm64.dylib"))
    assert (facts.format, facts.kind, facts.system, facts.machine) == ("macho", "shared library", "macos", "arm64")
    assert facts.name == "@rpath/libdemo.1.dylib"
    assert facts.needed == ("/usr/lib/libSystem.B.dylib",)
    assert set(DEMO) < set(facts.exports)
    assert {"malloc", "memcpy", "strlen"} < set(facts.imports)
    assert facts.minimum_os == "11.0"
    assert facts.sdk
    assert len(facts.build_id) == 32
    assert not facts.stripped
    assert facts.sections["__TEXT,__text"] > 0
    assert (facts.signature.kind, facts.signature.pages, facts.signature.problems) == ("ad-hoc", 4, ())
    assert check(facts, platform=MAC, floor="11.0", exports_allowed=DEMO, exports_required=DEMO) == []
    assert check(facts, platform=MAC, floor="11", exports_allowed=DEMO) == []
    assert check(facts, platform=MAC, floor="10.15") == ["it needs macOS 11.0, declared is 10.15"]


def test_a_mach_o_library_that_knows_where_it_was_built(golden):
    facts = measure(golden("absolute-x86_64.dylib"))
    assert facts.machine == "x86_64"
    assert facts.signature is None
    assert check(facts, platform=INTEL, floor="11.0") == [
        "its name /somewhere/libdemo.1.dylib is a path of the machine that built it; it should begin with @rpath/"
    ]


def test_mach_o_faults_are_named(golden):
    facts = measure(golden("demo-arm64.dylib"))
    strange = replace(
        facts,
        name=None,
        needed=("/opt/x.dylib", "@rpath/y"),
        minimum_os=None,
        signature=None,
        search_paths=("@loader_path/x",),
    )
    assert check(strange, platform=MAC, floor="11.0") == [
        "it does not say which macOS it needs",
        "it has no install name",
        "it needs /opt/x.dylib, a path of the machine that built it",
        "it is not signed, and macOS on arm64 ends every process that loads such a file",
    ]
    assert check(replace(facts, kind="object", signature=None), platform=MAC) == []


def test_a_changed_page_breaks_the_signature(golden):
    data = bytearray(golden("demo-arm64.dylib"))
    data[20_000] ^= 1
    (problem,) = check(measure(bytes(data)), platform=MAC)
    assert problem == "its signature is broken: 1 of 4 pages were changed, the first is 1"


def test_undeclared_and_missing_exports_are_named(golden):
    facts = measure(golden("demo-x86_64.so"))
    assert check(facts, platform=LINUX, exports_allowed=["demo_add"], exports_required=["demo_new"]) == [
        "it exports a symbol that `exports` does not list: demo_copy",
        "it does not export demo_new",
    ]
    assert check(replace(facts, exports=("_init", "_end")), platform=LINUX, exports_allowed=[]) == []


@pytest.mark.parametrize(
    ("name", "platform"),
    [("demo-x86_64.so", ARM), ("demo-x86_64.so", INTEL), ("demo-arm64.dylib", ARM), ("demo-linux.a", MAC)],
)
def test_another_platform_is_one_problem(golden, name, platform):
    (problem,) = check(measure(golden(name)), platform=platform, floor="1.0", exports_allowed=[])
    assert problem.endswith(f"not for {platform.triple}")


def test_static_libraries(golden, ar):
    for name, platform in (("demo-linux.a", LINUX), ("demo-macos.a", MAC)):
        facts = measure(golden(name))
        assert (facts.format, facts.kind, facts.members) == ("ar", "static library", 1)
        assert check(facts, platform=platform, floor="2.17", exports_allowed=[]) == []
    mixed = measure(
        ar(("a.o", golden("demo-x86_64.so")), ("b.o", golden("demo-arm64.dylib")), ("c", b"text"), ("d", b"\0asm1234"))
    )
    assert (mixed.system, mixed.machine) == ("linux+macos+unknown+wasm", "arm64+unknown+wasm32+x86_64")
    with pytest.raises(VerificationError, match="no object"):
        measure(ar())


def test_a_program_imports_what_its_system_has():
    module = b"\0asm\x01\0\0\0"
    named = b"\x16wasi_snapshot_preview1\x08fd_write\0\0", b"\x03env\x01f\0\0"
    facts = measure(module + b"\x02" + bytes([len(named[0]) + len(named[1]) + 1]) + b"\x02" + b"".join(named))
    assert check(facts, platform=PLATFORMS["wasm32-wasip1"]) == [
        "it imports env.f, which WebAssembly with WASI 0.1 does not have"
    ]
    assert len(check(facts, platform=PLATFORMS["wasm32-wasip2"])) == 2
    assert check(facts, platform=PLATFORMS["wasm32-unknown-unknown"]) == []


def test_webassembly():
    module = b"\0asm\x01\0\0\0" + b"\x02\x09\x01\x03env\x01f\0\0" + b"\x07\x07\x01\x03run\0\0"
    facts = measure(module)
    assert (facts.kind, facts.machine, facts.imports, facts.exports) == ("core module", "wasm32", ("env.f",), ("run",))
    assert facts.stripped
    assert check(facts, platform=PLATFORMS["wasm32-unknown-unknown"]) == []
    assert not measure(module + b"\x00\x05\x04name").stripped
    assert measure(b"\0asm\x0d\0\x01\0").kind == "component"


def test_facts_can_be_written_as_json(golden):
    for name in ("demo-x86_64.so", "demo-arm64.dylib", "demo-linux.a"):
        assert to_json(measure(golden(name)))["size"] > 0


def test_a_summary_leaves_out_what_is_empty(golden):
    output = summary(measure(golden("demo-x86_64.so"))).to_json()
    assert output["glibc"] == "2.14"
    assert output["glibc_because_of"] == ["memcpy"]
    assert output["stripped"] is True
    assert "imports" not in output
    assert "macos" not in output
    assert summary(measure(golden("demo-arm64.dylib"))).signature == "ad-hoc"
    assert summary(BinaryFacts("wasm", "component", "wasm", "wasm32", 1, imports=("x",))).imports == ("x",)


# Damage


@pytest.mark.parametrize("data", [b"", b"\x7fEL", b"PK\x03", b"text", b"#!/bin/sh\n"])
def test_other_files_are_refused(data):
    with pytest.raises(VerificationError, match="neither ELF"):
        measure(data, where="x")


@pytest.mark.parametrize("name", ["demo-x86_64.so", "demo-aarch64.so", "demo-arm64.dylib", "absolute-x86_64.dylib"])
def test_a_cut_file_is_refused_wherever_it_is_cut(golden, name):
    data = golden(name)
    for length in (*range(4, 200, 7), *range(200, len(data), len(data) // 40), len(data) - 1):
        with pytest.raises(VerificationError) as caught:
            measure(data[:length], where=name)
        assert caught.value.where == name


def patched(data, place, form, *values):
    changed = bytearray(data)
    struct.pack_into(form, changed, place, *values)
    return bytes(changed)


def test_other_kinds_of_elf(golden):
    data = golden("demo-x86_64.so")
    for path in (4, 5):
        with pytest.raises(VerificationError, match="neither 32 nor 64 bits, or no order of bytes"):
            measure(patched(data, path, "B", 3))
    assert measure(patched(data, 16, "<H", 2)).kind == "executable"
    assert measure(patched(data, 16, "<H", 9)).kind == "unknown"
    assert measure(patched(data, 18, "<H", 9)).machine == "unknown"


@pytest.mark.parametrize(("name", "machine"), [("arm", "arm"), ("s390x", "s390x"), ("x86", "i686")])
def test_elf_of_narrow_machines_and_of_those_with_the_other_order(golden, name, machine):
    facts = measure(golden(f"demo-{name}.so"))
    assert (facts.machine, facts.kind, facts.system, facts.name) == (machine, "shared library", "linux", "libdemo.so.1")
    assert facts.needed == ("libc.so.6",)
    assert facts.exports == ("demo_add", "demo_data")
    assert "getpid" in facts.imports
    data = golden(f"demo-{name}.so")
    for length in range(52, len(data), len(data) // 25):
        with pytest.raises(VerificationError, match=r"cut|damaged"):
            measure(data[:length])


def test_an_elf_without_versions_has_no_floor(golden):
    data = golden("demo-x86_64.so").replace(b"GLIBC_2", b"OTHER_2")
    assert measure(data).floor is None


def load_commands(data):
    count, path = struct.unpack_from("<L", data, 16)[0], 32
    for _ in range(count):
        kind, size = struct.unpack_from("<LL", data, path)
        yield kind, path, size
        path += size


def command(data, wanted):
    return next(path for kind, path, _ in load_commands(data) if kind == wanted)


def test_the_platform_and_versions_of_mach_o(golden):
    data = golden("demo-arm64.dylib")
    path = command(data, 0x32)
    assert measure(patched(data, path + 8, "<L", 2)).system == "another Apple system"
    assert measure(patched(data, path + 12, "<L", 0x000D0405)).minimum_os == "13.4.5"
    old = patched(data, path, "<LLLL", 0x24, 32, 0x000A0F00, 0x000B0100)
    facts = measure(old)
    assert (facts.system, facts.minimum_os, facts.sdk) == ("macos", "10.15", "11.1")
    bare = measure(patched(data, path, "<L", 0x1B0))
    assert (bare.system, bare.minimum_os) == ("another Apple system", None)
    assert measure(patched(data, 12, "<L", 8)).kind == "bundle"


def test_exports_of_files_with_another_or_no_trie(golden):
    data = golden("demo-arm64.dylib")
    path = command(data, 0x80000022)
    start, size = struct.unpack_from("<LL", data, path + 40)
    trie = patched(data, path, "<LLLL", 0x80000033, 48, start, size)
    assert measure(trie).exports == measure(data).exports
    assert set(DEMO) < set(measure(patched(data, path, "<L", 0x1B0)).exports)


def test_load_commands_beyond_their_place_are_refused(golden):
    data = golden("demo-arm64.dylib")
    for path, value in ((16, 900), (20, 40), (36, 4)):
        with pytest.raises(VerificationError, match="load commands cannot be read"):
            measure(patched(data, path, "<L", value))


def test_names_that_are_no_text_are_refused(golden):
    for name, text in (("demo-x86_64.so", b"demo_copy"), ("demo-arm64.dylib", b"libSystem")):
        assert text in golden(name)
        with pytest.raises(VerificationError, match="damaged"):
            measure(golden(name).replace(text, b"\xff\xfe\xfd\xfc" + text[4:]))


@pytest.mark.parametrize("name", ["demo-x86_64.so", "demo-arm64.dylib", "demo-linux.a", "demo-macos.a"])
def test_a_file_that_is_cut_is_refused_without_words_of_the_reader(golden, name):
    content = golden(name)
    for size in range(9, len(content), len(content) // 61):
        with pytest.raises(VerificationError) as refused:
            measure(content[:size])
        assert not re.search(r"unpack|index|attribute|buffer|NoneType|expected", refused.value.message), size


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_leads_to_anything_but_our_error(golden, data):
    for name in ("demo-x86_64.so", "demo-arm64.dylib", "demo-linux.a"):
        file = bytearray(golden(name))
        for path in data.draw(st.lists(st.integers(4, min(len(file), 3000) - 1), min_size=1, max_size=4)):
            file[path] = data.draw(st.integers(0, 255))
        with contextlib.suppress(VerificationError):
            to_json(measure(bytes(file)))


def test_a_static_library_with_a_damaged_object_is_refused(golden):
    archive = bytearray(golden("demo-linux.a"))
    archive[archive.index(b"\x7fELF") + 4] = 0
    with pytest.raises(VerificationError, match="an object of the static library is damaged: its header names neither"):
        measure(bytes(archive), where="libdemo.a")


def test_a_name_with_control_characters_is_damage(golden):
    """Such a name would be shown as lines of its own, which a CI runner may obey."""
    content = golden("demo-x86_64.so").replace(b"demo_copy", b"\n::set-xx")
    with pytest.raises(VerificationError, match=r"the name '\\n::set-xx' is not text"):
        measure(content)


def test_a_mach_o_file_with_another_uuid(golden):
    library = golden("demo-arm64.dylib")
    assert measure(macho.with_uuid(library, bytes(range(16)))).build_id == bytes(range(16)).hex()
    number = library.index(struct.pack("<LL", 0x1B, 24))
    with pytest.raises(VerificationError, match="has no UUID"):
        macho.with_uuid(library[:number] + struct.pack("<L", 0x2B) + library[number + 4 :], bytes(16))


def test_debug_symbols_for_macos_need_no_signature(golden):
    facts = measure(golden("demo-arm64.dSYM"))
    assert (facts.kind, facts.signature) == ("debug symbols", None)
    assert check(facts, platform=MAC) == []


def test_debug_symbols_for_windows_have_no_name_and_no_exports(golden):
    facts = measure(golden("demo-linked.debug"))
    assert (facts.name, facts.exports) == (None, ())
