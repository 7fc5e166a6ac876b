"""The values that pass between the rooms of the program: frozen, checked once, without any effects."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest (FIPS 180-4) as 64 lower-case hexadecimal digits; a value of this type has been checked."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise ValueError(f"not a SHA-256 digest: {self.hex!r}")

    @classmethod
    def of(cls, data: bytes | memoryview) -> Digest:
        """Digest of bytes in memory."""
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def of_file(cls, path: Path) -> Digest:
        """Digest of a file's content; raises OSError if it cannot be read."""
        with open_regular(path, follow=True) as stream:
            return cls(hashlib.file_digest(stream, "sha256").hexdigest())

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `sha256:<hex>` (OCI image-spec, "Digests"); raises ValueError for anything else."""
        algorithm, _, value = text.partition(":")
        if algorithm != "sha256":
            raise ValueError(f"not a sha256 digest: {text!r}")
        return cls(value)

    @property
    def oci(self) -> str:
        """The form `sha256:<hex>` used by OCI."""
        return f"sha256:{self.hex}"

    @property
    def short(self) -> str:
        """The first 12 digits, for people."""
        return self.hex[:12]

    def __str__(self) -> str:
        """The 64 hexadecimal digits."""
        return self.hex


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that was found and checked: `argv` starts it, `identity` stands for it in keys (version, not place).

    `sha256` is told only of one that is on another machine, where it is a program as somebody published it.
    """

    name: str
    version: str
    argv: tuple[str, ...]
    identity: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A target as a release wants it: the triple, and what targets.yaml gives it.

    That is the floors, the CI runner and, for macOS, the folder of an SDK that describes frameworks.
    """

    triple: str
    glibc: str | None = None
    macos: str | None = None
    runner: str | None = None
    sdk: str | None = None

    def floor(self, name: str | None) -> str | None:
        """The floor of that name (`Platform.floor_name`), if targets.yaml gives one."""
        return {"glibc": self.glibc, "macos": self.macos}.get(name or "")


@dataclass(frozen=True, slots=True)
class Output:
    """A file or folder that an action makes: `name` in its work folder, `ships` its place in dist/ or None.

    `role` says what it is to those that pack it: cdylib, staticlib, header, module, component, layer, package...
    """

    name: str
    role: str
    ships: str | None = None
    folder: bool = False


class Recipe(Protocol):
    """How an action makes its outputs: a frozen dataclass whose fields and code are part of the action's key."""

    def make(self, context: Any, /) -> None:  # noqa: ANN401 - an engine.context.ActionContext; the model knows no engine
        """Make the declared outputs in `context.folder`; raises FerruleError for what a user can act on."""


@dataclass(frozen=True, slots=True)
class ActionInterface:
    """What an action makes, as far as those that pack it may know: its outputs and traits, not how they are made."""

    id: str
    outputs: tuple[Output, ...]
    traits: tuple[tuple[str, str], ...] = ()

    def output(self, role: str) -> Output | None:
        """The output with that role, or None."""
        return next((o for o in self.outputs if o.role == role), None)

    def trait(self, name: str) -> str:
        """The trait with that name; raises KeyError."""
        return dict(self.traits)[name]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The crate of the workspace that an action compiles: for which target, with which features, profile, variables.

    `rustflags` are those besides what Cargo's settings have; `package` addresses it as `Workspace.package` does, and
    without it the name has to do.
    """

    crate: str
    triple: str
    features: tuple[str, ...] = ()
    default_features: bool = True
    package: str | None = None
    profile: str = "release"
    env: tuple[tuple[str, str], ...] = ()
    rustflags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """The kind of machine that an action cannot do without: its system, as `platforms.Platform` names it, and why."""

    system: str
    why: str


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a plan.

    `sources` are files or folders of the project, `tools` names of tools, `needs` ids of actions whose outputs are
    read, and `traits` what packers may know of it beyond its outputs (`library`: name to link by, `abi`: its number,
    `version`: its own; `purl`: the package URL of what ships). `compiles` is the crate that the outputs are compiled
    from, if they are; `machine` the only kind of machine that can do it, if not every one can.
    """

    id: str
    artifact: str
    kind: str
    recipe: Recipe
    outputs: tuple[Output, ...]
    target: str | None = None
    needs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    traits: tuple[tuple[str, str], ...] = ()
    compiles: Compiled | None = None
    machine: Machine | None = None

    @property
    def interface(self) -> ActionInterface:
        """The part of the action that recipes of other actions may hold."""
        return ActionInterface(self.id, self.outputs, self.traits)


@dataclass(frozen=True, slots=True)
class Omission:
    """An artifact that is not made for a target of the release, and why."""

    artifact: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done, in an order in which every action follows those it needs.

    It was made from targets.yaml, the Cargo manifests, the files `read` and the names of folders in those `listed`.
    `omissions` are targets that an artifact's kind cannot be made for.
    """

    project: str
    version: str
    actions: tuple[Action, ...]
    read: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    omissions: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was made: its name relative to the action's folder, digest, size in bytes and executable bit."""

    name: str
    digest: Digest
    size: int
    executable: bool = False


State = Literal["built", "cached", "shared", "remote", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action. `seconds` is wall time; `reason` says why it was built, failed or skipped."""

    action: Action
    state: State
    key: Digest | None = None
    files: tuple[FileRecord, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A file in the output folder: where, what it is of, its digest, size in bytes and executable bit."""

    file: str
    outcome: Outcome
    output: Output
    digest: Digest
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to."""

    outcomes: tuple[Outcome, ...]
    placed: tuple[Placed, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Outcomes that keep the run from being a success."""
        return tuple(o for o in self.outcomes if o.state in {"failed", "skipped"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim about a file holds; `problem` says how it does not.

    `covers` are places in the manifest (RFC 6901) of which all that stands there, or below, was compared.
    """

    subject: str
    claim: str
    problem: str | None = None
    covers: tuple[str, ...] = ()


def to_json(  # noqa: PLR0911 - one a form
    value: Any,  # noqa: ANN401 - any frozen value
    encode: Callable[[Any], Json] | None = None,
) -> Json:
    """Turn a frozen value into plain JSON: dataclasses become objects, tuples lists, digests their hex digits.

    Raises TypeError for a type that has no JSON form.
    """
    if value is None or isinstance(value, (str, bool, int, float)):  # most values by far
        return value
    if isinstance(value, Digest):
        return value.hex
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name), encode) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): to_json(v, encode) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v, encode) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted((to_json(v, encode) for v in value), key=str)
    if encode is not None:
        return encode(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
