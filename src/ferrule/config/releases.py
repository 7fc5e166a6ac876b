"""The part `releases` of targets.yaml: several releases of one repository, each with a version and tag of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from ferrule.config.checking import check
from ferrule.config.nodes import MappingNode, find
from ferrule.config.problems import listed, quote
from ferrule.config.references import ReferenceScope, check_references
from ferrule.config.sections import NAME, RELEASE_NAME, VERSION, CargoVersion
from ferrule.config.versions import StatedVersion, VersionProblem, crates_of, version_of_workspace
from ferrule.core.frozen import dataclass
from ferrule.core.git_names import ref_problem
from ferrule.core.section import Field, Section
from ferrule.kinds.base import ProjectPath, RelativePath

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.config.artifacts import ArtifactConfig
    from ferrule.config.nodes import Node
    from ferrule.config.problems import Position, Problems
    from ferrule.core.cargo_workspace import Workspace
    from ferrule.core.model import Json

_TAG = "{name}-v{version}"
_MARKS = ("{name}", "{version}")


class ReleaseSection(Section):
    """One of several releases: what it holds, and under which version and tag it is published."""

    version: Annotated[str, Field(pattern=VERSION)] | CargoVersion = Field(
        description="Version of this release and of what it holds: as SemVer writes it, or {cargo: FOLDER} for that of "
        "a crate.",
        examples=["1.2.3", {"cargo": "rust/sealed-box"}],
    )
    artifacts: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        min_length=1,
        description="What it holds; what these need comes along, and bills of materials, checksums and provenance are "
        "made for each release.",
        examples=[["sealed-box-sdk", "sealed-box-wheel"]],
    )
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9{][A-Za-z0-9._/{}-]{0,127}$", examples=["{name}-v{version}"])] = (
        Field(default=_TAG, description="Its tag; {name} and {version} stand for those of the release.")
    )
    changelog: Annotated[RelativePath, ProjectPath("file")] | None = Field(
        default=None,
        description="Its changelog, in which a version that is tagged must have a heading.",
        examples=["rust/sealed-box/CHANGELOG.md"],
    )
    description: Annotated[str, Field(min_length=1, max_length=512)] | None = Field(
        default=None, description="One sentence; by default that of the crate with its name, or of the project."
    )


@dataclass(frozen=True, slots=True)
class ReleaseConfig:
    """A release as targets.yaml describes it; `artifacts` are those that it lists, in the order of the file."""

    name: str
    version: StatedVersion
    artifacts: tuple[str, ...]
    tag: str
    changelog: str | None = None
    description: str | None = None

    def document(self) -> Json:
        """The section, with all defaults."""
        values: dict[str, Json] = {
            "version": self.version.text,
            "artifacts": list(self.artifacts),
            "tag": self.tag,
            "changelog": self.changelog,
            "description": self.description,
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def tag_name(self) -> str:
        """The tag of this version."""
        return self.tag_of(self.version.text)

    def tag_of(self, version: str) -> str:
        """The tag of a version, or a pattern of tags for a pattern of versions."""
        return self.tag.replace("{name}", self.name).replace("{version}", version)


def read_releases(
    part: MappingNode, artifacts: tuple[ArtifactConfig, ...], workspace: Workspace, project: Path, problems: Problems
) -> tuple[ReleaseConfig, ...]:
    """The releases of a file, if it has any; problems for what does not fit together."""
    by_name = {artifact.name: artifact for artifact in artifacts}
    releases: list[ReleaseConfig] = []
    listing: dict[str, str] = {}
    for name, node in part.values.items():
        section = check(ReleaseSection, node, ("releases", name), problems, key=part.keys[name])
        if not re.fullmatch(RELEASE_NAME, name):
            hint = "use lower-case letters, digits and dashes; no device of Windows (con), and not sha256sums"
            problems.add(part.keys[name], f"{quote(name)} is not a name of a release", hint)
        if isinstance(node, MappingNode):
            check_references(ReleaseSection, node, ReferenceScope(project, workspace, {}), problems)
        if section is not None:
            _check_section(name, section, node, by_name, listing, problems)
            members = [by_name[artifact] for artifact in section.artifacts if artifact in by_name]
            version = _version(section, node, workspace, members, problems)
            if re.fullmatch(RELEASE_NAME, name):
                _check_tag(name, section.tag, version, node, problems)
            texts = (section.artifacts, section.tag, section.changelog, section.description)
            releases += [ReleaseConfig(name, version, *texts)] if version else []
    _check_tags(part, releases, problems)
    if part.values and not problems.by_position:
        _check_all_listed(part, releases, by_name, problems)
    return tuple(releases)


def _check_section(
    name: str,
    section: ReleaseSection,
    node: Node,
    artifacts: Mapping[str, ArtifactConfig],
    listing: dict[str, str],
    problems: Problems,
) -> None:
    """Problems of the artifacts that are listed; `listing` are the releases that list them, so far."""
    for index, artifact in enumerate(section.artifacts):
        mark = find(node, ("artifacts", index))[0]
        if artifact not in artifacts:
            hint = problems.suggestion(artifact, artifacts, f"the artifacts are: {listed(artifacts)}")
            problems.add(mark, f"there is no artifact {quote(artifact)}", hint)
        elif artifacts[artifact].kind.last:
            problems.add(mark, f"{artifact} is made for every release", "leave it out here")
        elif artifact in section.artifacts[:index]:
            problems.add(mark, f"{quote(artifact)} is named twice", "leave one of the two out")
        elif (other := listing.setdefault(artifact, name)) != name:
            hint = "list it in one of them; another that needs it has it too"
            problems.add(mark, f"{artifact} is in the releases {other} and {name}", hint)


def _check_tag(name: str, tag: str, version: StatedVersion | None, node: Node, problems: Problems) -> None:
    """Problems of a pattern of tags: what stands for nothing in it, and what Git could not have."""
    mark = find(node, ("tag",))[0]
    unknown = [word for word in re.findall(r"\{[^{}]*\}|[{}]", tag) if word not in _MARKS]
    if unknown:
        hint = problems.suggestion(unknown[0], _MARKS, "write {name} or {version}, or leave it out")
        problems.add(mark, f"the tag has {unknown[0]}, which stands for nothing", hint)
    elif tag.count("{version}") != 1:
        none = "{version}" not in tag
        says = "has no {version}, so that two versions would have one" if none else "has {version} twice"
        problems.add(mark, f"the tag {says}", f"write {_TAG}")
    elif wrong := ref_problem(tag.replace("{name}", name).replace("{version}", "1.2.3")):
        is_name = ref_problem(tag.replace("{name}", "x").replace("{version}", "1.2.3")) is None
        hint = "name the release otherwise, or write a tag without {name}" if is_name else f"write {_TAG}"
        problems.add(mark, f"Git cannot have the tag {quote(tag.replace('{name}', name))}: it {wrong}", hint)
    elif version is not None:
        check_tag_of_version(tag.replace("{name}", name), version, find(node, ("version",))[0], problems)


def check_tag_of_version(tag: str, version: StatedVersion, mark: Position, problems: Problems) -> None:
    """Refuse a version whose tag Git cannot have, by a pattern of tags that is right for others (`1.2.3-x.lock`)."""
    name = tag.replace("{version}", version.text)
    if wrong := ref_problem(name):
        message = f"Git cannot have the tag {quote(name)}: it {wrong}"
        problems.add(mark, message, "name this pre-release otherwise", version.where)


def _check_tags(part: MappingNode, releases: list[ReleaseConfig], problems: Problems) -> None:
    """Refuse two releases whose tags are alike but for the version: nothing would say of which one a tag is."""
    seen: dict[str, str] = {}
    for release in releases:
        tag = release.tag.replace("{name}", release.name)
        if (other := seen.setdefault(tag, release.name)) != release.name:
            mark = find(part, (release.name, "tag"))[0]
            problems.add(mark, f"{other} and {release.name} have the same tags, {tag}", f"write {_TAG}")


def needed_by(release: ReleaseConfig, artifacts: Mapping[str, ArtifactConfig]) -> tuple[str, ...]:
    """The artifacts that a release lists, and all that these need."""
    waiting, names = list(release.artifacts), dict[str, None]()
    while waiting:
        name = waiting.pop()
        if name in artifacts and name not in names:
            names[name] = None
            waiting += [other for _, other in artifacts[name].spec.references()]
    return tuple(names)


def releases_by_artifact(
    releases: tuple[ReleaseConfig, ...], artifacts: Mapping[str, ArtifactConfig]
) -> dict[str, ReleaseConfig]:
    """The release that each artifact belongs to: the one that lists it, else the only one that needs it, if it is."""
    listing = {name: release for release in releases for name in release.artifacts}
    needing: dict[str, list[ReleaseConfig]] = {}
    for release in releases:
        for name in needed_by(release, artifacts):
            needing.setdefault(name, []).append(release)
    only = {name: users[0] for name, users in needing.items() if len(users) == 1}
    return only | listing


def _version(
    section: ReleaseSection,
    node: Node,
    workspace: Workspace,
    artifacts: list[ArtifactConfig],
    problems: Problems,
) -> StatedVersion | None:
    mark = find(node, ("version",))[0]
    if isinstance(section.version, str):
        return StatedVersion(section.version, problems.where(mark))
    try:
        return version_of_workspace(workspace, section.version.cargo, crates_of(artifacts, workspace))
    except VersionProblem as problem:
        problems.add(mark, problem.message, problem.hint)
        return None


def _check_all_listed(
    part: MappingNode,
    releases: list[ReleaseConfig],
    artifacts: Mapping[str, ArtifactConfig],
    problems: Problems,
) -> None:
    needed = {name for release in releases for name in needed_by(release, artifacts)}
    left: Iterator[str] = (name for name, one in artifacts.items() if not one.kind.last and name not in needed)
    for name in left:
        problems.add(part.mark, f"the artifact {name} is in no release", "list it in one, or remove it")
