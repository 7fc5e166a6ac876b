"""What is said when rustup cannot install a toolchain."""

from __future__ import annotations

import shlex

import pytest

from fakes.machine import LINUX
from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.tools.installers import rustup

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
