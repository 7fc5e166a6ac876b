"""A project's targets.yaml, checked whole, to a Config in which nothing is doubtful any more."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from ferrule.config.artifacts import PER_TARGET, ArtifactConfig, kinds_of, read_artifacts
from ferrule.config.checking import check
from ferrule.config.ci import Ci, read_ci
from ferrule.config.nodes import LARGEST, MappingNode, Node, ScalarNode, find, read
from ferrule.config.problems import Position, Problems, listed, quote
from ferrule.config.publish_rows import PublishRow, read_publish
from ferrule.config.references import ReferenceScope, check_references
from ferrule.config.releases import ReleaseConfig, check_tag_of_version, needed_by, read_releases, releases_by_artifact
from ferrule.config.sections import ProjectSection, TargetSection, TargetsFile, toolchain_section
from ferrule.config.versions import (
    StatedVersion,
    VersionProblem,
    artifact_versions,
    crates_of,
    other_versions,
    version_of_workspace,
)
from ferrule.config.wit_checks import wit_problems
from ferrule.config.workspace_checks import workspace_problems
from ferrule.core.cargo_config import CargoSettings, read_settings
from ferrule.core.cargo_lock import locked_crates
from ferrule.core.cargo_workspace import Workspace, read_workspace
from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.core.frozen import dataclass
from ferrule.core.model import Json, Target, to_json
from ferrule.core.platforms import PLATFORMS, Platform, counterpart, joined_floor, unsupported
from ferrule.core.rust_toolchain import agrees, read_rust_toolchain
from ferrule.core.safe_files import FILE
from ferrule.kinds.base import ReleaseInfo, selected
from ferrule.toolchain.registry import TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.config.ci import PublishDestination
    from ferrule.kinds.base import KeyPath, Kind
    from ferrule.tools.definition import ToolDefinition


def _has(node: Node, keys: tuple[str, ...]) -> bool:
    """Whether a document has a path of keys."""
    for key in keys:
        if not isinstance(node, MappingNode) or key not in node.values:
            return False
        node = node.values[key]
    return True


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that targets.yaml says of the project in the folder `root`, validated.

    `toolchain` has the version of each tool by its name; `1.96` stands for every 1.96.
    `tree` is the file as it was read, for pointing at places in it; `versions` are those of the artifacts by name, and
    `problems` those that keep nothing from being planned, so that they can be reported with those of the plan.
    `releases` are those of a file with several, `by_artifact` the one that an artifact belongs to, if it is one only,
    and `selected` the one that this is narrowed to, if it is.
    `publish` are the destinations of `ferrule publish`.
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
    versions: Mapping[str, StatedVersion] = field(default_factory=dict)
    problems: tuple[ConfigError, ...] = field(default=(), compare=False)
    releases: tuple[ReleaseConfig, ...] = ()
    by_artifact: Mapping[str, ReleaseConfig] = field(default_factory=dict)
    selected: ReleaseConfig | None = None
    publish: tuple[PublishRow, ...] = ()

    def location(self, path: KeyPath) -> str:
        """`file:line:column` of a path of keys and indexes, or of the deepest part of it that the file has."""
        mark, _ = find(self.tree, path)
        return f"{self.file}:{mark.line}:{mark.column}"

    def location_for(self, triple: str | None, artifact: str, *keys: str) -> str:
        """`file:line:column` of a key in an artifact's section, in `per-target` where that states it for a target."""
        path, section = ("artifacts", artifact), find(self.tree, ("artifacts", artifact))[1]
        changes = find(section, (PER_TARGET,))[1]
        globs = [*changes.values] if isinstance(changes, MappingNode) and changes is not section else []
        matching = [glob for glob in reversed(globs) if selected((glob,), (triple or "",))]
        stated = ((PER_TARGET, glob) for glob in matching if _has(find(changes, (glob,))[1], keys))
        return self.location((*path, *next(stated, ()), *keys))

    def info_of(self, release: ReleaseConfig) -> ReleaseInfo:
        """What a release says of itself."""
        crate = self.workspace.crates.get(release.name)
        return replace(
            self.project,
            name=release.name,
            version=release.version.text,
            version_at=release.version.where,
            description=release.description or (crate.description if crate else None) or self.project.description,
        )

    @property
    def dist(self) -> Path:
        """Where the release is put: dist/ of the project, or for one of several its folder there."""
        return self.root / "dist" / (self.selected.name if self.selected else "")

    @property
    def of_other_releases(self) -> frozenset[str]:
        """The artifacts that belong to another release than the selected one, whose packages may hold them too."""
        return frozenset(
            artifact
            for artifact, release in self.by_artifact.items()
            if self.selected is not None and release.name != self.selected.name
        )

    def only(self, release: ReleaseConfig) -> Config:
        """The configuration of one release: its artifacts, what these need, and what describes them."""
        names = needed_by(release, {one.name: one for one in self.artifacts})
        artifacts = tuple(one for one in self.artifacts if one.name in names or one.kind.last)
        describing = (one.name for one in artifacts if one.kind.last and one.spec.version is None)
        versions = {**self.versions, **dict.fromkeys(describing, release.version)}
        info = self.info_of(release)
        return replace(self, project=info, artifacts=artifacts, versions=versions, selected=release)


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

    `loader` replaces the YAML parser. Raises ConfigErrors with every problem, each with its place and what to do, those
    aside that the Config holds.
    """
    problems, minor = Problems(file), Problems(file)
    tree = read(_content(project / file, problems), problems, loader)
    check(TargetsFile, tree, (), problems)
    reading = _Reading(project, tree, problems)
    targets = _targets(reading, platforms)
    section = _project_section(reading)
    workspace = _workspace(reading) if reading.has("project") else None
    tool_versions = _toolchain(reading, tools, workspace)
    part = reading.part("artifacts")
    settings = _settings(reading, workspace)
    scope = ReferenceScope(project, workspace, kinds_of(part, kinds), settings.profiles, minor)
    artifacts = read_artifacts(part, kinds, tuple(t.triple for t in targets), scope, problems)
    release = _release_version(reading, section, workspace, artifacts) if section and workspace else None
    described = _project(reading, section, workspace, release) if section and workspace and release else None
    if release and not reading.has("releases"):
        check_tag_of_version("v{version}", release, reading.mark("project", "version"), problems)
    publish = read_publish(reading.part("publish"), destinations, project, problems)
    ci = read_ci(
        *(reading.part("ci"), targets, (artifact.kind.name for artifact in artifacts)),
        *(destinations, [*reading.part("publish").values], problems),
    )
    releases = read_releases(reading.part("releases"), artifacts, workspace, project, problems) if workspace else ()
    if workspace is not None:
        mark, triples = _workspace_mark(reading), [t.triple for t in targets if t.triple in platforms]
        crates, rust = crates_of(artifacts, workspace), (tool_versions or {}).get("rust")
        for error in workspace_problems(project, workspace, settings, triples, problems.where(mark), crates, rust):
            minor.add(mark, error.message, error.hint or "correct it", error.where)
        _check_license_texts(reading, section, workspace, minor)
    if described is None or workspace is None or tool_versions is None or ci is None or release is None:
        problems.by_position.update(minor.by_position)
        raise problems.error()
    if problems.by_position:
        artifacts, targets = _right_parts(reading, artifacts, targets)
        targets = tuple(target for target in targets if target.triple in platforms)
    by_artifact = releases_by_artifact(releases, {one.name: one for one in artifacts})
    config = Config(
        *(project, file, described, tool_versions, targets, artifacts, workspace, ci, tree),
        releases=releases,
        by_artifact=by_artifact,
        publish=publish,
    )
    by_crate = not isinstance(section.version, str) if section else False
    _check_crates(reading, config, None if by_crate else release, minor)
    of_releases = {name: one.version for name, one in by_artifact.items()}
    versions = artifact_versions(artifacts, workspace, release, config.location, of_releases, by_crate=by_crate)
    _check_versions(config, versions, destinations, minor)
    for path, error in wit_problems(config.root, artifacts, workspace):
        where = error.where or config.location(path)
        minor.add(find(tree, path)[0], error.message, error.hint or "correct it", where)
    if problems.by_position:
        problems.by_position.update(minor.by_position)
        raise PartlyReadableError(replace(config, versions=versions, problems=problems.error().errors))
    return replace(config, versions=versions, problems=minor.error().errors if minor.by_position else ())


def _check_crates(reading: _Reading, config: Config, release: StatedVersion | None, problems: Problems) -> None:
    """Crates with another version than the release that they are in; `release` is that of a file that states one."""
    releases: dict[str | None, StatedVersion | None] = {None: release, **{r.name: r.version for r in config.releases}}
    for name, version in releases.items():
        if version is None:
            continue
        members = [artifact for artifact in config.artifacts if _release_of(artifact, config) == name]
        for crate, artifact in other_versions(members, config.workspace, version):
            built = f"{crate.name}, of which {artifact} is built, is {crate.version}"
            folder = crate.folder if name else config.workspace.folder
            problems.add(
                reading.mark(*(("releases", name, "version") if name else ("project", "version"))),
                f"{name or 'this'} is {version.text}, and {built}",
                f"write version: {{cargo: {folder}}}; if both are right, state `version` under {artifact} too",
            )


def _release_of(artifact: ArtifactConfig, config: Config) -> str | None:
    release = config.by_artifact.get(artifact.name)
    return release.name if release else None


class PartlyReadableError(ConfigErrors):
    """Mistakes of a targets.yaml, and `config`: what of it can be planned, so that more of them can be told at once."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.problems)
        self.config = config


