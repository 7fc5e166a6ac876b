"""Extension modules of CPython and PyPy as wheels: by maturin and zig from one machine, or by cibuildwheel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Compiled, Output
from ferrule.core.section import Field
from ferrule.core.toml_file import parse, position
from ferrule.formats import wheel as wheel_format
from ferrule.kinds import debug_symbols
from ferrule.kinds.base import (
    Context,
    CrateRef,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    needs_linker,
    no_wheel,
    python_checks,
    python_project,
    required_floor,
)
from ferrule.kinds.extension import maturin_settings, pythons
from ferrule.kinds.extension.by_cibuildwheel import ON_A_MAC, CibuildwheelExtension
from ferrule.kinds.extension.by_maturin import MaturinExtension
from ferrule.kinds.extension.contents import MODULES, LinkedCode, Package, PlannedWheel
from ferrule.kinds.extension.pythons import PYTHON
from ferrule.kinds.linked_code import third_party
from ferrule.kinds.linked_code.components import supplier
from ferrule.kinds.linked_code.packed_bill import PackedBill
from ferrule.tools import cibuildwheel, container, maturin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.core.model import Target
    from ferrule.core.platforms import Platform

Builder = Literal["zig", "cibuildwheel"]


class ExtensionSpec(Spec):
    """A Python package with an extension module, as built with PyO3."""

    kind: Literal["extension"]
    crate: Annotated[str, CrateRef(("cdylib",))] = Field(description="The crate of the extension module.")
    source: Annotated[RelativePath, ProjectPath("folder")] | None = Field(
        default=None, description="Folder with pyproject.toml; by default the crate's own."
    )
    reads: tuple[Annotated[RelativePath, ProjectPath("either")], ...] = Field(
        default=(),
        description="Files and folders besides the package and the Cargo workspace that the build reads: nothing else "
        "of the project is there.",
        examples=[["rust"]],
    )
    builder: Builder | None = Field(
        default=None,
        description="Who builds it: maturin with zig as the linker, for every target from one machine, or cibuildwheel "
        "in the images of the PyPA and on Macs; by default zig for PyO3 modules whose build backend is maturin, where "
        "no image is named.",
    )
    pythons: tuple[Annotated[str, Field(pattern=PYTHON)], ...] | None = Field(
        default=None,
        min_length=1,
        description="Pythons to build for: CPython (cp312), free-threaded (cp314t), PyPy (pp311), or abi3 for one "
        "wheel that serves all CPythons; by default abi3 where PyO3's features ask for it, else every CPython that "
        "requires-python and PyO3 allow.",
        examples=[["cp310", "cp311", "cp312", "cp313", "cp314", "cp314t", "pp311"]],
    )
    auditable: bool = Field(
        default=True,
        description="Whether the modules hold the list of their crates, as cargo-auditable writes it and scanners read "
        "it; those that cibuildwheel builds never do.",
    )
    debug_symbols: bool = Field(
        default=False,
        description="Whether the debug information of the modules stands in an archive beside the release: line "
        "tables, or what the Cargo profile asks for. The wheels hold none. Not for what cibuildwheel builds.",
    )
    image: (
        Annotated[
            str,
            Field(pattern=r"^([a-z0-9][a-z0-9.:_/-]{0,254}@)?sha256:[0-9a-f]{64}$", examples=[f"sha256:{'0' * 64}"]),
        ]
        | None
    ) = Field(
        default=None,
        description="An image of your own for cibuildwheel to build in on Linux, by digest; by default the one that it "
        "has for the target's glibc.",
    )


@dataclass(frozen=True, slots=True)
class _Sources:
    """What the package and the workspace say: `pyo3` is the version in Cargo.lock, `features` those of PyO3."""

    folder: str
    file: str
    text: str
    project: Mapping[str, Any]
    maturin: Mapping[str, Any]
    is_maturins: bool
    crate_features: tuple[str, ...]
    default_features: bool
    pyo3: tuple[int, int] | None
    features: frozenset[str] | None

    @property
    def stable(self) -> int | None:
        """The oldest Python of the stable interface that PyO3 is built for, 0 for the package's; None for none."""
        return pythons.stable_interface(self.features or ())

    @property
    def requires(self) -> str | None:
        """Which Pythons the package says it is for."""
        value: str | None = self.project.get("requires-python")
        return value

    @property
    def oldest(self) -> int:
        """The oldest Python that the package is for; raises PlanProblem."""
        if (oldest := pythons.oldest_python(self.requires)) is not None:
            return oldest
        raise PlanProblem(
            "source",
            f"{self.file} does not say which Python is the oldest that the extension is for",
            'write requires-python = ">=3.11" under [project]; the wheel serves that one and all newer ones',
            self.at("project", "requires-python"),
        )

    @property
    def oldest_stable(self) -> int:
        """The oldest Python of the stable interface that PyO3 is built for; raises PlanProblem."""
        return self.stable or self.oldest

    def at(self, *keys: str) -> str:
        """The place of a key of pyproject.toml."""
        return position(self.text, self.file, keys)

    def builder(self, spec: ExtensionSpec) -> Builder:
        """Who builds it, by choice or by what the package is."""
        if spec.builder is not None:
            return spec.builder
        return "zig" if spec.image is None and self.is_maturins and self.pyo3 else "cibuildwheel"

    def by_maturin_or(self, other: str) -> str:
        """What to do about what cibuildwheel does not: let maturin build it, if it is a module that it builds."""
        return other if self.pyo3 is None or self.features is None else f"write `builder: zig`, or {other}"

    def names(self, spec: ExtensionSpec) -> tuple[str, ...]:
        """The Pythons to build for, as targets.yaml names them."""
        if spec.pythons is not None:
            return tuple(dict.fromkeys(spec.pythons))
        if self.stable is not None or self.pyo3 is None:
            return (pythons.ABI3,)
        return pythons.by_default(self.pyo3, self.requires)


