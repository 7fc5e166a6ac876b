"""The libraries as binutils and LLVM read them, and Apple's signature recomputed from its specification.

Nothing of macOS is needed to read what macOS will read. For every check there is a lie that it has to find.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from judges import CHECKOUT, OWN, run
from released import HOST, LINUX, declared_in, sha256

from fakes.triples import ARM, MAC, X86

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.consumer

MACHINE = {X86: "Advanced Micro Devices X86-64", ARM: "AArch64"}
FROM_THE_LINKER = {"__mh_dylib_header", "___dso_handle"}  # zig exports them whatever it is told
NAME, SYSTEM, FLOOR = "@rpath/libemail_validator.0.1.dylib", "/usr/lib/libSystem.B.dylib", (11, 0)
# Nothing else has a place in a library that only offers functions: no other library, no search path, no entry point.
COMMANDS = {
    *("LC_SEGMENT_64", "LC_SYMTAB", "LC_DYSYMTAB", "LC_DYLD_INFO_ONLY", "LC_FUNCTION_STARTS", "LC_DATA_IN_CODE"),
    *("LC_ID_DYLIB", "LC_LOAD_DYLIB", "LC_UUID", "LC_BUILD_VERSION", "LC_SOURCE_VERSION", "LC_CODE_SIGNATURE"),
    "LC_LOAD_DYLINKER",  # zig writes it into every file
}
# Names of sources in messages of a panic, after what is different on every machine was replaced.
SOURCES = (b"/rustc/", b"/cargo/registry/", b"/usr/lib/")
LC_SEGMENT_64, LC_CODE_SIGNATURE, LC_SOURCE_VERSION, LC_BUILD_VERSION = 0x19, 0x1D, 0x2A, 0x32
LC_RPATH, LC_DYLD_INFO_ONLY = 0x8000001C, 0x80000022
LLVM = ("xcrun",) if HOST == MAC else ()  # Xcode keeps its programs to itself


def readelf(release, target: str, *options: str) -> str:
    return run("readelf", "--wide", *options, release.library(target), LC_ALL="C").stdout


@pytest.mark.only_on(*LINUX, reason="readelf belongs to Linux; the files are the same")
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


def objdump(path: Path, *options: str) -> str:
    return run(*LLVM, "llvm-objdump", "--macho", *options, path).stdout


def commands(path: Path) -> list[dict[str, str]]:
    """The load commands of a Mach-O file, each as the fields that LLVM shows."""
    text = objdump(path, "--private-headers")
    return [
        dict(re.findall(r"^ *(\S+) (.*?)(?: \(offset \d+\))?$", command, flags=re.MULTILINE))
        for command in re.split(r"^Load command \d+$", text, flags=re.MULTILINE)[1:]
    ]


def of_kind(path: Path, kind: str) -> list[dict[str, str]]:
    return [command for command in commands(path) if command["cmd"] == kind]


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def machine_and_type(path: Path) -> bool:
    header = objdump(path, "--private-header")
    return bool(re.search(r"MH_MAGIC_64\s+ARM64\s.*\sDYLIB\s.*NOUNDEFS DYLDLINK TWOLEVEL", header))


def install_name(path: Path) -> bool:
    return [command["name"] for command in of_kind(path, "LC_ID_DYLIB")] == [NAME]


def needs_nothing_but_the_system(path: Path) -> bool:
    return [command["name"] for command in of_kind(path, "LC_LOAD_DYLIB")] == [SYSTEM]


def no_other_command(path: Path) -> bool:
    return {command["cmd"] for command in commands(path)} <= COMMANDS


def for_macos(path: Path) -> bool:
    return [command["platform"] for command in of_kind(path, "LC_BUILD_VERSION")] == ["macos"]


def minimum_system(path: Path) -> bool:
    (build,) = of_kind(path, "LC_BUILD_VERSION")
    return version(build["minos"]) == FLOOR <= version(build["sdk"])


def nothing_writable_is_executable(path: Path) -> bool:
    segments = of_kind(path, "LC_SEGMENT_64")
    rights = [right for segment in segments for right in (segment["maxprot"], segment["initprot"])]
    return len(rights) >= 6 and not any("w" in right and "x" in right for right in rights)


def exports_are_what_the_header_declares(path: Path) -> bool:
    exported = set(re.findall(r"^0x[0-9A-F]+ +(\S+)", objdump(path, "--exports-trie"), flags=re.MULTILINE))
    declared = declared_in(path.parents[1] / "include" / "email_validator.h")
    return exported - FROM_THE_LINKER == {f"_{name}" for name in declared}


def no_path_of_the_machine_that_built_it(path: Path) -> bool:
    matches = re.findall(rb"(?<![\w.])/(?:\w[\w.-]*/){2,}\w[\w.-]*", path.read_bytes())
    return len(matches) > 10 and all(text.startswith(SOURCES) for text in matches)


def every_page_has_the_hash_that_was_signed(path: Path) -> bool:
    data = path.read_bytes()
    limit, page, slots, flags = code_directory(data)
    pages = [data[start : min(start + page, limit)] for start in range(0, limit, page)]
    return bool(flags & 0x2) and [hashlib.sha256(p).digest() for p in pages] == slots  # CS_ADHOC


CHECKS = (
    machine_and_type,
    install_name,
    needs_nothing_but_the_system,
    no_other_command,
    for_macos,
    minimum_system,
    nothing_writable_is_executable,
    exports_are_what_the_header_declares,
    no_path_of_the_machine_that_built_it,
    every_page_has_the_hash_that_was_signed,
)


def replaced(old: bytes, new: bytes) -> Callable[[bytearray], None]:
    """Writes other bytes of the same length over the first place of some."""

    def change(data: bytearray) -> None:
        assert len(old) == len(new)
        path = data.index(old)
        data[path : path + len(new)] = new

    return change


def in_command(kind: int, offset: int, form: str, *values: object) -> Callable[[bytearray], None]:
    """Writes values into the first load command of a kind (mach-o/loader.h)."""

    def change(data: bytearray) -> None:
        struct.pack_into(form, data, command_at(data, kind) + offset, *values)

    return change


def in_the_trie(data: bytearray, old: bytes, new: bytes) -> None:
    """Writes other bytes over some in the trie of exports, which the loader reads, not in the table of symbols."""
    (start,) = struct.unpack_from("<I", data, command_at(data, LC_DYLD_INFO_ONLY) + 40)
    path = data.index(old, start)
    data[path : path + len(new)] = new


LIES = {
    "another machine": (machine_and_type, lambda data: struct.pack_into("<2I", data, 4, 0x01000007, 3)),
    "one flat namespace": (machine_and_type, lambda data: struct.pack_into("<I", data, 24, 0x4)),
    "a name that is a path": (install_name, replaced(NAME.encode(), NAME.replace("@rpath", "/build").encode())),
    "a library of somebody": (
        needs_nothing_but_the_system,
        replaced(SYSTEM.encode(), SYSTEM.replace("System.B", "crypto.4").encode()),
    ),
    "a search path": (no_other_command, in_command(LC_SOURCE_VERSION, 0, "<3I4s", LC_RPATH, 16, 12, b"/a\0\0")),
    "another system": (for_macos, in_command(LC_BUILD_VERSION, 8, "<I", 2)),  # PLATFORM_IOS
    "a newer system": (minimum_system, in_command(LC_BUILD_VERSION, 12, "<I", 15 << 16)),
    "an older system than arm64 has": (minimum_system, in_command(LC_BUILD_VERSION, 12, "<I", 10 << 16 | 9 << 8)),
    "code that may change": (nothing_writable_is_executable, in_command(LC_SEGMENT_64, 56, "<2I", 7, 7)),
    "one letter of a function": (
        exports_are_what_the_header_declares,
        lambda data: in_the_trie(data, b"abi_version\0", b"abi_versiom\0"),
    ),
    "a folder of somebody": (no_path_of_the_machine_that_built_it, replaced(b"/cargo/registry/", b"/build/registry/")),
    "one bit of code": (every_page_has_the_hash_that_was_signed, lambda data: data.__setitem__(8000, data[8000] ^ 1)),
    "a signature that ends early": (
        every_page_has_the_hash_that_was_signed,
        lambda data: struct.pack_into(">I", data, directory_at(data) + 32, 4096),
    ),
}


@pytest.fixture
def changed(release, tmp_path) -> Path:
    """A copy of the SDK for macOS that a test may falsify."""
    return Path(shutil.copytree(release.sdk(MAC), tmp_path / "sdk", symlinks=True))


def failing(path: Path) -> set[str]:
    """Names of the checks that a file does not pass; one that cannot even read it counts too."""

    def passes(check: Callable[[Path], bool]) -> bool:
        try:
            return check(path)
        except (AssertionError, ValueError, struct.error):
            return False

    return {check.__name__ for check in CHECKS if not passes(check)}


class TestMachO:
    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_it_passes(self, release, check):
        assert check(release.library(MAC))

    @pytest.mark.parametrize("lie", LIES)
    def test_a_lie_is_found_by_its_check(self, changed, lie):
        check, change = LIES[lie]
        library = changed / "lib" / "libemail_validator.0.1.0.dylib"
        data = bytearray(library.read_bytes())
        change(data)
        library.write_bytes(data)
        # Whatever is changed after signing is found by the signature as well.
        assert failing(library) == {check.__name__, every_page_has_the_hash_that_was_signed.__name__}

    def test_every_check_has_its_lie(self):
        assert {check for check, _ in LIES.values()} == set(CHECKS)

    @pytest.mark.only_on(MAC, reason="codesign is macOS's own")
    def test_apples_own_judge_accepts_the_signature(self, release):
        run("codesign", "--verify", "--strict", "--verbose=4", release.library(MAC))


class TestMacPackages:
    """What lies around the library for macOS."""

    def test_every_package_has_the_same_library(self, release):
        wheel = release.wheel(MAC) / "ferrule_email_validator" / "_native" / "libemail_validator.0.1.dylib"
        assert sha256(wheel) == sha256(release.library(MAC)) == release.packed("library", MAC)[wheel.name]

    def test_the_wheel_promises_the_system_that_the_library_asks_for(self, release):
        wheel = release.made("wheel", MAC)
        assert tags(wheel, release.wheel(MAC)) == {"py3-none-macosx_11_0_arm64"}

    def test_a_wheel_that_says_otherwise_is_noticed(self, release, tmp_path):
        path = Path(shutil.copytree(release.wheel(MAC), tmp_path / "wheel"))
        (output,) = path.glob("*.dist-info/WHEEL")
        output.write_text(output.read_text().replace("macosx_11_0", "macosx_10_9"))
        assert len(tags(release.made("wheel", MAC), path)) == 2

    def test_the_links_lead_to_the_library(self, release):
        lib = release.sdk(MAC) / "lib"
        for link in ("libemail_validator.dylib", "libemail_validator.0.1.dylib"):
            assert (lib / link).readlink() == Path("libemail_validator.0.1.0.dylib")

    def test_pkg_config_and_cmake_find_everything_beside_them(self, release):
        assert astray(release.sdk(MAC)) == []

    @pytest.mark.parametrize(
        ("file", "old", "new"),
        [
            ("lib/pkgconfig/email_validator.pc", "${pcfiledir}/../..", "/opt/email-validator"),
            ("lib/pkgconfig/email_validator.pc", "-lSystem", "-lgcc_s"),
            ("lib/cmake/email_validator/email_validatorConfig.cmake", "${CMAKE_CURRENT_LIST_DIR}/../../..", "/opt"),
            ("lib/cmake/email_validator/email_validatorConfig.cmake", "@rpath/", ""),
            ("lib/cmake/email_validator/email_validatorConfig.cmake", "0.1.0.dylib", "0.1.1.dylib"),
        ],
    )
    def test_what_leads_astray_is_noticed(self, changed, file, old, new):
        text = (changed / file).read_text()
        assert old in text
        (changed / file).write_text(text.replace(old, new))
        assert astray(changed) == [file]

    def test_the_archive_is_for_the_same_system(self, release):
        assert objects(release.sdk(MAC) / "lib" / "libemail_validator.a") == {("0x100000c", "macos", FLOOR)}

    def test_an_object_of_another_machine_is_noticed(self, changed):
        archive = changed / "lib" / "libemail_validator.a"
        data = bytearray(archive.read_bytes())
        replaced(b"\xcf\xfa\xed\xfe\x0c\0\0\1", b"\xcf\xfa\xed\xfe\x07\0\0\1")(data)  # CPU_TYPE_X86_64
        archive.write_bytes(data)
        assert len(objects(archive)) == 2

    def test_the_archive_has_a_table_and_objects_where_apples_linker_reads_them(self, release):
        data = (release.sdk(MAC) / "lib" / "libemail_validator.a").read_bytes()
        members = list(members_of(data))
        assert members[0][0].startswith("__.SYMDEF")
        assert [start % 8 for _, start in members] == [0] * len(members)
        assert len(members) > 1
        table = data[members[0][1] : members[1][1]]
        assert [name for name in release.declared() if f"\0_{name}\0".encode() not in table] == []

    @pytest.mark.parametrize("linked", ["dynamic", "static"])
    def test_a_program_for_macos_links_against_the_sdk(self, release, programs, linked, tmp_path):
        program, sdk = tmp_path / "vectors", release.sdk(MAC)
        private = re.findall(r"^Libs\.private: (.*)$", pc_of(sdk), flags=re.MULTILINE)[0].split()
        libraries = ["-L", sdk / "lib", "-lemail_validator"]
        if linked == "static":
            libraries = [sdk / "lib" / "libemail_validator.a", *private]
        compiler = (programs["zig"], "cc", "-O2", "-target", "aarch64-macos.11.0", "-I", sdk / "include")
        source = CHECKOUT / "tests" / "consumers" / "c" / "vectors.c"
        run(*compiler, source, "-o", program, *libraries, ZIG_GLOBAL_CACHE_DIR=str(OWN / "zig"))
        needed = [command["name"] for command in of_kind(program, "LC_LOAD_DYLIB")]
        assert sorted(needed) == sorted([SYSTEM, NAME] if linked == "dynamic" else [SYSTEM])
        assert minimum_system(program)


def tags(wheel: Path, unpacked: Path) -> set[str]:
    """What a wheel says of whom it is for: in its name, in its WHEEL file, and by the library inside."""
    (output,) = unpacked.glob("*.dist-info/WHEEL")
    (library,) = unpacked.glob("*/_native/*.dylib")
    (build,) = of_kind(library, "LC_BUILD_VERSION")
    major, minor = version(build["minos"])
    written = HeaderParser().parsestr(output.read_text()).get_all("Tag")
    return {wheel.stem.split("-", 2)[2], *written, f"py3-none-macosx_{major}_{minor}_arm64"}


def pc_of(sdk: Path) -> str:
    return (sdk / "lib" / "pkgconfig" / "email_validator.pc").read_text()


def astray(sdk: Path) -> list[str]:
    """Files for build systems that name a place of another machine, or a library that is not there or not macOS's."""
    pc, cmake = "lib/pkgconfig/email_validator.pc", "lib/cmake/email_validator/email_validatorConfig.cmake"
    text = {file: (sdk / file).read_text() for file in (pc, cmake)}
    flags = set(re.findall(r"-l(\w+)", text[pc] + text[cmake]))
    located = re.findall(r'IMPORTED_LOCATION "\$\{_email_validator_root\}/(.*?)"', text[cmake])
    right = {
        pc: text[pc].startswith("prefix=${pcfiledir}/../..\n") and "-lemail_validator" in text[pc],
        cmake: '"${CMAKE_CURRENT_LIST_DIR}/../../.."' in text[cmake]
        and f'IMPORTED_SONAME "{NAME}"' in text[cmake]
        and len(located) == 2
        and all((sdk / path).is_file() for path in located),
    }
    strange = flags - {"email_validator", "System", "c", "m"}
    result = [file for file in (pc, cmake) if any(f"-l{name}" in text[file] for name in strange)]
    absolute = [file for file in (pc, cmake) if re.search(r'[\s"=]/\w', text[file])]
    return [file for file in (pc, cmake) if not right[file] or file in result or file in absolute]


