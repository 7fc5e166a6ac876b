"""Targets that are linked on Windows alone: planned here, linked there by a script, taken over, packed and verified."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from fakes.program_project import with_program
from fakes.toolchain import lay_out
from fakes.windows_machine import MSVC, link, link_everything, taken

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo

LINKED = ".ferrule/linked"
SDK = f"demo-c-1.2.3-{MSVC}.zip"
WHEEL = "demo-1.2.3-py3-none-win_amd64.whl"


def for_windows(root: Path, also: str = "") -> Demo:
    """The demo project with libraries, SDKs and wheels for Linux and for Windows."""
    demo = lay_out(root)
    demo.edit("  aarch64-apple-darwin", f"  {MSVC}: {{}}\n  {also}aarch64-apple-darwin")
    text = (demo.project / "targets.yaml").read_text()
    above = text.partition("  component: ")[0]
    (demo.project / "targets.yaml").write_text(
        f'{above}  sdk-c: {{kind: sdk, library: native, header: header, targets: ["*-gnu", "*-msvc"]}}\n'
        "  sdk-py: {kind: wheel, library: native, source: packaging/python}\n"
        "  sbom: {kind: sbom}\n  sums: {kind: checksums}\n  provenance: {kind: provenance}\n"
    )
    return demo


@pytest.fixture
def windows(tmp_path: Path) -> Demo:
    return for_windows(tmp_path)


@pytest.fixture
def linked(windows: Demo) -> Demo:
    """The project with what the script of its library has left."""
    link_everything(windows)
    return windows


def refusal(demo: Demo) -> str:
    """Why the library was not taken."""
    return str(taken(demo, f"native@{MSVC}").error)


def test_the_plan_says_where_it_is_linked(windows: Demo) -> None:
    done = windows.ferrule("plan")
    assert f"native:script@{MSVC} → link.sh" in done.stdout
    assert f"native@{MSVC} → demo.dll, demo.lib, demo.dll.lib" in done.stdout
    assert "only on Windows: a script links it there" in done.stdout
    assert f"dist/{SDK}" in done.stdout
    assert f"dist/{WHEEL}" in done.stdout


def test_without_the_files_nothing_is_built_and_the_ways_out_are_named(windows: Demo) -> None:
    done = windows.ferrule("release")
    assert done.returncode == 4
    assert f"this is linked on Windows alone, and was not handed in: native for {MSVC}" in done.stderr
    assert "ferrule ci github" in done.stderr
    assert "ferrule script" in done.stderr
    assert "x86_64-pc-windows-gnullvm" in done.stderr
    assert not any(" rustc " in call for call in windows.calls)


def test_the_command_writes_a_script_for_each_library_and_target(windows: Demo) -> None:
    done = windows.ferrule("script", "--to", "scripts")
    assert done.returncode == 0, done.stderr
    assert "1 script in scripts/" in done.stdout
    assert (windows.project / "scripts" / MSVC / "native.sh").is_file()


def test_what_is_taken_over_is_what_was_measured(linked: Demo) -> None:
    outcome = taken(linked, f"native@{MSVC}")
    assert outcome.error is None
    assert outcome.facts["link"] == ["kernel32.lib", "-defaultlib:libcmt"]


def test_what_is_linked_there_is_packed_here(linked: Demo) -> None:
    assert "CARGO_PROFILE_RELEASE_LTO" not in (linked.home / "cargo-environment").read_text()
    done = linked.ferrule("release", "--linked", LINKED)
    assert done.returncode == 0, done.stderr + done.stdout
    library = (linked.project / LINKED / MSVC / "native" / "demo.dll").read_bytes()
    with zipfile.ZipFile(linked.dist / SDK) as archive:
        top = SDK.removesuffix(".zip")
        assert archive.read(f"{top}/bin/demo.dll") == library
        assert {f"{top}/lib/demo.lib", f"{top}/lib/demo.dll.lib"} <= set(archive.namelist())
        described = archive.read(f"{top}/lib/pkgconfig/demo.pc").decode()
        assert "Libs: ${libdir}/demo.dll.lib" in described
        assert "Libs.private: kernel32.lib -defaultlib:libcmt" in described
    with zipfile.ZipFile(linked.dist / WHEEL) as wheel:
        assert wheel.read("demo/_native/demo.dll") == library
    facts = json.loads((linked.dist / "manifest.json").read_bytes())["facts"][f"native@{MSVC}"]
    assert facts["linked_elsewhere_by"] == "rustc 1.96.0 (89abcdef0 2026-05-01)"
    assert facts["fingerprint"].encode() in library
    done = linked.ferrule("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    again = linked.ferrule("release", "--linked", LINKED)
    assert "0 built" in again.stderr


def test_other_files_make_another_result(linked: Demo) -> None:
    assert linked.ferrule("release", "--quiet", "--linked", LINKED).returncode == 0
    library = linked.project / LINKED / MSVC / "native" / "demo.dll"
    library.write_bytes(library.read_bytes() + b"another")
    assert linked.ferrule("release", "--quiet", "--linked", LINKED).returncode == 0
    with zipfile.ZipFile(linked.dist / WHEEL) as wheel:
        assert wheel.read("demo/_native/demo.dll").endswith(b"another")


def test_files_of_other_sources_are_refused(linked: Demo) -> None:
    source = linked.project / "rust" / "demo-ffi" / "src" / "lib.rs"
    source.write_text(source.read_text() + "// changed\n")
    assert "what was linked elsewhere is of other sources or settings than this checkout" in refusal(linked)
    done = link(linked, linked.project / LINKED / MSVC / "native.sh")
    assert done.returncode == 1
    assert "these are not the sources that this script was written for" in done.stderr


def test_a_library_without_the_mark_is_refused(linked: Demo) -> None:
    library = linked.project / LINKED / MSVC / "native" / "demo.dll"
    library.write_bytes((linked.home / "binaries" / "demo.dll").read_bytes())
    assert "demo.dll does not carry the fingerprint of what it should be linked from" in refusal(linked)


def test_a_path_of_the_other_machine_is_refused(linked: Demo) -> None:
    folder = linked.project / LINKED / MSVC / "native"
    (folder / "demo.dll").write_bytes((folder / "demo.dll").read_bytes() + rb"D:\a\demo\rust\src\lib.rs")
    with (folder / "linked.txt").open("a") as statement:
        statement.write("folder: D:\\a\\demo\n")
    assert r"demo.dll holds a path of the machine that linked it: D:\a\demo" in refusal(linked)


def test_a_library_of_another_machine_is_refused(linked: Demo) -> None:
    path = linked.project / LINKED / MSVC / "native" / "demo.dll"
    library = bytearray(path.read_bytes())
    header = int.from_bytes(library[0x3C:0x40], "little")
    library[header + 4 : header + 6] = (0xAA64).to_bytes(2, "little")
    path.write_bytes(library)
    assert "it is a shared library for windows on aarch64, not for x86_64-pc-windows-msvc" in refusal(linked)


def test_a_file_that_lacks_is_named_before_anything_is_built(linked: Demo) -> None:
    (linked.project / LINKED / MSVC / "native" / "demo.dll.lib").unlink()
    calls = len(linked.calls)
    done = linked.ferrule("release", "--linked", LINKED)
    assert done.returncode == 2
    assert f"there is no {MSVC}/native/demo.dll.lib" in done.stderr
    assert not any(" rustc " in call for call in linked.calls[calls:])


def test_a_statement_that_is_no_text_is_refused(linked: Demo) -> None:
    (linked.project / LINKED / MSVC / "native" / "linked.txt").write_bytes(b"\xff")
    assert "this cannot be read" in refusal(linked)


def test_one_wheel_for_two_linkers_is_refused(tmp_path: Path) -> None:
    demo = for_windows(tmp_path, "x86_64-pc-windows-gnullvm: {}\n  ")
    done = demo.ferrule("check")
    assert done.returncode == 3
    assert f"would both write dist/{WHEEL}" in done.stderr


def test_a_release_of_shards_is_the_same(linked: Demo) -> None:
    assert linked.ferrule("release", "--quiet", "--linked", LINKED).returncode == 0
    whole = linked.files()
    for number in (1, 2):
        done = linked.ferrule("build", "--shard", f"{number}/2", "--bundle", f".ferrule/b/{number}")
        assert done.returncode == 0, done.stderr
    folders = [".ferrule/b/1", ".ferrule/b/2"]
    assert "was not handed in" in linked.ferrule("merge", *folders).stderr
    done = linked.ferrule("merge", "--linked", LINKED, *folders)
    assert done.returncode == 0, done.stderr + done.stdout
    assert linked.files() == whole


def test_a_program_is_linked_there_too(tmp_path: Path) -> None:
    demo = with_program(lay_out(tmp_path), f"cli: {{kind: program, crate: demo-cli, targets: [{MSVC}]}}")
    demo.edit("  aarch64-apple-darwin", f"  {MSVC}: {{}}\n  aarch64-apple-darwin")
    link_everything(demo)
    assert taken(demo, f"cli@{MSVC}").error is None
    with zipfile.ZipFile(demo.dist / f"demo-cli-1.2.3-{MSVC}.zip") as archive:
        assert f"demo-cli-1.2.3-{MSVC}/demo-cli.exe" in archive.namelist()


def test_a_project_without_such_targets_has_no_scripts(tmp_path: Path) -> None:
    done = lay_out(tmp_path).ferrule("script")
    assert done.returncode == 2
    assert "no library or program of this project is linked on another machine" in done.stderr
    assert MSVC in done.stderr
