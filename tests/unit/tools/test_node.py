"""Which Node.js is taken."""

from __future__ import annotations

from ferrule.tools import node
from ferrule.tools.problems import ToolProblem


def silent(_line):
    """Nobody listens."""


def test_node_of_the_machine_or_of_the_wheel(machine):
    fault = node.find(machine.host(), "24.19.0")
    assert isinstance(fault, ToolProblem)
    assert fault.problem == "not installed"
    fault.installer.install(machine.host(), {}, silent)
    assert node.find(machine.host(), "24.19.0").version == "24.19.0"
    machine.program("node", "exit 1")
    assert node.find(machine.host(), "24.19.0").version == "24.19.0"


def test_a_node_that_is_too_old_is_named(machine):
    path = machine.program("node", "echo v18.20.0")
    fault = node.find(machine.host(), "22.0.0")
    assert (fault.problem, fault.required) == ("too old", "20 or newer")
    assert fault.version == f"18.20.0 ({path or machine.bin / 'node'})"
