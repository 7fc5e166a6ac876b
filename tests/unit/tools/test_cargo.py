from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.machine import COMMIT, LINUX, MACOS
from fakes.triples import WASM
from ferrule.core.model import Digest, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.tools import cargo
from ferrule.tools.cargo import NativeBuild, WasmBuild
from ferrule.tools.run import capture
from ferrule.tools.wasm import component_command

WINDOWS = "x86_64-pc-windows-gnullvm"
TOOLS = {
    "rustc": Tool("rustc", "1.96.0", ("/usr/bin/rustc",), f"rustc 1.96.0; commit-hash: {COMMIT}"),
    **{
        name: Tool(name, "1", (f"/tools/{name}",), name)
        for name in ("cargo", "zig", "cargo-zigbuild", "wasm-ld", "wasm-component-ld")
    },
}


CHAIN = Toolchain(
    "system", TOOLS, {LINUX: "prebuilt", MACOS: "build-std", WASM: "build-std", WINDOWS: "build-std"}, Path("/usr")
)


ENVIRONMENT = {"PATH": "/bin", "HOME": "/builds", "CARGO_MAKEFLAGS": "--jobserver-auth=fifo:/tokens"}


def library(triple=LINUX, **fields):
    build = NativeBuild(Path("/w/rust"), "x-ffi", PLATFORMS[triple], ("cdylib", "staticlib"), **fields)
    return cargo.native_command(
        CHAIN, build, target_folder=Path("/t"), cache=Path("/c"), environment=ENVIRONMENT, extra={"FERRULE_COMMIT": "c"}
    )


def wasm(**fields):
    return cargo.wasm_command(
        CHAIN,
        WasmBuild(Path("/w/rust"), "x-wasm", **fields),
        target_folder=Path("/t"),
        environment=ENVIRONMENT,
        offline=True,
    )


def test_linux_library():
    command = library(floor="2.17", soname="libx.so.1")
    assert command.cwd == Path("/w/rust")
    assert " ".join(command.argv) == (
        "/tools/cargo-zigbuild rustc --locked --package x-ffi --lib --profile release"
        " --message-format=json-render-diagnostics --target x86_64-unknown-linux-gnu.2.17 --crate-type cdylib,staticlib"
        " -- --print native-static-libs -C link-arg=-Wl,-soname,libx.so.1 -C link-arg=-Wl,--build-id=sha1"
    )
    env = command.env
    assert env["CARGO_ZIGBUILD_ZIG_PATH"] == "/c/zig/1/ferrule-zig"
    assert not Path(env["CARGO_ZIGBUILD_PYTHON_PATH"]).exists()
    assert env["CARGO_ZIGBUILD_CACHE_DIR"] == "/t/zigbuild"
    assert env["ZIG_GLOBAL_CACHE_DIR"] == f"/c/zig/1/{LINUX}"
    assert (env["CARGO"], env["RUSTC"], env["CARGO_TARGET_DIR"]) == ("/tools/cargo", "/usr/bin/rustc", "/t")
    assert (env["CARGO_INCREMENTAL"], env["FERRULE_COMMIT"]) == ("0", "c")
    assert env["CARGO_MAKEFLAGS"] == ENVIRONMENT["CARGO_MAKEFLAGS"]
    assert "RUSTC_BOOTSTRAP" not in env


def test_a_version_script_is_named_from_the_workspace_and_its_content_is_part_of_the_command():
    script = (Path("/w/abi/demo.map"), Digest.of(b"A { a; local: *; };"))
    assert library(soname="libx.so.1", version_script=script).argv[-7:] == (
        "link-arg=-Wl,-soname,libx.so.1",
        *("-C", "link-arg=-Wl,--version-script=../abi/demo.map"),
        *("--cfg", f'ferrule_version_script="{script[1].short}"'),
        *("-C", "link-arg=-Wl,--build-id=sha1"),
    )


