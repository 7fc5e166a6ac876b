"""What is said when a program cannot be compiled from its crate."""

from __future__ import annotations

import shlex

import pytest

from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.model import Tool
from ferrule.tools.installers import cargo_install

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
