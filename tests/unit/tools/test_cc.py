"""The C compiler of the machine."""

from __future__ import annotations

from fakes.machine import WANTED, remove
from ferrule.toolchain.find import find
from ferrule.tools.problems import ToolProblem


def test_a_c_compiler_on_macos_comes_from_apple(machine):
    remove(machine.bin / "cc")
    fault = find(WANTED, machine.host(system="Darwin", machine="arm64"))[-1]
    assert isinstance(fault, ToolProblem)
    fixes = [f.fix for f in find(WANTED, machine.host(system="Darwin", machine="arm64")) if f.tool == "cc"]
    assert fixes == ["xcode-select --install   (it needs the desktop: run it yourself)"]
