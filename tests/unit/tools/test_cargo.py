from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import pytest

from fakes.machine import COMMIT, LINUX, MACOS
from fakes.triples import WASM
from ferrule.core.errors import BuildError
from ferrule.core.model import Digest, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.engine.sources import SourceFiles, StatIndex
from ferrule.tools import cargo
from ferrule.tools.cargo import CargoArtifact, CargoBuild, LibraryBuild, WasmBuild
from ferrule.tools.cargo_units import Units
from ferrule.tools.command import Command
from ferrule.tools.run import Captured, ToolFailed, capture
from ferrule.tools.wasm import component_command

TOOLS = {
    "rustc": Tool("rustc", "1.96.0", ("/usr/bin/rustc",), f"rustc 1.96.0; commit-hash: {COMMIT}"),
    **{
        name: Tool(name, "1", (f"/tools/{name}",), name)
        for name in ("cargo", "zig", "cargo-zigbuild", "wasm-ld", "wasm-component-ld")
    },
}
CHAIN = Toolchain("system", TOOLS, {LINUX: "prebuilt", MACOS: "build-std", WASM: "build-std"}, Path("/usr"))
ENVIRONMENT = {"PATH": "/bin", "HOME": "/builds", "CARGO_MAKEFLAGS": "--jobserver-auth=fifo:/tokens"}