def _right_parts(
    reading: _Reading, artifacts: tuple[ArtifactConfig, ...], targets: tuple[Target, ...]
) -> tuple[tuple[ArtifactConfig, ...], tuple[Target, ...]]:
    """The artifacts and targets in which nothing is wrong; no artifacts where some need each other."""
    problems = reading.problems
    right = _right_names(reading.part("targets"), problems)
    good_targets = tuple(target for target in targets if target.triple in right)
    if any("need each other" in error.message for error in problems.by_position.values()):
        return (), good_targets
    right = _right_names(reading.part("artifacts"), problems)
    return tuple(artifact for artifact in artifacts if artifact.name in right), good_targets


def _right_names(part: MappingNode, problems: Problems) -> frozenset[str]:
    """The keys of a mapping in whose values nothing is wrong."""
    starts = sorted(part.keys.values())
    wrong = {bisect_right(starts, mark) for mark, _ in problems.by_position}
    return frozenset(name for name, mark in part.keys.items() if bisect_right(starts, mark) not in wrong)


def _check_versions(
    config: Config,
    versions: Mapping[str, StatedVersion],
    destinations: Mapping[str, PublishDestination],
    problems: Problems,
) -> None:
    """Ask each destination about the versions of the artifacts that go there."""
    names = dict.fromkeys((*config.ci.publish, *(row.to for row in config.publish)))
    for destination in (destinations[name] for name in names):
        for artifact in config.artifacts:
            if destination.kinds and artifact.kind.name not in destination.kinds:
                continue
            version = versions[artifact.name]
            mark = find(config.tree, ("artifacts", artifact.name))[0]
            for message, hint in destination.check_version(version.text):
                problems.add(mark, f"{artifact.name}: {message}", hint, version.where)


