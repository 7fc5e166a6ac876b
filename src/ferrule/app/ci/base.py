"""What pipelines are made from, whichever CI system runs them: a project, its releases, and the machines of shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from ferrule.app.publish.base import CiNeeds
from ferrule.app.release import ci_files
from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.platforms import PLATFORMS, counterpart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Destination
    from ferrule.app.release.ci_files import Step
    from ferrule.config import Config
    from ferrule.config.ci import Ci

_SOURCES: Final = (
    "`ferrule: {wheel: URL, sha256: DIGEST}`, `ferrule: {git: URL, commit: SHA}`, or `ferrule: {command: WORDS}` "
    "of the project's own"
)


@dataclass(frozen=True, slots=True)
class CiRelease:
    """A release: its part of targets.yaml, its name where there are several, and a machine for each shard.

    The machine is a label of targets.yaml, None for a shard that any machine can make.
    """

    config: Config
    name: str | None
    shards: tuple[str | None, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its artifacts."""
        return frozenset(artifact.kind.name for artifact in self.config.artifacts)


def linked_targets(config: Config) -> tuple[tuple[str, str], ...]:
    """Targets that are linked on another system than Ferrule's, each with the label of a machine that can."""
    rows = ((target, PLATFORMS[target.triple]) for target in config.targets)
    return tuple(
        (row.triple, target.runner or row.runner or row.system) for target, row in rows if row.family.linked_on
    )


@dataclass(frozen=True, slots=True)
class CiProject:
    """A project, its releases (one, or each of several), and the destinations that `ci.publish` may name."""

    config: Config
    releases: tuple[CiRelease, ...]
    destinations: Mapping[str, Destination]

    @property
    def of_several_releases(self) -> dict[str, Any]:
        """What the workflow of every change has of each release: names, and folders to keep; empty for a single one."""
        names = [release.name for release in self.config.releases]
        return {"each_release": names, "kept": [(f"-{name}", f"dist/{name}/") for name in names]} if names else {}

    def publishing(self) -> CiNeeds | None:
        """What the job needs that publishes all of `ci.publish-rows`; None if there are none.

        Raises ConfigError for what no job can publish, and where Ferrule comes by a command of the project's: the job
        holds credentials, so it runs nothing of that.
        """
        config, ci = self.config, self.config.ci
        if not ci.publish_rows:
            return None
        where = config.location(("ci", "publish-rows"))
        if ci.install is None:
            raise ConfigError(
                "the job that publishes rows has credentials, so it takes no Ferrule from a command of the project",
                where=where,
                hint="write {wheel: URL, sha256: DIGEST} or {git: URL, commit: SHA} below `ci.ferrule`",
            )
        rows = {row.name: row for row in config.publish}
        needs = [(name, self.destinations[rows[name].to].ci_needs) for name in ci.publish_rows]
        for name in (name for name, of_row in needs if of_row is None):
            raise ConfigError(
                f"a job of a CI system cannot publish {name} to {self.destinations[rows[name].to].title}",
                where=where,
                hint="leave it out, and bring the release there by `ferrule publish`",
            )
        parts = [of_row(rows[name].section) for name, of_row in needs if of_row is not None]
        return CiNeeds(
            variables=tuple(dict.fromkeys(name for part in parts for name in part.variables)),
            audience=next((part.audience for part in parts if part.audience), None),
            signs=any(part.signs for part in parts),
            packages=tuple(dict.fromkeys(one for part in parts for one in part.packages)),
            login=tuple(dict.fromkeys(one for part in parts for one in part.login)),
        )

    def steps(self, *, actions: bool) -> dict[str, Step]:
        """What the project has a system do, by its points; `actions` says whether the system runs those.

        Raises ConfigError for what is not there, cannot be run, or is an action where none are run.
        """
        return {point: self._step(point, path, actions=actions) for point, path in self.config.ci.steps}

    def _step(self, point: str, path: str, *, actions: bool) -> Step:
        if not actions and (self.config.root / path).is_dir():
            where, hint = self.config.location(("ci", "steps", point)), "write a script, which every CI system can run"
            raise ConfigError(f"{path} is a folder, and this CI system runs no actions", where=where, hint=hint)
        return ci_files.own_step(self.config, point, path)


