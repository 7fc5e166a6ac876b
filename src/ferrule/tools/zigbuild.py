"""cargo-zigbuild, from its pinned wheel: Cargo with zig as the linker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers import pip

if TYPE_CHECKING:
    from ferrule.core.model import Tool
    from ferrule.tools.host import Host
    from ferrule.tools.problems import ToolProblem

_NAME = "cargo-zigbuild"


def find(host: Host, version: str) -> Tool | ToolProblem:
    """The cargo-zigbuild of the pinned wheel, asked for its version."""
    program = str(pip.folder(host, _NAME, version) / "bin" / _NAME)
    return pip.program(host, _NAME, pip.PinnedWheel(_NAME, version), (program,), (program, "--version"))


TOOL: Final = ToolDefinition(
    name=_NAME,
    version="0.24.0",
    setting="Version of cargo-zigbuild.",
    find=lambda search: [find(search.host, search.versions[_NAME])],
    requires=("cargo", "zig"),
)
