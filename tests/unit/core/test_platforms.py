from __future__ import annotations

from dataclasses import fields

import pytest

from ferrule.core.platforms import (
    FAMILIES,
    LINUX_GNU,
    PLATFORMS,
    Platform,
    counterpart,
    is_rust_target,
    joined_floor,
    other_runner_labels,
    unsupported,
)

MUSL = PLATFORMS["x86_64-unknown-linux-musl"]
WINDOWS = PLATFORMS["x86_64-pc-windows-gnullvm"]
ARM = PLATFORMS["armv7-unknown-linux-gnueabihf"]
RISCV = PLATFORMS["riscv64gc-unknown-linux-gnu"]
LINUX, MAC = PLATFORMS["x86_64-unknown-linux-gnu"], PLATFORMS["aarch64-apple-darwin"]


def test_a_row_answers_in_everybodys_words() -> None:
    assert {
        t: (row.zig("9.9"), row.go, row.oci, row.npm, row.debian)
        for t, row in {**PLATFORMS, WINDOWS.triple: WINDOWS}.items()
    } == {
        "x86_64-unknown-linux-gnu": (
            "x86_64-linux-gnu.9.9",
            "linux/amd64",
            "linux/amd64",
            {"os": "linux", "cpu": "x64", "libc": "glibc"},
            "amd64",
        ),
        "aarch64-unknown-linux-gnu": (
            "aarch64-linux-gnu.9.9",
            "linux/arm64",
            "linux/arm64",
            {"os": "linux", "cpu": "arm64", "libc": "glibc"},
            "arm64",
        ),
        "aarch64-apple-darwin": (
            "aarch64-macos.9.9-none",
            "darwin/arm64",
            None,
            {"os": "darwin", "cpu": "arm64"},
            None,
        ),
        "x86_64-apple-darwin": ("x86_64-macos.9.9-none", "darwin/amd64", None, {"os": "darwin", "cpu": "x64"}, None),
        "universal2-apple-darwin": ("universal2-macos.9.9-none", None, None, {}, None),
        "wasm32-unknown-unknown": ("wasm32-freestanding", None, None, {}, None),
        "wasm32-wasip1": ("wasm32-wasi.0.1.0", None, None, {}, None),
        "wasm32-wasip2": ("wasm32-wasi.0.2.0", None, None, {}, None),
        "x86_64-pc-windows-gnu": (
            "x86_64-windows-gnu",
            "windows/amd64",
            "windows/amd64",
            {"os": "win32", "cpu": "x64"},
            None,
        ),
        "x86_64-unknown-linux-musl": (
            "x86_64-linux-musl",
            "linux/amd64",
            "linux/amd64",
            {"os": "linux", "cpu": "x64", "libc": "musl"},
            None,
        ),
        "x86_64-pc-windows-gnullvm": (
            "x86_64-windows-gnu",
            "windows/amd64",
            "windows/amd64",
            {"os": "win32", "cpu": "x64"},
            None,
        ),
        "aarch64-pc-windows-gnullvm": (
            "aarch64-windows-gnu",
            "windows/arm64",
            "windows/arm64",
            {"os": "win32", "cpu": "arm64"},
            None,
        ),
        "x86_64-pc-windows-msvc": (
            "x86_64-windows-gnu",
            "windows/amd64",
            "windows/amd64",
            {"os": "win32", "cpu": "x64"},
            None,
        ),
        "aarch64-pc-windows-msvc": (
            "aarch64-windows-gnu",
            "windows/arm64",
            "windows/arm64",
            {"os": "win32", "cpu": "arm64"},
            None,
        ),
        "armv7-unknown-linux-gnueabihf": (
            "arm-linux-gnueabihf.9.9",
            "linux/arm",
            "linux/arm/v7",
            {"os": "linux", "cpu": "arm", "libc": "glibc"},
            "armhf",
        ),
        "i686-unknown-linux-gnu": (
            "x86-linux-gnu.9.9",
            "linux/386",
            "linux/386",
            {"os": "linux", "cpu": "ia32", "libc": "glibc"},
            "i386",
        ),
        "powerpc64le-unknown-linux-gnu": (
            "powerpc64le-linux-gnu.9.9",
            "linux/ppc64le",
            "linux/ppc64le",
            {"os": "linux", "cpu": "ppc64", "libc": "glibc"},
            "ppc64el",
        ),
        "s390x-unknown-linux-gnu": (
            "s390x-linux-gnu.9.9",
            "linux/s390x",
            "linux/s390x",
            {"os": "linux", "cpu": "s390x", "libc": "glibc"},
            "s390x",
        ),
        "aarch64-unknown-linux-musl": (
            "aarch64-linux-musl",
            "linux/arm64",
            "linux/arm64",
            {"os": "linux", "cpu": "arm64", "libc": "musl"},
            None,
        ),
        "armv7-unknown-linux-musleabihf": (
            "arm-linux-musleabihf",
            "linux/arm",
            "linux/arm/v7",
            {"os": "linux", "cpu": "arm", "libc": "musl"},
            None,
        ),
        "riscv64gc-unknown-linux-gnu": (
            "riscv64-linux-gnu.9.9",
            "linux/riscv64",
            "linux/riscv64",
            {"os": "linux", "cpu": "riscv64", "libc": "glibc"},
            "riscv64",
        ),
    }
    assert (ARM.multiarch, LINUX.multiarch, MUSL.multiarch) == ("arm-linux-gnueabihf", "x86_64-linux-gnu", None)
    assert ARM.go_environment == {"GOOS": "linux", "GOARCH": "arm", "GOARM": "7"}
    assert PLATFORMS["wasm32-unknown-unknown"].go_environment == {}


