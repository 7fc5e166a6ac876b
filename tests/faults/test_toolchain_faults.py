"""Seeded faults of a toolchain: each is named with its fix, all at once, before anything is compiled."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from fakes.machine import ALL, LINUX, MACOS, NO_NETWORK, WANTED, Machine, remove
from ferrule.app.doctor import examine as doctor
from ferrule.app.doctor.setup import setup
from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.toolchain import Toolchain
from ferrule.toolchain.find import find, require

pytestmark = pytest.mark.faults

APT = "apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends"
RUSTUP = "rustup toolchain install 1.96 --profile minimal --no-self-update --component rust-src"
PIP = "-m pip install"


def silent(_line: str) -> None:
    """Nobody listens."""


@pytest.fixture
def machine(tmp_path):
    result = Machine(tmp_path)
    result.complete()
    return result


def only_fault(machine, wanted=WANTED, **changes):
    toolchain = find(wanted, machine.host(**changes))
    assert isinstance(toolchain, list), "the fault went unnoticed"
    assert len(toolchain) == 1, [f.tool for f in toolchain]
    compiled = [c for c in machine.calls if c.startswith(("cargo rustc", "cargo build", "cargo install"))]
    assert not compiled
    return toolchain[0]


def test_a_whole_machine_has_no_fault(machine):
    assert isinstance(find(WANTED, machine.host()), Toolchain)


def test_no_rust_at_all(machine):
    remove(machine.usr / "bin" / "rustc")
    fault = only_fault(machine)
    assert (fault.tool, fault.problem, fault.required) == ("rustc", "not installed", "1.96")
    assert RUSTUP in fault.fix


def test_wrong_rust_version(machine):
    machine.rust(release="1.85.0")
    fault = only_fault(machine)
    assert (fault.tool, fault.problem) == ("rustc", "not the required version")
    assert fault.version == f"1.85.0 ({machine.usr}/bin/rustc)"


def test_a_longer_version_is_not_a_match(machine):
    machine.rust(release="1.9.6")
    assert only_fault(machine).problem == "not the required version"


def test_rustup_stand_in_with_no_toolchain(machine):
    remove(machine.usr / "bin" / "rustc")
    machine.rustup()
    fault = only_fault(machine)
    assert "rustup has no toolchain for it" in fault.problem
    assert fault.fix.startswith(RUSTUP)
    assert fault.fixable


def test_a_compiler_that_crashes(machine):
    machine.program("rustc", "kill -SEGV $$", machine.usr / "bin")
    fault = only_fault(machine)
    assert "was ended by SIGSEGV" in fault.problem


def test_missing_standard_library_without_source(machine):
    remove(machine.usr / "lib/rustlib/aarch64-unknown-linux-gnu")
    remove(machine.usr / "lib/rustlib/src")
    fault = only_fault(machine, replace(WANTED, triples=(LINUX, "aarch64-unknown-linux-gnu")))
    assert fault.tool == "std-aarch64-unknown-linux-gnu"
    assert "neither compiled nor as source" in fault.problem
    assert "--target aarch64-unknown-linux-gnu" in fault.fix


def test_missing_source_of_the_standard_library(machine):
    remove(machine.usr / "lib/rustlib/src")
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"}, foreign=("arm64",))
    toolchain = find(WANTED, machine.host())
    assert [f.tool for f in toolchain] == [f"std-{MACOS}", "std-wasm32-unknown-unknown"]
    assert all(f"{APT} rustc-web cargo-web" in f.fix and " rust-web-src " in f.fix for f in toolchain)


def test_source_package_whose_link_leads_nowhere(machine):
    remove(machine.usr / "lib/rustlib/src/rust")
    (machine.usr / "lib/rustlib/src/rust").symlink_to(machine.root / "gone")
    assert "leads nowhere" in only_fault(machine, replace(WANTED, triples=(MACOS,))).problem


def test_cargo_missing_beside_rustc(machine):
    remove(machine.usr / "bin" / "cargo")
    fault = only_fault(machine)
    assert (fault.tool, fault.version) == ("cargo", "1.96.0")
    assert "there is none beside" in fault.problem


def test_cargo_of_another_version(machine):
    machine.cargo(machine.usr / "bin", "1.85.0")
    fault = only_fault(machine)
    assert fault.tool == "cargo"
    assert fault.problem.endswith("is 1.85.0")


def test_no_zig(machine):
    remove(machine.cache / "tools" / "ziglang-0.17.0")
    fault = only_fault(machine)
    assert (fault.tool, fault.problem) == ("zig", "the pinned wheel is not installed")
    assert PIP in fault.fix
    assert "ziglang==0.17.0" in fault.fix
    assert fault.fixable


def test_zig_on_the_path_is_never_used(machine):
    machine.program("zig", "echo 0.17.0")
    toolchain = find(WANTED, machine.host())
    assert toolchain.tools["zig"].argv == (str(machine.cache / "tools/ziglang-0.17.0/ziglang/zig"),)
    remove(machine.cache / "tools" / "ziglang-0.17.0")
    assert only_fault(machine).tool == "zig"


def test_broken_zig_wheel(machine):
    remove(machine.cache / "tools/ziglang-0.17.0/ziglang/zig")
    fault = only_fault(machine)
    assert fault.problem.startswith("the installed wheel is broken")
    setup(WANTED, machine.host(), silent)
    assert isinstance(find(WANTED, machine.host()), Toolchain)


def test_zig_wheel_of_another_version_inside(machine):
    machine.zig(says="0.15.1")
    fault = only_fault(machine)
    assert fault.problem == "the installed wheel is broken: it says it is 0.15.1"


def test_a_wheel_whose_installation_was_interrupted(machine):
    remove(machine.cache / "tools/ziglang-0.17.0/.complete")
    assert only_fault(machine).problem == "the pinned wheel is not installed"


def test_no_cargo_zigbuild(machine):
    remove(machine.cache / "tools" / "cargo-zigbuild-0.24.0")
    machine.program("cargo-zigbuild", "echo cargo-zigbuild 0.24.0")  # on the PATH, built by nobody knows whom
    fault = only_fault(machine)
    assert fault.tool == "cargo-zigbuild"
    assert "cargo-zigbuild==0.24.0" in fault.fix


def test_wrong_cargo_zigbuild(machine):
    machine.zigbuild(says="0.19.8")
    fault = only_fault(machine)
    assert (fault.tool, fault.version) == ("cargo-zigbuild", "0.19.8")


def test_no_cbindgen(machine):
    remove(machine.cache / "tools" / "cbindgen-0.29.4")
    fault = only_fault(machine)
    assert (fault.tool, fault.problem) == ("cbindgen", "not installed")
    assert "cargo install --locked --debug cbindgen --version 0.29.4 --root" in fault.fix


def test_wrong_cbindgen(machine):
    remove(machine.cache / "tools" / "cbindgen-0.29.4")
    machine.cbindgen("0.24.3", machine.bin)
    fault = only_fault(machine)
    assert (fault.problem, fault.version) == ("not the required version", f"0.24.3 ({machine.bin}/cbindgen)")


def test_no_component_linker(machine):
    remove(machine.usr / f"lib/rustlib/{LINUX}/bin/wasm-component-ld")
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"}, foreign=("arm64",))
    fault = only_fault(machine)
    assert fault.tool == "wasm-component-ld"
    assert fault.fix.endswith(f"{APT} rust-web-llvm lld-22")


def test_no_wasm_linker(machine):
    remove(machine.usr / "bin" / "wasm-ld-22")
    fault = only_fault(machine)
    assert (fault.tool, fault.problem, fault.required) == ("wasm-ld", "not installed", "LLD 22")


def test_wasm_linker_older_than_the_compiler(machine):
    remove(machine.usr / "bin" / "wasm-ld-22")
    machine.program("wasm-ld", "echo Debian LLD 14.0.6")
    fault = only_fault(machine)
    assert fault.problem == "older than LLVM 22 inside rustc"


def test_no_strip_for_macos(machine):
    remove(machine.usr / f"lib/rustlib/{LINUX}/bin/rust-objcopy")
    assert only_fault(machine).tool == "rust-objcopy"


def test_no_program_for_debug_symbols_of_macos(machine):
    wanted = replace(WANTED, tools=WANTED.tools | {"dsymutil"})
    fault = only_fault(machine, wanted)
    assert (fault.tool, fault.problem, fault.required) == ("dsymutil", "not installed", "LLVM 22")
    assert "install -y --no-install-recommends llvm-22" in fault.fix
    machine.program("dsymutil", "echo Debian LLVM version 14.0.6")
    fault = only_fault(machine, wanted)
    assert fault.problem == "older than LLVM 22 inside rustc"
    assert fault.version == f"14.0.6 ({machine.bin}/dsymutil)"
    machine.program("dsymutil-22", "echo Debian LLVM version 22.1.8")
    assert isinstance(find(wanted, machine.host()), Toolchain)


def test_no_c_compiler(machine):
    remove(machine.bin / "cc")
    machine.apt({})
    fault = only_fault(machine)
    assert (fault.tool, fault.fix) == ("cc", f"apt-get -o DPkg::Lock::Timeout=600 update && {APT} gcc libc6-dev")


def test_a_docker_client_without_an_engine(machine):
    machine.program("docker", 'echo "Cannot connect to the Docker daemon. Is the docker daemon running?" >&2; exit 1')
    machine.program("dockerd", "exit 0")
    machine.program("start-stop-daemon", "exit 0")
    fault = only_fault(machine, replace(WANTED, tools=WANTED.tools | {"container"}))
    assert (fault.tool, fault.problem) == ("container", "a client is here but no engine answers")
    program = shlex.quote(f"{machine.bin}/dockerd")
    assert fault.fix == f"start-stop-daemon --start --background --oknodo --exec {program}"


def test_no_container_engine_at_all(machine):
    machine.apt({})
    fault = only_fault(machine, replace(WANTED, tools=WANTED.tools | {"container"}))
    assert fault.problem == "neither docker nor podman is installed"
    assert fault.fix.endswith(f"{APT} docker.io iptables")


def test_no_emulator_in_the_kernel(machine):
    machine.program("qemu-aarch64-static", "echo qemu-aarch64 version 7.2.0")
    machine.program("update-binfmts", "exit 0")
    fault = only_fault(machine, replace(WANTED, tools=WANTED.tools | {"qemu-aarch64"}))
    assert fault.problem == "the kernel does not know it yet"
    assert "update-binfmts --enable qemu-aarch64" in fault.fix


def test_everything_at_once(machine):
    for path in (machine.usr, machine.cache, machine.bin / "cc"):
        remove(path)
    with pytest.raises(ToolchainError) as failure:
        require(WANTED, machine.host())
    message = failure.value.message
    assert message.startswith("5 tools are missing or unusable:")
    for tool in ("rustc 1.96", "zig 0.17.0", "cargo-zigbuild 0.24.0", "cbindgen 0.29.4", "cc"):
        assert f"  - {tool}: " in message
    assert message.count("fix: ") == 5


def test_no_root_for_apt(machine):
    remove(machine.usr / "bin" / "rustc")
    machine.apt({"rustc": "1.96.0-1"}, foreign=("arm64",))
    fault = only_fault(machine, is_root=False)
    assert not fault.fixable
    assert f"sudo {APT} rustc cargo libstd-rust-dev libstd-rust-dev:arm64 rust-src rust-llvm lld-22" in fault.fix
    assert "only root may install packages" in fault.fix
    with pytest.raises(ToolchainError, match="cannot install them on this machine") as failure:
        setup(WANTED, machine.host(is_root=False), silent)
    assert f"sudo {APT}" in failure.value.message


def test_apt_without_the_wanted_version_takes_rustup(machine):
    remove(machine.usr / "bin" / "rustc")
    machine.apt({"rustc": "1.63.0+dfsg1-2", "rustc-web": "1.85.0+dfsg3-1"})
    machine.rustup()
    fault = only_fault(machine)
    assert fault.fix.startswith(RUSTUP)
    assert fault.fixable


def test_rustup_missing(machine):
    remove(machine.usr / "bin" / "rustc")
    fault = only_fault(machine)
    assert not fault.fixable
    assert fault.fix.startswith("curl ")
    assert f"&& {RUSTUP}" in fault.fix


def test_rustup_missing_where_apt_has_it(machine):
    remove(machine.usr / "bin" / "rustc")
    machine.apt({"rustup": "1.26.0-5"})
    assert f"{APT} rustup && {RUSTUP}" in only_fault(machine).fix


def test_no_network_for_a_wheel(machine):
    remove(machine.cache / "tools" / "ziglang-0.17.0")
    machine.python(says=NO_NETWORK, code=1)
    with pytest.raises(NetworkError, match="the package index cannot be reached") as failure:
        setup(WANTED, machine.host(), silent)
    assert f"{PIP} --quiet" in failure.value.hint
    assert "ziglang==0.17.0" in failure.value.hint


def test_a_version_that_no_index_offers(machine):
    expected = replace(WANTED, versions={"zig": "9.9.9"})
    machine.python(says="ERROR: No matching distribution found for ziglang==9.9.9", code=1)
    with pytest.raises(ToolchainError, match="does not offer it") as failure:
        setup(expected, machine.host(), silent)
    assert "targets.yaml" in failure.value.hint


def test_disk_full_while_installing(machine):
    remove(machine.cache / "tools" / "ziglang-0.17.0")
    machine.python(says="ERROR: Could not install packages: [Errno 28] No space left on device", code=1)
    with pytest.raises(StorageError, match="the disk is full"):
        setup(WANTED, machine.host(), silent)
    assert not list((machine.cache / "tools").glob("ziglang-*.part"))


def test_no_network_for_cbindgen(machine):
    remove(machine.cache / "tools" / "cbindgen-0.29.4")
    (machine.root / "no-network").touch()
    with pytest.raises(NetworkError, match="the crate registry cannot be reached") as failure:
        setup(WANTED, machine.host(), silent)
    assert "cargo install --locked --debug cbindgen" in failure.value.hint


def test_no_network_for_rustup(machine):
    remove(machine.usr / "bin" / "rustc")
    machine.rustup(works=False)
    with pytest.raises(NetworkError, match="its server cannot be reached"):
        setup(WANTED, machine.host(), silent)


def test_no_network_allowed(machine):
    remove(machine.cache / "tools" / "ziglang-0.17.0")
    with pytest.raises(NetworkError) as failure:
        setup(WANTED, machine.host(offline=True), silent)
    assert "no network may be used: run it yourself" in failure.value.message
    assert not [call for call in machine.calls if "pip install" in call]


def test_python_without_pip_and_uv(machine):
    remove(machine.cache / "tools" / "ziglang-0.17.0")
    machine.python(pip=False)
    fault = only_fault(machine)
    assert not fault.fixable
    assert "has no pip and there is no uv on the PATH: install either" in fault.fix


def test_read_only_cache(machine):
    remove(machine.cache)
    machine.cache.touch()  # even root cannot make a folder below a file
    with pytest.raises(StorageError, match="cannot be written"):
        setup(WANTED, machine.host(), silent)
    findings = {f.tool: f for f in doctor.examine(WANTED, machine.host(), probe=False)}
    assert "name another folder" in findings["cache"].fix


def test_full_disk(machine):
    remove(machine.cache / "tools" / "ziglang-0.17.0")
    with pytest.raises(StorageError, match=r"0\.3 GB are free, a build may need 2\.0 GB"):
        setup(WANTED, machine.host(), silent, free=lambda _folder: 300_000_000)
    assert not [call for call in machine.calls if "pip install" in call]


def test_no_home(machine):
    findings = doctor.examine(WANTED, machine.host(environment={}), probe=False)
    assert ("HOME", "set HOME to a folder of yours") in [(f.tool, f.fix) for f in findings]


def test_zig_that_cannot_link(machine):
    machine.wheel(
        "ziglang",
        "0.17.0",
        "ziglang/zig",
        '[ "$1" = version ] && echo 0.17.0 && exit 0\n'
        'echo "error: unable to create compilation: FileNotFound" >&2; exit 1',
    )
    broken = [f for f in doctor.examine(WANTED, machine.host()) if f.state == "fault"]
    assert [f.tool for f in broken] == [f"link {triple}" for triple in ALL[:3]]
    assert "unable to create compilation" in broken[0].problem
    assert "ziglang==0.17.0" in broken[0].fix


def test_something_that_stays_wrong_is_not_tried_for_ever(machine):
    remove(machine.cache / "tools" / "ziglang-0.17.0")
    machine.program("python", '[ "$1" = -c ] && exit 0\nfor a in "$@"; do d=$e; e=$a; done\n/bin/mkdir -p "$d"')
    with pytest.raises(ToolchainError, match="these were installed and are still not usable"):
        setup(WANTED, machine.host(), silent)
    assert len([call for call in machine.calls if "pip install" in call]) == 1