def plan(spec: ExtensionSpec, context: Context) -> list[Action]:
    """One action a target, which makes its wheels and takes the compiled files out of them."""
    sources = _read(spec, context)
    return [action for target in context.targets for action in _extension(context, sources, target)]


def _read(spec: ExtensionSpec, context: Context) -> _Sources:
    crate = context.crate(spec.crate)
    folder = spec.source or crate.folder
    file = f"{folder}/pyproject.toml".removeprefix("./")
    text = context.read_text(file)
    project = python_project(text, file, context.project.version)
    if problem := pythons.requires_problem(project.get("requires-python")):
        where = position(text, file, ("project", "requires-python"))
        raise PlanProblem("source", problem, 'write requires-python = ">=3.11", or leave it out', where)
    document = parse(text.encode(), file, "file", "correct it")
    settings = document.get("tool", {}).get("maturin", {})
    if not isinstance(settings, dict):
        where = position(text, file, ("tool", "maturin"))
        raise PlanProblem("source", "[tool.maturin] is not a table", "correct it", where)
    for key, message, hint in maturin_settings.type_problems(settings):
        raise PlanProblem("source", message, hint, position(text, file, ("tool", "maturin", key)))
    crate_features, default = tuple(settings.get("features", ())), settings.get("no-default-features") is not True
    return _Sources(
        folder=folder,
        file=file,
        text=text,
        project=project,
        maturin=settings,
        is_maturins=document.get("build-system", {}).get("build-backend") == maturin.NAME,
        crate_features=crate_features,
        default_features=default,
        pyo3=pythons.pyo3_version(_lock(context)),
        features=pythons.pyo3_features(context, spec.crate, crate_features, default=default),
    )


def _lock(context: Context) -> str:
    """The text of Cargo.lock; that there is none is said elsewhere."""
    return context.read_text(context.workspace.lock) if context.has_file(context.workspace.lock) else ""


