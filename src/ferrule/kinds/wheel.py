"""Python wheels around an already built library (py3-none-<platform>), and the source distribution beside them.

Metadata and entry points are those of pyproject.toml. A source distribution holds the package and the Cargo workspace
with everything that it reads from folders; it ships only after Cargo has read it where nothing else lies. Where the
project's build backend would leave the library out, one that compiles it is put in its place.
"""

from __future__ import annotations

import json
import posixpath
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.core import facts
from ferrule.core.build_script import build_script
from ferrule.core.errors import BuildError, ConfigError, ConfigErrors
from ferrule.core.frozen import dataclass
from ferrule.core.ignore_files import IgnoreFiles
from ferrule.core.model import Action, ActionInterface, Compiled, Output
from ferrule.core.section import Field
from ferrule.core.toml_file import parse, position
from ferrule.formats import deflate, versions, wheel
from ferrule.formats.archive_member import Member
from ferrule.formats.package_selection import (
    left_out_of_sdists,
    left_out_of_wheels,
    packages_of_hatch,
    settings_of_others,
    version_in_files,
)
from ferrule.formats.python_metadata import (
    PythonProject,
    check_project,
    entry_points_text,
    is_license_file,
    metadata_text,
    table_problems,
)
from ferrule.kinds.base import (
    SOURCES,
    ArtifactRef,
    Context,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    no_wheel,
    python_checks,
    python_project,
    required_floor,
)
from ferrule.tools import cargo, cargo_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.engine.context import ActionContext
    from ferrule.tools.cargo_sources import LocalSources

NATIVE: Final = "_native"
"""Name of the folder, inside the Python package, that holds the library and what the loader needs to know of it."""

_BACKEND: Final = "_build"
"""Folder of a source distribution with the build backend that Ferrule supplies."""

_OUTPUTS: Final = frozenset({"dist", "build"})
_BESIDE: Final = frozenset({"tests", "test", "docs", "doc", "examples", "scripts", "build", "dist", "target", "src"})
"""Folders beside pyproject.toml that are not the package, in a layout without src/."""

# Build backends that pack what lies in the package and nothing else, unless they are told to call something.
_PLAIN_BACKENDS: Final = frozenset({"hatchling", "setuptools", "flit_core", "uv_build", "poetry", "pdm"})


class WheelSpec(Spec):
    """A Python package whose loader opens the native library that the wheel carries."""

    kind: Literal["wheel"]
    library: Annotated[str, ArtifactRef(("library",))] = Field(description="The library to pack.")
    source: Annotated[RelativePath, ProjectPath("folder")] = Field(
        description="Folder with pyproject.toml (its [project] table gives the metadata) and the package, under src/ "
        "or beside it."
    )
    package: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,127}$")] | None = Field(
        default=None,
        description="Import name of the package that loads the library (`acme.demo` in a namespace); by default the "
        "only one.",
    )
    sdist: bool = Field(default=True, description="Whether a source distribution, with the crate inside, is made too.")


def plan(spec: WheelSpec, context: Context) -> list[Action]:
    """One wheel a target, and the source distribution."""
    source = posixpath.normpath(spec.source)
    manifest = posixpath.join(source, "pyproject.toml") if source != "." else "pyproject.toml"
    text, version = context.read_text(manifest), context.project.version
    project = PythonProject(manifest, text, python_project(text, manifest, version), version)
    check_project(project, context.read_text)
    document: Any = parse(text.encode(), manifest)
    root, package = _package(context, spec, source, project.name, packages_of_hatch(document))
    common = _Common(
        source=source,
        root=root,
        package=package,
        name=project.name,
        version=context.project.version,
        license_files=context.project.license_files,
        read=tuple(dict.fromkeys((*context.project.license_files, *([project.readme] if project.readme else ())))),
        epoch=context.project.epoch,
        left_out=left_out_of_wheels(document, _relative(root, source) if root != source else "."),
        only=packages_of_hatch(document),
        kept_back=left_out_of_sdists(document),
    )
    actions = [_wheel(context, spec, common, triple) for triple in (t.triple for t in context.targets)]
    if spec.sdist and actions:
        actions.append(_sdist(context, spec, common, project, actions[0].target))
    return actions


