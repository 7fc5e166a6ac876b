"""A project's targets.yaml, checked whole, to a Config in which nothing is doubtful any more."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ferrule.config.artifacts import ArtifactConfig, kinds_of, read_artifacts
from ferrule.config.checking import check
from ferrule.config.ci import Ci, read_ci
from ferrule.config.nodes import LARGEST, MappingNode, Node, ScalarNode, find, read
from ferrule.config.problems import Position, Problems, listed, quote
from ferrule.config.references import ReferenceScope, check_references
from ferrule.config.sections import VERSION, ProjectSection, TargetSection, TargetsFile, toolchain_section
from ferrule.core.cargo_workspace import Workspace, read_workspace
from ferrule.core.errors import ConfigError
from ferrule.core.model import Json, Target, to_json
from ferrule.core.platforms import PLATFORMS, Platform, unsupported
from ferrule.core.safe_files import FILE
from ferrule.kinds.base import ReleaseInfo
from ferrule.toolchain.registry import TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.config.ci import PublishDestination
    from ferrule.kinds.base import KeyPath, Kind
    from ferrule.tools.definition import ToolDefinition


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that targets.yaml says of the project in the folder `root`, validated.

    `toolchain` has the version of each tool by its name; `1.96` stands for every 1.96.
    `tree` is the file as it was read, for pointing at places in it.
    """

    root: Path
    file: str
    project: ReleaseInfo
    toolchain: Mapping[str, str]
    targets: tuple[Target, ...]
    artifacts: tuple[ArtifactConfig, ...]
    workspace: Workspace
    ci: Ci
    tree: Node = field(repr=False, compare=False)

    def place(self, path: KeyPath) -> str:
        """`file:line:column` of a path of keys and indexes, or of the deepest part of it that the file has."""
        mark, _ = find(self.tree, path)
        return f"{self.file}:{mark.line}:{mark.column}"


def load(
    project: Path,
    kinds: Mapping[str, Kind],
    destinations: Mapping[str, PublishDestination],
    *,
    file: str = FILE,
    platforms: Mapping[str, Platform] = PLATFORMS,
    tools: Mapping[str, ToolDefinition] = TOOLS,
    loader: Any = None,  # noqa: ANN401 - PyYAML has no types for loaders
) -> Config:
    """Read and check a project's targets.yaml.

    `loader` replaces the YAML parser. Raises ConfigErrors with every problem, each with its place and what to do.
    """
    problems = Problems(file)
    tree = read(_content(project / file, problems), problems, loader)
    check(TargetsFile, tree, (), problems)
    reading = _Reading(project, tree, problems)
    versions = _toolchain(reading, tools)
    targets = _targets(reading, platforms)
    told = _told(reading)
    workspace = _workspace(reading) if reading.has("project") else None
    described = _project(reading, told, workspace) if told and workspace else None
    part = reading.part("artifacts")
    scope = ReferenceScope(project, workspace, kinds_of(part, kinds))
    artifacts = read_artifacts(part, kinds, tuple(t.triple for t in targets), scope, problems)
    ci = read_ci(
        *(reading.part("ci"), targets, (artifact.kind.name for artifact in artifacts)),
        *(described.version if described else None, destinations, problems),
    )
    if problems.found or described is None or workspace is None or versions is None or ci is None:
        raise problems.error()
    return Config(project, file, described, versions, targets, artifacts, workspace, ci, tree)


def document(config: Config) -> Json:
    """The effective matrix as JSON: all defaults filled in, and itself a targets.yaml that says the same."""
    project = config.project
    told = {
        "name": project.name,
        "version": project.version,
        "workspace": config.workspace.folder,
        "license": project.license,
        "description": project.description,
        "homepage": project.homepage,
        "license-files": list(project.license_files) or None,
    }
    return {
        "version": 1,
        "project": _given(told),
        "toolchain": dict(config.toolchain),
        "targets": {t.triple: _given({n: v for n, v in _fields(t) if n != "triple"}) for t in config.targets},
        "artifacts": {a.name: _artifact_document(a) for a in config.artifacts},
        "ci": config.ci.document(),
    }


