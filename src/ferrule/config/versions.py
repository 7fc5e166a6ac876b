"""Which version the release has, and which each artifact: that of the crate it is made of, unless it states another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ferrule.config.problems import listed, quote
from ferrule.config.sections import VERSION
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ferrule.config.artifacts import ArtifactConfig
    from ferrule.core.cargo_workspace import Crate, Workspace


@dataclass(frozen=True, slots=True)
class StatedVersion:
    """A version, and the `file:line:column` that states it."""

    text: str
    where: str


@dataclass(frozen=True, slots=True)
class VersionProblem(Exception):  # noqa: N818 - becomes a ConfigError with its place
    """Why no version follows from the workspace, and what to do."""

    message: str
    hint: str


def crates_of(artifacts: Iterable[ArtifactConfig], workspace: Workspace) -> tuple[Crate, ...]:
    """The crates that artifacts are built of."""
    names = (str(getattr(artifact.spec, "crate", "")) for artifact in artifacts)
    return tuple(workspace.crates[name] for name in dict.fromkeys(names) if name in workspace.crates)


def version_of_workspace(workspace: Workspace, folder: str, released: Collection[Crate]) -> StatedVersion:
    """The version for `{cargo: FOLDER}`; raises VersionProblem.

    That of the crate in the folder if it is a member below the root, else the one that all released crates have, else
    the one that crates inherit, else the one that all crates have.
    """
    named = [crate for crate in workspace.crates.values() if crate.folder == folder != workspace.folder]
    for group in (named, released):
        if len({crate.version for crate in group}) == 1:
            return _checked(StatedVersion(*_first(group)), workspace)
    if workspace.version is not None:
        return _checked(StatedVersion(workspace.version, workspace.version_at or workspace.manifest), workspace)
    crates = released or workspace.crates.values()
    if len({crate.version for crate in crates}) == 1:
        return _checked(StatedVersion(*_first(crates)), workspace)
    if not crates:
        raise VersionProblem(
            f"{workspace.manifest} states no version",
            f'write version = "1.2.3" under [workspace.package] in {workspace.manifest}',
        )
    names = listed(f"{crate.name} {crate.version}" for crate in crates)
    raise VersionProblem(
        f"{workspace.manifest} does not say which version is the release's: {names}",
        'state it under [workspace.package], or here: version: "1.2.3"',
    )


def other_versions(
    artifacts: Iterable[ArtifactConfig], workspace: Workspace, release: StatedVersion
) -> Iterator[tuple[Crate, str]]:
    """Crates with another version than the release states, and the first artifact that is built of each.

    Libraries say the version of their crate, whatever a package around them says; who wants both states `version` at
    the artifact. What follows a `+` in a version tells builds of it apart, and no crate has to have it.
    """
    seen: set[str] = set()
    for artifact in artifacts:
        crate = workspace.crates.get(getattr(artifact.spec, "crate", ""))
        if crate is None or artifact.spec.version is not None or crate.name in seen:
            continue
        if crate.version.partition("+")[0] != release.text.partition("+")[0]:
            seen.add(crate.name)
            yield crate, artifact.name


def _first(crates: Collection[Crate]) -> tuple[str, str]:
    crate = next(iter(crates))
    return crate.version, crate.version_at or crate.manifest


def _checked(version: StatedVersion, workspace: Workspace) -> StatedVersion:
    if not re.fullmatch(VERSION, version.text):
        manifest = version.where.split(":")[0] or workspace.manifest
        raise VersionProblem(
            f"{quote(version.text)} is not a version", f'write version = "1.2.3" under [package] in {manifest}'
        )
    return version


def artifact_versions(
    artifacts: Collection[ArtifactConfig],
    workspace: Workspace,
    release: StatedVersion,
    location_of: Callable[[tuple[str | int, ...]], str],
    of_releases: Mapping[str, StatedVersion],
    *,
    by_crate: bool,
) -> Mapping[str, StatedVersion]:
    """The version of every artifact, by name.

    Its own `version`, else that of the one of several releases that it belongs to, else (with `by_crate`) that of its
    crate, else that of the first artifact it names, else the release's. Artifacts must not need each other in a circle.
    """
    by_name = {artifact.name: artifact for artifact in artifacts}
    versions: dict[str, StatedVersion] = {}

    def version(name: str) -> StatedVersion:
        if name not in versions:
            versions[name] = version_of(by_name[name])
        return versions[name]

    def version_of(artifact: ArtifactConfig) -> StatedVersion:
        if artifact.spec.version is not None:
            return StatedVersion(artifact.spec.version, location_of(("artifacts", artifact.name, "version")))
        if artifact.name in of_releases:
            return of_releases[artifact.name]
        crate = workspace.crates.get(getattr(artifact.spec, "crate", ""))
        if crate is not None:
            return StatedVersion(crate.version, crate.version_at or crate.manifest) if by_crate else release
        references = [name for _, name in artifact.spec.references() if name in by_name]
        return version(references[0]) if references else release

    return {name: version(name) for name in by_name}