def check(spec: ExtensionSpec, context: Context) -> Iterator[PlanProblem]:
    """The package's own problems, and Pythons that it cannot be built for."""
    yield from python_checks(spec.source or context.crate(spec.crate).folder, context)
    try:
        sources = _read(spec, context)
        problems = [
            problem for target in context.targets for problem in _problems_of_target(context, sources, target.triple)
        ]
    except (ConfigError, PlanProblem):
        return  # planning gives this problem
    yield from {problem.message: problem for problem in problems}.values()


def _problems_of_target(context: Context, sources: _Sources, triple: str) -> Iterator[PlanProblem]:
    spec, platform = context.spec_for(triple), context.platforms[triple]
    assert isinstance(spec, ExtensionSpec)  # noqa: S101 - for the type checker
    names, builder = sources.names(spec), sources.builder(spec)
    if builder == "zig" or sources.is_maturins:
        manifest = context.crate(spec.crate).manifest
        for key, message, hint in maturin_settings.problems(sources.maturin, sources.folder, manifest, context):
            yield PlanProblem("source", message, hint, sources.at("tool", "maturin", key))
    if builder == "cibuildwheel":
        yield from _problems_of_cibuildwheel(spec, context, sources, platform)
        return
    if spec.image is not None:
        hint = f"write `builder: cibuildwheel`, or remove `image` from {context.artifact}"
        yield PlanProblem("image", "maturin builds in no image", hint)
    if sources.pyo3 is None or sources.features is None:
        # Where cibuildwheel builds nothing either, it is no way out.
        other = "write `builder: cibuildwheel`" if platform.floor_name else f"leave {platform.triple} out of `targets`"
        hint = f"{other}, or use PyO3"
        yield PlanProblem("builder", f"{spec.crate} is no PyO3 module, as Cargo.lock and its manifest say", hint)
        return
    if not names and sources.pyo3 < pythons.OLDEST_PYO3:
        yield PlanProblem("crate", *pythons.too_old(sources.pyo3), _place_of_pyo3(spec, context))
    elif not names:
        hint = "correct requires-python, or take a newer PyO3"
        message = f"PyO3 {sources.pyo3[0]}.{sources.pyo3[1]} knows no Python that {sources.requires} accepts"
        yield PlanProblem("source", message, hint, sources.at("project", "requires-python"))
    yield from _problems_of_pythons(spec, context, sources, sources.pyo3, platform)
    if pythons.needs_import_library(platform, sources.pyo3, sources.features):
        hint = "add the feature generate-import-lib to pyo3, or take PyO3 0.29 or newer, which needs none"
        message = f"this PyO3 needs an import library of Python's to be linked for {platform.title}"
        yield PlanProblem("crate", message, hint, _place_of_pyo3(spec, context))


def _problems_of_pythons(
    spec: ExtensionSpec, context: Context, sources: _Sources, version: tuple[int, int], platform: Platform
) -> Iterator[PlanProblem]:
    names, newest = sources.names(spec), pythons.newest_python(version)
    oldest = sources.oldest_stable if pythons.ABI3 in names and sources.stable is not None else 0
    for name in names:
        if problem := pythons.problem_of(name, version, platform):
            yield PlanProblem("pythons", *problem)
        elif name.startswith("cp") and not name.endswith("t") and sources.stable is not None:
            hint = f"write abi3 in place of {name}, or turn the feature of PyO3 off"
            message = f"{spec.crate} builds PyO3 for the stable interface, so it makes no wheel for {name} alone"
            yield PlanProblem("pythons", message, hint)
        elif name == pythons.ABI3 and sources.stable is None and spec.pythons is not None:
            yield _not_stable(spec, context, "pythons")
        elif pythons.not_accepted(name, sources.requires, oldest):
            yield _not_accepted(spec, sources, name)
        elif name == pythons.ABI3 and oldest > newest:
            message = f"the wheel is for Python 3.{oldest} and newer, and PyO3 and maturin know none after 3.{newest}"
            hint = "name an older Python in the feature of PyO3, or in requires-python"
            yield PlanProblem("source", message, hint, sources.at("project", "requires-python"))
    others = [name for name in names if name != pythons.ABI3]
    if platform.system == "windows" and sources.stable is not None and others:
        # maturin 1.16: there it looks at no Python where a feature of PyO3 says which interface is meant.
        message = f"for Windows maturin makes no wheel for {others[0]} of a module for the stable interface"
        hint = f"write pythons: [abi3] for {platform.triple} under `per-target`"
        yield PlanProblem("pythons", message, hint)


