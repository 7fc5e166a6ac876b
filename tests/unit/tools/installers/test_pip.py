"""Wheels as programs: installed whole or not at all, by pip or by uv."""

from __future__ import annotations

import threading

import pytest

from fakes.machine import remove
from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.tools import zig
from ferrule.tools.installers import pip
from ferrule.tools.installers.pip import PinnedWheel


def silent(_line):
    """Nobody listens."""


def test_a_wheel_is_installed_aside_and_renamed(machine):
    messages = []
    PinnedWheel("ziglang", "0.17.0").install(machine.host(), {}, messages.append)
    path = machine.cache / "tools/ziglang-0.17.0"
    assert messages == [f"ziglang 0.17.0: wheel into {path}"]
    assert pip.installed(machine.host(), "ziglang", "0.17.0") == path
    (call,) = [c for c in machine.calls if "pip install" in c]
    assert f"--target {path}.part ziglang==0.17.0" in call
    assert "--no-deps" in call
    assert zig.find(machine.host(), "0.17.0").argv == (str(path / "ziglang/zig"),)


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


FULL = "error: No space left on device (os error 28)"


@pytest.mark.parametrize(
    ("words", "fault", "message", "hint"),
    [
        (FULL, StorageError, "the disk is full", "free some space in "),
        ("OSError: Disk quota exceeded", StorageError, "the disk is full", "free some space in "),
        ("[Errno 30] Read-only file system", StorageError, "cannot be written", "make "),
        ("Permission denied", StorageError, "cannot be written", "make "),
        ("ProxyError: refused", NetworkError, "the package index cannot be reached", "where there is a network, run: "),
        ("No matching distribution found", ToolchainError, "does not offer it for this machine", "correct the version"),
        ("anything else", ToolchainError, "could not be installed", "where there is a network, run: "),
    ],
)
def test_a_wheel(machine, words, fault, message, hint):
    machine.python(says=words, code=1)
    with pytest.raises(fault, match=r"the wheel ziglang 0.17.0 could not be installed") as failure:
        pip.PinnedWheel("ziglang", "0.17.0").install(machine.host(), {}, silent)
    assert message in failure.value.message
    assert failure.value.hint.startswith(hint)
    assert not list((machine.cache / "tools").glob("*.part"))
    assert pip.installed(machine.host(), "ziglang", "0.17.0") is None


def test_a_wheel_where_nothing_may_be_reached(machine):
    machine.python(says="no such wheel here", code=1)
    with pytest.raises(NetworkError, match="the package index cannot be reached"):
        pip.PinnedWheel("ziglang", "0.17.0").install(machine.host(offline=True), {}, silent)


def test_a_wheel_without_pip_and_without_uv(machine):
    machine.python(pip=False)
    wheel = pip.PinnedWheel("ziglang", "0.17.0")
    assert wheel.blocked_reason(machine.host()).endswith("has no pip and there is no uv on the PATH: install either")
    with pytest.raises(ToolchainError, match=r"ziglang cannot be installed: .* has no pip"):
        wheel.install(machine.host(), {}, silent)


def test_pip_that_ensurepip_does_not_bring(machine):
    machine.program("python", 'case "$*" in *ensurepip) echo broken >&2; exit 1;; esac')
    provider = pip._PipProvider(None, by_ensurepip=True)
    with pytest.raises(ToolchainError, match="pip could not be installed") as failure:
        provider.install(machine.host(), {}, silent)
    assert failure.value.hint == f"run: {machine.bin}/python -m ensurepip"
    assert failure.value.output == "broken"


def test_a_broken_wheel_says_what_is_wrong_with_it(machine):
    wheel = pip.PinnedWheel("cargo-zigbuild", "0.24.0")
    program = machine.zigbuild()
    for script, problem in (
        ("exit 1", "the installed wheel is broken: "),
        ("exit 0", "the installed wheel is broken: it says it is nothing"),
        ("echo cargo-zigbuild 0.1", "the installed wheel is broken: it says it is 0.1"),
    ):
        machine.program(program.name, script, program.parent)
        fault = pip.program(machine.host(), "cargo-zigbuild", wheel, (str(program),), (str(program), "--version"))
        assert fault.problem.startswith(problem)
        assert fault.path == str(machine.cache / "tools/cargo-zigbuild-0.24.0")
