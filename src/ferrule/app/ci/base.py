"""What pipelines are made from, whichever CI system runs them: a project, its releases, and the machines of shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Destination
    from ferrule.config import Config

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


@dataclass(frozen=True, slots=True)
class CiProject:
    """A project, its releases (one, or each of several), and the destinations that `ci.publish` may name."""

    config: Config
    releases: tuple[CiRelease, ...]
    destinations: Mapping[str, Destination]


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
