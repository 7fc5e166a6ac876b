"""Packages of the distribution: what is offered, and what is said when one cannot be installed."""

from __future__ import annotations

import shlex

import pytest

from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.tools.installers import apt

FULL = "error: No space left on device (os error 28)"


def silent(_line):
    """Nobody listens."""


def failing(machine, name, words):
    """A program that says something and fails."""
    machine.program(name, f"echo {shlex.quote(words)} >&2; exit 1")


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