def document(config: Config) -> Json:
    """The effective matrix as JSON: all defaults filled in, and itself a targets.yaml that says the same."""
    project = config.project
    values = {
        "name": project.name,
        "version": project.version,
        "workspace": config.workspace.folder,
        "license": project.license,
        "description": project.description,
        "homepage": project.homepage,
        "license-files": list(project.license_files) or None,
        "license-texts": dict(project.license_texts) or None,
    }
    return {
        "version": 1,
        "project": _without_none(values),
        "toolchain": dict(config.toolchain),
        "targets": {t.triple: _without_none({n: v for n, v in _fields(t) if n != "triple"}) for t in config.targets},
        "artifacts": {
            a.name: _artifact_document(a, config.versions.get(a.name), project.version) for a in config.artifacts
        },
        **({"releases": {r.name: r.document() for r in config.releases}} if config.releases else {}),
        **({"publish": {row.name: row.document() for row in config.publish}} if config.publish else {}),
        "ci": config.ci.document(),
    }


def _artifact_document(artifact: ArtifactConfig, version: StatedVersion | None, release: str) -> Json:
    base = _without_none(artifact.spec.document())
    if version is not None and version.text != release:
        base["version"] = version.text
    changed: dict[str, Json] = {}
    for triple, spec in artifact.by_target.items():
        own = spec.document()
        changed[triple] = {k: v for k, v in own.items() if v != base.get(k)}
    return {**base, **({"per-target": changed} if changed else {})}


def _without_none(values: dict[str, Any]) -> dict[str, Json]:
    return {name: value for name, value in values.items() if value is not None}


