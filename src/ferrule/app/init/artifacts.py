"""Findings to artifacts: what each use of a crate becomes; pure.

Whatever is not covered is one line here: to cover it, let its row of `_ROLES` name a function that gives artifacts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.app.init import c_library, packages
from ferrule.app.init.findings import CrateUse, GoModule, NpmPackage, Remote, RequestedPackage, Uncovered
from ferrule.app.init.lines import Line
from ferrule.app.init.uses import (
    NAPI,
    Project,
    has_build_script,
    host_of,
    is_browser_module,
    is_c_library,
    is_component,
    is_node_addon,
    is_python_module,
    plain_name,
    stem_in,
)
from ferrule.core.frozen import dataclass
from ferrule.formats import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ferrule.core.model import Json


def artifacts(project: Project) -> Iterator[Line | Uncovered]:
    """Every artifact, those that others pack first, and what becomes none."""
    for use in project.workspace.crates:
        roles = [role for role in _ROLES if role.holds(use, project)]
        for role in roles:
            yield from role.becomes(use, project)
    programs = [item for use in project.workspace.crates for item in _programs(use, project)]
    yield from programs
    yield from _packages_of_programs([line for line in programs if isinstance(line, Line)], project)
    yield from _for_rust_only(project)
    yield from packages.artifacts(project)


def _extension(use: CrateUse, project: Project) -> Iterator[Line | Uncovered]:
    package, what = project.package_of(use), f"the Python module {use.crate.name}"
    if package is None:
        yield Uncovered(use.at, what, "no pyproject.toml with maturin as its backend builds it")
    elif package.refused:
        yield package.refused
    elif package.version and not versions.same_python_version(package.version[0], use.crate.version):
        reason = f'it states {package.version[0]}, and the crate {use.crate.version}: write dynamic = ["version"]'
        yield Uncovered(package.version[1], f"the Python package in {package.folder}", reason)
    else:
        group = tuple(u for u in project.workspace.crates if project.package_of(u))
        source = {} if package.folder == use.crate.folder else {"source": package.folder}
        value: dict[str, Json] = {"kind": "extension", "crate": use.crate.name, **source}
        yield Line(project.name(use, "py", group, "-py"), value)


def _component(use: CrateUse, project: Project) -> Iterator[Line | Uncovered]:
    group = tuple(u for u in project.workspace.crates if is_component(u, project))
    wasi: dict[str, Json] = {"wasi": True} if use.imports_wasi else {}
    name: dict[str, Json] = {} if len(group) == 1 else {"name": stem_in(use, group)}
    yield Line(
        project.name(use, "component", group, "-component"),
        {"kind": "component", "crate": use.crate.name, **name, **wasi},
        "its WIT imports WASI" if wasi else None,
    )


def _uniffi(use: CrateUse, _: Project) -> Iterator[Uncovered]:
    reason = "Ferrule does not run uniffi-bindgen: the library is released, Kotlin, Swift and Python are not"
    yield Uncovered(use.at, f"bindings of {use.crate.name} by UniFFI", reason)


def _addon(use: CrateUse, project: Project) -> Iterator[Line | Uncovered]:
    what = f"the addon {use.crate.name} for Node.js"
    loading = [npm for npm in project.every(NpmPackage) if npm.native and packages.addon_of(npm, project) is use]
    if not use.requires(*NAPI):
        yield Uncovered(use.at, what, "it is one by neon: Ferrule makes npm packages of addons by napi")
    elif not has_build_script(use):
        yield Uncovered(use.at, what, "it has no build script: write build.rs with napi_build::setup()")
    elif not loading:
        yield Uncovered(use.at, what, "no package.json with `napi`, or with JavaScript that loads ./native, is for it")
    elif not any(packages.npm_problem(npm, project) for npm in loading):
        group = packages.addons(project)
        value: dict[str, Json] = {"kind": "library", "crate": use.crate.name, "types": ["cdylib"]}
        yield Line(project.name(use, "addon", group, "-addon"), value)


def _for_another_host(use: CrateUse, _: Project) -> Iterator[Uncovered]:
    yield Uncovered(use.at, f"the module {use.crate.name} for {host_of(use)}", "Ferrule makes no packages for it")


def _not_covered(what: str, reason: str) -> Callable[[CrateUse, Project], Iterator[Uncovered]]:
    def uncovered(use: CrateUse, _: Project) -> Iterator[Uncovered]:
        yield Uncovered(use.at, what.format(use.crate.name), reason)

    return uncovered


def _is_unknown(use: CrateUse, project: Project) -> bool:
    recognized = any(role.holds(use, project) for role in _ROLES[:-1])
    return use.makes("cdylib", "staticlib") and not recognized


@dataclass(frozen=True, slots=True)
class _Role:
    """A use of a crate: how it is recognized, and what becomes of it."""

    holds: Callable[[CrateUse, Project], object]
    becomes: Callable[[CrateUse, Project], Iterator[Line | Uncovered]]


_ROLES: Final = (
    _Role(is_c_library, c_library.artifacts),
    _Role(is_component, _component),
    _Role(is_python_module, _extension),
    _Role(lambda use, _: use.requires("uniffi") and use.makes("cdylib", "staticlib"), _uniffi),
    _Role(is_node_addon, _addon),
    _Role(lambda use, _: host_of(use), _for_another_host),
    _Role(
        is_browser_module,
        _not_covered("the module {} of wasm-bindgen", "Ferrule makes WebAssembly of WIT worlds (wit-bindgen) only"),
    ),
    _Role(
        lambda use, _: use.cargo_component,
        _not_covered("the component {}", "it is built by cargo-component for WASI, and Ferrule builds for no WASI"),
    ),
    _Role(
        _is_unknown,
        _not_covered(
            "the library {}", 'no exported extern "C" function is in its sources, so what it is for is not known'
        ),
    ),
)
"""Every use of a crate that is recognized; the last one is for crates without any of the others."""


def _programs(use: CrateUse, project: Project) -> Iterator[Line | Uncovered]:
    others = [p.name for one in project.workspace.crates if one.is_published for p in one.crate.programs]
    has_go = any(module.is_program for module in project.every(GoModule))
    for program in use.crate.programs:
        what, crate = f"the program {program.name}", use.crate
        if not use.is_published:
            yield Uncovered(program.where, what, "its crate has publish = false")
        elif others.count(program.name) > 1:
            yield Uncovered(program.where, what, "another crate has a program of this name: rename one of them")
        elif program.source is None:
            yield Uncovered(program.where, what, "its source is not there")
        else:
            is_default = len(crate.programs) == 1 or program.name == crate.name
            named: dict[str, Json] = {} if is_default else {"bin": program.name}
            missing = {*program.required_features} - crate.active_features((), default=True)
            features: dict[str, Json] = {"features": [*sorted(missing)]} if missing else {}
            key = "program" if len(others) == 1 and not has_go else f"{plain_name(program.name)}-program"
            comment = "its required-features" if missing else None
            yield Line(key, {"kind": "program", "crate": crate.name, **named, **features}, comment)


def _packages_of_programs(programs: list[Line], project: Project) -> Iterator[Line | Uncovered]:
    """What another tool's file has made of each program, once for each kind."""
    crates = {use.crate.name: use.crate for use in project.workspace.crates}
    addresses = [remote.address for remote in project.every(Remote) if "github" in remote.host]
    requested = {package.kind: package for package in reversed(project.every(RequestedPackage))}
    for package in reversed(requested.values()):
        for line in programs:
            assert isinstance(line.value, dict)  # noqa: S101 - for the type checker
            crate = crates[str(line.value["crate"])]
            if package.kind in _WITH_URL and not addresses:
                reason = f"write an artifact of kind {package.kind} with the `url` of the archives"
                yield Uncovered(package.where, package.what, reason)
                break
            if package.kind in _WITH_LICENCE and not (crate.license and crate.description):
                reason = f"kind {package.kind} needs `license` and `description`: state them in {crate.manifest}"
                yield Uncovered(package.where, package.what, reason)
                break
            values: dict[str, Json] = {key: [*v] if isinstance(v, tuple) else v for key, v in package.values}
            if package.kind in _WITH_URL:
                values = {"url": f"{addresses[0]}/releases/download/v{{version}}", **values}
            key = package.kind if len(programs) == 1 else f"{line.key.removesuffix('-program')}-{package.kind}"
            comment = f"of {package.where.partition(':')[0]}"
            yield Line(key, {"kind": package.kind, "program": line.key, **values}, comment)
        if not programs:
            yield Uncovered(package.where, package.what, "no program in Rust is released")


_WITH_URL: Final = frozenset({"installer", "homebrew", "scoop"})
_WITH_LICENCE: Final = frozenset({"scoop", "linux-package"})


def _for_rust_only(project: Project) -> Iterator[Uncovered]:
    """Published crates without any other use, in one line."""
    plain = [
        use
        for use in project.workspace.crates
        if use.is_published
        and use.crate.library
        and not use.makes("proc-macro")
        and not any(role.holds(use, project) for role in _ROLES)
    ]
    if plain:
        names = ", ".join(use.crate.name for use in plain)
        crates, it = ("the crate", "it") if len(plain) == 1 else ("the crates", "them")
        reason = f"for programs in Rust; to publish {it}, write `kind: crate` and a row `to: crates` yourself"
        yield Uncovered(plain[0].at, f"{crates} {names}", reason)
