"""Packages around the crates, in Python, JavaScript and Go, as artifacts; pure."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ferrule.app.init.findings import CrateUse, GoModule, NpmPackage, PythonPackage, Uncovered
from ferrule.app.init.lines import Line
from ferrule.app.init.uses import NAPI, Project, has_build_script, is_component, is_node_addon, stem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.model import Json


def artifacts(project: Project) -> Iterator[Line | Uncovered]:
    """What is made of each package that uses what the release brings, and why the others are none."""
    libraries = [project.name(use, "native", project.libraries, "-native") for use in project.libraries]
    components = tuple(use for use in project.workspace.crates if is_component(use, project))
    component = project.name(components[0], "component", components, "-component") if components else None
    library = libraries[0] if libraries else None
    folders = {crate.crate.folder for crate in project.workspace.crates}
    for package in project.every(PythonPackage):
        if package.backend == "maturin" and package.crate not in folders | project.workspace.others:
            yield Uncovered(
                package.at, f"the Python package in {package.folder}", f"there is no crate in {package.crate}"
            )
        elif package.loads and library:
            named: dict[str, Json] = {"package": package.loads} if package.several else {}
            value: dict[str, Json] = {"kind": "wheel", "library": library, "source": package.folder, **named}
            yield Line(_named("sdk-py", package.folder, project.every(PythonPackage)), value)
    for npm in project.every(NpmPackage):
        yield from _npm(npm, project)
    yield from _go(project, library, component)


def addons(project: Project) -> tuple[CrateUse, ...]:
    """The addons that an npm package can be made with: those by napi that are linked as Node.js loads them."""
    crates = project.workspace.crates
    return tuple(u for u in crates if is_node_addon(u, project) and u.requires(*NAPI) and has_build_script(u))


def addon_of(npm: NpmPackage, project: Project) -> CrateUse | None:
    """The addon that a package loads: that of its own folder, or the only one."""
    group = addons(project)
    own = [use for use in group if use.crate.folder == npm.folder]
    return own[0] if own else group[0] if len(group) == 1 else None


def npm_problem(npm: NpmPackage, project: Project) -> Uncovered | None:
    """Why no package is made of a folder that loads a component or an addon, if so."""
    what, parts = f"the npm package in {npm.folder}", _parts(npm, project)
    if npm.refused:
        return npm.refused
    if npm.native and "library" not in parts:
        reason = "it is not known which crate is its addon: there is none in its folder, and not exactly one elsewhere"
        return Uncovered(npm.at, what, reason)
    for use, _ in parts.values():
        if npm.version and npm.version[0] != use.crate.version:
            reason = f"it states {npm.version[0]}, and the crate {use.crate.version}: remove it there"
            return Uncovered(npm.version[1], what, reason)
    return None


def _npm(npm: NpmPackage, project: Project) -> Iterator[Line | Uncovered]:
    problem, parts = npm_problem(npm, project), _parts(npm, project)
    if problem:
        yield problem
    elif parts:
        names: dict[str, Json] = {key: name for key, (_, name) in parts.items()}
        value: dict[str, Json] = {"kind": "npm", **names, "source": npm.folder}
        yield Line(_named("npm", npm.folder, project.every(NpmPackage)), value)


def _parts(npm: NpmPackage, project: Project) -> dict[str, tuple[CrateUse, str]]:
    """What a package holds: the crate and the name of its artifact, by the keys of kind npm."""
    components = tuple(use for use in project.workspace.crates if is_component(use, project))
    component = components[0] if npm.component and components else None
    addon = addon_of(npm, project) if npm.native else None
    parts = (
        {"component": (component, project.name(component, "component", components, "-component"))} if component else {}
    )
    return parts | ({"library": (addon, project.name(addon, "addon", addons(project), "-addon"))} if addon else {})


def _go(project: Project, library: str | None, component: str | None) -> Iterator[Line]:
    modules = [m for m in project.every(GoModule) if (m.native and library) or (m.wasm and component)]
    names: dict[str, str] = {}
    for module in modules:
        parts: dict[str, Json] = {"library": library} if module.native else {}
        parts |= {"component": component} if module.wasm else {}
        names[module.path] = _named("go", module.folder, tuple(modules))
        yield Line(names[module.path], {"kind": "gomodule", "source": module.folder, **parts})
    others = [program for program in project.every(GoModule) if program.is_program and program not in modules]
    programs = [(program, path) for program in others for path in program.requires if path in names]
    for program, path in programs:
        name = _named("program", program.folder, tuple(programs))
        yield Line(name, {"kind": "goprogram", "module": names[path], "source": program.folder})


def _named(alone: str, folder: str, group: tuple[object, ...]) -> str:
    return alone if len(group) == 1 else f"{alone}-{stem(posixpath.basename(folder))}"
