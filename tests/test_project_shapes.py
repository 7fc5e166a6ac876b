"""Releases of projects of other shapes than the demo's, by the real command line, with pretended compilers."""

from __future__ import annotations

import shutil
import tarfile
from typing import TYPE_CHECKING

from fakes.toolchain import GOLDEN, add_preprocessor
from fakes.triples import X86
from ferrule.tools.debs import format_lock, read_lock

if TYPE_CHECKING:
    from fakes.toolchain import Demo

ONE_TARGET = f'targets:\n  {X86}: {{glibc: "2.17"}}\n'


def release(demo: Demo, *artifacts: str) -> str:
    """Release these artifacts for one target; returns what the command printed."""
    path = demo.project / "targets.yaml"
    head = path.read_text().partition("targets:\n")[0]
    path.write_text(f"{head}{ONE_TARGET}artifacts:\n" + "".join(f"  {line}\n" for line in artifacts))
    done = demo.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_crate_without_cdylib_is_released_as_it_is(demo: Demo) -> None:
    manifest = demo.project / "rust/demo-ffi/Cargo.toml"
    demo.edit('crate-type = ["cdylib", "staticlib"]\n', "", "rust/demo-ffi/Cargo.toml")
    before = manifest.read_bytes()
    release(demo, "native: {kind: library, crate: demo-ffi}")
    assert {f"lib/{X86}/libdemo.a", f"lib/{X86}/libdemo.so.1"} <= set(demo.files())
    assert manifest.read_bytes() == before
    assert any("--crate-type cdylib,staticlib" in call for call in demo.calls)


ADD = "#pragma once\n#include <demo/text.h>\nint demo_add(int a, int b);\n"
COPY = '#pragma once\n#include "parts.inc"\nchar *demo_copy(const char *text);\n'
NATIVE = "native: {kind: library, crate: demo-ffi, header: header, exports: ['demo_*']}"
SDK = "sdk: {kind: sdk, library: native, header: header}"


def headers(demo: Demo, **files: str) -> None:
    """Write headers below api/."""
    for name, text in {"demo.h": ADD, "demo/text.h": COPY, "demo/parts.inc": "", "old/demo.h": "?", **files}.items():
        path = demo.project / "api" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def sdk_headers(demo: Demo) -> dict[str, str]:
    with tarfile.open(demo.dist / f"demo-c-1.2.3-{X86}.tar.gz") as archive:
        members = {m.name.partition("/")[2]: archive.extractfile(m) for m in archive.getmembers() if m.isfile()}
        return {n: file.read().decode() for n, file in members.items() if file and n.startswith("include/")}


def test_headers_that_exist_are_packed_with_their_folders(demo: Demo) -> None:
    headers(demo)
    release(demo, NATIVE, "header: {kind: header, files: ['api', '!api/old']}", SDK)
    assert sdk_headers(demo) == {"include/demo.h": ADD, "include/demo/text.h": COPY, "include/demo/parts.inc": ""}
    assert not any(call.startswith("cbindgen --") and "--output" in call for call in demo.calls)
    assert demo.ferrule("verify", "dist").returncode == 0
    # A change of a header is one of the interface, which the library carries.
    (demo.project / "api/demo/parts.inc").write_text("#define DEMO_MORE 1\n")
    assert "native" in demo.ferrule("plan", "--json").stdout
    assert demo.ferrule("release", "--quiet").returncode == 0
    assert sdk_headers(demo)["include/demo/parts.inc"] == "#define DEMO_MORE 1\n"


def test_one_header_that_exists(demo: Demo) -> None:
    headers(demo, **{"demo.h": "int demo_add(int a, int b);\nchar *demo_copy(const char *text);\n"})
    release(demo, NATIVE, "header: {kind: header, file: api/demo.h, name: add.h}", SDK)
    assert [*sdk_headers(demo)] == ["include/add.h"]


def test_headers_that_exist_are_compared_with_the_library(demo: Demo) -> None:
    headers(demo, **{"demo/text.h": "#pragma once\nint demo_sub(int a, int b);\n"})
    (demo.project / "targets.yaml").write_text(
        (demo.project / "targets.yaml")
        .read_text()
        .replace("{kind: header, crate: demo-ffi}", "{kind: header, files: ['api', '!api/old']}")
    )
    done = demo.ferrule("build", "native", "--target", X86)
    assert done.returncode != 0
    report = done.stdout + done.stderr
    assert "demo/text.h:2 declares demo_sub, which the library does not export" in report
    assert "it exports demo_copy, which no header declares" in report


