"""What every kind's section of targets.yaml shares: its base, markers of what a value refers to, selectors."""

from __future__ import annotations

import posixpath
import re
from dataclasses import field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.core import byte_size
from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.one_line import one_line
from ferrule.core.planned_actions import PlannedActions
from ferrule.core.platforms import PLATFORMS, Platform, counterpart
from ferrule.core.rustflags import refused_flag
from ferrule.core.section import Field, Section, keys_of
from ferrule.core.toml_file import parse, position
from ferrule.formats import pyproject, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ferrule.core.cargo_workspace import Crate, Workspace
    from ferrule.core.model import Action, Output, Target


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """Marks a string that names another artifact of one of these kinds."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeatureRef:
    """Marks a string that names a feature of the crate in the same section."""


@dataclass(frozen=True, slots=True)
class ProfileRef:
    """Marks a string that names a profile of the Cargo workspace."""


@dataclass(frozen=True, slots=True)
class CrateRef:
    """Marks a string that names a crate of the workspace, with a library that has all of these crate types."""

    types: tuple[str, ...] = ()
    library: bool = True


@dataclass(frozen=True, slots=True)
class ProjectPath:
    """Marks a string that is a path inside the project, which must exist; one that holds `unless` is something else."""

    what: Literal["file", "folder", "either"] = "either"
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectGlob:
    """Marks a string that is a glob over files of the project, of which there must be one."""


Marker = ArtifactRef | CrateRef | FeatureRef | ProfileRef | ProjectGlob | ProjectPath
KeyPath = tuple[str | int, ...]
"""Keys of mappings and indexes of lists, from the outside to the inside."""

RelativePath = Annotated[str, Field(min_length=1, max_length=512)]
"""A path below the project's root, written with `/`; config refuses absolute ones and any that leave the project."""


TargetGlob = Annotated[str, Field(pattern=r"^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]{0,63}$")]
"""A glob over target triples: `*` stands for any text, `?` for one character."""

Feature = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_+./?:-]{0,63}$", examples=["serde/derive"])]
"""A Cargo feature (The Cargo Book, "Features"): `name` or `dependency/name`."""


FileGlob = Annotated[str, Field(pattern=r"^[A-Za-z0-9_*?@+][A-Za-z0-9._*?@+-]{0,127}$")]
"""A glob over names of files, without folders."""

DEBUG_SYMBOLS: Final = "debug-symbols"
"""Role of an archive with debug symbols of what others ship."""

HOLDS_NO_CODE: Final = "holds-no-code"
"""Trait of an action that packs sources, or debug symbols, whatever it needs: `yes`."""

BINDINGS: Final = "bindings"
"""Role of generated bindings, and the trait that says where they belong in the project."""

BINDINGS_TYPES: Final = "bindings-types"
"""Role of the types of generated bindings, beside them, where a language has them in a file of their own."""

LEFT_TO_AUTHOR: Final = "left-to-author"
"""Role of the file with what bindings leave out: names and reasons, as JSON."""

IMPORT_LIBRARY: Final = "import-library"
"""Role of the file that programs are linked with in place of a shared library, where that is another one."""

LINK_SCRIPT: Final = "link-script"
"""Role of the script that links for a target where it is linked, on another machine."""

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
"""The name of a variable of the environment."""


class Spec(Section):
    """The section of one artifact. A kind adds its own keys and its own `kind` literal."""

    kind: str = Field(description="What is made.")
    targets: tuple[TargetGlob, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="Globs over the targets of this file; by default every target that the kind can be made for.",
        examples=[["*-linux-gnu"]],
    )
    ship: bool | None = Field(
        default=None,
        description="Whether the files are in dist/ themselves; by default yes, unless another artifact packs them.",
    )

    max_size: dict[FileGlob, Annotated[str, Field(pattern=byte_size.PATTERN)]] = Field(
        default_factory=dict,
        max_length=64,
        description="How large files of this artifact may be: glob over their names (`*`: each of them), and bytes as "
        "`400 kB` or `1.5 MiB`. A larger file is an error, also one that is compiled and only packed into others.",
        examples=[{"*.so.*": "400 kB", "*.a": "20 MiB"}],
    )
    version: Annotated[str, Field(pattern=r"^[0-9][0-9A-Za-z.!+_-]{0,63}$")] | None = Field(
        default=None,
        description="Version of this artifact if it differs from the release's; by default that of its crate, or of "
        "the artifact that it packs.",
        examples=["1.0.0.dev20260101"],
    )

    def references(self) -> tuple[tuple[str, str], ...]:
        """Artifacts this one names, as (key, artifact name)."""
        references: list[tuple[str, str]] = []
        for name, key, marks in markers(type(self)):
            if any(isinstance(mark, ArtifactRef) for mark in marks):
                value = getattr(self, name)
                references += [(key, v) for v in (value if isinstance(value, tuple) else (value,)) if v is not None]
        return tuple(references)


