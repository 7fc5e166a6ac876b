"""Debug symbols beside a release: planned, taken out, packed, described and read again."""

from __future__ import annotations

import gzip
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.program_project import with_program
from fakes.toolchain import Demo, lay_out, sums_agree
from fakes.triples import ARM, MAC, X86
from ferrule.app.verify import verify
from ferrule.core.errors import ConfigErrors, ToolchainError
from ferrule.core.platforms import LINUX_GNU, PLATFORMS
from ferrule.formats import binary, magic, pe
from ferrule.formats.ar import read_ar
from ferrule.kinds import debug_symbols
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.debug_symbols import problems

WINDOWS, INTEL, UNIVERSAL = "x86_64-pc-windows-gnullvm", "x86_64-apple-darwin", "universal2-apple-darwin"
GOLDEN = Path(__file__).parents[2] / "golden" / "binaries"
ARCHIVE = f"libdemo-1.2.3-{X86}-debug.tar.gz"
DESCRIBED = "\n  sbom: {kind: sbom}\n  sums: {kind: checksums}\n  provenance: {kind: provenance}\n"


def golden(name: str) -> bytes:
    return gzip.decompress((GOLDEN / f"{name}.gz").read_bytes())


def project(root: Path, artifacts: str) -> Demo:
    demo = lay_out(root)
    targets = demo.project / "targets.yaml"
    head = targets.read_text().partition("artifacts:\n")[0]
    targets.write_text(f"{head}artifacts:\n  {artifacts}{DESCRIBED}")
    return demo


def library(more: str = "", triple: str = X86) -> str:
    return f"native: {{kind: library, crate: demo-ffi, ship: true, debug-symbols: true, targets: [{triple}]{more}}}"


def test_a_library_has_an_archive_beside_it(tmp_path: Path) -> None:
    demo = project(tmp_path, library())
    assert demo.run().failed == ()
    assert set(demo.files()) >= {f"lib/{X86}/libdemo.so.1", f"lib/{X86}/libdemo.a", ARCHIVE}
    assert f"{ARCHIVE}.cdx.json" not in demo.files()  # there is no code in it
    with tarfile.open(demo.dist / ARCHIVE) as archive:
        assert archive.getnames() == [f"libdemo-1.2.3-{X86}-debug/libdemo.so.1.debug"]
    manifest = json.loads((demo.dist / "manifest.json").read_bytes())
    (row,) = (one for one in manifest["artifacts"] if one["file"] == ARCHIVE)
    assert (row["artifact"], row["kind"], row["target"], row["role"]) == ("native", "library", X86, "debug-symbols")
    facts = manifest["facts"][f"native@{X86}"]
    assert facts["debug/libdemo.so.1.debug"]["build_id"] == facts["cdylib"]["build_id"]
    assert ".debug_line" in facts["debug/libdemo.so.1.debug"]["sections"]
    assert sums_agree(demo.dist)
    assert not [verdict for verdict in verify(demo.dist) if verdict.problem]
    calls = [call.split()[1] for call in demo.calls if call.startswith("rust-objcopy -") and "--version" not in call]
    assert calls[:3] == ["--only-keep-debug", "--strip-all-gnu", "--strip-debug"]
    compile_call = next(call for call in demo.calls if call.startswith("cargo-zigbuild rustc"))
    assert "link-arg=-Wl,--build-id=sha1" in compile_call


def test_debug_symbols_of_nothing_that_was_released_are_noticed(tmp_path: Path) -> None:
    demo = project(tmp_path, library(", types: [cdylib]"))
    demo.run()
    path = demo.dist / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["facts"][f"native@{X86}"]["cdylib"]["build_id"] = "00"
    path.write_text(json.dumps(manifest))
    problems_by_file = {verdict.subject: verdict.problem for verdict in verify(demo.dist)}
    assert "libdemo.so.1.debug has the build id a0a0" in str(problems_by_file[ARCHIVE])
    assert "which no file of native has" in str(problems_by_file[ARCHIVE])


