"""Python wheels around an already built library (py3-none-<platform>), and the source distribution beside them.

Metadata and entry points are those of pyproject.toml. A source distribution holds the package and the Cargo workspace
with everything that it reads from folders; it ships only after Cargo has read it where nothing else lies. Where the
project's build backend would leave the library out, one that compiles it is put in its place.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.bindings import LANGUAGES
from ferrule.core.model import Action, Output
from ferrule.core.section import Field
from ferrule.core.toml_file import parse, value_at
from ferrule.formats import wheel
from ferrule.formats.package_selection import (
    left_out_of_sdists,
    left_out_of_wheels,
)
from ferrule.formats.python_metadata import (
    PythonProject,
    check_project,
)
from ferrule.kinds import generated_bindings
from ferrule.kinds.base import (
    HOLDS_NO_CODE,
    ArtifactRef,
    Context,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    needs_machine,
    no_wheel,
    python_project,
    required_floor,
)
from ferrule.kinds.linked_code import third_party
from ferrule.kinds.linked_code.components import supplier
from ferrule.kinds.linked_code.packed_bill import PackedBill
from ferrule.kinds.wheel import checks, pack, sdist
from ferrule.kinds.wheel.layout import chosen_packages, find_package, packages_beside
from ferrule.kinds.wheel.package_sources import (
    PackageSources,
    join,
    relative,
)

if TYPE_CHECKING:
    from ferrule.core.platforms import Platform

_HOOKS: Final = {
    "hatchling": (("hatch", "build", "hooks"), ("hatch", "build", "targets", "wheel", "hooks")),
    "setuptools": (("setuptools-rust",), ("setuptools", "ext-modules")),
    "poetry": (("poetry", "build"),),
    "pdm": (("pdm", "build", "custom-hook"),),
}
"""Settings below `tool` by which such a backend compiles something all the same."""
_BUILD_SCRIPTS: Final = {"setuptools": ("setup.py",), "pdm": ("pdm_build.py",)}
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
    package: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,127}$", examples=["acme.demo"])] | None = Field(
        default=None,
        description="Import name of the package that loads the library (`acme.demo` in a namespace); by default the "
        "only one.",
    )
    bindings: Annotated[str, ArtifactRef(("header",))] | None = Field(
        default=None, description=f"{generated_bindings.DESCRIPTION} They are the module `_bindings` of the package."
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
    chosen = chosen_packages(context, source, document, project.name)
    root, package = find_package(context, source, project.name, spec.package, chosen)
    common = PackageSources(
        source=source,
        root=root,
        package=package,
        name=project.name,
        version=context.project.version,
        license_files=context.project.license_files,
        read=tuple(dict.fromkeys((*context.project.license_files, *([project.readme] if project.readme else ())))),
        epoch=context.project.epoch,
        left_out=left_out_of_wheels(document, relative(root, source) if root != source else "."),
        chosen=chosen,
        beside=packages_beside(context, source, root, package, chosen),
        kept_back=left_out_of_sdists(document),
    )
    if spec.bindings is None or not context.targets:
        generated = []
    else:
        path = join(root, f"{package.replace('.', '/')}/{LANGUAGES['python'].file}")
        generated = [
            generated_bindings.plan(
                *(context, spec.bindings, tuple(context.platforms[t.triple] for t in context.targets)),
                language="python",
                package=project.name,
                path=path,
            )
        ]
        common = replace(common, bindings=generated[0].interface)
    actions = [action for target in context.targets for action in _wheel(context, spec, common, target.triple)]
    if spec.sdist and actions:
        actions.append(_sdist(context, spec, common, project, actions[0].target))
    return [*generated, *actions]


def _wheel(context: Context, spec: WheelSpec, common: PackageSources, triple: str) -> list[Action]:
    library = context.action_for(spec.library, triple)
    if library is None or library.interface.output("cdylib") is None:
        raise PlanProblem(
            "library", f"{spec.library} makes no cdylib for {triple}", "narrow `targets` here, or widen them there"
        )
    target, platform = next(t for t in context.targets if t.triple == triple), context.platforms[triple]
    tags = tuple(f"py3-none-{tag}" for tag in wheel.platform_tags(platform, required_floor(target, platform)))
    name = wheel.wheel_file_name(common.name, common.version, tags)
    contents, purl = third_party.inside(context, [library]), wheel.wheel_purl(common.name, common.version, name)
    bill = PackedBill(
        name=common.name,
        version=common.version,
        purl=purl,
        supplier=supplier(context.project.name, context.workspace),
        license=context.project.license,
        epoch=common.epoch,
        platform=platform,
        contents=tuple((action.target or "", action.interface) for action in contents),
    )
    action = Action(
        id=f"{context.artifact}@{triple}",
        artifact=context.artifact,
        kind="wheel",
        target=triple,
        recipe=pack.Wheel(common, library.interface, tags, third_party.interfaces(contents), bill),
        outputs=(Output(name, "wheel", name if context.ship else None),),
        needs=(library.id, *common.needs, *(action.id for action in contents)),
        sources=common.sources,
        traits=(("purl", purl),),
    )
    return third_party.following(context, contents, action)


def _sdist(
    context: Context, spec: WheelSpec, common: PackageSources, project: PythonProject, triple: str | None
) -> Action:
    name = wheel.sdist_file_name(common.name, common.version)
    # A joined library is compiled for other targets, of which any will do: sources are of no machine.
    compiled = [action for action in context.actions_of(spec.library) if action.compiles]
    library = next((action for action in compiled if action.target == triple), compiled[0])
    if library.compiles is None:
        raise AssertionError(f"{spec.library} compiles nothing")
    # All crates, though the library may need one only: Cargo reads no workspace of which a member is missing.
    workspace = context.workspace
    sources = tuple(dict.fromkeys(s for crate in workspace.crates for s in workspace.sources(crate)))
    return Action(
        id=f"{context.artifact}@sdist",
        artifact=context.artifact,
        kind="wheel",
        recipe=sdist.Sdist(
            common=common,
            workspace=workspace.folder,
            settings=workspace.settings,
            library=library.interface,
            compiled=library.compiles,
            library_name=workspace.crates[library.compiles.crate].library or "",
            supply_backend=not _compiles_itself(project, lambda name: context.has_file(join(common.source, name))),
        ),
        outputs=(Output(name, "sdist", name if context.ship else None),),
        needs=(library.id, *common.needs),
        sources=tuple(dict.fromkeys((common.source, *common.read, *sources))),
        tools=("rustc", "cargo"),
        traits=((HOLDS_NO_CODE, "yes"),),
    )


def _compiles_itself(project: PythonProject, is_file: Any) -> bool:  # noqa: ANN401 - a predicate of a name
    """Whether the project's build backend is told to compile something, or is one whose purpose that is."""
    document: Any = parse(project.text.encode(), project.file)
    build = document.get("build-system", {})
    backend = str(build.get("build-backend", "setuptools")).partition(":")[0].split(".")[0]
    if "backend-path" in build or backend not in _PLAIN_BACKENDS:
        return True
    return any(value_at(document, "tool", *path) for path in _HOOKS.get(backend, ())) or any(
        is_file(name) for name in _BUILD_SCRIPTS.get(backend, ())
    )


def _unsupported(platform: Platform) -> str | None:
    return no_wheel(platform) or needs_machine(platform)


KIND = Kind(
    name="wheel",
    spec=WheelSpec,
    plan=plan,
    summary="Python wheels around a native library, and the source distribution",
    unsupported=_unsupported,
    check=lambda spec, context: checks.check(spec.source, spec.package, context),
)
