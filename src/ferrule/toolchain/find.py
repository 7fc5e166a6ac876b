"""All programs that a plan needs, found and checked together; once found, believed until one changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.core.errors import StorageError, ToolchainError
from ferrule.core.model import Digest, Tool
from ferrule.core.toolchain import RustInstallation, RustSource, Toolchain
from ferrule.formats import magic
from ferrule.toolchain.cache_owner import check_cache_owner
from ferrule.toolchain.record import load, remember
from ferrule.toolchain.registry import TOOLS
from ferrule.toolchain.requirements import needed_tools
from ferrule.tools.definition import ToolSearch
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ferrule.toolchain.requirements import ToolRequirements
    from ferrule.tools.definition import ToolDefinition
    from ferrule.tools.host import Host


def published(tool: Tool) -> str | None:
    """Digest of a program as it was published.

    None for one that was compiled or written on its machine, whose bytes tell of its folders, and where any will do.
    """
    path = Path(tool.argv[0]) if len(tool.argv) == 1 else None
    if tool.sha256 or path is None or not path.is_file():
        return tool.sha256
    if tool.identity == tool.name or (path.parents[1] / ".crates.toml").exists():
        return None
    with path.open("rb") as stream:
        if not stream.read(4).startswith(magic.NATIVE):
            return None
    return Digest.of_file(path).hex


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The tools that a machine has, what is wrong with the others, and the Rust, if that is complete."""

    tools: Mapping[str, Tool]
    problems: Sequence[ToolProblem]
    rust: RustInstallation | None = None


def search(requirements: ToolRequirements, host: Host, registry: Mapping[str, ToolDefinition] = TOOLS) -> SearchResults:
    """Search for every required tool, and what those require."""
    needed = needed_tools(requirements, registry)
    versions = {tool.name: requirements.version(tool) for tool in registry.values()}
    order = ToolSearch(host, versions, requirements.triples, needed, requirements.rust_source)
    tools: dict[str, Tool] = {}
    problems: list[ToolProblem] = []
    for definition in registry.values():
        if not needed & {*definition.names}:
            continue
        for result in definition.find(order):
            if isinstance(result, ToolProblem):
                problems.append(result)
            elif isinstance(result, RustInstallation):
                order = replace(order, rust=result)
            else:
                tools[result.name] = result
    return SearchResults(tools, problems, order.rust)


def find(
    requirements: ToolRequirements, host: Host, registry: Mapping[str, ToolDefinition] = TOOLS
) -> Toolchain | list[ToolProblem]:
    """Everything that is required, or all problems at once; a complete toolchain is remembered for `load`.

    Raises StorageError if the cache cannot be written.
    """
    results = search(requirements, host, registry)
    return list(results.problems) or settle(requirements, host, results, registry)


def settle(
    requirements: ToolRequirements,
    host: Host,
    results: SearchResults,
    registry: Mapping[str, ToolDefinition] = TOOLS,
) -> Toolchain:
    """The toolchain of a search without a problem; remembers it for `load`. Raises StorageError."""
    rust = results.rust
    toolchain = Toolchain(
        rust_source=_rust_source(host, rust),
        tools=results.tools,
        std={t: rust.std[t] for t in requirements.triples} if rust else {},
        sysroot=rust.sysroot if rust else Path("/"),
    )
    remember(requirements, host, toolchain, registry)
    return toolchain


def _rust_source(host: Host, rust: RustInstallation | None) -> RustSource:
    if rust is None:
        return "installed"
    if host.rustup_home and host.rustup_home.resolve() in rust.rustc.resolve().parents:
        return "rustup"
    return "distribution" if rust.rustc.parent == host.programs else "installed"


def require(requirements: ToolRequirements, host: Host, registry: Mapping[str, ToolDefinition] = TOOLS) -> Toolchain:
    """The toolchain, remembered or found.

    Raises ToolchainError that lists every problem with its fix, StorageError for a cache that others can write to.
    """
    unsafe = check_cache_owner(host)
    if unsafe:
        raise StorageError(unsafe.problem, hint=unsafe.fix, where=unsafe.path)
    result = load(requirements, host, registry) or find(requirements, host, registry)
    if isinstance(result, Toolchain):
        return result
    number = len({problem.tool for problem in result})
    count = "1 tool is" if number == 1 else f"{number} tools are"
    fixable = any(problem.fixable for problem in result)
    hint = "Run `ferrule setup` to install these." if fixable else None
    raise ToolchainError(listed(f"{count} missing or unusable", result), hint=hint)


def listed(title: str, problems: Sequence[ToolProblem]) -> str:
    """All problems with their fixes; a fix that several share is named with the last of them."""
    lines = [f"{title}:"]
    for number, problem in enumerate(problems):
        required = f" {problem.required}" if problem.required else ""
        lines.append(f"  - {problem.tool}{required}: {problem.problem}")
        if all(later.fix != problem.fix for later in problems[number + 1 :]):
            lines.append(f"      fix: {problem.fix}")
    return "\n".join(lines)