@dataclass(frozen=True, slots=True)
class System:
    """A CI system: how people name it, the folder of its files, and what writes them.

    `files` are patterns for the names that Ferrule gives its files there, and `most` is the number of shards that the
    system takes. `render` returns texts by the names of their files, each beginning with `mark`; it raises ConfigError
    for what the system cannot do.
    """

    name: str
    title: str
    folder: Path
    files: tuple[str, ...]
    most: int
    render: Callable[[CiProject], dict[str, str]]

    @property
    def mark(self) -> str:
        """The first line of every file: what has another one is somebody else's."""
        return mark(self.name)


def jobs_before_publishing(consumers: Sequence[object]) -> str:
    """The jobs that those wait for which publish, as YAML lists them: that which verifies, and each that uses it."""
    return ", ".join(["verify", *(f"consumers-{number}" for number, _ in enumerate(consumers, 1))])


def refuse_jobs_of_github(project: CiProject, title: str) -> None:
    """Raise ConfigError for a system without jobs for what `ci.publish` names, or for targets linked on Windows."""
    ci = project.config.ci
    if linked := linked_targets(project.config):
        raise ConfigError(
            f"{linked[0][0]} is linked on Windows, and no job is written for that in {title}",
            where=project.config.location(("targets", linked[0][0])),
            hint=f"write jobs around `ferrule script` and `ferrule merge --linked`, or "
            f"{counterpart(linked[0][0], PLATFORMS)} in its place",
        )
    if "publish" in ci.stated and ci.publish:
        raise ConfigError(
            f"{' and '.join(ci.publish)} in ci.publish are jobs of GitHub Actions, and {title} has none like them",
            where=project.config.location(("ci", "publish")),
            hint="write rows below `publish:`, name them in `ci.publish-rows`, and leave `ci.publish` out",
        )


Label = TypeVar("Label", str, str | None)


def usual_machine(
    ci: Ci, key: str, commands: tuple[tuple[str, str], ...], usual: str, label: Label
) -> tuple[tuple[str | Label, str], ...]:
    """Labels and commands as targets.yaml has them below a key; where it does not, they would be labels of GitHub's.

    Then one machine does the `usual`.
    """
    return commands if key in ci.stated else ((label, usual),)


def mark(system: str) -> str:
    """The first line of a file for a system."""
    return f"# Written by `ferrule ci {system}` from targets.yaml: change that, and run it again."


def ci_project(
    config: Config,
    shards: Mapping[str, Sequence[str | None]],
    destinations: Mapping[str, Destination],
    origin: str | None = None,
) -> CiProject:
    """The project of a configuration, whose release is split into these shards, each with the label of its machine.

    Of several releases, `shards` has those of each by its name; of a single one, by an empty name. `origin` is the line
    for targets.yaml by which machines get the Ferrule that runs now, where that is known. Raises ConfigError where
    nothing says how machines get one.
    """
    source = config.ci.source
    if source is None:
        raise ConfigError(
            "nothing says where a machine gets Ferrule: no package index has it yet",
            where=config.location(("ci",)),
            hint=f"write below `ci:` {origin or _SOURCES}",
        )
    if source.wheel and not source.sha256 and not (config.root / source.wheel).is_file():
        where = config.location(("ci", "ferrule", "wheel"))
        raise ConfigError(f"there is no file {source.wheel}", where=where, hint="add it to the project, and to Git")
    releases = tuple(CiRelease(config.only(one), one.name, tuple(shards[one.name])) for one in config.releases)
    return CiProject(config, releases or (CiRelease(config, None, tuple(shards[""])),), destinations)