@dataclass(frozen=True, slots=True)
class _Common:
    """`source` is the folder of pyproject.toml, `root` the one that packages lie in, `package` a dotted name.

    `read` are files of the project, `license_files` among them, that the metadata is made of. `left_out`, `kept_back`
    are patterns of what pyproject.toml leaves out of wheels and of source distributions, `only` the packages that it
    names, all relative to `source`.
    """

    source: str
    root: str
    package: str
    name: str
    version: str
    license_files: tuple[str, ...]
    read: tuple[str, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR
    left_out: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    kept_back: tuple[str, ...] = ()

    @property
    def native(self) -> str:
        """The folder of the library in the wheel."""
        return f"{self.package.replace('.', '/')}/{NATIVE}"

    @property
    def packed(self) -> str:
        """The folder whose files go into the wheel: all packages under src/, or the one beside pyproject.toml."""
        return self.root if self.root != self.source else _join(self.root, self.package.partition(".")[0])

    @property
    def sources(self) -> tuple[str, ...]:
        """All files and folders that the wheel is made of."""
        return tuple(dict.fromkeys((self.source, *self.read)))

    def is_packed(self, name: str) -> bool:
        """Whether a file, by its name below `root`, belongs to a package; others are leftovers of builds."""
        leftover = name.partition("/")[0].endswith((".egg-info", ".dist-info")) or name.endswith(".pyc")
        return not (leftover or name.startswith(f"{self.native}/"))

    def is_source(self, name: str) -> bool:
        """Whether a file, by its name below `source`, belongs into the source distribution."""
        top, below = name.partition("/")[0], _relative(self.root, self.source)
        output = top in _OUTPUTS and self.package.partition(".")[0] != top
        return not output and self.is_packed(name if self.root == self.source else name.removeprefix(f"{below}/"))


def _join(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"


def _relative(name: str, folder: str) -> str:
    return name if folder == "." else name.removeprefix(f"{folder}/")


def _package(context: Context, spec: WheelSpec, source: str, name: str, only: tuple[str, ...] = ()) -> tuple[str, str]:
    """The folder that the packages lie in, and the one that loads the library; `only` are those that are packed."""
    under_src = [folder for folder in context.folders(_join(source, "src")) if folder.isidentifier()]
    if only:
        under_src = [folder for folder in under_src if f"src/{folder}" in only]
    root = _join(source, "src") if under_src else source
    packages = under_src or [
        folder
        for folder in context.folders(source)
        if folder.isidentifier()
        and (folder in only or not (only or folder in _BESIDE))
        and _is_file(context, _join(_join(source, folder), "__init__.py"))
    ]
    if spec.package is not None:
        *above, last = spec.package.split(".")
        folder = "/".join([root, *above] if root != "." else above) or "."
        if last in context.folders(folder):
            return root, spec.package
        raise PlanProblem(
            "package",
            f"there is no package {spec.package!r} in {root}",
            f"there are: {', '.join(packages)}" if packages else "make the folder, with an __init__.py in it",
        )
    own = name.replace("-", "_").replace(".", "_").lower()
    if len(packages) > 1 and own in packages:
        return root, own
    if len(packages) != 1:
        hint = "name the one that loads the library with `package`"
        raise PlanProblem(
            "source",
            f"{root} holds {len(packages) or 'no'} packages",
            hint if packages else f"make {_join(source, 'src')}/{own}/__init__.py",
        )
    return root, _innermost(context, root, packages[0])


def _innermost(context: Context, root: str, package: str) -> str:
    """The package itself, or the only regular one in a namespace: packages/namespace packages have no __init__.py."""
    inner = package
    while not _is_file(context, _join(_join(root, inner.replace(".", "/")), "__init__.py")):
        folders = [f for f in context.folders(_join(root, inner.replace(".", "/"))) if f.isidentifier()]
        if len(folders) != 1:
            return package
        inner = f"{inner}.{folders[0]}"
    return inner


def _is_file(context: Context, name: str) -> bool:
    try:
        context.read_text(name)
    except ConfigError:
        return False
    return True


def _wheel(context: Context, spec: WheelSpec, common: _Common, triple: str) -> Action:
    library = context.action_for(spec.library, triple)
    if library is None or library.interface.output("cdylib") is None:
        raise PlanProblem(
            "library", f"{spec.library} makes no cdylib for {triple}", "narrow `targets` here, or widen them there"
        )
    target, platform = next(t for t in context.targets if t.triple == triple), context.platforms[triple]
    tags = tuple(f"py3-none-{tag}" for tag in wheel.platform_tags(platform, required_floor(target, platform)))
    name = wheel.wheel_file_name(common.name, common.version, tags)
    return Action(
        id=f"{context.artifact}@{triple}",
        artifact=context.artifact,
        kind="wheel",
        target=triple,
        recipe=Wheel(common=common, library=library.interface, tags=tags),
        outputs=(Output(name, "wheel", name if context.ship else None),),
        needs=(library.id,),
        sources=common.sources,
        traits=(("purl", wheel.wheel_purl(common.name, common.version, name)),),
    )


def _sdist(context: Context, spec: WheelSpec, common: _Common, project: PythonProject, triple: str | None) -> Action:
    name = wheel.sdist_file_name(common.name, common.version)
    library = context.action_for(spec.library, triple)
    if library is None or library.compiles is None:
        raise AssertionError(f"{spec.library} compiles nothing")
    # All crates, though the library may need one only: Cargo reads no workspace of which a member is missing.
    workspace = context.workspace
    sources = tuple(dict.fromkeys(s for crate in workspace.crates for s in workspace.sources(crate)))
    return Action(
        id=f"{context.artifact}@sdist",
        artifact=context.artifact,
        kind="wheel",
        recipe=Sdist(
            common=common,
            workspace=workspace.folder,
            settings=workspace.settings,
            library=library.interface,
            compiled=library.compiles,
            library_name=workspace.crates[library.compiles.crate].library or "",
            supply_backend=not _compiles_itself(project, lambda name: _is_file(context, _join(common.source, name))),
        ),
        outputs=(Output(name, "sdist", name if context.ship else None),),
        needs=(library.id,),
        sources=tuple(dict.fromkeys((common.source, *common.read, *sources))),
        tools=("rustc", "cargo"),
        traits=((SOURCES, "yes"),),
    )


def _compiles_itself(project: PythonProject, is_file: Any) -> bool:  # noqa: ANN401 - a predicate of a name
    """Whether the project's build backend is told to compile something, or is one whose purpose that is."""
    document: Any = parse(project.text.encode(), project.file)
    build, tool = document.get("build-system", {}), document.get("tool", {})
    backend = str(build.get("build-backend", "setuptools")).partition(":")[0].split(".")[0]
    if "backend-path" in build or backend not in _PLAIN_BACKENDS:
        return True
    hatch = tool.get("hatch", {}).get("build", {})
    return bool(
        (backend == "hatchling" and (hatch.get("hooks") or hatch.get("targets", {}).get("wheel", {}).get("hooks")))
        or (backend == "setuptools" and (is_file("setup.py") or "setuptools-rust" in tool))
        or (backend == "setuptools" and tool.get("setuptools", {}).get("ext-modules"))
        or (backend == "poetry" and tool.get("poetry", {}).get("build"))
        or (backend == "pdm" and (is_file("pdm_build.py") or tool.get("pdm", {}).get("build", {}).get("custom-hook")))
    )


def _parsed(context: ActionContext, common: _Common) -> PythonProject:
    file = _join(common.source, "pyproject.toml")
    text = _text(context, file)
    return PythonProject(file, text, parse(text.encode(), file)["project"], common.version)


def _text(context: ActionContext, name: str) -> str:
    try:
        return (context.project / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"this file cannot be read: {error}", where=name) from error


def _licences(context: ActionContext, common: _Common, project: PythonProject) -> dict[str, Path]:
    """Licence files by their names in the distribution: those of the release, and those that pyproject.toml names.

    Raises BuildError where two of one name differ.
    """
    files = {file.rpartition("/")[2]: context.project / file for file in common.license_files}
    names = (_relative(file.name, common.source) for file in context.source_files(common.source))
    for name in project.license_files(names if project.table.get("license-files") else ()):
        path = context.project / common.source / name
        if name in files and files[name].read_bytes() != path.read_bytes():
            raise BuildError(
                f"{_join(common.source, name)} and the licence file {name} of the release differ",
                where=project.file,
                hint="rename one of the two",
            )
        files.setdefault(posixpath.normpath(name).replace("../", ""), path)
    return files


@dataclass(frozen=True, slots=True)
class Wheel:
    """Pack the package and one target's library."""

    common: _Common
    library: ActionInterface
    tags: tuple[str, ...]

    def make(self, context: ActionContext) -> None:
        """Write the wheel; raises ConfigError for metadata that no index would accept."""
        common, project = self.common, _parsed(context, self.common)
        soname = self.library.output("cdylib")
        library = soname.name if soname else ""
        constants = {"LIBRARY": library, **_identity(context, self.library, common)}
        description = '"""What this wheel carries; written when it was packed."""\n\n' + "".join(
            f'{name}: str = "{value}"\n' for name, value in constants.items()
        )
        licences = _licences(context, common, project)
        entry_points = entry_points_text(project)
        info = wheel.info_folder(common.name, common.version)
        wheel.write_wheel(
            context.output("wheel"),
            name=common.name,
            version=common.version,
            tags=self.tags,
            metadata=metadata_text(project, lambda name: _text(context, name), licences),
            entries=[
                *_package_files(context, common),
                Member(f"{common.native}/__init__.py", description.encode()),
                Member(f"{common.native}/{library}", context.input(self.library, "cdylib"), executable=True),
                *([Member(f"{info}/entry_points.txt", entry_points.encode())] if entry_points else []),
            ],
            licenses=[Member(name, path) for name, path in licences.items()],
            epoch=common.epoch,
        )


def _identity(context: ActionContext, library: ActionInterface, common: _Common) -> dict[str, str]:
    """What the loader can compare with what the library says of itself."""
    identity = context.recorded(library.id).identity
    return {"VERSION": common.version, **{name.upper(): value for name, value in identity.values().items()}}


def _package_files(context: ActionContext, common: _Common) -> list[Member]:
    """The files of the wheel's packages, but for those that pyproject.toml leaves out."""
    left_out = IgnoreFiles()
    left_out.read("", common.left_out)

    def is_chosen(name: str) -> bool:
        path = _relative(_join(common.root, name), common.source)
        chosen = not common.only or any(path.startswith(f"{package}/") for package in common.only)
        return chosen and not left_out.ignore_any(path)

    files = _files(context, common.packed, common.root)
    return [m for m in files if common.is_packed(m.name) and is_chosen(m.name)]


def _files(context: ActionContext, folder: str, root: str) -> list[Member]:
    """All source files below a folder, by their names relative to `root`."""
    return [
        Member(_relative(file.name, root), Path(file.path), executable=file.executable)
        for file in context.source_files(folder)
    ]


@dataclass(frozen=True, slots=True)
class Sdist:
    """Pack the package and the Cargo workspace, so that the library can be built from it.

    `settings` are the files that hold for the whole workspace, `compiled` what the library is built of; with
    `supply_backend` the project's own build backend does not compile, and Ferrule's takes its place.
    """

    common: _Common
    workspace: str
    settings: tuple[str, ...]
    library: ActionInterface
    compiled: Compiled
    library_name: str
    supply_backend: bool

    def make(self, context: ActionContext) -> None:
        """Write the source distribution; raises BuildError where Cargo could not build from it."""
        common, project = self.common, _parsed(context, self.common)
        rust, workspace = self._rust(context)
        licences = _licences(context, common, project)
        kept_back = IgnoreFiles()
        kept_back.read("", common.kept_back)
        packed = {
            _relative(_join(common.root, member.name), common.source) for member in _package_files(context, common)
        }
        entries = {
            member.name: member
            for member in _files(context, common.source, common.source)
            if common.is_source(member.name) and (member.name in packed or not kept_back.ignore_any(member.name))
        }
        entries |= {member.name: member for member in rust}
        entries |= {name: Member(name, path) for name, path in licences.items() if name not in entries}
        if self.supply_backend:
            entries |= {member.name: member for member in self._backend(context, project, licences, workspace)}
        self._check(context, rust, workspace)
        wheel.write_sdist(
            context.output("sdist"),
            name=common.name,
            version=common.version,
            metadata=metadata_text(project, lambda name: _text(context, name), licences),
            entries=list(entries.values()),
            epoch=common.epoch,
        )

    def _rust(self, context: ActionContext) -> tuple[list[Member], str]:
        """The Cargo workspace and all that it reads from folders, and where its manifest is in the distribution.

        The workspace lies in `rust/`, or below it as deep as what it reads outside of its own folder asks for.
        """
        metadata = cargo.metadata(
            context.run,
            context.toolchain,
            context.project / self.workspace,
            context.site.environment,
            offline=context.site.host.offline,
        )
        local = cargo_sources.local_sources(metadata, context.project, self.workspace)
        reads = self._reads(context)
        folders = (*local.packages, *local.folders, *local.files, *reads)
        context.file_inputs(context.project / name for name in folders)
        in_place, moved = self._settings(local)
        names = {*in_place, *_published(context, local)}
        names |= {file.name for file in context.source_files(*local.folders, *local.files, *reads)}
        base = posixpath.commonpath([f"/{self.workspace}", *(f"/{posixpath.dirname(name)}" for name in names)])[1:]
        base = posixpath.normpath(base or ".")
        folder = posixpath.normpath(posixpath.join("rust", posixpath.relpath(self.workspace, base)))
        files = {f"rust/{_relative(name, base)}": name for name in sorted(names)}
        files |= {f"{folder}/{name}": file for name, file in moved.items()}
        paths = {name: context.project / file for name, file in files.items()}
        return [Member(n, path, executable=bool(path.stat().st_mode & 0o100)) for n, path in paths.items()], folder

    def _settings(self, local: LocalSources) -> tuple[list[str], dict[str, str]]:
        """Settings that keep their place, and those above the workspace that can be put into it, by their names there.

        Cargo reads settings from the workspace upwards; those that name folders count from where they lie.
        """
        in_place = [name for name in self.settings if self.workspace == "." or name.startswith(f"{self.workspace}/")]
        taken = {_relative(name, self.workspace) for name in in_place}
        moved: dict[str, str] = {}
        for name in self.settings:
            folder, _, file = name.rpartition("/")
            tail = f".cargo/{file}" if posixpath.basename(folder) == ".cargo" else file
            if name in in_place:
                continue
            if name in local.settings or tail in taken or tail in moved:
                in_place.append(name)
            else:
                moved[tail] = name
        return in_place, moved

    def _reads(self, context: ActionContext) -> tuple[str, ...]:
        """Files and folders outside of the crates that the build of the library was seen to read."""
        names: list[str] = []
        build = facts.LibraryFacts.from_json(context.facts_of[self.library.id], self.library.id)
        for name in build.reads:
            if context.site.sources.covers((".",), context.project / name):
                names.append(name)
            elif not _is_generated(context.project, name):
                raise BuildError(
                    "the build reads this, and Git ignores it, so nobody could build the source distribution",
                    where=name,
                    hint="let Git track it, let the build write it to OUT_DIR, or write sdist: false",
                )
        return tuple(names)

    def _check(self, context: ActionContext, members: list[Member], folder: str) -> None:
        """Let Cargo read the workspace where nothing else lies. Raises BuildError with what is missing."""
        context.report_progress("reading the source distribution with Cargo")
        with tempfile.TemporaryDirectory() as root:
            for member in members:
                copy = Path(root, member.name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(member.read())
            try:
                self._read_offline(context, Path(root, folder))
            except BuildError as error:
                raise BuildError(
                    f"Cargo cannot build from the source distribution: {error.message}".replace(root, ""),
                    where=context.action.id,
                    hint="add what is missing to the project, or write sdist: false",
                    output=error.output.replace(root, ""),
                ) from error

    def _read_offline(self, context: ActionContext, workspace: Path) -> None:
        offline = context.site.host.offline
        try:
            cargo.metadata(context.run, context.toolchain, workspace, context.site.environment, offline=True)
        except BuildError:
            if offline:
                raise
            # Crates of other targets were not needed yet: fetch them, and look again.
            context.run(cargo.fetch_command(context.toolchain, workspace, context.site.environment))
            cargo.metadata(context.run, context.toolchain, workspace, context.site.environment, offline=True)

    def _backend(
        self, context: ActionContext, project: PythonProject, licences: Mapping[str, Path], workspace: str
    ) -> list[Member]:
        """A build backend that compiles the library, what it has to know, and a pyproject.toml that names it."""
        common, compiled = self.common, self.compiled
        constants = _identity(context, self.library, common)
        environment = {f"FERRULE_{name}": constants[name] for name in ("FINGERPRINT", "INTERFACE") if name in constants}
        about = {
            "stem": wheel.info_folder(common.name, common.version).removesuffix(".dist-info"),
            "native": common.native,
            "files": [
                [member.name, posixpath.relpath(_join(common.root, member.name), common.source)]
                for member in _package_files(context, common)
            ],
            "known": constants,
            "entry-points": entry_points_text(project),
            "licenses": [[name, name] for name in licences],
            "cargo": [
                *("--locked", "--lib", "--package", compiled.crate, "--profile", compiled.profile),
                *([] if compiled.default_features else ["--no-default-features"]),
                *(["--features", ",".join(compiled.features)] if compiled.features else []),
            ],
            "environment": {**dict(compiled.env), **environment},
            "workspace": workspace,
            "library": self.library_name,
        }
        backend = (Path(__file__).parent / "sdist_backend.py.in").read_bytes()
        return [
            Member("pyproject.toml", _with_backend(project).encode()),
            Member(f"{_BACKEND}/sdist_backend.py", backend),
            Member(f"{_BACKEND}/wheel.json", (json.dumps(about, indent=1, sort_keys=True) + "\n").encode()),
        ]


def _published(context: ActionContext, local: LocalSources) -> set[str]:
    """Files of packages, as far as Cargo would publish them; those of packages inside belong to these."""
    manifests = context.site.sources.named(".", "Cargo.toml")
    names: set[str] = set()
    for folder, manifest in local.packages.items():
        rules = cargo_sources.PublishedFiles.of(manifest)
        for file in context.source_files(folder):
            package = cargo_sources.package_of(file.name, local.packages, manifests)
            if package == folder and rules.hold(_relative(file.name, folder)):
                names.add(file.name)
    return names


def _with_backend(project: PythonProject) -> str:
    """The text of pyproject.toml with Ferrule's backend as [build-system]; all else stays as it is."""
    table = f'[build-system]\nrequires = []\nbuild-backend = "sdist_backend"\nbackend-path = ["{_BACKEND}"]\n'
    document: Any = parse(project.text.encode(), project.file)
    expected = {**document, "build-system": tomllib.loads(table)["build-system"]}
    lines, inside = [], False
    for line in project.text.splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.partition("#")[0].strip() == "[build-system]" or (inside and not _is_header(stripped))
        if not inside:
            lines.append(line)
    text = "\n".join([*lines, "", table])
    if _loaded(text) != expected:
        raise BuildError(
            "the source distribution needs another [build-system], and this one could not be replaced",
            where=project.file,
            hint="write it as a table [build-system] with a line for each key, or write sdist: false",
        )
    return text


def _is_header(line: str) -> bool:
    return _loaded(line) is not None


def _loaded(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _is_generated(project: Path, name: str) -> bool:
    """Whether the build script of the package that holds a file names it: it writes it again where it is missing."""
    script = build_script(project, name)
    if script is None:
        return False
    return posixpath.basename(name) in (project / script).read_text(encoding="utf-8", errors="replace")


def check(spec: WheelSpec, context: Context) -> Iterator[PlanProblem]:
    """Everything that is wrong with the package's pyproject.toml, and with what it leads to."""
    problems = [*python_checks(spec.source, context)]
    yield from problems
    source, version = posixpath.normpath(spec.source), context.project.version
    manifest = _join(source, "pyproject.toml")
    try:
        text = context.read_text(manifest)
        project = PythonProject(manifest, text, python_project(text, manifest, version), version)
        document: Any = parse(text.encode(), manifest)
    except ConfigError as error:
        yield PlanProblem("source", error.message, error.hint or "write one with a [project] table", error.where)
        return
    except PlanProblem as problem:
        yield problem
        return
    for key in settings_of_others(document):
        hint = "move those files out of the package"
        message = f"only the build backend follows {key[-1]}, so what it leaves out would be packed"
        yield PlanProblem("source", message, hint, position(text, manifest, key))
    yield from (
        PlanProblem("source", m.message, m.hint, m.where) for m in _metadata_problems(project, context, problems)
    )
    try:
        root, package = _package(context, spec, source, project.name, packages_of_hatch(document))
    except PlanProblem as problem:
        yield problem
        return
    yield from _missing_modules(project, context, root, package)
    yield from _other_versions(document, context, source, root)
    for file in (f"{NATIVE}.py", f"{NATIVE}.pyi"):
        name = _join(root, f"{package.replace('.', '/')}/{file}")
        if file.endswith(".py") and _is_file(context, name):
            yield PlanProblem(
                "source", f"the library goes into a folder {NATIVE} beside this, which hides it", "rename it", name
            )
    yield from _clashing_licences(project, context, source)


def _metadata_problems(
    project: PythonProject, context: Context, problems: list[PlanProblem]
) -> tuple[ConfigError, ...]:
    """What the metadata would lose; where the table has problems, the judge has told the others."""
    if problems:
        places = {problem.where for problem in problems}
        return tuple(error for error in table_problems(project) if error.where not in places)
    try:
        check_project(project, context.read_text)
    except ConfigErrors as errors:
        return errors.errors
    return ()


def _other_versions(document: Mapping[str, Any], context: Context, source: str, root: str) -> Iterator[PlanProblem]:
    """A file that the build backend takes the version from, and that has another one than the release."""
    below = posixpath.relpath(root, source)
    for name, pattern in version_in_files(document, below):
        file = posixpath.normpath(_join(source, name))
        if not _is_file(context, file) or not (match := pattern.search(text := context.read_text(file))):
            continue
        if not versions.same_python_version(match[1], context.project.version):
            where = f"{file}:{text[: match.start(1)].count(chr(10)) + 1}:1"
            message = f"this states version {match[1]}, and the release is {context.project.version}"
            hint = f"write {context.project.version}, or take it from the metadata: importlib.metadata.version(…)"
            yield PlanProblem("source", message, hint, where)


def _missing_modules(project: PythonProject, context: Context, root: str, package: str) -> Iterator[PlanProblem]:
    """Entry points that lead to a module of the package which is not there."""
    groups = {"scripts": ("scripts",), "gui-scripts": ("gui-scripts",)}
    groups |= {g: ("entry-points", g) for g in project.table.get("entry-points", {})}
    for path in groups.values():
        table: Any = project.table
        for key in path:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        for name, reference in table.items() if isinstance(table, dict) else ():
            module = str(reference).partition(":")[0].partition("[")[0].strip()
            is_own = module.partition(".")[0] == package.partition(".")[0]
            if not is_own or module.startswith(f"{package}.{NATIVE}"):
                continue
            *above, last = module.split(".")
            folder = "/".join(_join(root, name) for name in ["/".join(above)] if name) or root
            if last not in context.folders(folder) and not _is_file(context, _join(folder, f"{last}.py")):
                where = position(project.text, project.file, ("project", *path, name))
                yield PlanProblem("source", f"there is no module {module}", "write it, or name another", where)


def _clashing_licences(project: PythonProject, context: Context, source: str) -> Iterator[PlanProblem]:
    """Licence files of the package and of the release with one name and another text."""
    for pattern in project.table.get("license-files", ()):
        for file in context.project.license_files:
            name = file.rpartition("/")[2]
            beside = _join(source, name)
            if beside == file or not is_license_file(pattern, name) or not _is_file(context, beside):
                continue
            if context.read_text(beside) != context.read_text(file):
                where = position(project.text, project.file, ("project", "license-files"))
                message = f"{beside} and the licence file {file} of the release differ"
                yield PlanProblem("source", message, "rename one of the two", where)


KIND = Kind(
    name="wheel",
    spec=WheelSpec,
    plan=plan,
    summary="Python wheels around a native library, and the source distribution",
    unsupported=no_wheel,
    check=check,
)
