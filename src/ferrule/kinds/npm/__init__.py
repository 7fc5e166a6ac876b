"""npm packages: a component as an ES module, native libraries for each platform, or the one behind the other."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ferrule.core.errors import ConfigError
from ferrule.core.model import Action
from ferrule.core.section import Field
from ferrule.formats import versions
from ferrule.formats.package_json import (
    PackageJson,
    entry_points_by_key,
    is_entry_point,
    package_problems,
    read_package_json,
)
from ferrule.kinds import generated_bindings, npm_platforms
from ferrule.kinds.base import (
    ArtifactRef,
    Context,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    version_problem,
)
from ferrule.kinds.linked_code import third_party
from ferrule.kinds.npm import bindings, native
from ferrule.kinds.npm.package import COMPONENT, NODE, NpmPackage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.core.platforms import Platform
    from ferrule.kinds.npm.native import LibraryPackage


class NpmSpec(Spec):
    """A package of JavaScript that uses a component, a native library, or the one where the other is missing."""

    kind: Literal["npm"]
    component: Annotated[str, ArtifactRef(("component",))] | None = Field(
        default=None, description="The component to pack, for all machines: `./component/index.js`."
    )
    library: Annotated[str, ArtifactRef(("library",))] | None = Field(
        default=None,
        description="The library to pack, an addon by napi or one with a C interface, in a package for each platform "
        "that npm installs along: `./native/index.js` finds it.",
    )
    bindings: Annotated[str, ArtifactRef(("header",))] | None = Field(
        default=None,
        description=f"{generated_bindings.DESCRIPTION} They are `./native/bindings.js`, on koffi, of which "
        "package.json names a version.",
    )
    source: Annotated[RelativePath, ProjectPath("folder")] = Field(
        description="Folder with package.json, and the JavaScript and types that import `./component/index.js` or "
        "`./native/index.js`."
    )


def plan(spec: NpmSpec, context: Context) -> list[Action]:
    """The package that is one for all machines, and those with a library, one for each platform."""
    if spec.library is None and spec.component is None:
        raise PlanProblem("kind", "there is nothing to pack", "name `library`, `component` or both")
    if spec.bindings is not None and spec.library is None:
        raise PlanProblem("bindings", "bindings call a native library, and this names none", "name it by `library`")
    if spec.library is not None:
        return _plan_native(spec, spec.library, context)
    targets = [target.triple for target in context.targets if context.platforms[target.triple].is_portable]
    components = {triple: context.action_for(spec.component or "", triple) for triple in targets}
    for triple, component in components.items():
        if component is None:
            raise PlanProblem("component", f"{spec.component} is not made for {triple}", "widen `targets` there")
    manifest = package_json(spec, context)
    return [one for component in components.values() for one in _actions(spec, context, manifest, component, ())]


def _plan_native(spec: NpmSpec, library: str, context: Context) -> list[Action]:
    """The main package, with the component if there is one, and those of the platforms; none without a library."""
    manifest = package_json(spec, context)
    rows = native.packages(library, manifest["name"], spec.targets, context)
    component = next(iter(context.actions_of(spec.component)), None) if spec.component else None
    if not rows or (spec.component and component is None):
        return []
    name = manifest["name"]
    generated = bindings.plan(context, spec.bindings, library, name, spec.source, rows) if spec.bindings else []
    return [
        *generated,
        *_actions(spec, context, manifest, component, rows, *generated),
        *_native(spec, context, manifest, rows),
    ]


def _native(
    spec: NpmSpec, context: Context, manifest: Mapping[str, Any], rows: tuple[LibraryPackage, ...]
) -> Iterator[Action]:
    libraries = context.actions_of(spec.library or "")
    by_id = {action.id: action.target for action in libraries}
    for row in rows:
        triple = by_id[row.library.id]
        contents = third_party.inside(context, [action for action in libraries if action.id == row.library.id])
        package = Action(
            id=f"{context.artifact}@{triple}",
            artifact=context.artifact,
            kind="npm",
            target=triple,
            recipe=native.NativePackage(
                row,
                context.project.version,
                native.about(manifest),
                context.project.license_files,
                context.project.epoch,
                contents=third_party.interfaces(contents),
            ),
            outputs=(npm_platforms.tarball(row.name, context),),
            needs=(row.library.id, *(action.id for action in contents)),
            sources=context.project.license_files,
            traits=npm_platforms.purl(row.name, context),
        )
        yield from third_party.following(context, contents, package)


def check(spec: NpmSpec, context: Context) -> Iterator[PlanProblem]:
    """A version that npm does not take, and everything that is wrong with package.json."""
    if message := versions.npm_problem(context.project.version):
        yield version_problem(message, context, context.project.version.partition("+")[0])
    try:
        yield from _problems(_read(spec.source, context), spec, context)
    except ConfigError as error:
        yield PlanProblem("source", error.message, error.hint, error.where)


def _actions(
    spec: NpmSpec,
    context: Context,
    manifest: Mapping[str, Any],
    component: Action | None,
    rows: tuple[LibraryPackage, ...],
    generated: Action | None = None,
) -> list[Action]:
    project = context.project
    output = component.interface.output("component") if component else None
    tarball = npm_platforms.tarball(manifest["name"], context)
    contents = third_party.inside(context, [component] if component else [])
    action = Action(
        id=f"{context.artifact}@{component.target}" if component and not rows else context.artifact,
        artifact=context.artifact,
        kind="npm",
        target=component.target if component and not rows else None,
        recipe=NpmPackage(
            source=spec.source,
            stem=output.name.removesuffix(".wasm").removesuffix(f"-{project.version}") if output else "",
            component=component.interface if component else None,
            natives=rows,
            manifest=json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
            license_files=project.license_files,
            epoch=project.epoch,
            contents=third_party.interfaces(contents),
            bindings=generated.interface if generated else None,
        ),
        outputs=(tarball,),
        needs=(
            *([component.id] if component else []),
            *(one.id for one in contents),
            *([generated.id, *(row.library.id for row in rows)] if generated else []),
        ),
        sources=(spec.source, *project.license_files),
        tools=("jco",) if component else (),
        traits=npm_platforms.purl(manifest["name"], context),
    )
    return third_party.following(context, contents, action)


def package_json(spec: NpmSpec, context: Context) -> dict[str, Any]:
    """The package.json of the package: what was written, and what the release adds (npm, "package.json").

    Raises PlanProblem for what contradicts the release, would not work, or npm would refuse.
    """
    package = _read(spec.source, context)
    for problem in _problems(package, spec, context):
        raise problem
    written, folders = package.document, _folders(spec)
    derived = {
        "description": context.project.description,
        "license": context.project.license,
        "homepage": context.project.homepage,
        "type": "module",
        "exports": None if {"exports", "main"} & written.keys() else _exports(folders),
        "engines": {"node": NODE},
    }
    added = {key: value for key, value in derived.items() if key not in written and value is not None}
    manifest = {"name": written["name"], "version": context.project.version, **written, **added}
    if "files" in written:
        names = (name if "*" in name else name.removeprefix("./").rstrip("/") for name in written["files"])
        manifest["files"] = [*(name for name in names if name not in folders), *folders]
    return manifest


def _folders(spec: NpmSpec) -> tuple[str, ...]:
    """The folders that the release writes."""
    return (*([COMPONENT] if spec.component else []), *([native.FOLDER] if spec.library else []))


def _exports(folders: tuple[str, ...]) -> dict[str, Any]:
    """What is imported where the source folder has no JavaScript of its own."""
    main = {"types": f"./{folders[0]}/index.d.ts", "default": f"./{folders[0]}/index.js"}
    return {".": main, **{f"./{name}/*": f"./{name}/*" for name in folders}, "./package.json": "./package.json"}


def _read(source: str, context: Context) -> PackageJson:
    """The source's package.json. Raises ConfigError."""
    file = posixpath.normpath(f"{source}/package.json")
    return read_package_json(context.read_text(file), file)


