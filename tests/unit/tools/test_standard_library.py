"""The standard library of a target, compiled once for a machine."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from fakes.machine import COMMIT, LINUX, MACOS
from fakes.triples import WASM
from ferrule.core.errors import BuildError, StorageError
from ferrule.core.model import Digest, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.tools import standard_library
from ferrule.tools.cargo import NativeBuild, WasmBuild
from ferrule.tools.program_output import Listener
from ferrule.tools.run import Captured, ToolFailed
from ferrule.tools.standard_library import Recipe, sysroot, uncompiled

STD = {LINUX: "prebuilt", MACOS: "build-std", WASM: "build-std"}
TOOLS = {
    "rustc": Tool("rustc", "1.96.0", ("/usr/bin/rustc",), f"rustc 1.96.0; commit-hash: {COMMIT}"),
    "cargo": Tool("cargo", "1.96.0", ("/tools/cargo",), "cargo"),
    **{f"std-{triple}": Tool(f"std-{triple}", how, ("/library",), how) for triple, how in STD.items()},
}
CHAIN = Toolchain("installed", TOOLS, STD, Path("/usr"))


@pytest.fixture
def workspace(tmp_path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "Cargo.toml").write_text('[profile.release]\nopt-level = "z"\nlto = true\nstrip = true\n')
    return folder


def recipe(workspace, triple=MACOS, **fields) -> Recipe:
    build = NativeBuild(workspace, "x", PLATFORMS[triple], ("cdylib",), **fields)
    result = standard_library.recipe(CHAIN, build, {"HOME": str(workspace)}, workspace)
    assert result is not None
    return result


def test_a_target_with_a_compiled_one_needs_none(workspace):
    build = NativeBuild(workspace, "x", PLATFORMS[LINUX])
    assert standard_library.recipe(CHAIN, build, {"HOME": str(workspace)}, workspace) is None


def test_what_decides_its_bytes_is_its_name(workspace):
    plain = recipe(workspace, floor="11.0")
    assert plain.flags == ("-Zdefault-visibility=hidden", "-Cembed-bitcode=yes")
    assert dict(plain.profile) == {"inherits": '"release"', "opt-level": '"z"'}
    assert plain.variables == (("MACOSX_DEPLOYMENT_TARGET", "11.0"),)
    others = [
        recipe(workspace, floor="12.0"),
        recipe(workspace, floor="11.0", rustflags=("-Ctarget-cpu=apple-m1",)),
        recipe(workspace, floor="11.0", debug_info="lines"),
        recipe(workspace, floor="11.0", profile="dev"),
        replace(plain, compiler="another"),
    ]
    assert len({plain.key, *(other.key for other in others)}) == 1 + len(others)
    (workspace / "Cargo.toml").write_text('[profile.release]\nopt-level = "z"\nlto = "thin"\n')  # stripping does not
    linked = recipe(workspace, floor="11.0", rustflags=("-C", "link-arg=-s", "-Cstrip=none", "-L", "/x", "-lz"))
    assert linked.key == plain.key


@pytest.mark.parametrize(("lto", "has_bitcode"), [("true", True), ("'fat'", True), ("'off'", False), ("false", False)])
def test_bitcode_is_for_those_that_link_with_lto(workspace, lto, has_bitcode):
    (workspace / "Cargo.toml").write_text(f"[profile.release]\nlto = {lto}\n")
    assert ("-Cembed-bitcode=yes" in recipe(workspace).flags) is has_bitcode
    assert "lto" not in recipe(workspace).manifest  # by which Cargo would leave out the machine code


def test_a_module_for_webassembly_has_its_own(workspace):
    build = WasmBuild(workspace, "x")
    assert standard_library.recipe(CHAIN, build, {"HOME": str(workspace)}, workspace).flags == ("-Cembed-bitcode=yes",)


def test_the_empty_crate_takes_the_profile(workspace):
    assert recipe(workspace).manifest.endswith('[profile.std]\ninherits = "release"\nopt-level = "z"\n')


ERROR = "error: failed to find crate\n --> library/std/src/lib.rs:1:1\n"


class Cargo:
    """A Cargo that compiles what it is asked for, and counts."""

    def __init__(self, names=("libstd-1.rlib", "libcore-2.rlib"), *, fails=False, says=ERROR):
        self.names, self.fails, self.says, self.commands = names, fails, says, []

    def __call__(self, command, *, on_line, marks):
        listener = Listener(on_line, marks)
        self.commands.append(command)
        if self.fails:
            captured = Captured("", self.says)
            raise ToolFailed("Cargo failed", command="cargo", code=101, captured=captured)
        listener.hear(b"   Compiling core v0.0.0 (/library/core)\n")
        target = Path(command.env["CARGO_TARGET_DIR"])
        packages = [(f"path+file:///library#{name}@0.0.0", target / MACOS / "std/deps" / name) for name in self.names]
        packages += [
            ("path+file:///x#ferrule-std@0.0.0", target / MACOS / "std/deps/libferrule_std.rlib"),
            ("registry+x#cc@1.0.0", target / "std/deps/libcc.rlib"),  # for the machine that builds
        ]
        for package, path in packages:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(path.name)
            message = {"reason": "compiler-artifact", "package_id": package}
            line = json.dumps({**message, "filenames": [str(path), str(path.with_suffix(".rmeta"))]})
            listener.hear(f"{line}\n".encode())


@pytest.fixture
def toolchain(tmp_path):
    (tmp_path / "rust" / "lib" / "rustlib" / LINUX / "bin").mkdir(parents=True)
    (tmp_path / "rust" / "lib" / "rustlib" / "src").mkdir()
    return replace(CHAIN, sysroot=tmp_path / "rust")


@pytest.fixture
def made(tmp_path, workspace, toolchain):
    said = []

    def ask(cargo, **fields):
        return sysroot(
            cargo,
            toolchain,
            recipe(workspace, **fields),
            cache=tmp_path / "cache",
            environment={"HOME": str(tmp_path)},
            offline=True,
            look=lambda path: Digest.of_file(path) if path.is_file() else None,
            say=said.append,
        )

    ask.said = said
    return ask


def libraries(folder):
    return sorted(path.name for path in (folder / "lib" / "rustlib" / MACOS / "lib").iterdir())


def test_it_is_compiled_once(made, toolchain, tmp_path):
    cargo = Cargo()
    assert uncompiled(toolchain, tmp_path / "cache") == {MACOS, WASM}
    folder = made(cargo, floor="11.0")
    assert made(cargo, floor="11.0") == folder
    assert len(cargo.commands) == 1
    assert libraries(folder) == ["libcore-2.rlib", "libstd-1.rlib"]
    assert (folder / "lib" / "rustlib" / LINUX).resolve() == toolchain.sysroot / "lib" / "rustlib" / LINUX
    assert not (folder / "lib" / "rustlib" / "src").exists()
    assert made.said == ["compiling the standard library: core v0.0.0"]
    assert sorted(path.suffix for path in folder.parent.iterdir()) == ["", ".lock"]
    assert uncompiled(toolchain, tmp_path / "cache") == {WASM}


def test_the_command(made):
    cargo = Cargo()
    made(cargo, floor="11.0")
    (command,) = cargo.commands
    assert " ".join(command.argv) == (
        f"/tools/cargo build --offline --profile std --target {MACOS} -Zbuild-std=std,panic_abort"
        " --message-format=json-render-diagnostics"
    )
    flags = command.env["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")
    assert flags[-2:] == ["-Zdefault-visibility=hidden", "-Cembed-bitcode=yes"]
    assert f"--remap-path-prefix={command.cwd}=/workspace" in flags
    assert (command.env["RUSTC_BOOTSTRAP"], command.env["MACOSX_DEPLOYMENT_TARGET"]) == ("1", "11.0")


def test_another_recipe_stands_beside(made):
    cargo = Cargo()
    assert made(cargo, floor="11.0") != made(cargo, floor="12.0")
    assert len(cargo.commands) == 2


@pytest.mark.parametrize(
    "damage", ["changed", "gone", "another", "{", "5", "null", "[1]", "{}", "no list", "interrupted"]
)
def test_what_is_not_as_it_was_written_is_compiled_again(made, damage):
    cargo = Cargo()
    folder = made(cargo)
    library = folder / "lib" / "rustlib" / MACOS / "lib" / "libstd-1.rlib"
    if damage == "changed":
        library.write_text("other")
    elif damage == "gone":
        library.unlink()
    elif damage == "another":
        library.with_name("libstd-2.rlib").write_text("theirs")
    elif damage == "no list":
        (folder / "files.json").unlink()
    elif damage == "interrupted":
        folder.rename(folder.with_name(f"{folder.name}.abc.work"))  # killed before it was given its name
    else:
        (folder / "files.json").write_text(damage)
    assert made(cargo) == folder
    assert library.read_text() == "libstd-1.rlib"
    assert libraries(folder) == ["libcore-2.rlib", "libstd-1.rlib"]
    assert len(cargo.commands) == 2
    assert not list(folder.parent.glob("*.work"))


def test_one_that_nobody_used_for_long_is_removed(made):
    cargo = Cargo()
    old, used = made(cargo, floor="11.0"), made(cargo, floor="12.0")
    os.utime(old / "files.json", (0, 0))
    made(cargo, floor="13.0")
    assert not old.exists()
    assert used.exists()


def test_a_use_counts(made):
    cargo = Cargo()
    folder = made(cargo, floor="11.0")
    os.utime(folder / "files.json", (0, 0))
    made(cargo, floor="11.0")
    made(cargo, floor="12.0")
    assert folder.exists()


def test_what_cargos_settings_say_is_a_part_of_its_name(workspace):
    plain = recipe(workspace).key
    (workspace / ".cargo").mkdir()
    settings = workspace / ".cargo" / "config.toml"
    settings.write_text("[net]\nretry = 9\n")
    assert recipe(workspace).key == plain  # which compiles nothing
    settings.write_text("[profile.release.package.core]\nopt-level = 's'\n")
    assert recipe(workspace).key != plain


def test_who_waits_for_another_run_says_so(made):
    cargo = Cargo()
    folder = made(cargo)
    locked = threading.Event()

    def hold():
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            locked.set()
            while len(made.said) == 1:  # until the other one says it
                time.sleep(0.01)

    other = threading.Thread(target=hold)
    other.start()
    locked.wait()
    assert made(cargo) == folder
    other.join()
    assert made.said[-1] == "waiting for the standard library that another run compiles"


def test_a_full_disk_is_said_as_such(made):
    with pytest.raises(StorageError, match="No space left on device"):
        made(Cargo(fails=True, says="cc: fatal error: /x: No space left on device\n"))


def test_a_failure_says_what_the_compiler_says(made, tmp_path):
    with pytest.raises(BuildError, match="failed to find crate"):
        made(Cargo(fails=True))
    assert not list((tmp_path / "cache").rglob("files.json"))


def test_a_source_without_a_standard_library_is_an_error(made):
    with pytest.raises(BuildError, match="compiled no standard library"):
        made(Cargo(names=("libcore-2.rlib",)))


def test_a_folder_that_cannot_be_written_is_an_error(made, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError, match="cannot be kept"):
        made(Cargo())