def test_debug_information_is_kept_in_what_is_linked_and_changes_no_name():
    without, kept, own = (library(floor="2.17", debug_info=level) for level in (None, "lines", "profile"))
    assert kept.argv == without.argv == own.argv  # whose options are part of the names of symbols
    flags = [command.env["CARGO_ENCODED_RUSTFLAGS"].split("\x1f") for command in (without, kept, own)]
    linked = ["-Cstrip=none", "-Clink-arg=-T", "-Clink-arg=/c/zig/1/debug.ld"]
    assert flags[1] == [*flags[0], "-Cdebuginfo=line-tables-only", *linked]
    assert flags[2] == [*flags[0], *linked]  # as the profile has it
    variable = f"CFLAGS_{LINUX.replace('-', '_')}"
    assert kept.env[variable].startswith("-gdwarf-4 -gline-tables-only ")
    assert own.env[variable] == without.env[variable]


@pytest.mark.parametrize(
    ("triple", "flags"),
    [
        (MACOS, ["-Cdebuginfo=line-tables-only", "-Cstrip=none", "-Csplit-debuginfo=unpacked"]),
        (WINDOWS, ["-Cdebuginfo=limited", "-Cstrip=symbols"]),
    ],
)
def test_debug_information_of_other_systems(triple: str, flags: list[str]):
    kept = library(triple, debug_info="lines").env
    assert kept["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")[-len(flags) :] == flags
    assert ("_LINK_" in kept) == (triple == WINDOWS)


def test_the_profile_of_a_workspace_is_read(tmp_path):
    (tmp_path / "Cargo.toml").write_text('[profile.release]\nstrip = "none"\n')
    assert cargo.debug_profile(tmp_path, "release", {"HOME": str(tmp_path)}).keeps_symbols
    assert not cargo.debug_profile(tmp_path, "dev", {}).keeps_symbols


def test_macos_library():
    command = library(MACOS, floor="11.0", soname="libx.1.dylib")
    assert f"--target {MACOS} " in " ".join(command.argv)
    assert command.argv[-1] == "link-arg=-Wl,-install_name,@rpath/libx.1.dylib"
    assert (command.env["MACOSX_DEPLOYMENT_TARGET"], command.env["RUSTC_BOOTSTRAP"]) == ("11.0", "1")
    assert command.env["CARGO_ENCODED_RUSTFLAGS"].endswith("\x1f-Zdefault-visibility=hidden")


def test_a_standard_library_of_this_machine_is_linked_with_and_does_not_show():
    for command in (library(MACOS, sysroot=Path("/std")), wasm(sysroot=Path("/std"))):
        flags = command.env["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")
        assert "--sysroot=/std" in flags
        assert "--remap-path-prefix=/std=/sysroot" in flags
    assert not any("sysroot" in flag for flag in library().env["CARGO_ENCODED_RUSTFLAGS"].split("\x1f"))
    assert "RUSTC_BOOTSTRAP" not in wasm(sysroot=Path("/std")).env  # no build script takes the compiler for a nightly


def test_options_of_a_library():
    command = library(profile="dev", features=("a", "b"), default_features=False)
    line = " ".join(command.argv)
    assert "--profile dev --no-default-features --features a,b" in line
    assert "--target x86_64-unknown-linux-gnu " in line
    assert "CARGO_INCREMENTAL" not in command.env


def test_no_folder_of_this_machine_shows_in_what_is_built():
    remaps = library().env["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")
    assert remaps[:4] == [
        "--remap-path-prefix=/w/rust=/workspace",
        "--remap-path-prefix=/t=/target",
        "--remap-path-prefix=/builds/.cargo=/cargo",
        f"--remap-path-prefix=/usr/lib/rustlib/src/rust=/rustc/{COMMIT}",
    ]