def _artifact_document(artifact: ArtifactConfig) -> Json:
    base = _given(artifact.spec.model_dump(mode="json", by_alias=True))
    changed: dict[str, Json] = {}
    for triple, spec in artifact.by_target.items():
        own = spec.model_dump(mode="json", by_alias=True)
        changed[triple] = {k: v for k, v in own.items() if v != base.get(k)}
    return {**base, **({"per-target": changed} if changed else {})}


def _given(values: dict[str, Any]) -> dict[str, Json]:
    return {name: value for name, value in values.items() if value is not None}


def _fields(value: Any) -> list[tuple[str, Json]]:  # noqa: ANN401 - a frozen dataclass
    found = to_json(value)
    return list(found.items()) if isinstance(found, dict) else []


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the steps of one reading share."""

    root: Path
    tree: Node
    problems: Problems

    def has(self, name: str) -> bool:
        return isinstance(self.tree, MappingNode) and isinstance(self.tree.values.get(name), MappingNode)

    def part(self, name: str) -> MappingNode:
        """A part of the document that is there; an empty one in its place if it is not."""
        node = self.tree.values.get(name) if isinstance(self.tree, MappingNode) else None
        return node if isinstance(node, MappingNode) else MappingNode(self.tree.mark, {}, {})

    def mark(self, *path: str | int) -> Position:
        return find(self.tree, path)[0]


def _content(path: Path, problems: Problems) -> bytes:
    start = Position(1, 1)
    try:
        if path.exists() and not path.is_file():
            problems.fatal(start, "this is not a file", f"{FILE} is a text file")
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError as error:
        problems.fatal(start, f"this file cannot be read: {error.strerror}", "correct its name or permissions")


def _told(reading: _Reading) -> ProjectSection | None:
    """What the project says of itself; a document without it has left a problem already."""
    if not reading.has("project"):
        return None
    part = reading.part("project")
    section = check(ProjectSection, part, ("project",), reading.problems)
    mark, stated = find(part, ("license",))
    if isinstance(stated, ScalarNode) and isinstance(stated.value, str) and not reading.problems.has(mark):
        canonical = _license(stated.value, mark, "project.license: ", reading.problems)
        section = section and section.model_copy(update={"license": canonical})
    check_references(ProjectSection, part, ReferenceScope(reading.root, None, {}), reading.problems)
    return section


def _toolchain(reading: _Reading, tools: Mapping[str, ToolDefinition]) -> Mapping[str, str] | None:
    section = check(toolchain_section(tools), reading.part("toolchain"), ("toolchain",), reading.problems)
    return None if section is None else section.model_dump(by_alias=True)


def _targets(reading: _Reading, platforms: Mapping[str, Platform]) -> tuple[Target, ...]:
    part, found = reading.part("targets"), list[Target]()
    for triple, node in part.values.items():
        platform = platforms.get(triple)
        if platform is None:
            names = f"the targets are: {listed(platforms)}"
            reason = unsupported(triple, platforms)
            hint = names if reason else reading.problems.suggestion(triple, platforms, names)
            reading.problems.add(part.keys[triple], reason or f"there is no target {quote(triple)}", hint)
        found.append(_target(reading, triple, _or_empty(node), platform))
    return tuple(found)


def _or_empty(node: Node) -> Node:
    """An empty mapping where the document says nothing."""
    return MappingNode(node.mark, {}, {}) if isinstance(node, ScalarNode) and node.value is None else node


def _target(reading: _Reading, triple: str, node: Node, platform: Platform | None) -> Target:
    section = check(TargetSection, node, ("targets", triple), reading.problems)
    if section is None:
        return Target(triple)
    if platform is not None:
        _check_floors(reading, section, platform)
    return Target(triple, glibc=section.glibc, macos=section.macos, runner=section.runner)


def _check_floors(reading: _Reading, section: TargetSection, platform: Platform) -> None:
    for name, value in (("glibc", section.glibc), ("macos", section.macos)):
        if value is None:
            continue
        mark = reading.mark("targets", platform.triple, name)
        if platform.floor_name != name:
            only = "…-linux-gnu" if name == "glibc" else "…-apple-darwin"
            reading.problems.add(
                mark, f"{platform.triple} has no {name} floor", f"only {only} targets have one; remove it"
            )
        elif problem := platform.floor_problem(value):
            reading.problems.add(
                mark, f"{name}: expected {problem[0]}, found {quote(value)}", f'write {name}: "{problem[1]}"'
            )


def _workspace(reading: _Reading) -> Workspace | None:
    """The Cargo workspace, if the project says where it is (whatever else is wrong with it) and it can be read."""
    part, problems = reading.part("project"), reading.problems
    version = part.values.get("version")
    by_version = isinstance(version, MappingNode)
    if by_version and "workspace" in part.values:
        mark = reading.mark("project", "workspace")
        problems.add(mark, "the workspace is named twice, here and by `version`", "remove this key")
    mark, node = find(part, ("version", "cargo") if by_version else ("workspace",))
    folder = node.value if isinstance(node, ScalarNode) else None if by_version else "."
    if not isinstance(folder, str) or problems.has(mark):
        return None
    try:
        return read_workspace(reading.root, folder)
    except ConfigError as error:
        problems.add(mark, f"{error.where}: {error.message}", error.hint or "correct it there")
        return None


def _project(reading: _Reading, told: ProjectSection, workspace: Workspace) -> ReleaseInfo | None:
    version = told.version if isinstance(told.version, str) else _cargo_version(reading, workspace)
    crates = tuple(workspace.crates.values())
    main = workspace.crates.get(told.name) or (crates[0] if len(crates) == 1 else None)
    agreed = {c.license for c in crates}
    of_crates = agreed.pop() if len(agreed) == 1 else main.license if main else None
    if told.license is None and of_crates is not None:
        of_crates = _license(of_crates, reading.mark("project"), f"{workspace.manifest}: ", reading.problems)
    return ReleaseInfo(
        name=told.name,
        version=version,
        license=told.license or of_crates,
        description=told.description or (main.description if main else None),
        homepage=told.homepage or (main.homepage if main else None),
        license_files=told.license_files,
    )


def _cargo_version(reading: _Reading, workspace: Workspace) -> str:
    """The workspace's own version, else that of most of its crates."""
    mark = reading.mark("project", "version", "cargo")
    counted = Counter(crate.version for crate in workspace.crates.values()).most_common(2)
    version = workspace.version or (counted[0][0] if counted else "")
    if workspace.version is None and len({count for _, count in counted}) < len(counted):
        crates = listed(f"{c.name} {c.version}" for c in workspace.crates.values())
        message = f"{workspace.manifest} does not say which version is the release's: {crates}"
        reading.problems.add(mark, message, 'state it under [workspace.package], or here: version: "1.2.3"')
    elif not re.fullmatch(VERSION, version):
        message = f"{workspace.manifest} states no version" if not version else f"{quote(version)} is not a version"
        reading.problems.add(
            mark, message, f'write version = "1.2.3" under [workspace.package] in {workspace.manifest}'
        )
    return version


_LICENSES = (
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MPL-2.0",
    "0BSD",
    "Zlib",
    "Unlicense",
    "BSL-1.0",
)


def _license(text: str, mark: Position, source: str, problems: Problems) -> str:
    """The SPDX expression in its canonical form; Cargo's old `MIT/Apache-2.0` means OR (The Cargo Book, "license")."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression  # noqa: PLC0415 - 11 ms

    try:
        return canonicalize_license_expression(text.replace("/", " OR "))
    except InvalidLicenseExpression:
        hint = problems.suggestion(text, _LICENSES, "write one such as Apache-2.0 or MIT OR Apache-2.0")
        problems.add(mark, f"{source}{quote(text)} is not an SPDX licence expression", hint)
        return text