def test_a_version_script_gives_versions_and_the_pkg_config_file_says_what_the_project_does(demo: Demo) -> None:
    (demo.project / "demo.map").write_text((GOLDEN / "demo.map").read_text())
    native = "native: {kind: library, crate: demo-ffi, header: header, version-script: demo.map}"
    stated = "{name: demo-1, cflags: [-DDEMO], requires: [zlib]}"
    sdk = f"sdk: {{kind: sdk, library: native, header: header, pkg-config: {stated}}}"
    shutil.copyfile(demo.home / "binaries" / "demo-versions-x86_64.so", demo.home / f"tamper-{X86}")
    release(demo, native, "header: {kind: header, crate: demo-ffi}", sdk)
    with tarfile.open(demo.dist / f"demo-c-1.2.3-{X86}.tar.gz") as archive:
        file = archive.extractfile(f"demo-c-1.2.3-{X86}/lib/pkgconfig/demo-1.pc")
        assert file is not None
        assert "Requires: zlib\n" in file.read().decode()
    assert any("link-arg=-Wl,--version-script=../demo.map" in call for call in demo.calls)
    # Another script is another library, and one that the library is not like is refused.
    (demo.project / "demo.map").write_text("DEMO_2 { demo_*; local: *; };")
    done = demo.ferrule("release", "--quiet")
    assert "demo_add has DEMO_1.0, and the version script says DEMO_2" in done.stdout + done.stderr
    (demo.project / "demo.map").write_text("DEMO_2 { demo_* local: *; };")
    done = demo.ferrule("check")
    assert "demo.map cannot be read: line 1: expected ; after demo_*" in done.stdout + done.stderr


def test_a_build_script_that_misses_a_program_is_told_which_package_has_it(demo: Demo) -> None:
    lock = demo.project / "rust/Cargo.lock"
    lock.write_text(lock.read_text() + '\n[[package]]\nname = "nasm-rs"\nversion = "0.3.0"\n')
    doctor = demo.ferrule("doctor", "--no-probe")
    assert "! nasm" in doctor.stdout
    assert "fix: apt-get install nasm (Debian, Ubuntu) or brew install nasm (macOS)" in doctor.stdout
    (demo.home / "script-says").write_text("Unable to run nasm: No such file or directory (os error 2)\n")
    done = demo.ferrule("build", "native", "--target", X86)
    assert "the build script of demo-sys v0.1.0 needs nasm, which was not found" in done.stdout + done.stderr
    assert "apt-get install nasm" in done.stdout + done.stderr


def test_the_first_lock_of_a_base_is_written(demo: Demo) -> None:
    lock = demo.project / "packaging/base.lock"
    (package, *_) = [one for one in read_lock(lock.read_text()) if one.architecture == "amd64"]
    lock.unlink()
    image = "image: {kind: image, library: native, base: packaging/base.lock}"
    path = demo.project / "targets.yaml"
    head = path.read_text().partition("targets:\n")[0]
    path.write_text(f"{head}{ONE_TARGET}artifacts:\n  native: {{kind: library, crate: demo-ffi}}\n  {image}\n")
    done = demo.ferrule("check")
    assert "run `ferrule lock --init`, which writes it" in done.stdout + done.stderr
    shown = f"Version: {package.version}\\nSHA256: {package.sha256}\\nSize: {package.size}\\nArchitecture: amd64\\n\\n"
    script = f'shift 2; for p in "$@"; do printf "Package: ${{p%%:*}}\\n{shown}"; done'
    for name, text in {"apt-cache": script, "apt-get": "exit 0"}.items():
        (demo.root / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (demo.root / "bin" / name).chmod(0o755)
    done = demo.ferrule("lock", "--init")
    assert (done.returncode, done.stdout) == (0, "packaging/base.lock: 5 packages\n"), done.stderr
    assert demo.ferrule("check").returncode == 0
    assert demo.ferrule("lock", "--init").stdout == "every lock file that an image names exists\n"
    assert demo.ferrule("lock", "--init", "x").returncode == 2
    # Only the C library's package is truly there.
    lock.write_text(format_lock([package]))
    release(demo, "native: {kind: library, crate: demo-ffi}", image)
    assert "image/index.json" in demo.files()


def test_several_programs_in_an_image(demo: Demo) -> None:
    module = "go: {kind: gomodule, library: native, source: packaging/go}"
    program = "kind: goprogram, module: go, source: packaging/server"
    programs = (f"{name}: {{{program}, name: {name}}}" for name in ("server", "admin"))
    image = "image: {kind: image, library: [native], base: packaging/base.lock, program: [server, admin]}"
    release(demo, "native: {kind: library, crate: demo-ffi}", module, *programs, image)
    layers: set[str] = set()
    for path in (demo.dist / "image" / "blobs" / "sha256").iterdir():
        if tarfile.is_tarfile(path):
            with tarfile.open(path) as layer:
                layers |= {*layer.getnames()}
    assert {"usr/bin/server", "usr/bin/admin", "usr/lib/libdemo.so.1"} <= layers
    assert demo.ferrule("verify", "dist").returncode == 0


def test_the_interface_gate_reads_headers_that_exist(demo: Demo) -> None:
    headers(demo)
    release(demo, NATIVE, "header: {kind: header, files: ['api', '!api/old']}", SDK)
    add_preprocessor(demo)
    done = demo.ferrule("abi", "--record")
    assert done.returncode == 0, done.stderr
    assert '"demo/text.h"' in (demo.project / "packaging/abi/interface.json").read_text()
    headers(demo, **{"demo.h": ADD.replace("int a,", "long a,")})
    assert demo.ferrule("release", "--quiet").returncode == 0
    done = demo.ferrule("abi")
    assert "demo_add()" in done.stdout + done.stderr
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write("\npublish: {shelf: {to: folder, path: ..}}\n")
    done = demo.ferrule("publish")
    assert done.returncode == 10
    assert "packaging/abi: " in done.stderr
    assert "ferrule abi shows the changes and the version that they ask for" in done.stderr