def objects(archive: Path) -> set[tuple[str, str, tuple[int, ...]]]:
    """Machine, system and oldest version of every object in a static library; whatever differs is one more."""
    data = archive.read_bytes()
    result = set()
    for name, start in members_of(data):
        if not name.startswith("__.SYMDEF"):
            at = start + command_at(data[start:], LC_BUILD_VERSION)
            system, oldest = struct.unpack_from("<2I", data, at + 8)
            (machine,) = struct.unpack_from("<I", data, start + 4)
            result.add((hex(machine), {1: "macos"}.get(system, "another"), (oldest >> 16, oldest >> 8 & 0xFF)))
    return result


def members_of(data: bytes) -> list[tuple[str, int]]:
    """Name of each member of a BSD archive and where its content begins (ar(5) of the BSDs)."""
    assert data.startswith(b"!<arch>\n")
    result, at = [], 8
    while at < len(data):
        name, size = data[at : at + 16].decode().strip(), int(data[at + 48 : at + 58])
        start = at + 60
        if name.startswith("#1/"):
            length = int(name[3:])
            name = data[start : start + length].rstrip(b"\0").decode()
            start += length
        result.append((name, start))
        at += 60 + size + size % 2
    return result


def code_directory(data: bytes) -> tuple[int, int, list[bytes], int]:
    """Code limit, page size, hashes of all pages and flags (XNU, osfmk/kern/cs_blobs.h); it ends the file."""
    path, size = struct.unpack_from("<2I", data, command_at(data, LC_CODE_SIGNATURE) + 8)
    assert path + size == len(data)
    start = directory_at(data)
    magic, _, _, flags, hashes, _, _, codes, limit = struct.unpack_from(">9I", data, start)
    hash_size, hash_type, _, page = struct.unpack_from(">4B", data, start + 36)
    assert (magic, hash_size, hash_type) == (0xFADE0C02, 32, 2)  # SHA-256
    assert limit == path
    first = start + hashes
    return limit, 1 << page, [data[first + 32 * i : first + 32 * (i + 1)] for i in range(codes)], flags


def directory_at(data: bytes) -> int:
    """Where the code directory begins."""
    (path,) = struct.unpack_from("<I", data, command_at(data, LC_CODE_SIGNATURE) + 8)
    magic, _, count = struct.unpack_from(">3I", data, path)
    assert magic == 0xFADE0CC0  # CSMAGIC_EMBEDDED_SIGNATURE
    blobs = dict(struct.unpack_from(">2I", data, path + 12 + 8 * i) for i in range(count))
    return path + blobs[0]  # CSSLOT_CODEDIRECTORY


def command_at(data: bytes, kind: int) -> int:
    """Where the first load command of a kind begins in a 64-bit file (mach-o/loader.h)."""
    (commands,) = struct.unpack_from("<I", data, 16)
    at = 32
    for _ in range(commands):
        command, size = struct.unpack_from("<2I", data, at)
        if command == kind:
            return at
        at += size
    raise AssertionError(f"there is no load command {kind:#x}")
