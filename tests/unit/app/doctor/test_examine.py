from __future__ import annotations

from fakes.machine import LINUX, MACOS, WANTED
from fakes.triples import ARM, MAC, WASM
from ferrule.app.doctor import examine as doctor
from ferrule.app.doctor.machine import free_bytes
from ferrule.core.model import Target


def test_a_whole_machine_is_reported_whole(machine):
    machine.complete()
    findings = doctor.examine(WANTED, machine.host(), glibc={LINUX: "2.17"})
    assert {f.state for f in findings} == {"ok"}
    zig = next(f for f in findings if f.tool == "zig")
    assert (zig.required, zig.version) == ("0.17.0", "0.17.0")
    assert zig.path == str(machine.cache / "tools/ziglang-0.17.0/ziglang/zig")
    assert [f.tool for f in findings if f.tool.startswith("link ")] == [f"link {t}" for t in (LINUX, ARM, MACOS)]
    assert any("cc -target x86_64-linux-gnu.2.17 " in call for call in machine.calls)
    assert f"std-{WASM}" in {f.tool for f in findings}


def test_an_empty_machine_is_reported_with_every_fix(machine):
    findings = doctor.examine(WANTED, machine.host())
    faults = {f.tool: f for f in findings if f.state == "fault"}
    assert set(faults) == {"rustc", "zig", "cargo-zigbuild", "cbindgen"}
    assert all(f.fix for f in faults.values())


def test_a_program_that_a_build_script_may_call_is_a_note(machine):
    machine.complete()
    machine.program("cmake", "exit 0")
    findings = doctor.examine(WANTED, machine.host(), probe=False, locked=frozenset({"cmake", "nasm-rs", "serde"}))
    rows = {f.tool: f for f in findings}
    assert (rows["cmake"].state, rows["cmake"].path) == ("ok", str(machine.bin / "cmake"))
    assert (rows["nasm"].state, rows["nasm"].problem) == ("note", "not found; a build script may call it by nasm-rs")
    assert "apt-get install nasm" in rows["nasm"].fix
    assert "protoc" not in rows


def test_free_room_of_a_folder_that_is_yet_to_be_made(machine):
    assert free_bytes(machine.cache / "not" / "there") > 0


def test_an_sdk_that_a_target_names_and_that_is_not_there(machine):
    machine.complete()
    complete, missing = machine.cache / "sdks" / "whole", machine.cache / "sdks" / "none"
    (complete / "System/Library/Frameworks").mkdir(parents=True)
    findings = doctor.examine(WANTED, machine.host(), probe=False, sdks={MAC: missing, "x86_64-apple-darwin": complete})
    (row,) = [finding for finding in findings if finding.tool == "macOS SDK"]
    assert (row.state, row.path) == ("fault", str(missing))
    assert (
        row.problem == f"{missing} is not a macOS SDK: it has no System/Library/Frameworks, and {MAC} is linked with it"
    )
    assert row.fix == "name the folder MacOSX.sdk of Xcode or of its command line tools"


def test_a_missing_sdk_of_macos_is_a_note(machine):
    """Whether the crate is built at all, its features decide."""
    locked, targets = frozenset({"core-foundation"}), (Target(MAC),)
    findings = doctor.examine(WANTED, machine.host(), probe=False, locked=locked, targets=targets)
    (row,) = [finding for finding in findings if finding.tool == "macOS SDK"]
    assert (row.state, row.fix.startswith("write `sdk: path/of/MacOSX.sdk`")) == ("note", True)
