"""What an installer says when it fails: by whose fault, and what a person can do."""

from __future__ import annotations

import shlex

import pytest

from fakes.machine import LINUX
from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.model import Tool
from ferrule.tools.installers import apt, cargo_install, pip, rustup

FULL = "error: No space left on device (os error 28)"


def silent(_line):
    """Nobody listens."""


def failing(machine, name, words):
    """A program that says something and fails."""
    machine.program(name, f"echo {shlex.quote(words)} >&2; exit 1")


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


@pytest.mark.parametrize(
    ("words", "fault", "message"),
    [
        (FULL, StorageError, "the disk is full"),
        ('You don"t have enough free space in /var', ToolchainError, "apt-get could not install gcc"),
        ("Could not resolve host", NetworkError, "the package archive cannot be reached"),
        ("E: Unable to locate package", ToolchainError, "apt-get could not install gcc"),
    ],
)
def test_a_package(machine, words, fault, message):
    machine.apt({})
    failing(machine, "apt-get", words)
    with pytest.raises(fault, match="apt-get could not install gcc") as failure:
        apt.Packages(("gcc",)).install(machine.host(), {}, silent)
    assert message in failure.value.message
    assert "apt-get" in failure.value.hint
    assert len([c for c in machine.calls if c.endswith(" update")]) == 2


def test_a_package_that_may_not_be_installed(machine):
    packages = apt.Packages(("gcc",))
    assert packages.blocked_reason(machine.host()) == "there is no apt-get on this machine"
    machine.apt({})
    assert packages.blocked_reason(machine.host(is_root=False)) == "only root may install packages"
    assert packages.command(machine.host(is_root=False)).startswith("sudo apt-get ")
    assert packages.blocked_reason(machine.host()) is None
    assert packages.blocked_reason(machine.host(offline=True)) is not None


def test_an_archive_that_does_not_answer_offers_nothing(machine):
    machine.apt({"gcc": "12"})
    assert apt.candidates(machine.host(), ["gcc"]) == {"gcc": "12"}
    failing(machine, "apt-cache", "broken")
    failing(machine, "dpkg", "broken")
    assert apt.candidates(machine.host(), ["gcc"]) == {}
    assert apt.foreign_architectures(machine.host()) == frozenset()


@pytest.mark.parametrize(
    ("words", "fault", "message"),
    [
        (FULL, StorageError, "the disk is full"),
        ("error: could not find `cbindgen`", ToolchainError, "the registry does not offer it"),
        ("Could not resolve host", NetworkError, "the crate registry cannot be reached"),
        ("error: linking failed", ToolchainError, "could not be installed"),
    ],
)
def test_a_program_of_cargo(machine, words, fault, message):
    failing(machine, "cargo", words)
    tools = {name: Tool(name, "1", (str(machine.bin / name),), "1") for name in ("cargo", "rustc")}
    with pytest.raises(fault, match=r"cbindgen 0.29.4 could not be installed") as failure:
        cargo_install.CargoInstall("cbindgen", "0.29.4").install(machine.host(), tools, silent)
    assert message in failure.value.message
    assert failure.value.hint
    assert not list((machine.cache / "tools").glob("*.part"))


@pytest.mark.parametrize(
    ("words", "fault", "message"),
    [
        (FULL, StorageError, "the disk is full"),
        ("error: dns error", NetworkError, "its server cannot be reached"),
        ("error: toolchain is unknown", ToolchainError, "rustup could not install Rust 1.96"),
    ],
)
def test_a_toolchain_of_rustup(machine, words, fault, message):
    failing(machine, "rustup", words)
    with pytest.raises(fault, match=r"rustup could not install Rust 1.96") as failure:
        rustup.Install("1.96", (LINUX,)).install(machine.host(), {}, silent)
    assert message in failure.value.message
    assert "rustup toolchain install 1.96" in failure.value.hint