def _fields(value: Any) -> list[tuple[str, Json]]:  # noqa: ANN401 - a frozen dataclass
    fields = to_json(value)
    return list(fields.items()) if isinstance(fields, dict) else []


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


def _project_section(reading: _Reading) -> ProjectSection | None:
    """What the project says of itself; a document without it has left a problem already."""
    if not reading.has("project"):
        return None
    part = reading.part("project")
    section = check(ProjectSection, part, ("project",), reading.problems)
    mark, stated = find(part, ("license",))
    if isinstance(stated, ScalarNode) and isinstance(stated.value, str) and not reading.problems.has(mark):
        canonical = _license(stated.value, mark, "project.license: ", reading.problems)
        section = section and section.replaced(license=canonical)
    check_references(ProjectSection, part, ReferenceScope(reading.root, None, {}), reading.problems)
    _check_license_files(reading, section.license_files if section else ())
    return section


def _check_license_files(reading: _Reading, files: tuple[str, ...]) -> None:
    """Refuse two of one name: packages hold licence files side by side, and one would take the other's place."""
    seen: dict[str, str] = {}
    for index, file in enumerate(files):
        mark = reading.mark("project", "license-files", index)
        if reading.problems.has(mark):
            continue
        other = seen.setdefault(file.rpartition("/")[2].casefold(), file)
        if other != file:
            message = f"{other} and {file} have one name, and packages hold licence files side by side"
            reading.problems.add(mark, message, "rename one of the two")


def _check_license_texts(
    reading: _Reading, section: ProjectSection | None, workspace: Workspace, problems: Problems
) -> None:
    """Refuse texts for crates that Cargo.lock does not have, and so nothing links: a name is mistyped, or it is old."""
    texts = section.license_texts if section else {}
    locked = locked_crates(reading.root, workspace) if texts else frozenset()
    for crate in texts if locked else ():
        if crate not in locked:
            hint = problems.suggestion(crate, tuple(sorted(locked)), "remove it")
            message = f"{workspace.lock} has no crate {quote(crate)}, whose licence this would be"
            problems.add(reading.mark("project", "license-texts", crate), message, hint)


def _toolchain(
    reading: _Reading, tools: Mapping[str, ToolDefinition], workspace: Workspace | None
) -> Mapping[str, str] | None:
    part = reading.part("toolchain")
    section = check(toolchain_section(tools), part, ("toolchain",), reading.problems)
    if section is None:
        return None
    versions = {name: str(version) for name, version in section.document().items()}
    return {**versions, "rust": _rust(reading, versions["rust"], workspace, stated="rust" in part.values)}


def _rust(reading: _Reading, version: str, workspace: Workspace | None, *, stated: bool) -> str:
    """The version of Rust: as stated, else as rust-toolchain.toml says; both must agree where there are both."""
    mark = reading.mark("toolchain", "rust") if stated else _workspace_mark(reading)
    try:
        file = read_rust_toolchain(reading.root, workspace.folder) if workspace else None
    except ConfigError as error:
        reading.problems.add(mark, error.message, error.hint or "correct it", error.where)
        return version
    if file is None or file.version is None:
        return version
    if not stated:
        return file.version
    if not agrees(version, file.version):
        message = f"this asks for Rust {file.version}, and toolchain.rust in {reading.problems.file} for {version}"
        reading.problems.add(mark, message, "state one version, in one of the two", file.where)
    return version


def _settings(reading: _Reading, workspace: Workspace | None) -> CargoSettings:
    """Cargo's settings for the workspace, as far as the project and the folders above have any."""
    try:
        return read_settings(reading.root, workspace.folder) if workspace else CargoSettings()
    except ConfigError as error:
        mark = _workspace_mark(reading)
        reading.problems.add(mark, error.message, error.hint or "correct it", error.where)
        return CargoSettings()


def _workspace_mark(reading: _Reading) -> Position:
    """Where the document names the Cargo workspace."""
    part = reading.part("project")
    version = part.values.get("version")
    path = ("version", "cargo") if isinstance(version, MappingNode) else ("workspace",)
    return reading.mark("project", *path)


