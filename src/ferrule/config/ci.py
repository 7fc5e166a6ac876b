"""The section `ci` of targets.yaml: names of the machines of a CI system, and the commands they run."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from ferrule.config.checking import check
from ferrule.config.nodes import MappingNode, find
from ferrule.config.problems import listed, quote
from ferrule.core.frozen import dataclass
from ferrule.core.platforms import PLATFORMS
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from ferrule.config.problems import Problems
    from ferrule.core.model import Json, Target

RUNNER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""A label of a machine."""

_WORD = r"[A-Za-z0-9_./=:@,+-]*[A-Za-z0-9_./=@,+-]"
_COMMAND = rf"^[A-Za-z0-9_./]({_WORD})?( {_WORD})*$"
_VERSION = r"^[0-9]{1,5}(\.[0-9]{1,5}){1,2}([a-z]{1,4}[0-9]{1,5})?$"
_Label = Annotated[str, Field(pattern=RUNNER, examples=["ubuntu-24.04"])]
_Command = Annotated[str, Field(pattern=_COMMAND, max_length=400, examples=["scripts/test --all"])]
_Commands = dict[_Label, _Command]
_Point = Annotated[str, Field(pattern=r"^(before-build|before-merge|after-verify)$", examples=["before-build"])]
_Step = Annotated[
    str,
    Field(
        pattern=r"^(\.[A-Za-z0-9]|[A-Za-z0-9_])[A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$",
        max_length=200,
        examples=[".ci/prepare"],
    ),
]
_Image = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*([:/][A-Za-z0-9._-]+)*(@sha256:[0-9a-f]{64})?$",
        max_length=300,
        examples=["python:3.13"],
    ),
]
_URL = r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~+@%-]+)+"
_NOT_ON_AN_INDEX = (
    "no package index has Ferrule yet",
    "write {wheel: URL, sha256: DIGEST}, {git: URL, commit: SHA}, or {command: WORDS} of the project's own",
)


class FerruleSection(Section):
    """Where a machine gets Ferrule: a command of the project's own, a wheel, or a commit."""

    command: _Command | None = Field(
        default=None,
        description="Words that stand before those for ferrule, without quotes and other signs of a shell: the project "
        "itself brings it.",
        examples=["scripts/nox -s ferrule --"],
    )
    wheel: Annotated[str, Field(pattern=rf"^({_URL}|[A-Za-z0-9._/+-]+)\.whl$", max_length=400)] | None = Field(
        default=None,
        description="A wheel of Ferrule: a URL, or a file of the project; `nox -s dist` of Ferrule makes one.",
        examples=["https://example.com/ferrule-0.1.0-py3-none-any.whl", "tools/ferrule-0.1.0-py3-none-any.whl"],
    )
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", examples=["0" * 64])] | None = Field(
        default=None, description="SHA-256 of a wheel that is fetched: another one is not installed."
    )
    git: Annotated[str, Field(pattern=rf"^{_URL}$", max_length=400)] | None = Field(
        default=None, description="A repository of Ferrule.", examples=["https://example.com/ferrule.git"]
    )
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$", examples=["0" * 40])] | None = Field(
        default=None, description="The commit of that repository, in full."
    )


