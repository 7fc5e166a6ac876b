from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from ferrule.core.errors import VerificationError
from ferrule.core.platforms import PLATFORMS
from ferrule.formats import universal
from ferrule.formats.binary import BinaryFacts, check, measure, summary

MAC, UNIVERSAL = PLATFORMS["aarch64-apple-darwin"], PLATFORMS["universal2-apple-darwin"]
X86, ARM = 0x01000007, 0x0100000C


def fat(*parts: tuple[int, bytes], wide: bool = False) -> bytes:
    head = struct.pack(">LL", 0xCAFEBABF if wide else 0xCAFEBABE, len(parts))
    body = b""
    for machine, content in parts:
        row = (machine, 0, 4096 + len(body), len(content))
        head += struct.pack(">LLQQLL", *row, 0, 0) if wide else struct.pack(">LLLLL", *row, 0)
        body += content
    return head.ljust(4096, b"\0") + body


def for_intel(data: bytes) -> bytes:
    """The same file as if it were for the other machine, without a signature (LC_CODE_SIGNATURE is made unknown)."""
    (count,) = struct.unpack_from("<L", data, 16)
    result, offset = bytearray(data), 32
    struct.pack_into("<LL", result, 4, X86, 3)
    for _ in range(count):
        kind, size = struct.unpack_from("<LL", data, offset)
        if kind == 0x1D:
            struct.pack_into("<L", result, offset, 0x1B0)
        offset += size
    return bytes(result)


def objects(golden, name: str) -> bytes:
    content = for_intel(golden("demo-arm64.dylib")) if name == "x86_64" else golden("demo-arm64.dylib")
    return b"!<arch>\n" + f"{'demo.o/':<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(content):<10}`\n".encode() + content


def test_two_files_are_joined_as_lipo_lays_them_out(golden):
    arm = golden("demo-arm64.dylib")
    intel = for_intel(arm)
    joined = universal.join([arm, intel])
    rows = [struct.unpack_from(">LLLLL", joined, 8 + 20 * number) for number in range(2)]
    assert struct.unpack_from(">LL", joined) == (0xCAFEBABE, 2)
    second = -(-(4096 + len(intel)) // 16384) * 16384
    assert rows == [(X86, 3, 4096, len(intel), 12), (ARM, 0, second, len(arm), 14)]
    assert [*universal.slices(joined, None)] == [("x86_64", intel), ("arm64", arm)]
    assert universal.join([intel, arm]) == joined


def test_it_is_measured_as_a_whole(golden):
    arm = golden("demo-arm64.dylib")
    facts = measure(universal.join([arm, for_intel(arm)]))
    assert (facts.format, facts.kind, facts.system, facts.machine) == (
        "macho-fat",
        "shared library",
        "macos",
        "arm64+x86_64",
    )
    assert (facts.name, facts.exports) == (measure(arm).name, measure(arm).exports)
    assert (facts.minimum_os, facts.needed) == ("11.0", ("/usr/lib/libSystem.B.dylib",))
    assert facts.signature is not None
    assert (facts.signature.kind, facts.signature.problems) == ("ad-hoc", ())
    assert summary(facts).machine == "arm64+x86_64"
    assert check(facts, platform=UNIVERSAL, floor="11.0", name="@rpath/libdemo.1.dylib") == []
    assert check(facts, platform=MAC) == ["it is a universal file, and not one for aarch64-apple-darwin alone"]
    assert check(facts, platform=UNIVERSAL, floor="10.13") == ["it needs macOS 11.0, declared is 10.13"]


def test_what_no_mac_would_load(golden):
    arm = golden("demo-arm64.dylib")
    unsigned = replace(measure(universal.join([arm, for_intel(arm)])), signature=None, minimum_os=None, name=None)
    assert check(unsigned, platform=UNIVERSAL, floor="11.0") == [
        "it does not say which macOS it needs",
        "it has no install name",
        "it is not signed, and macOS on arm64 ends every process that loads such a file",
    ]
    broken = bytearray(arm)
    broken[20_000] ^= 1
    facts = measure(universal.join([bytes(broken), for_intel(arm)]))
    assert check(facts, platform=UNIVERSAL) == [
        "for arm64, its signature is broken: 1 of 4 pages were changed, the first is 1"
    ]
    stripped = bytearray(arm)
    struct.pack_into("<LL", stripped, 4, X86, 3)
    mixed = universal.join([for_intel(arm)])
    assert measure(mixed).signature is None
    assert measure(fat((X86, bytes(stripped)), (ARM, arm))).signature is not None


def test_two_files_for_one_machine(golden):
    arm = golden("demo-arm64.dylib")
    with pytest.raises(VerificationError, match="it holds two files for one machine"):
        measure(fat((ARM, arm), (ARM, arm)))


def test_static_libraries_are_joined_too(golden):
    joined = universal.join([objects(golden, "arm64"), objects(golden, "x86_64")])
    facts = measure(joined)
    assert (facts.kind, facts.machine, facts.members, facts.build_id) == ("static library", "arm64+x86_64", 2, None)
    assert check(facts, platform=UNIVERSAL, floor="11.0") == []


def test_what_cannot_be_joined(golden):
    arm = golden("demo-arm64.dylib")
    with pytest.raises(VerificationError, match="two files for one machine"):
        universal.join([arm, arm])
    for other in (golden("demo-x86_64.so"), b"!<arch>\n", b"\xcf\xfa\xed\xfe", b""):
        with pytest.raises(VerificationError, match="only Mach-O files"):
            universal.join([arm, other], where="libdemo.dylib")
    with pytest.raises(VerificationError, match="too large"):
        universal.join([arm, for_intel(arm)], limit=50_000)


@pytest.mark.parametrize("wide", [False, True])
def test_a_damaged_universal_file(golden, wide):
    arm = golden("demo-arm64.dylib")
    data = fat((ARM, arm), (X86, for_intel(arm)), wide=wide)
    assert measure(data).machine == "arm64+x86_64"
    for cut in (data[:-1], data[:20], data[:6]):
        with pytest.raises(VerificationError, match="cut"):
            measure(cut)
    for parts, problem in (
        ([(X86, arm)], "what it holds for x86_64 is for arm64"),
        ([], "it holds nothing"),
    ):
        with pytest.raises(VerificationError, match=problem):
            measure(fat(*parts, wide=wide))
    with pytest.raises(VerificationError, match="no 64-bit Mach-O"):
        measure(fat((7, b"old"), wide=wide))


def facts_of(**fields: object) -> BinaryFacts:
    return replace(BinaryFacts("macho", "shared library", "macos", "arm64", 1, name="@rpath/a"), **fields)


def test_parts_that_differ_are_told_apart():
    assert universal.differences({"a": facts_of(exports=("f",)), "b": facts_of(exports=("f",))}) == []
    assert universal.differences({"a": facts_of(exports=("f", "g")), "b": facts_of(exports=("f", "h"), name=None)}) == [
        "it is a shared library called @rpath/a for a, and a shared library called None for b",
        "for b it does not export g",
        "for a it does not export h",
    ]