def library(triple=LINUX, **fields):
    build = LibraryBuild(Path("/w/rust"), "x-ffi", PLATFORMS[triple], ("cdylib", "staticlib"), **fields)
    return cargo.library_command(
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
        " -- --print native-static-libs -C link-arg=-Wl,-soname,libx.so.1"
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
    assert library(soname="libx.so.1", version_script=script).argv[-5:] == (
        "link-arg=-Wl,-soname,libx.so.1",
        *("-C", "link-arg=-Wl,--version-script=../abi/demo.map"),
        *("--cfg", f'ferrule_version_script="{script[1].short}"'),
    )


def test_macos_library():
    command = library(MACOS, floor="11.0", soname="libx.1.dylib")
    assert f"--target {MACOS} " in " ".join(command.argv)
    assert "-Zbuild-std=std,panic_abort" in command.argv
    assert command.argv[-1] == "link-arg=-Wl,-install_name,@rpath/libx.1.dylib"
    assert (command.env["MACOSX_DEPLOYMENT_TARGET"], command.env["RUSTC_BOOTSTRAP"]) == ("11.0", "1")
    assert command.env["CARGO_ENCODED_RUSTFLAGS"].endswith("\x1f-Zdefault-visibility=hidden")


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
        " -Zbuild-std=std,panic_abort"
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


def artifact(package_id, *files, manifest="/w/Cargo.toml", fresh=False):
    return json.dumps(
        {
            "reason": "compiler-artifact",
            "package_id": package_id,
            "manifest_path": manifest,
            "target": {"crate_types": ["cdylib"]},
            "filenames": list(files),
            "fresh": fresh,
        }
    )


def test_messages_that_tell_of_units():
    stdout = "\n".join(
        [
            artifact("registry+index#idna@1.1.0", "/t/libidna.rlib"),
            "text of a build script",
            '{"reason":"build-script-executed"}',
            artifact("path+file:///w/rust/x-ffi#0.1.0", "/t/release/libx_ffi.so"),
            '{"reason":"build-finished","success":true}',
        ]
    )
    found = list(cargo.parse_messages(stdout))
    assert [one.get("package_id", one["reason"]) for one in found] == [
        "registry+index#idna@1.1.0",
        "build-script-executed",
        "path+file:///w/rust/x-ffi#0.1.0",
    ]


def test_a_file_is_found_by_package_and_kind():
    made = CargoBuild((CargoArtifact("x-ffi", ("cdylib",), (Path("/t/libx.so"), Path("/t/libx.a"))),), (), ())
    assert made.file("x-ffi", PLATFORMS[LINUX], "cdylib", "x") == Path("/t/libx.so")
    assert made.file("x-ffi", PLATFORMS[LINUX], "staticlib", "x") == Path("/t/libx.a")
    with pytest.raises(BuildError, match="Cargo built x-ffi but made no liby"):
        made.file("x-ffi", PLATFORMS[LINUX], "cdylib", "y")


def units(tmp_path, workspace=Path("/w")):
    return Units(
        tmp_path / "t", workspace, (), partial(SourceFiles(tmp_path, ()).content, StatIndex(None, time.time_ns))
    )


def test_a_build_tells_what_it_reads_links_and_does(tmp_path):
    output, notes = tmp_path / "t/release/libx.so", tmp_path / "t/release/deps/x.d"
    said = []

    def run(_command, /, *, on_line=None):
        notes.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(b"library")
        notes.write_text(f"{output}: src/lib.rs /w/a\\ b.rs {tmp_path}/t/out/made.rs\n# env-dep:X=1\n# env-dep:Y\n")
        message = artifact("path+file:///w/x-ffi#0.1.0", str(output))
        for line in ("   Compiling idna v1.1.0", "note: native-static-libs: -lc -lm", message):
            on_line(line)
        return message

    command = Command(("cargo",), {"CARGO_TARGET_DIR": str(tmp_path / "t"), "Y": "2"})
    made = cargo.build(run, command, said.append, units(tmp_path))
    assert said == ["compiling idna v1.1.0"]
    assert made.native_libraries == ("-lc", "-lm")
    assert made.read == (Path("/w/Cargo.toml"), Path("/w/a b.rs"), Path("/w/src/lib.rs"))
    assert made.asks == {"X": "x-ffi"}
    made.take(output, tmp_path / "taken", partial(SourceFiles(tmp_path, ()).content, StatIndex(None, time.time_ns)))
    assert (tmp_path / "taken").read_bytes() == b"library"
    output.write_bytes(b"library ")
    with pytest.raises(BuildError, match="this was changed after Cargo had written it"):
        made.take(output, tmp_path / "taken", partial(SourceFiles(tmp_path, ()).content, StatIndex(None, time.time_ns)))


@pytest.mark.parametrize("times", [1, 9])
def test_what_nobody_wrote_down_is_not_taken(tmp_path, times):
    """Cargo says `fresh` of what another program put there: it is made to forget, and then has to make it."""
    output, runs = tmp_path / "t/release/libx.so", []

    def run(_command, /, *, on_line=None):
        runs.append(len(runs))
        output.parent.mkdir(parents=True, exist_ok=True)
        fresh = len(runs) <= times
        output.write_text("of somebody else" if fresh else "compiled")
        message = artifact("path+file:///w/x-ffi#0.1.0", str(output), fresh=fresh)
        on_line(message)
        return message

    command = Command(("cargo",), {"CARGO_TARGET_DIR": str(tmp_path / "t")})
    if times > 1:
        with pytest.raises(BuildError, match="what Cargo made of x-ffi changes while it builds"):
            cargo.build(run, command, print, units(tmp_path))
    else:
        made = cargo.build(run, command, print, units(tmp_path))
        made.take(output, tmp_path / "taken", partial(SourceFiles(tmp_path, ()).content, StatIndex(None, time.time_ns)))
        assert (tmp_path / "taken").read_text() == "compiled"
    assert runs == [0, 1]


def test_settings_of_cargo_are_looked_for_in_every_folder_above_and_at_home():
    found = [str(path) for path in cargo.settings(Path("/w/rust"), {"HOME": "/builds"})]
    assert found == [
        f"{folder}/{name}"
        for folder in ("/w/rust/.cargo", "/w/.cargo", "/.cargo", "/builds/.cargo")
        for name in ("config.toml", "config")
    ]
    assert Path("/crates/config.toml") in cargo.settings(Path("/w"), {"CARGO_HOME": "/crates", "HOME": "/builds"})


COMPILE_ERRORS = """\
   Compiling x v0.1.0 (/w/x)
warning: unused variable: `n`
 --> x/src/other.rs:1:1
error[E0308]: mismatched types
  --> x/src/lib.rs:12:5
   |
12 |     "no"
   |     ^^^^ expected `i32`, found `&str`
error: cannot find macro `nope` in this scope
 --> x/src/lib.rs:20:1
error: could not compile `x` (lib) due to 2 previous errors; 1 warning emitted
"""


def failed(stderr):
    return ToolFailed("cargo ended with exit code 101", command="cargo", code=101, captured=Captured("", stderr))


def test_a_compile_error_names_its_place():
    error = cargo.explain(failed(COMPILE_ERRORS))
    assert error.where == "x/src/lib.rs:12:5"
    assert error.message == "mismatched types [E0308] (and 1 more)"
    assert error.output.startswith("error[E0308]: mismatched types\n")


@pytest.mark.parametrize(
    ("stderr", "first", "hint"),
    [
        (
            "error: cannot update the lock file /w/Cargo.lock because --locked was passed to prevent this\n",
            "cannot update the lock file /w/Cargo.lock",
            "cargo update --workspace",
        ),
        ("error: no matching package named `x` found\nperhaps --offline\n", "no matching package", "cargo fetch"),
        ("ld.lld: error: undefined symbol\n", "cargo ended with exit code 101", "add -v"),
    ],
)
def test_other_errors_of_cargo(stderr, first, hint):
    error = cargo.explain(failed(stderr))
    assert error.message.startswith(first)
    assert hint in error.hint


def test_the_message_of_a_compiler_is_shown_from_its_first_line_on_and_cut_with_a_note():
    lines = [f"\x1b[1m{n}\x1b[0m" for n in range(60)]
    error = cargo.explain(failed("   Compiling x v1\n\n\x1b[91merror\x1b[0m: no\n --> x.rs:1:2\n" + "\n".join(lines)))
    shown = error.output.splitlines()
    assert shown[:3] == ["\x1b[91merror\x1b[0m: no", " --> x.rs:1:2", "\x1b[1m0\x1b[0m"]
    assert shown[-1] == "... 22 more lines"
    assert len(shown) == cargo.EXCERPT_LINES + 1


def test_what_a_macro_says_of_its_own_file_is_the_place():
    stderr = """error: failed to resolve directory while parsing WIT for path [/a b/wit]
       
       Caused by:
         failed to parse package: /a b/wit
       
       Caused by:
         expected `import`, found an identifier
            --> /a b/wit/x.wit:36:5
             |
          36 |     rekord config {
             |     ^-----
  --> x/src/lib.rs:15:5
   |

error: could not compile `x` (lib) due to 3 previous errors; 1 warning emitted
"""  # noqa: W293 - as the compiler writes it
    error = cargo.explain(failed(stderr))
    assert error.where == "/a b/wit/x.wit:36:5"
    assert error.message == "expected `import`, found an identifier (and 2 more)"


def test_a_failed_build_is_explained(tmp_path):
    def run(_command, /, *, on_line=None):  # noqa: ARG001
        raise failed(COMPILE_ERRORS)

    with pytest.raises(BuildError, match="mismatched types"):
        cargo.build(run, Command(("cargo",), {}), print, units(tmp_path))


def test_a_package_is_addressed_by_its_id(tmp_path):
    (tmp_path / "a b").mkdir()
    root = tmp_path.resolve()
    assert cargo.package_id(tmp_path, "a b#x@1.0.0") == f"path+file://{root}/a%20b#x@1.0.0"
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


def test_flags_of_targets_yaml_come_after_ours():
    build = LibraryBuild(Path("/w/my rust"), "x-ffi", PLATFORMS[LINUX], ("cdylib",))
    env = cargo.library_command(
        CHAIN, build, target_folder=Path("/t"), cache=Path("/c"), environment=ENVIRONMENT, extra={"CFLAGS": "-O1"}
    ).env
    assert env["CFLAGS_x86_64_unknown_linux_gnu"].endswith(" -O1")
    assert not env["CXXFLAGS_x86_64_unknown_linux_gnu"].endswith(" -O1")
    assert "'-ffile-prefix-map=/w/my rust=/workspace'" in env["CFLAGS_x86_64_unknown_linux_gnu"]
    assert env["CC_SHELL_ESCAPED_FLAGS"] == "1"


@pytest.mark.parametrize(
    ("says", "message", "hint"),
    [
        (
            'error: unable to find system framework "CoreFoundation". searched paths: none',
            "the framework CoreFoundation of macOS was not found",
            "SDKROOT",
        ),
        (
            "error: undefined symbol: zip_it\n          >>> referenced by demo.1-cgu.0\n",
            "nothing that is linked defines zip_it (demo.1-cgu.0)",
            "link with the library that has it",
        ),
        (
            "error: unable to find dynamic system library 'z' using strategy 'paths_first'. searched paths: none",
            "the library z was not found for the target",
            "vendored",
        ),
    ],
)
def test_what_belongs_to_the_system_of_the_target(says, message, hint):
    error = cargo.explain(failed(f"error: linking with `/z/zigcc.sh` failed: exit status: 1\n  |\n  = note: {says}\n"))
    assert message in error.message
    assert hint in error.hint
