"""`ferrule doctor`: a report on every tool of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ferrule.app.doctor.machine import ROOM, check_machine, free_bytes
from ferrule.core.errors import ToolchainError
from ferrule.core.platforms import PLATFORMS
from ferrule.toolchain import find as toolchains
from ferrule.toolchain.registry import TOOLS
from ferrule.toolchain.requirements import definition_of
from ferrule.tools import macos_sdk
from ferrule.tools.build_programs import asked_for
from ferrule.tools.cargo_git import check_git_support

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.app.doctor.machine import Free
    from ferrule.core.model import Target, Tool
    from ferrule.toolchain.requirements import ToolRequirements
    from ferrule.tools.build_programs import BuildProgram
    from ferrule.tools.definition import ToolDefinition
    from ferrule.tools.host import Host
    from ferrule.tools.problems import ToolProblem

    Registry = Mapping[str, ToolDefinition]


@dataclass(frozen=True, slots=True)
class ToolFinding:
    """One line of the doctor's report; a tool with a problem has a fix. Versions and path may be empty.

    A note is about a program that a build script may need, which nobody knows before it has run.

    `command` is what `ferrule setup` would run, where that is the fix.
    """

    tool: str
    state: Literal["ok", "fault", "note"]
    required: str = ""
    version: str = ""
    path: str = ""
    problem: str = ""
    fix: str = ""
    fixable: bool = False
    command: str = ""


def examine(
    requirements: ToolRequirements,
    host: Host,
    *,
    probe: bool = True,
    glibc: Mapping[str, str] | None = None,
    git_crates: tuple[str, ...] = (),
    locked: frozenset[str] = frozenset(),
    targets: tuple[Target, ...] = (),
    sdks: Mapping[str, Path] | None = None,
    free: Free = free_bytes,
    room: int = ROOM,
    registry: Registry = TOOLS,
) -> list[ToolFinding]:
    """A row for each tool that a build needs; changes nothing but zig's cache.

    With `probe` a shared library of one function is linked for every native target, with the floor that `glibc` gives
    for a triple. `locked` are the names of all crates in Cargo.lock, `targets` those for which no artifact names an SDK
    of its own, and `sdks` the folders of those that targets name, by triple.
    """
    machine = check_machine(host, free=free, room=room)
    results = toolchains.search(requirements, host, registry)
    findings = [
        *map(_problem, machine),
        *(_ready(tool, requirements, registry) for tool in results.tools.values()),
        *map(_problem, results.problems),
    ]
    cargo = results.tools.get("cargo")
    git_problem = check_git_support(cargo, host, git_crates) if cargo and git_crates else None
    findings += [_problem(git_problem)] if git_problem else []
    findings += [_build_program(program, crates, host) for program, crates in asked_for(locked)]
    if missing := macos_sdk.missing_sdk(targets, locked, host.system):
        findings.append(ToolFinding("macOS SDK", "note", problem=missing[0], fix=missing[1]))
    findings += _missing_sdks(sdks or {})
    if probe and not any(problem.tool == "cache" for problem in machine):
        findings += _probe(results.tools, requirements, host, glibc or {}, registry)
    return findings


def _missing_sdks(sdks: Mapping[str, Path]) -> Iterator[ToolFinding]:
    for triple, folder in sdks.items():
        try:
            macos_sdk.sdk_root(str(folder), folder.parent, where=triple)
        except ToolchainError as error:
            problem = f"{error.message}, and {triple} is linked with it"
            yield ToolFinding("macOS SDK", "fault", path=str(folder), problem=problem, fix=error.hint or "")


def _ready(tool: Tool, requirements: ToolRequirements, registry: Registry) -> ToolFinding:
    definition = definition_of(tool.name, registry)
    required = requirements.version(definition) if definition and definition.setting else ""
    return ToolFinding(tool.name, "ok", required, tool.version, tool.argv[0] if tool.argv else "")


def _problem(problem: ToolProblem) -> ToolFinding:
    return ToolFinding(
        problem.tool,
        "fault",
        problem.required,
        problem.version,
        problem.path,
        problem.problem,
        "ferrule setup" if problem.fixable else problem.fix,
        fixable=problem.fixable,
        command=problem.fix if problem.fixable else "",
    )


def _build_program(program: BuildProgram, crates: tuple[str, ...], host: Host) -> ToolFinding:
    path = program.find(host)
    if path:
        return ToolFinding(program.name, "ok", path=path)
    problem = f"not found; a build script may call it by {' or '.join(crates)}"
    return ToolFinding(program.name, "note", problem=problem, fix=program.fix)


def _probe(
    tools: Mapping[str, Tool],
    requirements: ToolRequirements,
    host: Host,
    floors: Mapping[str, str],
    registry: Registry,
) -> Iterator[ToolFinding]:
    for definition in registry.values():
        tool = tools.get(definition.name)
        if tool is None or definition.probe is None:
            continue
        for triple in requirements.triples:
            if not PLATFORMS[triple].is_native or PLATFORMS[triple].family.linked_on:
                continue
            floor = floors.get(triple)
            problem = definition.probe(tool, host, PLATFORMS[triple], floor)
            version = f"glibc {floor}" if floor else ""
            yield (
                _problem(problem)
                if problem
                else ToolFinding(f"link {triple}", "ok", version=version, path=tool.argv[0])
            )