_LINKED: Final = frozenset({"program", "cdylib", "staticlib"})
"""Roles of compiled files, also of those of no crate: joined files, and programs in Go."""


def sized_outputs(action: Action) -> tuple[tuple[str, Output], ...]:
    """The outputs of an action that `max-size` is about, with the names that its globs are about."""
    return tuple(
        ((output.ships or output.name).rpartition("/")[2], output)
        for output in action.outputs
        if output.role != DEBUG_SYMBOLS
        and (output.ships or ((action.compiles or output.role in _LINKED) and not output.folder))
    )


class CargoSpec(Spec):
    """The section of an artifact that Cargo compiles of a crate."""

    crate: str = Field(description="The crate to build.")
    profile: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$", examples=["release"]), ProfileRef()] = Field(
        default="release", description="Cargo profile."
    )
    features: tuple[Annotated[Feature, FeatureRef()], ...] = Field(default=(), description="Cargo features.")
    default_features: bool = Field(default=True, description="Whether the crate's default features are on.")
    rustflags: tuple[Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,256}$")], ...] = Field(
        default=(),
        description="Flags for rustc, after those that Cargo's own settings (.cargo/config.toml) have for the target.",
        examples=[["--cfg", 'backend="fast"']],
    )
    env: dict[Variable, str] = Field(
        default_factory=dict,
        description="Variables for build scripts and macros, which get nothing else of a person's own environment.",
        examples=[{"ICU4X_DATA_DIR": "data"}],
    )
    auditable: bool = Field(
        default=True,
        description="Whether the compiled file holds the list of its crates, as cargo-auditable writes it and scanners "
        "read it; a static library never does.",
    )
    reads: tuple[Annotated[RelativePath, ProjectPath("either")], ...] = Field(
        default=(),
        description="Files and folders outside of the crates' own sources that the build reads. Cargo tells of them "
        "afterwards anyway; where they are named, the last crate is not compiled twice on a new machine.",
        examples=[["assets/words.txt"]],
    )


class NativeSpec(CargoSpec):
    """The section of an artifact that Cargo links for machines."""

    debug_symbols: bool = Field(
        default=False,
        description="Whether the debug information of what is linked stands in an archive beside the release: "
        "line tables, or what the Cargo profile asks for. The files themselves hold none.",
    )


def markers(model: type[Section]) -> tuple[tuple[str, str, tuple[Marker, ...]], ...]:
    """Attribute, key and markers of every key of a section whose values refer to something."""
    marked = (
        (attribute, key.name, tuple(mark for mark in key.metadata if isinstance(mark, Marker)))
        for attribute, key in keys_of(model).items()
    )
    return tuple(row for row in marked if row[2])


