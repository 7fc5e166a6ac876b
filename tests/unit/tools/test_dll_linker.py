"""What the program that links for Windows hands on, to a compiler that writes down what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import StorageError
from ferrule.core.platforms import PLATFORMS
from ferrule.tools import dll_linker
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from pathlib import Path

WINDOWS = PLATFORMS["x86_64-pc-windows-gnullvm"]
COMPILER = """\
#!/bin/sh
printf '%s\\n' "$@" > "$0.given"
while [ "$1" != -o ]; do shift; done
echo linked > "$2"
"""


def link(tmp_path: Path, *argv: str) -> list[str]:
    """What the compiler is given."""
    compiler = tmp_path / "a compiler"
    compiler.write_text(COMPILER)
    compiler.chmod(0o755)
    dll_linker.write(tmp_path / "cache", WINDOWS)
    (variable, linker), _ = dll_linker.environment(tmp_path / "cache", WINDOWS, debug_info=False).items()
    assert variable == "CARGO_TARGET_X86_64_PC_WINDOWS_GNULLVM_LINKER"
    environment = {"PATH": "/usr/bin:/bin", "CC_x86_64_pc_windows_gnullvm": str(compiler)}
    capture([linker, *argv], env=environment, cwd=tmp_path)
    return (tmp_path / "a compiler.given").read_text().splitlines()


def rustc_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "rustc abc"
    folder.mkdir()
    (folder / "list.def").write_text("LIBRARY\nEXPORTS\n  demo_add\n")
    return folder


def test_a_dll_has_its_exports_and_its_name(tmp_path: Path) -> None:
    folder, output = rustc_folder(tmp_path), tmp_path / "demo_ffi.dll"
    options = ("-Wl,--dynamicbase", "a b.o", f"-Wl,{folder}/list.def", "-o", str(output), "-Wl,-soname,demo.dll")
    linked = folder / "linked"
    assert link(tmp_path, *options) == [
        *("-Wl,--dynamicbase", "a b.o", f"{linked}/exports.def", "-o", f"{linked}/demo.dll"),
    ]
    assert (linked / "exports.def").read_text() == "LIBRARY\nEXPORTS\n  demo_add\n"
    assert output.read_text() == "linked\n"


def test_a_dll_without_another_name_has_that_of_its_file(tmp_path: Path) -> None:
    folder, output = rustc_folder(tmp_path), tmp_path / "demo.dll"
    options = link(tmp_path, "-o", str(output), f"-Wl,{folder}/list.def", str(output))
    assert options == ["-o", f"{folder}/linked/demo.dll", f"{folder}/linked/exports.def", str(output)]


def test_a_program_is_linked_as_rustc_says(tmp_path: Path) -> None:
    assert link(tmp_path, "a.o", "-o", str(tmp_path / "demo.exe")) == ["a.o", "-o", str(tmp_path / "demo.exe")]


def test_the_library_that_zig_has_inside_is_left_out(tmp_path: Path) -> None:
    options = ("a.o", "-lkernel32", "-lssp_nonshared", "-o", str(tmp_path / "demo.exe"))
    assert link(tmp_path, *options) == ["a.o", "-lkernel32", "-o", str(tmp_path / "demo.exe")]


def test_options_in_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        link(tmp_path, "@linker-arguments")
    assert "the options of the linker are in a file" in caught.value.stderr


def test_it_is_written_once_and_only_for_windows(tmp_path: Path) -> None:
    dll_linker.write(tmp_path, PLATFORMS["aarch64-apple-darwin"])
    assert dll_linker.environment(tmp_path, PLATFORMS["aarch64-apple-darwin"], debug_info=True) == {}
    assert list(tmp_path.iterdir()) == []
    dll_linker.write(tmp_path, WINDOWS)
    (program,) = (tmp_path / "linkers").iterdir()
    before = program.stat()
    dll_linker.write(tmp_path, WINDOWS)
    assert program.stat().st_ino == before.st_ino


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "linkers").write_text("no folder")
    with pytest.raises(StorageError, match="cannot be written"):
        dll_linker.write(tmp_path, WINDOWS)


def test_debug_information_is_kept_by_the_linker_that_zig_calls(tmp_path: Path) -> None:
    kept = dll_linker.environment(tmp_path, WINDOWS, debug_info=True)
    without = dll_linker.environment(tmp_path, WINDOWS, debug_info=False)
    assert without["_LINK_"] == "-BREPRO"
    assert kept == {**without, "_LINK_": "-BREPRO -DEBUG:DWARF -OPT:REF"}