def _problems(package: PackageJson, spec: NpmSpec, context: Context) -> Iterator[PlanProblem]:
    """Everything that contradicts the release, would not work, or npm would refuse, with its place."""
    source, folders = spec.source, _folders(spec)
    for problem in package_problems(package, context.project.version, context.project.license):
        yield PlanProblem("source", problem.message, problem.hint, problem.where)
    if spec.bindings is not None:
        yield from bindings.problems(package)
    for key, path in entry_points_by_key(package.document):
        # What the release writes is not there yet.
        if not (
            path.startswith(tuple(f"{folder}/" for folder in folders))
            or "*" in path
            or is_entry_point(path, lambda name: context.has_file(f"{source}/{name}"), key)
        ):
            hint = f"correct `{key}`, or add the file"
            yield PlanProblem("source", f"this leads to ./{path}, which cannot be read", hint, package.at(key))
    if not {"exports", "main"} & package.document.keys() and context.has_file(f"{source}/index.js"):
        hint = 'write "exports": {".": {"types": "./index.d.ts", "default": "./index.js"}}'
        yield PlanProblem("source", "this does not say what is imported", hint, package.at())


def _unsupported(platform: Platform) -> str | None:
    return None if platform.npm or platform.is_portable else f"npm has no name for {platform.title}"


KIND = Kind(
    name="npm",
    spec=NpmSpec,
    plan=plan,
    check=check,
    summary="npm packages of a component for Node.js, browsers and bundlers, and of a native library",
    unsupported=_unsupported,
)
