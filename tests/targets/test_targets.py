"""A library with C inside and a program, built for every target; compiled against and run, and read by two readers."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from judges import provision, run
from machines import MACHINES
from readers import READERS, read_exports, read_machine
from released_targets import Row

from ferrule.core.platforms import PLATFORMS

if TYPE_CHECKING:
    from released_targets import Built, Workspace

    from ferrule.core.platforms import Platform

HERE = Path(__file__).parent
EXPORTS = {"tally_words", "TALLY_VERSION"}
TAILS = (".dll", ".so.1", ".1.dylib")


def test_every_machine_has_its_way() -> None:
    assert set(MACHINES) == {triple for triple, row in PLATFORMS.items() if row.is_native}


@pytest.mark.parametrize("target", MACHINES)
def test_a_target(target: str, workspace: Workspace, rows: list[Row], tmp_path: Path) -> None:
    machine, platform = MACHINES[target], PLATFORMS[target]
    provision({**READERS, **machine.judges})
    built = workspace.release(target)
    sdk = built.unpacked("tally-c", tmp_path / "sdk")
    tool = built.unpacked("tally-1.2.3", tmp_path / "tool") / platform.program("tally")
    folder = sdk / platform.family.library_folder
    library = folder / platform.soname("tally", "1.2.3")
    for file in (library, tool):
        read_machine(file, platform.machine)
    assert read_exports(library) == EXPORTS
    user = compile_user(sdk, platform, workspace.zig, tmp_path / "user")
    if machine.runner is not None:
        assert machine.start(tool, "a b a").split() == ["2", "words"]
        assert machine.start(user).split() == ["4", "-1"]
    if machine.compiler is not None:
        user = compile_by_pkg_config(sdk, platform, machine.compiler, tmp_path / "user-by-pkg-config")
        assert machine.start(user).split() == ["4", "-1"]
    wheel = check_wheel(built, platform, library)
    if machine.name == "this machine" and platform.family.libc == "glibc":
        code = "import tally; print(tally.words('a b a'))"
        assert run(sys.executable, "-c", code, PYTHONPATH=str(wheel)).stdout.split() == ["2"]
    for kind, file, action, role in (("library", library, "native", "cdylib"), ("program", tool, "tool", "program")):
        measured = built.measured(f"{action}@{target}", role)
        rows.append(Row(target, kind, file.stat().st_size, built.seconds, measured, machine.name))


def check_wheel(built: Built, platform: Platform, library: Path) -> Path:
    """The wheel for this platform has the library of the SDK; gives the wheel, which Python can import from."""
    (wheel,) = built.folder.glob("*.whl")
    major, minor = (platform.suggested_floor if platform.floors else platform.family.wheel_floor or "").split(".")
    assert platform.wheel_tag(int(major), int(minor)) in wheel.name
    (member,) = (name for name in run("unzip", "-Z1", wheel).stdout.split() if name.endswith(TAILS))
    run("unzip", "-q", wheel, "-d", wheel.with_suffix(""))
    assert (wheel.with_suffix("") / member).read_bytes() == library.read_bytes()
    return wheel.with_suffix("")


def compile_user(sdk: Path, platform: Platform, zig: str, folder: Path) -> Path:
    """A C program linked with the SDK; statically for musl, whose programs are, and else with the shared library."""
    folder.mkdir()
    user, lib = folder / platform.program("user"), sdk / "lib"
    static = platform.family.libc == "musl"
    linked = [lib / "libtally.a", "-lunwind"] if static else [f"-L{lib}", "-ltally"]
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
