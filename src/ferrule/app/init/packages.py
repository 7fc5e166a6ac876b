"""Packages around the crates, in Python, JavaScript and Go, as artifacts; pure."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ferrule.app.init.findings import GoModule, NpmPackage, PythonPackage, Uncovered
from ferrule.app.init.lines import Line
from ferrule.app.init.uses import Project, is_component, stem

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
        if npm.refused:
            yield npm.refused
        elif component and npm.version and npm.version[0] != components[0].crate.version:
            reason = f"it states {npm.version[0]}, and the crate {components[0].crate.version}: remove it there"
            yield Uncovered(npm.version[1], f"the npm package in {npm.folder}", reason)
        elif component:
            value = {"kind": "npm", "component": component, "source": npm.folder}
            yield Line(_named("npm", npm.folder, project.every(NpmPackage)), value)
    yield from _go(project, library, component)


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
