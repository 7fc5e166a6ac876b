from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.toolchain import lay_out
from fakes.triples import MAC, X86
from ferrule.app.release import run as release
from ferrule.app.verify import verify
from ferrule.core.errors import ConfigErrors
from ferrule.core.platforms import PLATFORMS, WINDOWS_GNULLVM, X86_64, Platform
from ferrule.formats import binary
from ferrule.kinds import library, native_build
from ferrule.kinds.library import CargoLibrary, abi_of, cxx_problem
from ferrule.tools import cargo_builds

if TYPE_CHECKING:
    from fakes.toolchain import Demo

OBJECT = Path(__file__).parents[2] / "golden" / "binaries" / "cxx-linux.o.gz"


def test_c_plus_plus_that_nobody_could_link_is_a_problem() -> None:
    content = gzip.decompress(OBJECT.read_bytes())
    header = f"{'words.o/':<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(content):<10}`\n"
    archive = b"!<arch>\n" + header.encode() + content
    problem = cxx_problem(archive, PLATFORMS[X86])
    assert problem is not None
    assert "libc++ of zig (_ZNSt13runtime_errorC1EPKc in words.o and 6 more)" in problem
    assert cxx_problem(archive, PLATFORMS[MAC]) is None
    assert cxx_problem(b"!<arch>\n", PLATFORMS[X86]) is None


@pytest.mark.parametrize(
    ("version", "abi"),
    [
        ("1.4.2", "1"),
        ("12.0.0", "12"),
        ("0.3.1", "0.3"),
        ("0.10.0", "0.10"),
        ("0.0.7", "0.0.7"),
        ("0.0.0", "0.0.0"),
        ("1.0.0-rc.1", "1"),
        ("0.0.7-rc.1+build.5", "0.0.7"),
        ("2.0.0+20130313144700", "2"),
        ("1.0.0-0.3.7", "1"),
        ("3", "3"),
        ("0.2", "0.2"),
    ],
)
def test_abi_is_what_semver_lets_break(version: str, abi: str) -> None:
    assert abi_of(version) == abi


def test_the_hint_for_a_name_of_a_build_script_s_own():
    assert library._hint_of_soname("libdemo.so.7", "libdemo.so.1").endswith('or write abi: "7"; ')
    assert library._hint_of_soname("libdemo.so.1", "libdemo.so.1") == ""
    assert library._hint_of_soname("other.so", "libdemo.so.1") == ""
    assert library._hint_of_soname(None, "libdemo.1.dylib") == ""


STATIC = f"""artifacts:
  native: {{kind: library, crate: demo-ffi, header: header, types: [staticlib], targets: [{X86}]}}
  header: {{kind: header, crate: demo-ffi}}
"""


def failure(demo: Demo, tail: str) -> str:
    targets = demo.project / "targets.yaml"
    targets.write_text(targets.read_text().partition("artifacts:\n")[0] + tail)
    return "".join(str(outcome.error or outcome.reason) for outcome in demo.run().failed)


def test_a_static_library_alone_has_what_its_header_declares(tmp_path: Path) -> None:
    demo = lay_out(tmp_path)
    (demo.home / "header").write_text("int demo_add(int a, int b);\nint demo_fetch(void);\n")
    message = failure(demo, STATIC)
    assert "libdemo.a does not match its declaration:\n" in message
    assert "declares demo_fetch, which the library does not export" in message
    assert "demo_copy" not in message


def test_a_static_library_asks_for_nothing_that_its_users_lack(tmp_path: Path) -> None:
    assert failure(lay_out(tmp_path / "right"), STATIC) == ""
    demo = lay_out(tmp_path / "wrong")
    path = demo.home / "binaries" / "demo-linux.a"
    path.write_bytes(path.read_bytes().replace(b"\0strlen\0", b"\0strlem\0"))
    message = failure(demo, STATIC)
    assert "it needs strlem, which nothing defines" in message
    assert "strlem is used by demo.o" in message


def test_the_linker_is_asked_where_no_list_describes_a_library(tmp_path: Path) -> None:
    demo = lay_out(tmp_path)
    failure(demo, STATIC.replace("[staticlib]", "[cdylib]"))
    assert "-z,defs" not in "".join(demo.calls)
    failure(demo, STATIC.replace("[staticlib]", "[cdylib], needs: [libssl.so.3]"))
    assert "link-arg=-Wl,-z,defs" in "".join(demo.calls)


