"""A library with C inside and a program, built for every target; compiled against and run, and read by two readers."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from judges import provision, run
from machines import MACHINES
from readers import READERS, read_exports, read_machine, read_part
from released_targets import Row

from ferrule.core.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from machines import Machine
    from released_targets import Built, Workspace

    from ferrule.core.platforms import Platform

HERE = Path(__file__).parent
EXPORTS = {"tally_words", "TALLY_NUMBER"}
# What zig adds to every file for macOS: names of its linker, and compiler-rt's for the version of the system.
OF_LINKERS = {"__dso_handle", "_mh_dylib_header", "__isOSVersionAtLeast", "__isPlatformVersionAtLeast"}
TAILS = (".dll", ".so.1", ".1.dylib")


def test_every_machine_has_its_way() -> None:
    # What is linked on Windows alone cannot be built here; tests/integration/test_linked_on_windows.py has a stand-in.
    built_here = {triple for triple, row in PLATFORMS.items() if row.family.linked_on is None}
    assert set(MACHINES) == {triple for triple in built_here if not PLATFORMS[triple].is_portable}


@pytest.mark.parametrize("target", MACHINES)
def test_a_target(target: str, workspaces: Callable[[str], Workspace], rows: list[Row], tmp_path: Path) -> None:
    machine, platform = MACHINES[target], PLATFORMS[target]
    provision({**READERS, **machine.judges})
    workspace = workspaces("program")
    built = workspace.release(target)
    if platform.is_native:
        library = check_library(built, machine, workspace.tool("zig"), tmp_path)
        rows.append(row_of(built, machine, "library", library, "native", "cdylib"))
    tool = built.unpacked("tally-1.2.3", tmp_path / "tool") / platform.program("tally")
    read_machine(tool, platform.machine)
    if machine.runner is not None:
        assert machine.start(tool, "a b a").split() == ["2", "words"]
    rows.append(row_of(built, machine, "program", tool, "tool", "program"))


def row_of(built: Built, machine: Machine, kind: str, file: Path, action: str, role: str) -> Row:
    measured = built.measured(f"{action}@{built.target}", role)
    return Row(built.target, kind, file.stat().st_size, built.seconds, measured, machine.name)


def check_library(built: Built, machine: Machine, zig: str, folder: Path) -> Path:
    """The library of the SDK, read by two readers, linked with and called, and packed in the wheel as it is."""
    platform = PLATFORMS[built.target]
    sdk = built.unpacked("tally-c", folder / "sdk")
    library = sdk / platform.family.library_folder / platform.soname("tally", "1.2.3")
    read_machine(library, platform.machine)
    for machine_name in platform.machine.split("+"):
        assert read_exports(library, machine_name) - OF_LINKERS == EXPORTS
    for part in platform.parts:
        of_part = replace(built, target=part).unpacked("tally-c", folder / part) / "lib" / library.name
        assert read_part(library, PLATFORMS[part].machine, folder / f"{part}.dylib") == of_part.read_bytes()
    for row in [PLATFORMS[part] for part in platform.parts] or [platform]:
        user = compile_user(sdk, row, zig, folder / f"user-{row.machine}")
        if machine.runner is not None:
            assert machine.start(user).split() == ["4", "-1"]
    if machine.compiler is not None:
        user = compile_by_pkg_config(sdk, platform, machine.compiler, folder / "user-by-pkg-config")
        assert machine.start(user).split() == ["4", "-1"]
    wheel = check_wheel(built, platform, library)
    if machine.python is not None:
        # As an argument, for the Python of Windows takes no folder from the environment; wine has this machine as Z:.
        code = "import sys; sys.path.insert(0, sys.argv[1]); import tally; print(tally.words('a b a'))"
        assert machine.start(machine.python(), "-c", code, str(wheel)).split() == ["2"]
    return library


def check_wheel(built: Built, platform: Platform, library: Path) -> Path:
    """The wheel for this platform has the library of the SDK; gives the wheel, which Python can import from."""
    floors = PLATFORMS[platform.parts[0]] if platform.parts else platform
    major, minor = (floors.suggested_floor if floors.floors else platform.family.wheel_floor or "").split(".")
    tag = platform.wheel_tag(int(major), int(minor))
    (wheel,) = (path for path in built.folder.glob("*.whl") if tag in path.name)
    (member,) = (name for name in run("unzip", "-Z1", wheel).stdout.split() if name.endswith(TAILS))
    run("unzip", "-q", wheel, "-d", wheel.with_suffix(""))
    assert (wheel.with_suffix("") / member).read_bytes() == library.read_bytes()
    return wheel.with_suffix("")


def compile_user(sdk: Path, platform: Platform, zig: str, folder: Path) -> Path:
    """A C program linked with the SDK; statically for musl, whose programs are, and else with the shared library."""
    folder.mkdir()
    user, lib = folder / platform.program("user"), sdk / "lib"
    static = platform.family.libc == "musl"
    imported = platform.import_library("tally")  # zig would take libtally.a for -ltally
    shared = [lib / imported] if imported else [f"-L{lib}", "-ltally"]
    linked = [lib / "libtally.a", "-lunwind"] if static else shared
    search = ["-Wl,-rpath,$ORIGIN"] if platform.family.object_format == "elf" and not static else []
    target = platform.zig(platform.suggested_floor if platform.floors else None)
    shutil.copy(HERE / "user.c", folder)
    compiler = (zig, "cc", "-target", target, "-Os", f"-I{sdk / 'include'}")
    run(*compiler, "user.c", *linked, *search, "-o", user, cwd=folder)
    for file in (*lib.glob("*.so*"), *sdk.glob("bin/*.dll")):
        shutil.copy(file, folder)
    return user


def compile_by_pkg_config(sdk: Path, platform: Platform, compiler: str, folder: Path) -> Path:
    """The same by a compiler of the system's users, with what pkg-config says."""
    shutil.copytree(sdk / "bin", folder)
    options = run("pkg-config", "--cflags", "--libs", "tally", PKG_CONFIG_PATH=str(sdk / "lib" / "pkgconfig")).stdout
    user = folder / platform.program("user")
    run(compiler, HERE / "user.c", *shlex.split(options), "-o", user)
    return user