def test_file_names_are_those_of_rustc_and_the_loader() -> None:
    names = {
        row.triple: (row.cdylib("z"), row.soname("z", "1"), row.import_library("z"), row.program("z"))
        for row in (LINUX, MUSL, MAC, WINDOWS)
    }
    assert names == {
        LINUX.triple: ("libz.so", "libz.so.1", None, "z"),
        MUSL.triple: ("libz.so", "libz.so.1", None, "z"),
        MAC.triple: ("libz.dylib", "libz.1.dylib", None, "z"),
        WINDOWS.triple: ("z.dll", "z.dll", "libz.dll.a", "z.exe"),
    }
    assert (LINUX.reference("libz.so.1"), MAC.reference("libz.1.dylib"), WINDOWS.reference("z.dll")) == (
        "libz.so.1",
        "@rpath/libz.1.dylib",
        "z.dll",
    )
    assert WINDOWS.link_options("z.dll") == ("-C", "link-arg=-Wl,-soname,z.dll")
    assert PLATFORMS["wasm32-unknown-unknown"].link_options("z.wasm") == ()
    assert MAC.link_options("libz.1.dylib") == ("-C", "link-arg=-Wl,-install_name,@rpath/libz.1.dylib")


def test_the_floor_goes_where_the_tools_look_for_it() -> None:
    assert (LINUX.zigbuild_target("2.17"), LINUX.floor_environment("2.17")) == ("x86_64-unknown-linux-gnu.2.17", {})
    assert (MAC.zigbuild_target("11.0"), MAC.floor_environment("11.0")) == (
        "aarch64-apple-darwin",
        {"MACOSX_DEPLOYMENT_TARGET": "11.0"},
    )
    assert (MUSL.zigbuild_target(None), MUSL.floor_name, MUSL.floor_problem("2.17")) == (MUSL.triple, None, None)
    assert (LINUX.suggested_floor, RISCV.suggested_floor, MUSL.suggested_floor) == ("2.17", "2.29", "")


@pytest.mark.parametrize(
    ("row", "value", "nearest"),
    [(LINUX, "2.16", "2.17"), (LINUX, "2.45", "2.44"), (RISCV, "2.17", "2.29"), (MAC, "10.15", "11.0")],
)
def test_a_floor_that_cannot_be(row: Platform, value: str, nearest: str) -> None:
    problem = row.floor_problem(value)
    assert problem is not None
    assert problem[1] == nearest
    assert "Rust's floor" in problem[0]
    assert row.floor_problem(nearest) is None


def test_what_is_always_there() -> None:
    assert LINUX.provides("libc.so.6")
    assert LINUX.provides("ld-linux-x86-64.so.2")
    assert not LINUX.provides("ld-linux-aarch64.so.1")
    assert not LINUX.provides("libz.so.1")
    assert MUSL.provides("libc.so")
    assert not MUSL.provides("libc.so.6")
    assert MAC.provides("/usr/lib/libSystem.B.dylib")
    assert not MAC.provides("@rpath/libz.dylib")
    assert WINDOWS.provides("KERNEL32.dll")
    assert not WINDOWS.provides("z.dll")


def test_wheels_name_the_c_library() -> None:
    assert LINUX.wheel_tag(2, 17) == "manylinux_2_17_x86_64"
    assert MUSL.wheel_tag(1, 2) == "musllinux_1_2_x86_64"
    assert ARM.wheel_tag(2, 31) == "manylinux_2_31_armv7l"
    assert WINDOWS.wheel_tag(10, 0) == "win_amd64"
    assert MAC.cibuildwheel == "macosx_arm64"
    with pytest.raises(ValueError, match="no platform tag names wasm32"):
        PLATFORMS["wasm32-unknown-unknown"].wheel_tag(1, 0)