WINDOWS = Platform("x86_64-pc-windows-gnullvm", WINDOWS_GNULLVM, X86_64)
BINARIES = OBJECT.parent


def golden(name: str) -> bytes:
    return gzip.decompress((BINARIES / f"{name}.gz").read_bytes())


def only_native(demo: Demo, more: str) -> None:
    """Let the project release its library alone."""
    targets = demo.project / "targets.yaml"
    head = targets.read_text().partition("artifacts:\n")[0]
    targets.write_text(f"{head}artifacts:\n  native: {{kind: library, crate: demo-ffi, ship: true, {more}}}\n")


def test_a_library_without_a_header_built_with_an_sdk(demo: Demo) -> None:
    sdk = demo.project / "sdks" / "mac"
    (sdk / "System/Library/Frameworks").mkdir(parents=True)
    (sdk / "SDKSettings.json").write_text("{}")
    only_native(demo, "types: [cdylib], env: {SDKROOT: sdks/mac}")
    assert demo.run().failed == ()
    assert {name for name in demo.files() if "demo" in name} == {
        f"lib/{X86}/libdemo.so.1",
        "lib/aarch64-unknown-linux-gnu/libdemo.so.1",
        f"lib/{MAC}/libdemo.1.dylib",
    }
    assert not any("header-as" in call for call in demo.calls)
    assert {outcome.state for outcome in demo.run().outcomes} == {"cached"}
    (sdk / "SDKSettings.json").write_text('{"Version": "15"}')
    assert {outcome.state for outcome in demo.run().outcomes} == {"built"}


def test_c_plus_plus_of_zig_in_a_static_library_is_refused(demo: Demo) -> None:
    content = golden("cxx-linux.o")
    header = f"{'words.o/':<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(content):<10}`\n"
    (demo.home / "binaries" / "demo-linux.a").write_bytes(b"!<arch>\n" + header.encode() + content)
    only_native(demo, "types: [staticlib]")
    (failed,) = demo.run().failed
    assert failed.action.target == X86
    assert failed.error is not None
    assert "libdemo.a holds C++ that needs the libc++ of zig" in failed.error.message


def recipe(demo: Demo) -> CargoLibrary:
    plan = release.make_plan(release.load(demo.project), demo.context)
    result = next(action.recipe for action in plan.actions if action.id == f"native@{X86}")
    assert isinstance(result, CargoLibrary)
    return result


def test_objects_are_looked_for_in_all_crates_where_no_static_library_is_made(demo: Demo) -> None:
    archives = {"a.rlib": golden("demo-linux.a"), "notes.d": b"", "b.rlib": b"!<arch>\n"}
    for name, content in archives.items():
        (demo.root / name).write_bytes(content)
    files = tuple(demo.root / name for name in archives)
    built = cargo_builds.CargoBuild((cargo_builds.CargoArtifact("demo-ffi", ("cdylib",), files),), (), ())
    shared = replace(recipe(demo), types=("cdylib",))
    assert list(shared._objects(("memcpy",), built)) == ["memcpy is used by demo.o"]
    assert list(shared._objects(("nothing",), built)) == []
    assert list(shared._objects((), built)) == []


def for_windows(root: Path) -> Demo:
    """The project with a library for Windows alone."""
    demo = lay_out(root)
    demo.edit("artifacts:\n", f"  {WINDOWS.triple}: {{}}\nartifacts:\n")
    only_native(demo, f"header: header, targets: [{WINDOWS.triple}]")
    targets = demo.project / "targets.yaml"
    targets.write_text(f"{targets.read_text()}  header: {{kind: header, crate: demo-ffi}}\n")
    return demo


def test_a_dll_and_its_import_library(tmp_path: Path) -> None:
    demo = for_windows(tmp_path)
    assert demo.run().failed == ()
    names = {"demo.dll", "libdemo.a", "libdemo.dll.a"}
    assert {name for name in demo.files() if name.startswith("lib/")} == {f"lib/{WINDOWS.triple}/{n}" for n in names}
    assert "link-arg=-Wl,-soname,demo.dll" in "".join(demo.calls)


def test_a_release_for_windows_is_verified(tmp_path: Path) -> None:
    demo = for_windows(tmp_path)
    demo.edit("  header: {kind", "  sdk: {kind: sdk, library: native, header: header}\n  header: {kind")
    assert demo.run().failed == ()
    assert f"demo-c-1.2.3-{WINDOWS.triple}.zip" in demo.files()
    assert [verdict.problem for verdict in verify(demo.dist) if verdict.problem] == []


