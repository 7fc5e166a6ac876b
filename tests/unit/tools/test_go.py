"""Which Go is taken, and what makes it another one."""

from __future__ import annotations

from ferrule.tools import go
from ferrule.tools.problems import ToolProblem


def silent(_line):
    """Nobody listens."""


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