def test_folders_around_and_outside_of_a_workspace(tmp_path):
    project, asked = tmp_path / "project", []
    for folder, name in (("rust/demo", "demo"), ("third", "third")):
        (project / folder / "src").mkdir(parents=True)
        (project / folder / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "1.0.0"\n')
        (project / folder / "src" / "lib.rs").touch()
    (project / "rust" / "Cargo.toml").write_text('[workspace]\nmembers = ["demo"]\n')
    lock = project / "rust" / "Cargo.lock"
    lock.write_text('[[package]]\nname = "demo"\n[[package]]\nname = "sha2"\nsource = "registry+x"\n')
    document = {
        "packages": [
            {"name": "demo", "source": None, "manifest_path": str(project / "rust/demo/Cargo.toml")},
            {"name": "third", "source": None, "manifest_path": str(project / "third/Cargo.toml")},
            {"name": "other", "source": None, "manifest_path": "/home/me/other/Cargo.toml"},
            {"name": "sha2", "source": "registry+x", "manifest_path": "/home/me/.cargo/x/Cargo.toml"},
        ]
    }

    def run(command):
        asked.append(command)
        return json.dumps(document)

    def folders(workspace):
        return cargo.local_folders(run, CHAIN, workspace, project, ENVIRONMENT)

    assert folders(project / "rust") == ((str(project), "/project"),)
    assert asked == []
    lock.write_text(lock.read_text() + '[[package]]\nname = "other"\n')
    pairs = ((str(project), "/project"), ("/home/me/other", "/packages/other"))
    assert folders(project / "rust") == pairs
    lock.write_text("no TOML [")
    assert folders(project / "rust") == pairs[:1]
    remaps = library(remaps=pairs).env["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")
    assert remaps[:3] == [
        f"--remap-path-prefix={project}=/project",
        "--remap-path-prefix=/home/me/other=/packages/other",
        "--remap-path-prefix=/w/rust=/workspace",
    ]
    assert (
        "-ffile-prefix-map=/home/me/other=/packages/other"
        in library(remaps=pairs).env[f"CFLAGS_{LINUX.replace('-', '_')}"]
    )


def test_links_are_remapped_under_both_names(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    pairs = cargo.remapped(CHAIN, tmp_path / "link", Path("/t"), {"CARGO_HOME": "/crates"})
    assert (str(tmp_path / "link"), "/workspace") in pairs
    assert (str(tmp_path / "real"), "/workspace") in pairs
    assert ("/crates", "/cargo") in pairs


def test_wasm_module():
    module = wasm()
    assert " ".join(module.argv) == (
        "/tools/cargo rustc --locked --offline --package x-wasm --lib --profile release"
        " --message-format=json-render-diagnostics --target wasm32-unknown-unknown --crate-type cdylib"
    )
    assert module.env["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"] == "/tools/wasm-ld"
    assert module.env["CARGO_ENCODED_RUSTFLAGS"].endswith("-Clinker-flavor=wasm-ld")


def test_a_component_is_made_of_the_linked_module(tmp_path):
    command = component_command(CHAIN, tmp_path / "module.wasm", tmp_path / "out.wasm", tmp_path)
    linker = tmp_path / "linked.sh"
    assert command.argv == (
        "/tools/wasm-component-ld",
        f"--wasm-ld-path={linker}",
        "-o",
        str(tmp_path / "out.wasm"),
        str(tmp_path / "module.wasm"),
    )
    (tmp_path / "module.wasm").write_bytes(b"module")
    capture(
        [str(linker), str(tmp_path / "module.wasm"), "-o", str(tmp_path / "a copy.wasm")], env={"PATH": "/usr/bin:/bin"}
    )
    assert (tmp_path / "a copy.wasm").read_bytes() == b"module"


def test_fetching_brings_the_crates_of_the_standard_library_too():
    command = cargo.fetch_command(CHAIN, Path("/w/rust"), ENVIRONMENT)
    assert command.argv == ("/tools/cargo", "fetch", "--locked", "-Zbuild-std")
    assert command.env["RUSTC_BOOTSTRAP"] == "1"


def test_settings_of_cargo_are_looked_for_in_every_folder_above_and_at_home():
    result = [str(path) for path in cargo.settings(Path("/w/rust"), {"HOME": "/builds"})]
    assert result == [
        f"{folder}/{name}"
        for folder in ("/w/rust/.cargo", "/w/.cargo", "/.cargo", "/builds/.cargo")
        for name in ("config.toml", "config")
    ]
    assert Path("/crates/config.toml") in cargo.settings(Path("/w"), {"CARGO_HOME": "/crates", "HOME": "/builds"})


def test_what_settings_outside_of_the_project_include_is_looked_for_too(tmp_path):
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo" / "config.toml").write_text('include = ["more.toml"]\n')
    (tmp_path / ".cargo" / "more.toml").write_text("")
    (tmp_path / "w").mkdir()
    assert tmp_path / ".cargo" / "more.toml" in cargo.settings(tmp_path / "w", {"HOME": "/none"})


def test_a_package_is_addressed_by_its_id(tmp_path):
    (tmp_path / "a b").mkdir()
    root = tmp_path.resolve()
    assert cargo.package_id(tmp_path, "a b#x@1.0.0") == f"path+file://{root}/a%20b#x@1.0.0"
    assert cargo.package_id(tmp_path, "a#%b#x@1.0.0") == f"path+file://{root}/a%23%25b#x@1.0.0"
    assert cargo.package_id(tmp_path, ".#x@1.0.0+b") == f"path+file://{root}#x@1.0.0+b"


def test_flags_of_cargos_settings_and_of_the_artifact_come_along(tmp_path):
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo" / "config.toml").write_text(
        f"[target.{LINUX}]\nrustflags = ['-Ca']\n[target.'cfg(unix)']\nrustflags = '-Cb'\n[build]\nrustflags = '-Cc'\n"
    )
    calls = []

    def run(command):
        calls.append(" ".join(command.argv))
        return 'unix\ntarget_os="linux"\n'

    flags = cargo.configured_flags(run, CHAIN, tmp_path, LINUX, ENVIRONMENT)
    assert flags == ("-Ca", "-Cb")
    assert calls == [f"/usr/bin/rustc --print cfg --target {LINUX}"]
    assert library(rustflags=(*flags, "-Cd")).env["CARGO_ENCODED_RUSTFLAGS"].endswith("\x1f-Ca\x1f-Cb\x1f-Cd")
    assert wasm(rustflags=("-Cd",)).env["CARGO_ENCODED_RUSTFLAGS"].endswith("\x1f-Cd\x1f-Clinker-flavor=wasm-ld")


def test_the_compiler_is_asked_only_where_a_condition_has_flags(tmp_path):
    assert cargo.configured_flags(None, CHAIN, tmp_path, LINUX, ENVIRONMENT) == ()


def test_no_folder_of_this_machine_shows_in_what_c_compilers_make():
    env = library(floor="2.17", soname="libx.so.1").env
    flags = env["CFLAGS_x86_64_unknown_linux_gnu"].split()
    assert flags == env["CXXFLAGS_x86_64_unknown_linux_gnu"].split()
    assert {"-ffile-prefix-map=/w/rust=/workspace", "-ffile-prefix-map=/t=/target"} <= {*flags}
    assert "-ffile-prefix-map=/builds/.cargo=/cargo" in flags
    assert "-fvisibility=hidden" not in flags
    assert "CC_SHELL_ESCAPED_FLAGS" not in env


def test_c_objects_for_macos_export_nothing_by_themselves():
    env = library(MACOS, floor="11.0", soname="libx.1.dylib").env
    assert env["CFLAGS_aarch64_apple_darwin"].startswith("-fvisibility=hidden ")


def test_flags_of_cargos_settings_come_after_ours_and_those_of_targets_yaml_count_more(tmp_path):
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo" / "config.toml").write_text(
        "[env]\nCFLAGS = '-O2'\nCXXFLAGS_x86_64_unknown_linux_gnu = '-O3'\n"
    )
    build = NativeBuild(tmp_path, "x-ffi", PLATFORMS[LINUX], ("cdylib",))

    def flags(**extra):
        where = {"target_folder": Path("/t"), "cache": Path("/c"), "environment": ENVIRONMENT}
        env = cargo.native_command(CHAIN, build, **where, extra=extra).env
        return [env[f"{name}_x86_64_unknown_linux_gnu"].split()[-1] for name in ("CFLAGS", "CXXFLAGS")]

    assert flags() == ["-O2", "-O3"]
    assert flags(CFLAGS="-O1") == ["-O1", "-O3"]


def test_flags_of_targets_yaml_come_after_ours():
    build = NativeBuild(Path("/w/my rust"), "x-ffi", PLATFORMS[LINUX], ("cdylib",))
    env = cargo.native_command(
        CHAIN, build, target_folder=Path("/t"), cache=Path("/c"), environment=ENVIRONMENT, extra={"CFLAGS": "-O1"}
    ).env
    assert env["CFLAGS_x86_64_unknown_linux_gnu"].endswith(" -O1")
    assert not env["CXXFLAGS_x86_64_unknown_linux_gnu"].endswith(" -O1")
    assert "'-ffile-prefix-map=/w/my rust=/workspace'" in env["CFLAGS_x86_64_unknown_linux_gnu"]
    assert env["CC_SHELL_ESCAPED_FLAGS"] == "1"