def test_a_program_has_one_whether_its_archive_ships_or_not(tmp_path: Path) -> None:
    for ship in ("true", "false"):
        demo = with_program(
            lay_out(tmp_path / ship),
            f"cli: {{kind: program, crate: demo-cli, debug-symbols: true, targets: [{X86}], ship: {ship}}}",
        )
        (demo.home / f"tamper-{X86}").write_bytes(golden("demo-x86_64.so"))
        assert demo.run().failed == ()
        with tarfile.open(demo.dist / f"demo-cli-1.2.3-{X86}-debug.tar.gz") as archive:
            assert archive.getnames() == [f"demo-cli-1.2.3-{X86}-debug/demo-cli.debug"]
        assert (demo.dist / f"demo-cli-1.2.3-{X86}.tar.gz").exists() is (ship == "true")


def test_what_packs_the_library_takes_the_library_alone(tmp_path: Path) -> None:
    more = "\n  go: {kind: gomodule, source: packaging/go, library: native}"
    demo = project(tmp_path, library().replace("ship: true, ", "") + more)
    assert demo.run().failed == ()
    assert ARCHIVE in demo.files()
    assert any(name.startswith("go/") and ".so" in name for name in demo.files()), sorted(demo.files())


def test_a_profile_that_keeps_symbols_keeps_them_here(tmp_path: Path) -> None:
    demo = project(tmp_path, library(", types: [cdylib]"))
    cargo = demo.project / "rust" / "Cargo.toml"
    cargo.write_text(cargo.read_text() + '\n[profile.release]\nstrip = "none"\n')
    assert demo.run().failed == ()
    assert any(call.startswith("rust-objcopy --strip-debug --add") for call in demo.calls)


def test_two_files_that_do_not_belong_together_are_not_released(tmp_path: Path) -> None:
    demo = project(tmp_path, library(triple=ARM))  # the pretended compiler has none for it
    (failed, *_) = demo.run().failed
    message = str(failed.error)
    assert "the debug symbols of libdemo.so.1 are not usable" in message
    assert "there are no line tables in what was linked" in message
    assert "the build id of one is None" in message
    assert "debug-symbols: false" in message


def test_debug_information_in_the_released_file_is_a_problem() -> None:
    released, debug = binary.measure(golden("demo-x86_64.so")), binary.measure(golden("demo-x86_64.debug"))
    assert problems(released, debug) == []
    whole = replace(released, sections={**released.sections, ".debug_info": 7})
    assert problems(whole, debug) == ["the released file has debug information"]


def test_a_dll_and_its_debug_symbols_are_told_to_belong_together() -> None:
    released, debug = (binary.measure(golden(f"demo-linked.{kind}")) for kind in ("dll", "debug"))
    assert problems(released, debug) == []
    assert (released.stripped, debug.stripped) == (True, False)
    assert {".debug_line", ".gnu_debuglink"} <= {*debug.sections, *released.sections}


def test_a_dll_has_a_zip_beside_it_and_its_static_library_keeps_what_stands_for_dlls(tmp_path: Path) -> None:
    demo = project(tmp_path, library(triple=WINDOWS))
    targets = demo.project / "targets.yaml"
    targets.write_text(targets.read_text().replace("targets:\n", f"targets:\n  {WINDOWS}: {{}}\n", 1))
    binaries = demo.home / "binaries"
    (demo.home / f"tamper-{WINDOWS}").write_bytes(golden("demo-linked.dll"))
    imports = golden("libdemo.dll.a").removeprefix(magic.AR)
    (binaries / "demo-windows.a").write_bytes(golden("demo-windows.a") + imports)
    assert demo.run().failed == ()
    name = f"libdemo-1.2.3-{WINDOWS}-debug"
    with zipfile.ZipFile(demo.dist / f"{name}.zip") as archive:
        assert archive.namelist() == [f"{name}/demo.dll.debug"]
    members = [*read_ar((demo.dist / "lib" / WINDOWS / "libdemo.a").read_bytes())]
    assert [pe.is_import(bytes(content[:6])) for _, content in members] == [False] * 4 + [True] * 2
    assert not [verdict for verdict in verify(demo.dist) if verdict.problem]
    compile_call = next(call for call in demo.calls if call.startswith("cargo-zigbuild rustc"))
    assert WINDOWS in compile_call


