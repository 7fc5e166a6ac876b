"""What each crate of a workspace is for, as its findings show it, and the names that follow; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from ferrule.app.init.findings import CargoWorkspace, CHeader, CrateUse, PythonPackage
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from ferrule.app.init.findings import Finding

_T = TypeVar("_T")
_OUTER: Final = re.compile(r"[-_](ffi|capi|cabi|c|cdylib|py|python|wasm|component|node|napi|sys|bindings)$")
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9.-]+")
_LONGEST: Final = 48
"""Most characters of a name from a crate; with what is appended it must have at most 64."""
PYTHON: Final = ("pyo3",)
NAPI: Final = ("napi", "napi-derive")
NODE: Final = (*NAPI, "neon")
HOSTS: Final = {
    "ext-php-rs": "PHP",
    "extendr-api": "R",
    "godot": "Godot",
    "jni": "Java",
    "magnus": "Ruby",
    "pgrx": "PostgreSQL",
    "rb-sys": "Ruby",
    "rustler": "Erlang",
}
"""Packages by which a library becomes a module of a language or program that Ferrule makes no packages for."""


@dataclass(frozen=True, slots=True)
class Project:
    """All findings about a project, and its workspace, which is one of them."""

    findings: tuple[Finding, ...]
    workspace: CargoWorkspace

    def every(self, kind: type[_T]) -> tuple[_T, ...]:
        """The findings of one type."""
        return tuple(finding for finding in self.findings if isinstance(finding, kind))

    def package_of(self, use: CrateUse) -> PythonPackage | None:
        """The Python package that maturin builds of a crate."""
        return next((p for p in self.every(PythonPackage) if p.crate == use.crate.folder), None)

    @property
    def libraries(self) -> tuple[CrateUse, ...]:
        """The crates that are released as native libraries."""
        return tuple(use for use in self.workspace.crates if is_c_library(use, self))

    def name(self, use: CrateUse, alone: str, group: tuple[CrateUse, ...], suffix: str) -> str:
        """A name for an artifact of a crate: a plain one where only one crate has such an artifact."""
        return alone if group == (use,) else stem_in(use, group) + suffix


def stem(name: str) -> str:
    """The name of a crate without what says that it is the outside of another, as a name of targets.yaml.

    >>> stem("email-validator-ffi"), stem("Demo_C"), stem("ffi")
    ('email-validator', 'demo', 'ffi')
    """
    return _OUTER.sub("", plain_name(name))


def stem_in(use: CrateUse, group: tuple[CrateUse, ...]) -> str:
    """The stem of a crate's name, or all of it where another crate of the group has the same."""
    short = stem(use.crate.name)
    return short if [stem(one.crate.name) for one in group].count(short) == 1 else plain_name(use.crate.name)


def plain_name(name: str) -> str:
    """The name of a crate as targets.yaml may have it."""
    return _NOT_IN_NAMES.sub("-", name.lower().replace("_", "-")).strip("-.")[:_LONGEST] or "project"


def is_python_module(use: CrateUse, project: Project) -> bool:
    """Whether it is an extension module of Python."""
    return project.package_of(use) is not None or (use.makes("cdylib") and use.requires(*PYTHON))


def is_component(use: CrateUse, _: Project) -> bool:
    """Whether it implements a WIT world."""
    return bool(use.makes("cdylib") and use.wit and use.requires("wit-bindgen") and not use.cargo_component)


def is_c_library(use: CrateUse, project: Project) -> bool:
    """Whether it has a C interface, or one that its own tools write bindings for."""
    if use.makes("proc-macro") or use.crate.library is None or (is_node_addon(use, project) and not use.capi):
        return False
    if use.exported or use.exported_by_macro or use.capi:
        return True
    for_others = use.requires(*PYTHON, *NODE, *HOSTS, "wasm-bindgen", "wit-bindgen") or use.cargo_component
    is_wrapped = use.requires("uniffi") or (headers_below(use, project) and not for_others)
    return bool(is_wrapped and use.makes("cdylib", "staticlib"))


def is_node_addon(use: CrateUse, _: Project) -> bool:
    """Whether it is a native addon of Node.js."""
    return use.makes("cdylib") and use.requires(*NODE)


def has_build_script(use: CrateUse) -> bool:
    """Whether a program of its own is run before it is compiled."""
    return any(path.endswith(".rs") for path in use.crate.code)


def host_of(use: CrateUse) -> str | None:
    """The language or program that a library is a module of, if Ferrule makes no packages for it."""
    hosts = [name for package, name in HOSTS.items() if use.requires(package)]
    return hosts[0] if hosts and use.makes("cdylib") else None


def is_browser_module(use: CrateUse, project: Project) -> bool:
    """Whether wasm-bindgen makes JavaScript of it."""
    others = use.exported or use.wit or is_python_module(use, project) or is_node_addon(use, project)
    return use.makes("cdylib") and use.requires("wasm-bindgen") and not others


def headers_below(use: CrateUse, project: Project) -> tuple[CHeader, ...]:
    """Headers below a crate's folder, and below that of no other."""
    inside = tuple(f"{one.crate.folder}/" for one in project.workspace.crates if one is not use)
    prefix = "" if use.crate.folder == "." else f"{use.crate.folder}/"
    headers = project.every(CHeader)
    return tuple(h for h in headers if h.file.startswith(prefix) and not h.file.startswith(inside))


def headers_of(use: CrateUse, project: Project) -> tuple[CHeader, ...]:
    """Headers below a crate's folder, or those of no crate where it is the only library."""
    below = headers_below(use, project)
    if below or project.libraries != (use,):
        return below
    crates = tuple(f"{one.crate.folder}/" for one in project.workspace.crates)
    return tuple(header for header in project.every(CHeader) if not header.file.startswith(crates))
