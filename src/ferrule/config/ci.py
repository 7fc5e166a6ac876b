"""The section `ci` of targets.yaml: names of the machines of a CI system, and the commands they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from ferrule import __version__
from ferrule.config.checking import check
from ferrule.config.nodes import MappingNode, find
from ferrule.config.problems import listed, quote
from ferrule.core.platforms import PLATFORMS
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ferrule.config.problems import Problems
    from ferrule.core.model import Json, Target

RUNNER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""A label of a machine."""

_WORD = r"[A-Za-z0-9_./=:@,+-]*[A-Za-z0-9_./=@,+-]"
_COMMAND = rf"^[A-Za-z0-9_./]({_WORD})?( {_WORD})*$"
_VERSION = r"^[0-9]{1,5}(\.[0-9]{1,5}){1,2}([a-z]{1,4}[0-9]{1,5})?$"
_Label = Annotated[str, Field(pattern=RUNNER)]
_Command = Annotated[str, Field(pattern=_COMMAND, max_length=400)]
_Commands = dict[_Label, _Command]


class CommandSection(Section):
    """A command of the project's own."""

    command: _Command = Field(
        description="Words that stand before those for ferrule, without quotes and other signs of a shell.",
        examples=["scripts/nox -s ferrule --"],
    )


class CiSection(Section):
    """What `ferrule ci github` writes workflows from; all of it may be left out.

    Commands are words: no quotes, variables or other signs of a shell. What needs more is a script of the project's.
    """

    ferrule: Annotated[str, Field(pattern=_VERSION)] | CommandSection | None = Field(
        default=None,
        description="How a machine comes by ferrule: a version, which pipx installs there, or {command: …}, which the "
        "project itself brings; by default the version that writes the workflows.",
        examples=["0.1.0", {"command": "scripts/nox -s ferrule --"}],
    )
    runner: _Label = Field(
        default="ubuntu-24.04",
        description="Label of the machine that splits, merges, verifies and publishes, and that builds where a target "
        "names none.",
    )
    shards: Annotated[int, Field(ge=1, le=65536)] | None = Field(
        default=None, description="How many machines share a release; by default one for each target."
    )
    minutes: Annotated[int, Field(ge=1, le=1440)] = Field(default=60, description="How long a job may take.")
    tests: _Commands | None = Field(
        default=None,
        description="Machines that test a change, and the command that does; by default one for each native target, "
        "which builds what runs there. With {}, no workflow for changes is written.",
        examples=[{"ubuntu-24.04": "scripts/test"}],
    )
    consumers: _Commands | None = Field(
        default=None,
        description="Machines that use a finished release, which they find in dist/, and the command that does; by "
        "default one for each native target, which verifies it.",
        examples=[{"macos-15": "scripts/use dist"}],
    )
    publish: tuple[Annotated[str, Field(max_length=64)], ...] = Field(
        default=("github",),
        max_length=64,
        description="Where a tagged release goes.",
        examples=[["github", "pypi"]],
    )


class PublishDestination(Protocol):
    """What the section has to know of a destination that `publish` may name."""

    @property
    def name(self) -> str:
        """How targets.yaml names it."""

    @property
    def summary(self) -> str:
        """What it does with a tagged release: a verb and its objects."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of artifacts that it takes; none if it takes the whole release."""

    def problems(self, kinds: frozenset[str]) -> Iterable[tuple[str, str]]:
        """Messages and hints: what keeps a project with these kinds of artifacts from being published there."""

    def check_version(self, version: str, /) -> Iterable[tuple[str, str]]:
        """Messages and hints: what it would refuse in the version of an artifact."""


@dataclass(frozen=True, slots=True)
class Ci:
    """The settings of CI jobs. `call` are the words that start ferrule on them.

    `version` of it is installed before, unless the project brings its own. `tests` and `consumers` are machines and
    their commands.
    """

    version: str | None
    call: str
    runner: str
    shards: int
    minutes: int
    tests: tuple[tuple[str, str], ...]
    consumers: tuple[tuple[str, str], ...]
    publish: tuple[str, ...]

    def document(self) -> Json:
        """All of it, as targets.yaml says it."""
        return {
            "ferrule": self.version or {"command": self.call},
            "runner": self.runner,
            "shards": self.shards,
            "minutes": self.minutes,
            "tests": dict(self.tests),
            "consumers": dict(self.consumers),
            "publish": list(self.publish),
        }


def read_ci(
    part: MappingNode,
    targets: tuple[Target, ...],
    kinds: Iterable[str],
    destinations: Mapping[str, PublishDestination],
    problems: Problems,
) -> Ci | None:
    """What the section `ci` says, with all defaults; None, and problems, if it cannot be taken.

    `kinds` are the kinds of artifacts of the project.
    """
    section = check(CiSection, part, ("ci",), problems)
    if section is None:
        return None
    _check_publish(section.publish, part, frozenset(kinds), destinations, problems)
    requirement = section.ferrule or __version__
    version, call = (None, requirement.command) if isinstance(requirement, CommandSection) else (requirement, "ferrule")
    native = tuple(dict.fromkeys(filter(None, (PLATFORMS[t.triple].runner for t in targets if t.triple in PLATFORMS))))
    return Ci(
        version=version,
        call=call,
        runner=section.runner,
        shards=section.shards or max(len(targets), 1),
        minutes=section.minutes,
        tests=_commands(section.tests, native or (section.runner,), f"{call} build --setup"),
        consumers=_commands(section.consumers, native or (section.runner,), f"{call} verify dist"),
        publish=tuple(name for name in destinations if name in section.publish),
    )


def _check_publish(
    names: tuple[str, ...],
    part: MappingNode,
    kinds: frozenset[str],
    destinations: Mapping[str, PublishDestination],
    problems: Problems,
) -> None:
    for index, name in enumerate(names):
        position = find(part, ("publish", index))[0]
        if name not in destinations:
            hint = problems.suggestion(name, destinations, f"the destinations are {listed(destinations)}")
            problems.add(position, f"ci.publish: there is no destination {quote(name)}", hint)
            continue
        for message, hint in destinations[name].problems(kinds):
            problems.add(position, f"ci.publish: {message}", hint)


def _commands(commands: Mapping[str, str] | None, native: Iterable[str], usual: str) -> tuple[tuple[str, str], ...]:
    return tuple((dict.fromkeys(native, usual) if commands is None else commands).items())
