"""The tools that a plan requires: their names, the versions that targets.yaml states, and the targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ferrule.core.platforms import PLATFORMS
from ferrule.toolchain.registry import TOOLS
from ferrule.tools import rust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.toolchain import RustSource
    from ferrule.tools.definition import ToolDefinition


@dataclass(frozen=True, slots=True)
class ToolRequirements:
    """Names of the tools to be used, target triples, and versions by the names of definitions, else their defaults.

    `rust_source` is how to install Rust, if somebody chose.
    """

    tools: frozenset[str]
    triples: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    rust_source: RustSource | None = None

    def version(self, tool: ToolDefinition) -> str:
        """The version that is required of a tool; empty where any will do."""
        return self.versions.get(tool.name, tool.version)


def definition_of(program: str, registry: Mapping[str, ToolDefinition] = TOOLS) -> ToolDefinition | None:
    """The definition of a program that actions ask for, or None if no definition names it."""
    return next((tool for tool in registry.values() if program in tool.names), None)


def needed_tools(requirements: ToolRequirements, registry: Mapping[str, ToolDefinition] = TOOLS) -> frozenset[str]:
    """The names of the required tools, and of those that they cannot work without."""
    needed: set[str] = set()
    waiting = [*requirements.tools, *(rust.TOOL.names if requirements.triples else ())]
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        tool = definition_of(name, registry)
        if tool is not None:
            waiting += (*tool.names, *tool.requires)
            waiting += (other for triple in requirements.triples for other in tool.requires_for(PLATFORMS[triple]))
    return frozenset(needed)