def names_of(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The artifacts that a key names which takes one or several."""
    return (value,) if isinstance(value, str) else value or ()


def selected(globs: tuple[str, ...] | None, triples: tuple[str, ...]) -> tuple[str, ...]:
    """Triples matched by any of the globs (all of them for None), in the order of the file.

    >>> selected(("*-linux-gnu",), ("x86_64-unknown-linux-gnu", "wasm32-unknown-unknown"))
    ('x86_64-unknown-linux-gnu',)
    """
    if globs is None:
        return triples
    return tuple(t for t in triples if any(fnmatchcase(t, g) for g in globs))


@dataclass(frozen=True, slots=True)
class Builder:
    """Who runs the build, as provenance states it (SLSA v1.0, "Build: Provenance"): URIs of builder, run and source."""

    id: str
    invocation: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseInfo:
    """What a release says of itself.

    `license_texts` are files with the licences of crates that bring none, by crate.
    `commit` is the last commit that touched what is compiled of the Cargo workspace; `checked_out` is the one that is
    checked out, `dirty` whether tracked files differ from it; `builder` is None where a person builds;
    `version_at` is where the version is stated.
    """

    name: str
    version: str
    license: str | None = None
    description: str | None = None
    homepage: str | None = None
    license_files: tuple[str, ...] = ()
    license_texts: tuple[tuple[str, str], ...] = ()
    commit: str = "unreleased"
    epoch: int = 315_532_800
    checked_out: str | None = None
    dirty: bool | None = None
    builder: Builder | None = None
    version_at: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Make one line of each text: it goes into files of other formats, where a second line is another field."""
        for name in ("license", "description", "homepage"):
            text = getattr(self, name)
            object.__setattr__(self, name, one_line(text) if text else None)


@dataclass(frozen=True, slots=True)
class Context:
    """What a kind may know while it plans one artifact.

    `targets` are those the artifact selects (and the kind can be made for); `spec_for` gives the section with the
    overrides of one target applied; `actions_of` the planned actions of an artifact it names and `action_for` the one
    of a target (or of all targets), if there is one; `planned` all actions planned so far and `shipping` those of them
    with an output that ships (for kinds that describe the others), `ship` whether this one's files stand in dist/.
    `read_text` gives a file of the project and `folders` the names of the folders in a folder of it; `platforms` are
    the rows of all targets by triple.
    """

    artifact: str
    project: ReleaseInfo
    workspace: Workspace
    targets: tuple[Target, ...]
    spec_for: Callable[[str], Spec]
    actions_of: Callable[[str], tuple[Action, ...]]
    action_for: Callable[[str, str | None], Action | None]
    shipping: Callable[[], tuple[Action, ...]]
    read_text: Callable[[str], str]
    folders: Callable[[str], tuple[str, ...]]
    ship: bool
    platforms: Mapping[str, Platform] = field(default_factory=lambda: PLATFORMS)
    planned: PlannedActions = field(default_factory=PlannedActions)

    def has_file(self, name: str) -> bool:
        """Whether the project has a file of this path that can be read."""
        try:
            self.read_text(name)
        except ConfigError:
            return False
        return True

    def crate(self, name: str) -> Crate:
        """A crate of the workspace; config has checked that it exists."""
        return self.workspace.crates[name]


class PlanProblem(Exception):  # noqa: N818 - a mistake in the file, turned into a ConfigError with its place
    """Something about an artifact that only planning can see: `key` is where in its section to point.

    `where` is the place to show instead, if that is in another file.
    """

    def __init__(
        self, key: str | tuple[str | int, ...], message: str, hint: str | None = None, where: str | None = None
    ) -> None:
        super().__init__(message)
        self.where = where
        self.key = (key,) if isinstance(key, str) else key
        self.message = message
        self.hint = hint


def python_project(text: str, file: str, version: str) -> dict[str, Any]:
    """The [project] table of a pyproject.toml, which names the project and whose version, if any, is the release's.

    `file` names it in errors. Raises PlanProblem (pyproject.toml specification, "The [project] table").
    """
    try:
        document = parse(text.encode(), file, "file", "correct it")
    except ConfigError as error:
        raise PlanProblem("source", error.message, error.hint, error.where) from None
    for table in ("build-system", "tool"):
        if not isinstance(document.get(table, {}), dict):
            where = position(text, file, (table,))
            raise PlanProblem("source", f"`{table}` is not a table", f"write [{table}] and keys below it", where)
    project = document.get("project")
    if project is None:
        raise PlanProblem("source", f"{file} has no [project] table", "write name and description there")
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        where = position(text, file, ("project", "name"))
        raise PlanProblem("source", "the project has no name", 'write name = "…" under [project]', where)
    if problem := distribution_problem(project["name"]):
        where = position(text, file, ("project", "name"))
        raise PlanProblem("source", problem, "use letters of ASCII, digits, and . _ - between them", where)
    stated = project.get("version")
    if stated is not None and not versions.same_python_version(str(stated), version):
        raise PlanProblem(
            "source",
            f"this states version {stated}, and the release is {version}",
            f'write {version}, or replace it by dynamic = ["version"]',
            position(text, file, ("project", "version")),
        )
    dynamic = project.get("dynamic", [])
    if not isinstance(dynamic, list):
        where = position(text, file, ("project", "dynamic"))
        raise PlanProblem("source", "`dynamic` is not a list of names", 'write dynamic = ["version"]', where)
    if stated is None and "version" not in dynamic:
        hint = 'write dynamic = ["version"]: the release has one'
        raise PlanProblem("source", "there is no version", hint, position(text, file, ("project",)))
    return dict(project)


def distribution_problem(name: str) -> str | None:
    """Why no Python distribution can have a name (PyPA specifications, "Names and normalization"); None if one can."""
    if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        return None
    return f"{name!r} is not a valid name of a Python distribution"


def python_checks(source: str, context: Context) -> Iterator[PlanProblem]:
    """What keeps a Python package from being released: its pyproject.toml, and the version it would have."""
    manifest = posixpath.normpath(f"{source}/pyproject.toml")
    version = context.project.version
    if message := versions.python_problem(version):
        yield version_problem(message, context, f"{version.split('-')[0].split('+')[0]}.dev1")
    try:
        text = context.read_text(manifest)
        python_project(text, manifest, version)
    except (ConfigError, PlanProblem):
        return  # planning gives this problem
    document = parse(text.encode(), manifest)
    for problem in pyproject.pyproject_problems(
        text, document, manifest, lambda name: _problem_of(posixpath.normpath(f"{source}/{name}"), context)
    ):
        yield PlanProblem("source", problem.message, problem.hint, problem.where)


def version_problem(message: str, context: Context, example: str) -> PlanProblem:
    """A version that an ecosystem does not take, with the place that states it and the way out."""
    hint = f'state another for this artifact: `version: "{example}"` under {context.artifact}'
    return PlanProblem("version", message, hint, context.project.version_at)


def _problem_of(path: str, context: Context) -> str | None:
    """Why the text of a file cannot be read; None if it can."""
    if path.startswith(("..", "/")):
        return "this file is not in the project"
    try:
        context.read_text(path)
    except ConfigError as error:
        return error.message
    return None


def required_floor(target: Target, platform: Platform) -> str:
    """The oldest C library or macOS that a wheel promises to run with; raises PlanProblem where none is declared."""
    floor = target.floor(platform.floor_name) or platform.family.wheel_floor
    if floor is None:
        raise PlanProblem(
            "targets",
            f"a wheel for {target.triple} needs a floor: without one it runs on machines like the one it was built on "
            "only",
            f'write {platform.floor_name}: "{platform.suggested_floor}" at '
            + (" and ".join(platform.parts) or "the target"),
        )
    return floor


_OURS = re.compile(
    r"(CARGO|RUST|FERRULE_|LD_|DYLD_|DEP_|ZIG_|MACOSX_).*|PATH|HOME|TMPDIR|TZ|LANG|LC_.*|OUT_DIR|TARGET|HOST|NUM_JOBS"
    r"|OPT_LEVEL|DEBUG|PROFILE|MAKEFLAGS|SOURCE_DATE_EPOCH"
)
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY", re.IGNORECASE)


def environment_of(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What a section gives to build scripts and macros; raises PlanProblem for what it may not give."""
    for name in env:
        if _OURS.fullmatch(name):
            hint = "write `rustflags` instead" if name == "RUSTFLAGS" else "leave it out"
            raise PlanProblem(("env", name), f"{name} is set by Cargo or Ferrule", hint)
        if _SECRET.search(name):
            raise PlanProblem(
                ("env", name),
                f"{name} looks like a secret, and what is given here is compiled in and published",
                "give the build nothing that must stay secret",
            )
    return tuple(sorted(env.items()))


def check_rustflags(flags: Sequence[str]) -> None:
    """Raise PlanProblem for a flag for rustc that a section may not state."""
    if (refused := refused_flag(flags)) is not None:
        index, reason = refused
        raise PlanProblem(("rustflags", index), f"{flags[index]} cannot be a flag here: {reason}", "leave it out")


def needs_machine(platform: Platform) -> str | None:
    """Why machine code cannot be made for a platform; None if it can."""
    return None if platform.is_native else f"it is machine code, and {platform.title} is no machine"


def needs_webassembly(platform: Platform) -> str | None:
    """Why WebAssembly cannot be made for a platform; None if it can."""
    if platform.is_native:
        return "it is WebAssembly, and runs on every machine"
    return None if platform.is_portable else f"it is a library, and {platform.title} is for programs"


def needs_system(platform: Platform) -> str | None:
    """Why programs cannot be made for a platform; None if they can."""
    return f"it is a program, and {platform.title} has no system to start one" if platform.is_portable else None


def no_wheel(platform: Platform) -> str | None:
    """Why no wheel can be made for a platform; None if one can."""
    return None if platform.has_wheels else f"no platform tag of wheels names {platform.title}"


def needs_linker(platform: Platform) -> str | None:
    """Why what Ferrule itself has linked cannot be made for a platform; None if it can."""
    if platform.family.linked_on is None:
        return None
    other = counterpart(platform.triple, PLATFORMS)
    return f"it is linked here, and this is linked on Windows alone; {other} runs on the same machines"


def _no_problems(*_: object) -> tuple[PlanProblem, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class NamedDigest:
    """A file of the release that another one names, with the SHA-256 that it states, as it is written there."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Kind:
    """Everything the rest of the program asks of a kind of artifact.

    `unsupported` says why it cannot be made for a platform, or None; `last` is 0 unless it describes other artifacts:
    then it is planned after all with a smaller number; `plan` turns a validated section into actions; it raises
    PlanProblem.
    `check` gives every problem of a section and its context that can be known without building; `named_digests` reads a
    file that ships: which files of the release it names, with digests that `ferrule verify` compares; None for a kind
    whose files name none.
    """

    name: str
    spec: type[Spec]
    plan: Callable[..., list[Action]]
    summary: str
    unsupported: Callable[[Platform], str | None] = lambda _: None
    last: int = 0
    packs: bool = True
    check: Callable[..., Iterable[PlanProblem]] = _no_problems
    named_digests: Callable[[str], Iterable[NamedDigest]] | None = None