@pytest.mark.parametrize(
    "name",
    [
        *("i686-pc-windows-gnullvm", "i686-pc-windows-msvc", "i686-unknown-linux-musl", "wasm32-wasip3"),
        *("arm-unknown-linux-gnueabihf", "riscv32imac-unknown-none-elf", "aarch64-linux-android", "aarch64-apple-ios"),
    ],
)
def test_a_target_without_a_row_is_unsupported(name: str) -> None:
    assert (unsupported(name, PLATFORMS) or "").partition(":")[0] == f"{name} is not supported"
    assert unsupported(name, [name]) is None


def test_files_of_microsofts_linker_are_named_as_it_names_them() -> None:
    row = PLATFORMS["x86_64-pc-windows-msvc"]
    assert (row.cdylib("x"), row.staticlib("x"), row.import_library("x"), row.program("x")) == (
        *("x.dll", "x.lib", "x.dll.lib", "x.exe"),
    )
    assert row.wheel_tag(10, 0) == "win_amd64"
    assert row.runner == "windows-2025"


def test_every_target_that_is_linked_on_one_system_has_one_that_is_linked_anywhere() -> None:
    rows = [row for row in PLATFORMS.values() if row.family.linked_on]
    others = [PLATFORMS[counterpart(row.triple, PLATFORMS) or ""] for row in rows]
    assert [(row.system, row.machine) for row in rows] == [(other.system, other.machine) for other in others]
    assert not any(other.family.linked_on for other in others)


@pytest.mark.parametrize("linker", ["msvc", "gnu"])
def test_windows_has_a_target_for_each_machine(linker: str) -> None:
    assert counterpart(f"aarch64-pc-windows-{linker}", PLATFORMS) == "aarch64-pc-windows-gnullvm"
    assert counterpart(f"i686-pc-windows-{linker}", PLATFORMS) is None


@pytest.mark.parametrize(
    "name",
    [
        *("x86_64-linux-gnu", "x86_64-unknown-linux-gun", "x86-64-unknown-linux-gnu", "x86_64-unknown-linux"),
        *("aarch64-apple-darwn", "x86_64", "", "linux"),
    ],
)
def test_a_misspelt_target_is_not_taken_for_one(name: str) -> None:
    assert not is_rust_target(name)
    assert unsupported(name, PLATFORMS) is None


def test_every_row_is_a_target_of_rust() -> None:
    compiled = {triple: row for triple, row in PLATFORMS.items() if not row.parts}
    assert all(is_rust_target(triple) and triple == row.triple for triple, row in compiled.items())
    assert len({(row.zig(), row.family.rustflags) for row in compiled.values()}) == len(compiled)


def test_a_row_may_be_joined_of_others() -> None:
    universal = PLATFORMS["universal2-apple-darwin"]
    assert [PLATFORMS[part].machine for part in universal.parts] == ["x86_64", "arm64"]
    assert universal.machine == "arm64+x86_64"
    assert universal.wheel_tag(10, 13) == "macosx_10_13_universal2"
    assert universal.floor_problem("9.0") is None


@pytest.mark.parametrize(
    ("intel", "arm", "floor"),
    [("10.12", "11.0", "10.12"), ("10.13", "11.0", "10.13"), ("11.0", "11.0", "11.0"), ("10.12", "12.0", "12.0")],
)
def test_the_oldest_version_of_a_machine_asks_for_nothing(intel: str, arm: str, floor: str) -> None:
    assert joined_floor({"x86_64": intel, "arm64": arm}) == floor


def test_webassembly_with_a_system_is_no_library() -> None:
    portable = {triple for triple, row in PLATFORMS.items() if row.is_portable}
    assert portable == {"wasm32-unknown-unknown"}
    assert not any(PLATFORMS[triple].is_native for triple in ("wasm32-wasip1", "wasm32-wasip2"))


def test_where_debian_keeps_libraries_and_what_compilers_define() -> None:
    names = {t: row.multiarch for t, row in PLATFORMS.items() if row.multiarch}
    assert names == {
        "x86_64-unknown-linux-gnu": "x86_64-linux-gnu",
        "aarch64-unknown-linux-gnu": "aarch64-linux-gnu",
        "armv7-unknown-linux-gnueabihf": "arm-linux-gnueabihf",
        "i686-unknown-linux-gnu": "i386-linux-gnu",
        "riscv64gc-unknown-linux-gnu": "riscv64-linux-gnu",
        "powerpc64le-unknown-linux-gnu": "powerpc64le-linux-gnu",
        "s390x-unknown-linux-gnu": "s390x-linux-gnu",
    }
    wide = {t for t, row in PLATFORMS.items() if "__LP64__" in row.macros}
    narrow = {"armv7-unknown-linux-gnueabihf", "armv7-unknown-linux-musleabihf", "i686-unknown-linux-gnu"}
    assert wide == {t for t in PLATFORMS.keys() - narrow if "linux" in t or "apple" in t}


def test_labels_of_other_machines() -> None:
    assert other_runner_labels("macos") == ("ubuntu", "windows")
    assert len(fields(LINUX_GNU)) > len(FAMILIES)
