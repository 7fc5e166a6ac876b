"""Tools that need no machinery of their own: wheels, cbindgen, zig's cache, go, node and emulators."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from fakes.machine import LINUX, MACOS, WANTED, remove
from fakes.triples import ARM
from ferrule.core.errors import StorageError, ToolchainError
from ferrule.core.model import Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.toolchain.find import find
from ferrule.tools import cbindgen, emulation, go, node, zig
from ferrule.tools.installers import cargo_install, pip
from ferrule.tools.installers.pip import PinnedWheel
from ferrule.tools.problems import ToolProblem


def silent(_line):
    """Nobody listens."""


def test_a_wheel_is_installed_aside_and_renamed(machine):
    said = []
    PinnedWheel("ziglang", "0.17.0").install(machine.host(), {}, said.append)
    place = machine.cache / "tools/ziglang-0.17.0"
    assert said == [f"ziglang 0.17.0: wheel into {place}"]
    assert pip.installed(machine.host(), "ziglang", "0.17.0") == place
    (call,) = [c for c in machine.calls if "pip install" in c]
    assert f"--target {place}.part ziglang==0.17.0" in call
    assert "--no-deps" in call
    assert zig.find(machine.host(), "0.17.0").argv == (str(place / "ziglang/zig"),)


def test_uv_installs_where_there_is_no_pip(machine):
    machine.python(pip=False)
    machine.uv()
    PinnedWheel("ziglang", "0.17.0").install(machine.host(), {}, silent)
    assert pip.installed(machine.host(), "ziglang", "0.17.0")
    assert any(c.startswith("uv pip install") for c in machine.calls)
    assert "uv pip install" in PinnedWheel("ziglang", "0.17.0").command(machine.host())


def test_two_at_once_install_once(machine):
    host = machine.host()
    threads = [
        threading.Thread(target=PinnedWheel("ziglang", "0.17.0").install, args=(host, {}, silent)) for _ in range(3)
    ]
    machine.python()
    slow = (machine.bin / "python").read_text().replace("target=;", "/bin/sleep 0.3; target=;")
    (machine.bin / "python").write_text(slow)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([c for c in machine.calls if "pip install" in c]) == 1


def test_an_index_on_this_machine_needs_no_network(machine):
    host = machine.host(offline=True, environment={"HOME": "/", "PIP_FIND_LINKS": "/wheels"})
    assert PinnedWheel("ziglang", "0.17.0").blocked_reason(host) is None
    PinnedWheel("ziglang", "0.17.0").install(host, {}, silent)
    assert any("--no-index" in c for c in machine.calls)


def test_a_cache_that_is_no_folder(machine):
    remove(machine.cache)
    machine.cache.touch()
    with pytest.raises(StorageError, match="cannot write"):
        PinnedWheel("ziglang", "0.17.0").install(machine.host(), {}, silent)


def test_any_other_failure_of_pip_is_shown(machine):
    machine.python(says="ERROR: the moon is full", code=1)
    with pytest.raises(ToolchainError, match="the moon is full"):
        PinnedWheel("ziglang", "0.17.0").install(machine.host(), {}, silent)


def test_names_of_targets_for_zig():
    assert PLATFORMS[LINUX].zig("2.17") == "x86_64-linux-gnu.2.17"
    assert PLATFORMS[ARM].zig() == "aarch64-linux-gnu"
    assert PLATFORMS[MACOS].zig("11.0") == "aarch64-macos.11.0-none"


def test_priming_happens_once_for_each_native_target(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    machine.forget_calls()
    threads = [
        threading.Thread(target=zig.warm_cache, args=(chain, machine.cache, machine.host().children)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    targets = [call.split()[3] for call in machine.calls]
    assert targets == ["x86_64-linux-gnu", "aarch64-linux-gnu", "aarch64-macos-none"]


def first_link(machine, chain, triple, floor, borrow=lambda _: nullcontext(True)):
    places = (machine.cache, machine.host().children)
    return zig.prelink(chain.tool("zig"), PLATFORMS[triple], floor, *places, borrow)


def test_the_first_link_happens_beside_other_work_and_once(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    machine.forget_calls()
    for floor in ("2.17", "2.17", "2.28"):
        with first_link(machine, chain, LINUX, floor):
            pass
    assert [call.split()[3] for call in machine.calls] == ["x86_64-linux-gnu.2.17", "x86_64-linux-gnu.2.28"]
    assert all("-shared" in call and "-lunwind" in call for call in machine.calls)


def test_a_first_link_for_which_there_is_no_room_is_left_to_the_real_one(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    machine.forget_calls()
    asked = []

    @contextmanager
    def never(over):
        asked.append(over.wait(60))
        yield False

    with first_link(machine, chain, LINUX, "2.17", never):
        pass
    assert asked == [True]
    assert machine.calls == []


def test_a_first_link_that_fails_is_left_to_the_real_one(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    (machine.cache / "zig").touch()
    with first_link(machine, chain, MACOS, "11.0"):
        pass


def test_priming_a_cache_that_cannot_be_written(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    (machine.cache / "zig").touch()
    with pytest.raises(StorageError, match="zig's cache"):
        zig.warm_cache(chain, machine.cache, machine.host().children)


def test_a_cbindgen_on_the_path_serves_if_it_is_the_wanted_one(machine):
    place = machine.cbindgen("0.29.4", machine.bin)
    assert cbindgen.find(machine.host(), "0.29.4").argv == (str(place),)


def test_cbindgen_is_compiled_aside(machine):
    machine.rust()
    tools = {n: Tool(n, "1.96.0", (str(machine.usr / "bin" / n),), n) for n in ("cargo", "rustc")}
    cargo_install.CargoInstall("cbindgen", "0.29.4").install(machine.host(), tools, silent)
    place = machine.cache / "tools/cbindgen-0.29.4"
    assert cbindgen.find(machine.host(), "0.29.4").argv == (str(place / "bin/cbindgen"),)
    assert not (place / "target").exists()


def test_the_header_command():
    tools = {n: Tool(n, "1", (f"/tools/{n}",), n) for n in ("cargo", "rustc", "cbindgen")}
    command = cbindgen.header_command(
        Toolchain("installed", tools, {}, Path("/usr")),
        crate="x-ffi",
        crate_folder=Path("/w/x-ffi"),
        lockfile=Path("/w/Cargo.lock"),
        metadata=Path("/o/metadata.json"),
        config=Path("/w/x-ffi/cbindgen.toml"),
        output=Path("/o/x.h"),
        notes=Path("/o/x.d"),
        settings=cbindgen.Settings("c", cpp_compat=True),
        offline=True,
    )
    assert " ".join(command.argv) == (
        "/tools/cbindgen --crate x-ffi --lockfile /w/Cargo.lock --metadata /o/metadata.json --output /o/x.h"
        " --depfile /o/x.d --config /w/x-ffi/cbindgen.toml ."
    )
    assert command.env == {"CARGO": "/tools/cargo", "RUSTC": "/tools/rustc", "CARGO_NET_OFFLINE": "true"}
    assert command.cwd == Path("/w/x-ffi")


def test_go_of_the_machine_or_of_the_wheel(machine):
    machine.program("go", "echo go version go1.26.8 linux/amd64")
    fault = go.find(machine.host(), "1.27.3")
    assert isinstance(fault, ToolProblem)
    assert (fault.problem, fault.version) == ("another version", f"1.26.8 ({machine.bin}/go)")
    fault.installer.install(machine.host(), {}, silent)
    assert go.find(machine.host(), "1.27.3").version == "1.27.3"
    machine.program("go", 'echo "go version go1.27.3 linux/amd64"; [ "$GOTOOLCHAIN" = local ]')
    assert go.find(machine.host(), "1.27.3").argv == (f"{machine.bin}/go",)


def test_a_go_that_does_not_work_is_none(machine):
    machine.program("go", "exit 1")
    fault = go.find(machine.host(), "1.27.3")
    assert isinstance(fault, ToolProblem)
    assert (fault.problem, fault.version) == ("not installed", "")


def test_a_go_with_experiments_is_another_one(machine):
    machine.program("go", "echo go version go1.27.3 X:nodwarf5 linux/amd64")
    fault = go.find(machine.host(), "1.27.3")
    assert isinstance(fault, ToolProblem)
    assert fault.version == f"1.27.3 X:nodwarf5 ({machine.bin}/go)"


def test_node_of_the_machine_or_of_the_wheel(machine):
    fault = node.find(machine.host(), "24.19.0")
    assert isinstance(fault, ToolProblem)
    assert fault.problem == "not installed"
    fault.installer.install(machine.host(), {}, silent)
    assert node.find(machine.host(), "24.19.0").version == "24.19.0"
    machine.program("node", "exit 1")
    assert node.find(machine.host(), "24.19.0").version == "24.19.0"


def test_programs_of_another_machine(machine):
    assert emulation.find(machine.host(machine="arm64"), "aarch64").version == "native"
    machine.apt({})
    assert emulation.find(machine.host(), "aarch64").problem == "not installed"
    machine.program("qemu-aarch64-static", "echo qemu-aarch64 version 7.2.22")
    machine.program("mount", f'/bin/mkdir -p "{machine.root}/proc/sys/fs/binfmt_misc"')
    machine.program("update-binfmts", f'echo enabled > "{machine.root}/proc/sys/fs/binfmt_misc/qemu-aarch64"')
    fault = emulation.find(machine.host(), "aarch64")
    assert not emulation.find(machine.host(is_root=False), "aarch64").fixable
    fault.installer.install(machine.host(), {}, silent)
    assert emulation.find(machine.host(), "aarch64").identity == "qemu-aarch64 7.2.22"


def test_a_c_compiler_on_macos_comes_from_apple(machine):
    remove(machine.bin / "cc")
    fault = find(WANTED, machine.host(system="Darwin", machine="arm64"))[-1]
    assert isinstance(fault, ToolProblem)
    fixes = [f.fix for f in find(WANTED, machine.host(system="Darwin", machine="arm64")) if f.tool == "cc"]
    assert fixes == ["xcode-select --install   (it needs the desktop: run it yourself)"]


def test_a_node_that_is_too_old_is_named(machine):
    path = machine.program("node", "echo v18.20.0")
    fault = node.find(machine.host(), "22.0.0")
    assert (fault.problem, fault.required) == ("too old", "20 or newer")
    assert fault.version == f"18.20.0 ({path or machine.bin / 'node'})"
