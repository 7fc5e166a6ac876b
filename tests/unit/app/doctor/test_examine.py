from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.machine import ALL, LINUX, MACOS, WANTED, Machine, remove
from fakes.triples import ARM, WASM
from ferrule.app.doctor import examine as doctor
from ferrule.core.errors import NetworkError, StorageError
from ferrule.toolchain.find import find


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


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


def test_setup_by_the_distribution(machine):
    machine.rust(machine.root / "pool", place=machine.usr)
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"})
    said = []
    chain = doctor.setup(WANTED, machine.host(), said.append)
    assert chain.rust_source == "distribution"
    assert set(chain.std) == set(ALL)
    assert said[0] == (
        "will install by apt: dpkg --add-architecture arm64 && apt-get -o DPkg::Lock::Timeout=600 update"
        " && apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends rustc-web cargo-web"
        " libstd-rust-web-dev libstd-rust-web-dev:arm64 rust-web-src rust-web-llvm lld-22"
    )
    changes = [c.split()[:2] for c in machine.calls if c.startswith(("dpkg --add", "apt-get -o"))]
    assert changes == [["dpkg", "--add-architecture"], ["apt-get", "-o"], ["apt-get", "-o"]]
    assert len([c for c in machine.calls if c.startswith("cargo install")]) == 1
    assert not any(c.startswith("rustup") for c in machine.calls)


def test_setup_by_rustup(machine):
    machine.rust(machine.root / "pool", prebuilt=ALL, place=machine.rustup_place)
    gcc_ld = machine.root / "pool/lib/rustlib" / LINUX / "bin/gcc-ld"
    machine.program("wasm-ld", "echo LLD 22.1.8", gcc_ld)
    machine.rustup()
    chain = doctor.setup(WANTED, machine.host(environment=given(machine)), [].append)
    assert chain.rust_source == "rustup"
    assert chain.std[WASM] == "prebuilt"
    assert chain.tools["wasm-ld"].argv[0].endswith("gcc-ld/wasm-ld")
    (call,) = [c for c in machine.calls if c.startswith("rustup ")]
    assert call == (
        "rustup toolchain install 1.96 --profile minimal --no-self-update --component rust-src"
        f" --target {LINUX} --target {ARM} --target {MACOS} --target {WASM}"
    )
    assert "auto-install=" in machine.calls  # only this call may let rustup install


def given(machine):
    return {"HOME": str(machine.root / "home"), "RUSTUP_AUTO_INSTALL": "1"}


def test_setup_on_a_forced_road(machine):
    machine.rust(machine.root / "pool", prebuilt=ALL, place=machine.rustup_place)
    machine.program("wasm-ld-22", "echo LLD 22.1.8")
    machine.apt({"rustc": "1.96.0-1"})
    machine.rustup()
    chain = doctor.setup(replace(WANTED, rust_source="rustup"), machine.host(), [].append)
    assert chain.rust_source == "rustup"
    assert not any(c.startswith("apt-get") for c in machine.calls)


def test_setup_where_all_is_there_says_nothing_and_starts_nothing(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    machine.forget_calls()
    said = []
    assert doctor.setup(WANTED, machine.host(offline=True), said.append) == chain
    assert (said, machine.calls) == ([], [])


def test_a_dry_run_only_says(machine):
    machine.rust()
    said = []
    assert doctor.setup(WANTED, machine.host(), said.append, dry_run=True) is None
    assert [line.split(":")[0] for line in said] == [
        "will install by wheel",
        "will install by wheel",
        "will install by cargo install",
    ]
    assert not any("install" in call for call in machine.calls)


def test_one_failure_does_not_stop_the_others(machine):
    machine.complete()
    remove(machine.cache / "tools/ziglang-0.17.0")
    remove(machine.cache / "tools/cbindgen-0.29.4")
    machine.python(says="connection broken by NewConnectionError", code=1)
    with pytest.raises(NetworkError):
        doctor.setup(WANTED, machine.host(), [].append)
    assert (machine.cache / "tools/cbindgen-0.29.4/bin/cbindgen").is_file()


def test_several_failures_are_all_told(machine):
    machine.rust()
    machine.python(says="connection broken by NewConnectionError", code=1)
    (machine.root / "no-network").touch()
    with pytest.raises(NetworkError) as failure:
        doctor.setup(WANTED, machine.host(), [].append)
    for name in ("ziglang", "cargo-zigbuild", "cbindgen"):
        assert name in failure.value.message
        assert name in failure.value.hint


def test_two_packages_come_in_one_call(machine):
    machine.complete()
    remove(machine.bin / "cc")
    remove(machine.usr / f"lib/rustlib/{LINUX}/bin/wasm-component-ld")
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"}, foreign=("arm64",))
    said = []
    doctor.setup(WANTED, machine.host(), said.append, dry_run=True)
    (line,) = said
    assert line.endswith("--no-install-recommends rust-web-llvm lld-22 gcc libc6-dev")


def test_free_room_of_a_folder_that_is_yet_to_be_made(machine):
    assert doctor.free_bytes(machine.cache / "not" / "there") > 0


def test_machine_faults_come_before_any_work(machine):
    with pytest.raises(StorageError, match="this machine cannot build"):
        doctor.setup(WANTED, machine.host(), [].append, room=10**18)
    assert machine.calls == []
