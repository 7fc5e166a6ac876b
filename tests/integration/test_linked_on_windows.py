"""A library that Microsoft's linker makes on Windows, as far as that is possible without: LLVM's linker makes it here.

The script runs as it is written, with a `rustup` in place of Windows' own whose Cargo has LLVM's linker.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from judges import ferrule, run
from released import LINUX

pytestmark = [
    pytest.mark.rehearsal,  # standard libraries are compiled for it
    pytest.mark.only_on(*LINUX, reason="a stand-in for Windows is made of Linux' own Rust"),
]
WORKSPACE = Path(__file__).parent / "on-windows"
MSVC = "x86_64-pc-windows-msvc"
RUSTUP = """#!/bin/bash
set -eu
test "$1" = run || exit 0
shift 2
if test "$1" = rustc; then shift; exec {rustc} "$@"; fi
shift
export RUSTC={rustc} RUSTC_BOOTSTRAP=1 CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER={linker}
exec {cargo} "$@"
"""
USER = '#include "tiny.h"\nint main(void) { return tiny_echo(42) == 42 ? 0 : 1; }\n'


def linker(rustc: str) -> str:
    """LLVM's linker, as it comes with Rust."""
    sysroot = Path(run(rustc, "--print", "sysroot").stdout.strip())
    inside = next(sysroot.glob("lib/rustlib/*/bin/rust-lld"), None)
    path = inside or shutil.which("rust-lld")
    assert path is not None, "there is no rust-lld, which comes with Rust"
    return str(path)


def test_what_the_script_links_is_measured_packed_and_linked_with(tmp_path: Path, programs: dict[str, str]) -> None:
    project, windows = tmp_path / "project", tmp_path / "windows"
    shutil.copytree(WORKSPACE, project)
    windows.mkdir()
    rustup = windows / "rustup"
    rustc = programs["rustc"]
    rustup.write_text(RUSTUP.format(rustc=rustc, cargo=programs["cargo"], linker=linker(rustc)))
    rustup.chmod(0o755)
    ferrule("script", "--to", str(tmp_path / "scripts"), cwd=project)
    environment = {"PATH": f"{windows}:{os.defpath}:/usr/bin"}
    run("bash", str(tmp_path / "scripts" / MSVC / "native.sh"), cwd=project, **environment)
    # Nothing of the machine that linked may be in it, and here that is this one.
    ferrule("release", "--linked", ".ferrule/linked", cwd=project)
    ferrule("verify", cwd=project)
    facts = json.loads((project / "dist" / "manifest.json").read_bytes())["facts"][f"native@{MSVC}"]
    assert facts["cdylib"]["exports"] == ["tiny_echo"]
    assert facts["cdylib"]["name"] == "tiny.dll"
    assert "needed" not in facts["cdylib"]
    assert ".dep-v0" in facts["cdylib"]["sections"]
    with zipfile.ZipFile(project / "dist" / f"tiny-c-1.2.3-{MSVC}.zip") as archive:
        archive.extractall(tmp_path / "sdk")
    sdk = tmp_path / "sdk" / f"tiny-c-1.2.3-{MSVC}"
    (tmp_path / "user.c").write_text(USER)
    for library in ("tiny.dll.lib", "tiny.lib"):
        command = (programs["zig"], "cc", "-target", "x86_64-windows-gnu", "-I", str(sdk / "include"))
        run(*command, str(tmp_path / "user.c"), str(sdk / "lib" / library), "-o", "user.exe", cwd=tmp_path)
        needs_library = b"tiny.dll" in (tmp_path / "user.exe").read_bytes()
        assert needs_library == (library == "tiny.dll.lib")