def test_the_import_library_of_another_dll_is_refused(tmp_path: Path) -> None:
    demo = for_windows(tmp_path)
    (demo.home / "binaries" / "libdemo.dll.a").write_bytes(golden("libdemo-x86_64.dll.a"))
    (failed,) = demo.run().failed
    assert failed.error is not None
    assert failed.error.message.startswith("libdemo.dll.a is not the import library of demo.dll:\n")
    assert "programs that are linked with it ask for demo-x86_64.dll" in failed.error.message


def test_a_dll_of_another_name_is_refused(tmp_path: Path) -> None:
    demo = for_windows(tmp_path)
    (demo.home / "binaries" / "demo.dll").write_bytes(golden("demo-x86_64.dll"))
    (failed,) = demo.run().failed
    assert failed.error is not None
    assert "its name is demo-x86_64.dll, and programs that are linked with it have to ask for demo.dll" in str(
        failed.error
    )


def test_nothing_is_undefined_in_a_dll(demo: Demo) -> None:
    measured = binary.measure(golden("demo-x86_64.so"), where="demo")
    context: Any = None  # no list of symbols is read
    dll = replace(recipe(demo), platform=WINDOWS)
    assert native_build.undefined_symbols(measured, dll, context) == ()
    assert dll._undefined_for_users((), cargo_builds.CargoBuild((), (), ()), context) == ()


def test_an_sdk_of_the_target_reaches_the_build_and_the_library_s_own_comes_first(tmp_path: Path) -> None:
    demo = lay_out(tmp_path)
    demo.edit('aarch64-apple-darwin: {macos: "11.0"}', 'aarch64-apple-darwin: {macos: "11.0", sdk: sdks/mac}')
    artifacts = STATIC.replace(X86, MAC)
    assert "sdks/mac is not a macOS SDK" in failure(demo, artifacts)
    (demo.project / "sdks/mac/System/Library/Frameworks").mkdir(parents=True)
    (demo.project / "sdks/mac/SDKSettings.json").write_text("{}")
    assert failure(demo, artifacts) == ""
    assert "not a macOS SDK" in failure(
        demo, artifacts.replace("header: header", "header: header, env: {SDKROOT: none}")
    )


def test_a_version_script_that_cannot_be_read_is_a_mistake(demo: Demo) -> None:
    (demo.project / "demo.map").write_text("V1 {\n  global: demo_add\n")
    only_native(demo, "version-script: demo.map")
    with pytest.raises(ConfigErrors, match=r"demo\.map cannot be read: "):
        release.make_plan(release.load(demo.project), demo.context)
    (demo.project / "demo.map").write_text("V1 { global: demo_*; local: *; };\n")
    plan = release.make_plan(release.load(demo.project), demo.context)
    scripts = {action.target: action.recipe.version_script for action in plan.actions}  # type: ignore[attr-defined]
    assert scripts == {X86: "demo.map", "aarch64-unknown-linux-gnu": "demo.map", MAC: None}
    failed = {outcome.action.target: outcome.error for outcome in demo.run().failed}
    assert set(failed) == {X86, "aarch64-unknown-linux-gnu"}  # what the compiler made has no versions
    assert all("V1" in str(error) for error in failed.values())


@pytest.mark.parametrize("key", ['exports: ["demo_*"]', "version-script: demo.map", 'needs: ["libssl.so.3"]'])
def test_what_only_a_cdylib_has_is_refused_where_none_is_made(demo: Demo, key: str) -> None:
    (demo.project / "demo.map").write_text("V1 { global: demo_*; local: *; };\n")
    only_native(demo, f"types: [staticlib], {key}")
    with pytest.raises(ConfigErrors, match=f"`{key.partition(':')[0]}` says something of a cdylib, and none is made"):
        release.make_plan(release.load(demo.project), demo.context)


def test_a_flag_for_rustc_that_ferrule_states_is_refused_at_its_place(demo: Demo) -> None:
    only_native(demo, 'rustflags: ["-C", "linker=cc"]')
    with pytest.raises(ConfigErrors, match=r"linker=cc cannot be a flag here: Ferrule or Cargo states it") as raised:
        release.make_plan(release.load(demo.project), demo.context)
    line, column = map(int, str(raised.value.errors[0].where).rsplit(":", 2)[1:])
    assert (demo.project / "targets.yaml").read_text().splitlines()[line - 1][column - 1 :].startswith('"linker=cc"')