def _problems_of_cibuildwheel(
    spec: ExtensionSpec, context: Context, sources: _Sources, platform: Platform
) -> Iterator[PlanProblem]:
    if platform.floor_name is None:
        reason = f"no image or machine of cibuildwheel's is known here for {platform.title}"
        yield PlanProblem("builder", reason, sources.by_maturin_or("narrow `targets`"))
    if spec.debug_symbols:
        message = "what cibuildwheel links keeps no debug information that could be packed beside it"
        yield PlanProblem("debug-symbols", message, sources.by_maturin_or("remove `debug-symbols`"))
    if spec.pythons not in {None, (pythons.ABI3,)}:
        message = "by cibuildwheel one wheel for the stable interface is built for a target, and no others"
        yield PlanProblem("pythons", message, sources.by_maturin_or("remove `pythons`"))
    if "pyo3" in context.crate(spec.crate).packages and sources.stable is None:
        yield _not_stable(spec, context, "crate")


def _not_accepted(spec: ExtensionSpec, sources: _Sources, name: str) -> PlanProblem:
    title = f"{name} from 3.{sources.oldest_stable} on" if name == pythons.ABI3 else name
    message = f"no pip would install the wheel for {title}: requires-python is {sources.requires}"
    if spec.pythons is not None:
        return PlanProblem("pythons", message, f"leave {name} out, or widen requires-python in {sources.file}")
    hint = "widen it, or let the feature of PyO3 begin at an older Python"
    return PlanProblem("source", message, hint, sources.at("project", "requires-python"))


def _not_stable(spec: ExtensionSpec, context: Context, key: str) -> PlanProblem:
    return PlanProblem(
        key,
        f"{spec.crate} builds PyO3 for one version of Python only, and the wheel promises the stable interface",
        'add the feature: pyo3 = { version = "…", features = ["abi3-py311"] }, as old as requires-python',
        _place_of_pyo3(spec, context),
    )


def _place_of_pyo3(spec: ExtensionSpec, context: Context) -> str:
    crate = context.crate(spec.crate)
    return position(context.read_text(crate.manifest), crate.manifest, ("dependencies", "pyo3"))