class CiSection(Section):
    """Settings of the workflows and pipelines that `ferrule ci` writes; all are optional.

    Commands are words, without quotes, variables or other shell syntax. Put anything else into a script.
    """

    ferrule: Annotated[str, Field(pattern=_VERSION, examples=["0.1.0"])] | FerruleSection | None = Field(
        default=None,
        description="Where a machine gets Ferrule; `ferrule ci` writes no workflow before this is said.",
        examples=[{"command": "scripts/nox -s ferrule --"}],
    )
    runner: _Label = Field(
        default="ubuntu-24.04",
        description="Label of the machine that splits, merges, verifies and publishes, and that builds where a target "
        "names none. The default is GitHub's: on Forgejo it is docker, and on GitLab any machine.",
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
    image: _Image = Field(
        default="python:3.13",
        description="Image in which GitLab runs jobs, with Git and Python 3.11 or newer; a digest pins it. GitHub and "
        "Forgejo have machines instead.",
    )
    steps: dict[_Point, _Step] = Field(
        default_factory=dict,
        description="Steps of the project's own, each a script in its repository or, but on GitLab, the folder of an "
        "action: before-build on each machine that builds or tests, before-merge, and after-verify, with the verified "
        "release in dist/. Jobs that may write anywhere run none.",
        examples=[{"before-build": ".ci/prepare"}],
    )
    publish: tuple[Annotated[str, Field(max_length=64)], ...] = Field(
        default=("github",),
        max_length=64,
        description="Where a tagged release goes from GitHub Actions.",
        examples=[["github", "pypi"]],
    )
    publish_rows: tuple[Annotated[str, Field(max_length=64)], ...] = Field(
        default=(),
        max_length=64,
        description="Rows of the part `publish`, to which a job brings a tagged release by `ferrule publish`.",
        examples=[["index", "crates"]],
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

    @property
    def section(self) -> type[Section] | None:
        """The keys of its row below `publish`; None if `ferrule publish` brings nothing there."""

    @property
    def has_job(self) -> bool:
        """Whether `ci.publish` may name it."""

    def problems(self, kinds: frozenset[str]) -> Iterable[tuple[str, str]]:
        """Messages and hints: what keeps a project with these kinds of artifacts from being published there."""

    def check_version(self, version: str, /) -> Iterable[tuple[str, str]]:
        """Messages and hints: what it would refuse in the version of an artifact."""

    def row_problems(self, section: Any, root: Path, before: Mapping[str, Any], /) -> Iterable[tuple[str, str, str]]:  # noqa: ANN401
        """Keys, messages and hints: what is wrong with a row of this project, after others of this destination."""


@dataclass(frozen=True, slots=True)
class Ci:
    """The settings of CI jobs. `call` are the words that start ferrule on them.

    `source` is where they get it, as targets.yaml says it, None if it does not; `install` what pipx installs before
    (a requirement as in PEP 508, or a file), None where the project brings its own. `tests` and `consumers` are
    machines and their commands, `steps` points of the workflows with scripts or actions of the project, `publish_rows`
    names of rows below `publish`. `stated` are the keys that targets.yaml has; other labels are GitHub's.
    """

    source: FerruleSection | None
    install: str | None
    call: str
    runner: str
    shards: int
    minutes: int
    tests: tuple[tuple[str, str], ...]
    consumers: tuple[tuple[str, str], ...]
    publish: tuple[str, ...]
    steps: tuple[tuple[str, str], ...] = ()
    publish_rows: tuple[str, ...] = ()
    image: str = "python:3.13"
    stated: frozenset[str] = field(default=frozenset(), compare=False)

    def document(self) -> Json:
        """All of it, as targets.yaml says it."""
        return {
            "ferrule": _stated(self.source) if self.source else None,
            "runner": self.runner,
            "shards": self.shards,
            "minutes": self.minutes,
            "tests": dict(self.tests),
            "consumers": dict(self.consumers),
            "publish": list(self.publish),
            **({"steps": dict(self.steps)} if self.steps else {}),
            **({"publish-rows": list(self.publish_rows)} if self.publish_rows else {}),
            **({"image": self.image} if "image" in self.stated else {}),
        }


def read_ci(
    part: MappingNode,
    targets: tuple[Target, ...],
    kinds: Iterable[str],
    destinations: Mapping[str, PublishDestination],
    rows: Collection[str],
    problems: Problems,
) -> Ci | None:
    """What the section `ci` says, with all defaults; None, and problems, if it cannot be taken.

    `kinds` are the kinds of artifacts of the project, `rows` the names of those below `publish`.
    """
    section = check(CiSection, part, ("ci",), problems)
    if section is None:
        return None
    _check_publish(section.publish, part, frozenset(kinds), destinations, problems)
    _check_rows(section.publish_rows, part, rows, problems)
    source = _source(section.ferrule, part, problems)
    call = (source and source.command) or "ferrule"
    platforms = (PLATFORMS[target.triple] for target in targets if target.triple in PLATFORMS)
    # Ferrule does not run where the linkers are that run on one system alone.
    native = tuple(dict.fromkeys(row.runner for row in platforms if row.runner and row.family.linked_on is None))
    return Ci(
        source=source,
        install=_requirement(source) if source else None,
        call=call,
        runner=section.runner,
        shards=section.shards or max(len(targets), 1),
        minutes=section.minutes,
        tests=_commands(section.tests, native or (section.runner,), f"{call} build --setup"),
        consumers=_commands(section.consumers, native or (section.runner,), f"{call} verify dist"),
        publish=tuple(name for name in destinations if name in section.publish),
        steps=tuple(section.steps.items()),
        publish_rows=section.publish_rows,
        image=section.image,
        stated=frozenset(part.values),
    )


def _source(value: str | FerruleSection | None, part: MappingNode, problems: Problems) -> FerruleSection | None:
    """Where machines get Ferrule; None, and a problem, if what is said is not one of the ways, whole."""
    if value is None:
        return None
    position = find(part, ("ferrule",))[0]
    if isinstance(value, str):
        problems.add(position, f"ci.ferrule: {_NOT_ON_AN_INDEX[0]}", _NOT_ON_AN_INDEX[1])
        return None
    keys = tuple(_stated(value))
    fetched = value.wheel is not None and value.wheel.startswith("https://")
    if keys not in {("command",), ("git", "commit"), ("wheel", "sha256") if fetched else ("wheel",)}:
        hint = "a wheel that is fetched needs sha256, one of the project has none; git needs commit"
        message = f"ci.ferrule: {', '.join(keys) or 'nothing'} does not say one source, whole"
        problems.add(position, message, f"{_NOT_ON_AN_INDEX[1]}; {hint}")
        return None
    return value


def _stated(source: FerruleSection) -> dict[str, Json]:
    return {name: value for name, value in source.document().items() if value is not None}


def _requirement(source: FerruleSection) -> str | None:
    """What pipx installs (PEP 508, direct references; pip checks the digest of the fragment); None for a command."""
    if source.wheel is not None:
        return f"ferrule @ {source.wheel}#sha256={source.sha256}" if source.sha256 else f"./{source.wheel}"
    return f"ferrule @ git+{source.git}@{source.commit}" if source.git else None


def _check_publish(
    names: tuple[str, ...],
    part: MappingNode,
    kinds: frozenset[str],
    destinations: Mapping[str, PublishDestination],
    problems: Problems,
) -> None:
    offered = {name: destination for name, destination in destinations.items() if destination.has_job}
    for index, name in enumerate(names):
        position = find(part, ("publish", index))[0]
        if name in names[:index]:
            problems.add(position, f"ci.publish: {quote(name)} is named twice", "leave one of the two out")
        if name not in offered:
            hint = problems.suggestion(name, offered, f"the destinations are {listed(offered)}")
            problems.add(position, f"ci.publish: there is no destination {quote(name)}", hint)
            continue
        for message, hint in destinations[name].problems(kinds):
            problems.add(position, f"ci.publish: {message}", hint)


def _check_rows(names: tuple[str, ...], part: MappingNode, rows: Collection[str], problems: Problems) -> None:
    for index, name in enumerate(names):
        position = find(part, ("publish-rows", index))[0]
        if name in names[:index]:
            problems.add(position, f"ci.publish-rows: {quote(name)} is named twice", "leave one of the two out")
        if name not in rows:
            hint = problems.suggestion(name, rows, f"the rows are {listed(rows)}" if rows else "write rows first")
            problems.add(position, f"ci.publish-rows: there is no row {quote(name)} below publish", hint)


def _commands(commands: Mapping[str, str] | None, native: Iterable[str], usual: str) -> tuple[tuple[str, str], ...]:
    return tuple((dict.fromkeys(native, usual) if commands is None else commands).items())