def _targets(reading: _Reading, platforms: Mapping[str, Platform]) -> tuple[Target, ...]:
    part, targets = reading.part("targets"), list[Target]()
    for triple, node in part.values.items():
        platform = platforms.get(triple)
        if platform is None:
            names = f"the targets are: {listed(platforms)}"
            reason = unsupported(triple, platforms)
            instead = counterpart(triple, platforms) if reason else None
            if instead:
                names = f"write {instead}, which runs on the same machines"
            hint = names if reason else reading.problems.suggestion(triple, platforms, names)
            reading.problems.add(part.keys[triple], reason or f"there is no target {quote(triple)}", hint)
        targets.append(_target(reading, triple, _or_empty(node), platform))
    return tuple(_joined(reading, target, targets, platforms) for target in targets)


def _joined(reading: _Reading, target: Target, targets: list[Target], platforms: Mapping[str, Platform]) -> Target:
    """A target with the floor that follows from its parts, if it has some: they have to be there too."""
    parts = platforms[target.triple].parts if target.triple in platforms else ()
    if not parts:
        return target
    by_triple = {other.triple: other for other in targets if other.triple in parts}
    if missing := [triple for triple in parts if triple not in by_triple]:
        message = f"{target.triple} is joined of {' and '.join(parts)}, and this file does not list {missing[0]}"
        hint = f"add {missing[0]}; artifacts that are not to be made for it leave it out by `targets`"
        reading.problems.add(reading.mark("targets", target.triple), message, hint)
        return target
    floors = {platforms[triple].machine: by_triple[triple].macos for triple in parts}
    stated = {machine: floor for machine, floor in floors.items() if floor is not None}
    return replace(target, macos=joined_floor(stated) if len(stated) == len(parts) else None)


def _or_empty(node: Node) -> Node:
    """An empty mapping where the document says nothing."""
    return MappingNode(node.mark, {}, {}) if isinstance(node, ScalarNode) and node.value is None else node


def _target(reading: _Reading, triple: str, node: Node, platform: Platform | None) -> Target:
    section = check(TargetSection, node, ("targets", triple), reading.problems)
    if section is None:
        return Target(triple)
    if platform is not None:
        _check_floors(reading, section, platform)
        if section.sdk is not None and (platform.system != "macos" or platform.parts):
            mark = reading.mark("targets", triple, "sdk")
            reading.problems.add(
                mark, f"{triple} is linked with no SDK of Apple's", "only …-apple-darwin targets have one; remove it"
            )
    return Target(triple, glibc=section.glibc, macos=section.macos, runner=section.runner, sdk=section.sdk)


def _check_floors(reading: _Reading, section: TargetSection, platform: Platform) -> None:
    for name, value in (("glibc", section.glibc), ("macos", section.macos)):
        if value is None:
            continue
        mark = reading.mark("targets", platform.triple, name)
        if platform.parts:
            message = f"{platform.triple} has no floor of its own"
            reading.problems.add(mark, message, f"remove it; that of {' and '.join(platform.parts)} counts")
        elif platform.floor_name != name:
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
        if error.where and ":" in error.where:
            problems.add(mark, error.message, error.hint or "correct it", error.where)
        else:
            problems.add(mark, f"{error.where}: {error.message}", error.hint or "correct it there")
        return None


def _release_version(
    reading: _Reading, section: ProjectSection, workspace: Workspace, artifacts: tuple[ArtifactConfig, ...]
) -> StatedVersion | None:
    mark = reading.mark("project", "version")
    if isinstance(section.version, str):
        return StatedVersion(section.version, reading.problems.where(mark))
    try:
        return version_of_workspace(workspace, section.version.cargo, crates_of(artifacts, workspace))
    except VersionProblem as problem:
        reading.problems.add(reading.mark("project", "version", "cargo"), problem.message, problem.hint)
        return None


def _project(reading: _Reading, section: ProjectSection, workspace: Workspace, version: StatedVersion) -> ReleaseInfo:
    crates = tuple(workspace.crates.values())
    main = workspace.crates.get(section.name) or (crates[0] if len(crates) == 1 else None)
    agreed = {c.license for c in crates}
    of_crates = agreed.pop() if len(agreed) == 1 else main.license if main else None
    if section.license is None and of_crates is not None:
        of_crates = _license(of_crates, reading.mark("project"), f"{workspace.manifest}: ", reading.problems)
    return ReleaseInfo(
        name=section.name,
        version=version.text,
        version_at=version.where,
        license=section.license or of_crates,
        description=section.description or (main.description if main else None),
        homepage=section.homepage or (main.homepage if main else None),
        license_files=section.license_files,
        license_texts=tuple(sorted(section.license_texts.items())),
    )


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