def _extension(context: Context, sources: _Sources, target: Target) -> list[Action]:
    """What says which crates are linked in, and what makes the wheels."""
    problem = next(_problems_of_target(context, sources, target.triple), None)
    if problem is not None:
        raise problem
    spec, platform = context.spec_for(target.triple), context.platforms[target.triple]
    assert isinstance(spec, ExtensionSpec)  # noqa: S101 - for the type checker
    project, workspace = context.project, context.workspace
    package = Package(
        source=sources.folder,
        name=sources.project["name"],
        version=project.version,
        commit=project.commit,
        license_files=project.license_files,
        epoch=project.epoch,
    )
    # All crates, though the module may need one only: Cargo reads no workspace of which a member is missing.
    rust = (path for name in workspace.crates for path in workspace.sources(name))
    floor = required_floor(target, platform)
    tags = wheel_format.platform_tags(platform, floor)
    by_zig = sources.builder(spec) == "zig"
    names = sources.names(spec) if by_zig else (pythons.ABI3,)
    wheels = []
    oldest = (sources.oldest_stable if by_zig else sources.oldest) if pythons.ABI3 in names else 0
    for python in (pythons.build_of(name, oldest) for name in names):
        expanded = tuple(f"{python.tag}-{tag}" for tag in tags)
        name = wheel_format.wheel_file_name(package.name, package.version, expanded)
        purl = wheel_format.wheel_purl(package.name, package.version, name)
        wheels.append(PlannedWheel(python, name, expanded, purl))
    in_image = not by_zig and platform.oci is not None
    image = cibuildwheel.image_for(wheel_format.parse_floor(floor)) if in_image else None
    tools: tuple[str, ...] = (
        *("rustc", "cargo", f"std-{target.triple}", "zig", maturin.NAME),
        *(debug_symbols.tools(platform) if spec.debug_symbols else ()),
    )
    if not by_zig:
        tools = (cibuildwheel.NAME, *([container.NAME] if in_image else []), "zig")
    compiles = Compiled(
        *(spec.crate, target.triple, sources.crate_features, sources.default_features, workspace.package(spec.crate))
    )
    contents = third_party.contents_of(context, compiles, tools, "extension")
    bill = PackedBill(
        name=package.name,
        version=package.version,
        purl="",
        supplier=supplier(project.name, workspace),
        license=project.license,
        epoch=project.epoch,
        platform=platform,
        contents=((target.triple, contents.interface),),
    )
    recipe: MaturinExtension | CibuildwheelExtension
    if by_zig:
        recipe = MaturinExtension(
            package=package,
            platform=platform,
            floor=target.floor(platform.floor_name),
            compatibility=_compatibility(platform, floor),
            workspace=workspace.folder,
            profile=str(sources.maturin.get("profile", "release")),
            wheels=tuple(wheels),
            linked=LinkedCode(contents.interface, bill),
            auditable=spec.auditable,
            debug_symbols=spec.debug_symbols,
        )
    else:
        recipe = CibuildwheelExtension(
            package=package,
            python=f"cp3{oldest}",
            platform=platform,
            floor=floor,
            image=spec.image or image if in_image else None,
            wheel=wheels[0],
            linked=LinkedCode(contents.interface, bill),
        )
    action = Action(
        id=f"{context.artifact}@{target.triple}",
        artifact=context.artifact,
        kind="extension",
        target=target.triple,
        recipe=recipe,
        outputs=(
            Output(MODULES, MODULES, folder=True),
            *(debug_symbols.outputs(platform) if spec.debug_symbols else ()),
            *(Output(wheel.name, "wheel", wheel.name if context.ship else None) for wheel in wheels),
        ),
        needs=(contents.id,),
        sources=tuple(dict.fromkeys((sources.folder, *rust, *spec.reads, *project.license_files))),
        tools=tools,
        traits=tuple((f"purl:{wheel.name}", wheel.purl) for wheel in wheels),
        compiles=compiles,
        machine=None if by_zig or in_image else ON_A_MAC,
    )
    stem = wheel_format.distribution_name(package.name)
    beside = [debug_symbols.archive_of(context, action, stem)] if spec.debug_symbols else []
    return [*third_party.following(context, [contents], action), *beside]


def _compatibility(platform: Platform, floor: str) -> str | None:
    """The platform tag for Linux without its machine, as maturin is asked for it: `manylinux_2_17`."""
    tag = platform.wheel_tag(*wheel_format.parse_floor(floor))
    return tag.removesuffix(f"_{platform.architecture.wheel}") if "linux" in tag else None


def _unsupported(platform: Platform) -> str | None:
    problem = f"a module is built for one machine, and this is {platform.title}" if platform.parts else None
    return no_wheel(platform) or problem or needs_linker(platform)


KIND = Kind(
    name="extension",
    spec=ExtensionSpec,
    plan=plan,
    summary="Python wheels with an extension module, for the stable interface or for each Python",
    unsupported=_unsupported,
    check=check,
)
