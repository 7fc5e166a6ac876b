"""The libraries as binutils and LLVM read them, and Apple's signature recomputed from its specification."""

from __future__ import annotations

import hashlib
import re
import struct

import pytest
from judges import run
from released import ARM, LINUX, MAC, X86

MACHINE = {X86: "Advanced Micro Devices X86-64", ARM: "AArch64"}
FROM_THE_LINKER = {"__mh_dylib_header", "___dso_handle"}  # zig exports them whatever it is told


def readelf(release, target: str, *options: str) -> str:
    return run("readelf", "--wide", *options, release.library(target), LC_ALL="C").stdout


@pytest.mark.parametrize("target", LINUX)
class TestElf:
    def test_machine(self, release, target):
        header = readelf(release, target, "--file-header")
        assert MACHINE[target] in header
        assert "DYN (Shared object file)" in header

    def test_no_newer_glibc_than_declared_is_needed(self, release, target):
        needed = readelf(release, target, "--version-info").partition("Version needs section")[2]
        versions = {tuple(map(int, v.split("."))) for v in re.findall(r"Name: GLIBC_([\d.]+)", needed)}
        assert max(versions) <= (2, 17)

    def test_soname_and_no_search_path(self, release, target):
        dynamic = readelf(release, target, "--dynamic")
        assert re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) == ["libemail_validator.so.0.1"]
        assert "RPATH" not in dynamic
        assert "RUNPATH" not in dynamic
        assert "TEXTREL" not in dynamic

    def test_exports_are_what_the_header_declares(self, release, target):
        rows = [line.split() for line in readelf(release, target, "--dyn-syms").splitlines()]
        symbols = [row for row in rows if len(row) >= 8 and row[0].endswith(":")]
        exported = {r[7].partition("@")[0] for r in symbols if r[6] != "UND" and r[4] in {"GLOBAL", "WEAK"}}
        assert exported == release.declared()

    def test_the_stack_is_not_executable(self, release, target):
        (stack,) = [line for line in readelf(release, target, "--program-headers").splitlines() if "GNU_STACK" in line]
        assert " RW " in stack


def objdump(release, *options: str) -> str:
    return run("llvm-objdump", "--macho", *options, release.library(MAC)).stdout


class TestMachO:
    def test_machine_and_type(self, release):
        assert re.search(r"MH_MAGIC_64\s+ARM64\s.*\sDYLIB\s", objdump(release, "--private-header"))

    def test_install_name(self, release):
        assert objdump(release, "--dylib-id").splitlines()[-1] == "@rpath/libemail_validator.0.1.dylib"

    def test_needs_nothing_but_the_system(self, release):
        used = re.findall(r"^\t(\S+) ", objdump(release, "--dylibs-used"), flags=re.MULTILINE)
        assert [name for name in used if not name.startswith("@rpath/libemail_validator")] == [
            "/usr/lib/libSystem.B.dylib"
        ]

    def test_minimum_system(self, release):
        commands = objdump(release, "--private-headers")
        build_version = commands.partition("cmd LC_BUILD_VERSION")[2]
        assert re.search(r"platform macos\s", build_version)
        assert re.search(r"minos 11\.0\s", build_version)
        assert "LC_RPATH" not in commands

    def test_exports_are_what_the_header_declares(self, release):
        exported = set(re.findall(r"^0x[0-9A-F]+ +(\S+)", objdump(release, "--exports-trie"), flags=re.MULTILINE))
        assert exported - FROM_THE_LINKER == {f"_{name}" for name in release.declared()}

    def test_every_page_has_the_hash_that_was_signed(self, release):
        data = release.library(MAC).read_bytes()
        limit, page, slots, flags = code_directory(data)
        pages = [data[start : min(start + page, limit)] for start in range(0, limit, page)]
        assert flags & 0x2, "not an ad-hoc signature"  # CS_ADHOC
        assert [hashlib.sha256(p).digest() for p in pages] == slots

    def test_a_changed_page_would_be_noticed(self, release):
        data = bytearray(release.library(MAC).read_bytes())
        data[8000] ^= 1
        limit, page, slots, _ = code_directory(bytes(data))
        pages = [data[start : min(start + page, limit)] for start in range(0, limit, page)]
        assert [i for i, p in enumerate(pages) if hashlib.sha256(p).digest() != slots[i]] == [8000 // page]


def code_directory(data: bytes) -> tuple[int, int, list[bytes], int]:
    """Code limit, page size, hashes of all pages and flags (XNU, osfmk/kern/cs_blobs.h), which end the file."""
    place, size = signature_command(data)
    assert place + size == len(data)
    magic, _, count = struct.unpack_from(">3I", data, place)
    assert magic == 0xFADE0CC0  # CSMAGIC_EMBEDDED_SIGNATURE
    blobs = dict(struct.unpack_from(">2I", data, place + 12 + 8 * i) for i in range(count))
    start = place + blobs[0]  # CSSLOT_CODEDIRECTORY
    magic, _, _, flags, hashes, _, _, codes, limit = struct.unpack_from(">9I", data, start)
    hash_size, hash_type, _, page = struct.unpack_from(">4B", data, start + 36)
    assert (magic, hash_size, hash_type) == (0xFADE0C02, 32, 2)  # SHA-256
    assert limit == place
    first = start + hashes
    return limit, 1 << page, [data[first + 32 * i : first + 32 * (i + 1)] for i in range(codes)], flags


def signature_command(data: bytes) -> tuple[int, int]:
    """Offset and size of what LC_CODE_SIGNATURE points at."""
    (commands,) = struct.unpack_from("<I", data, 16)
    at = 32
    for _ in range(commands):
        command, size = struct.unpack_from("<2I", data, at)
        if command == 0x1D:
            return struct.unpack_from("<2I", data, at + 8)
        at += size
    raise AssertionError("there is no signature")