def bundle(root: Path, triple: str, name: str = "libdemo.1.dylib") -> dict[str, bytes]:
    """What an archive of debug symbols for macOS holds, below its bundle."""
    folder = f"libdemo-1.2.3-{triple}-debug"
    with tarfile.open(root / f"{folder}.tar.gz") as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        prefix = f"{folder}/{name}.dSYM/Contents/"
        return {path.removeprefix(prefix): file.read() for path, file in files.items() if file}


def test_macos_has_a_bundle_with_the_uuid_of_the_file(tmp_path: Path) -> None:
    demo = project(tmp_path, library(triple=MAC))
    assert demo.run().failed == ()
    files = bundle(demo.dist, MAC)
    assert [*files] == ["Info.plist", "Resources/DWARF/libdemo.1.dylib"]
    released = binary.measure(demo.dist / "lib" / MAC / "libdemo.1.dylib")
    debug = binary.measure(files["Resources/DWARF/libdemo.1.dylib"])
    linked = binary.measure(demo.home / "binaries" / "demo-arm64.dylib")
    assert released.build_id == debug.build_id != linked.build_id
    assert debug.kind == "debug symbols"
    assert released.signature is not None
    assert released.signature.problems == ()
    assert not [verdict for verdict in verify(demo.dist) if verdict.problem]


def test_a_universal_file_has_the_debug_symbols_of_both(tmp_path: Path) -> None:
    demo = project(tmp_path, library(triple=f"{MAC}, {INTEL}, {UNIVERSAL}"))
    targets = demo.project / "targets.yaml"
    more = f'  {INTEL}: {{macos: "11.0"}}\n  {UNIVERSAL}: {{}}\n'
    targets.write_text(targets.read_text().replace("targets:\n", f"targets:\n{more}", 1))
    assert demo.run().failed == ()
    released = binary.measure(demo.dist / "lib" / UNIVERSAL / "libdemo.1.dylib")
    debug = binary.measure(bundle(demo.dist, UNIVERSAL)["Resources/DWARF/libdemo.1.dylib"])
    assert released.build_id == debug.build_id
    assert "+" in str(released.build_id)
    assert (debug.format, debug.kind) == ("macho-fat", "debug symbols")
    assert not [verdict for verdict in verify(demo.dist) if verdict.problem]


def test_objects_that_dsymutil_does_not_find_are_no_debug_symbols(tmp_path: Path) -> None:
    demo = project(tmp_path, library(triple=MAC))
    (demo.home / "dsymutil-says").write_text("warning: (arm64) /t/demo.o unable to open object file\n")
    (failed, *_) = demo.run().failed
    assert "the debug symbols of libdemo.1.dylib are not complete" in str(failed.error)
    assert "  - warning: (arm64) /t/demo.o unable to open object file" in str(failed.error)


def test_macos_without_dsymutil(tmp_path: Path) -> None:
    demo = project(tmp_path, library(triple=MAC))
    (demo.root / "bin" / "dsymutil").unlink()
    with pytest.raises(ToolchainError, match="dsymutil LLVM 22: not installed"):
        demo.run()


def test_a_platform_without_such_files() -> None:
    platform = replace(PLATFORMS[X86], family=replace(LINUX_GNU, debug_symbols=None))
    with pytest.raises(
        PlanProblem, match=f"no form of debug symbols beside a file for Linux with glibc .{X86}."
    ) as caught:
        debug_symbols.outputs(platform)
    assert f"{{debug-symbols: false}} for {X86} under `per-target`" in str(caught.value.hint)


def test_a_static_library_alone_has_none(tmp_path: Path) -> None:
    demo = project(tmp_path, library(", types: [staticlib]"))
    with pytest.raises(ConfigErrors, match="`debug-symbols` says something of a cdylib"):
        demo.run()
