"""Findings to artifacts: what each use of a crate, and each package around one, becomes; pure.

Whatever is not covered is one line here: to cover it, let its row of `_ROLES` name a function that gives artifacts.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final, TypeVar

from ferrule.app.init.findings import (
    CargoWorkspace,
    CHeader,
    CrateUse,
    Finding,
    GoModule,
    Licence,
    NpmPackage,
    PythonPackage,
    Uncovered,
)
from ferrule.core.frozen import dataclass
from ferrule.formats import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ferrule.core.model import Json

_T = TypeVar("_T")
_OUTER: Final = re.compile(r"[-_](ffi|capi|cabi|c|cdylib|py|python|wasm|component|node|napi|sys|bindings)$")
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9.-]+")
_LONGEST: Final = 48
"""Most characters of a name from a crate; with what is appended it must have at most 64."""
_PYTHON: Final = ("pyo3",)
_NODE: Final = ("napi", "napi-derive", "neon")
_SYSTEM_LIBRARIES: Final = {
    "alsa-sys": "ALSA",
    "gtk-sys": "GTK",
    "libdbus-sys": "D-Bus",
    "libpq-sys": "PostgreSQL's client",
    "libudev-sys": "udev",
    "mysqlclient-sys": "MySQL's client",
    "openssl-sys": "OpenSSL",
    "pq-sys": "PostgreSQL's client",
    "yeslogic-fontconfig-sys": "fontconfig",
}
"""Packages that link what the system has, with its name; those that may bring it along do so where BUNDLES is there."""
_BUNDLES: Final = {"openssl-sys": "openssl-src", "pq-sys": "pq-src", "libpq-sys": "pq-src"}


@dataclass(frozen=True, slots=True)
class Line:
    """A key of targets.yaml with its value, and the reason for it where something was chosen."""

    key: str
    value: Json
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """All findings, and the crates that share a name's beginning with what they are the outside of."""

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
    own = stem(use.crate.name)
    return own if [stem(one.crate.name) for one in group].count(own) == 1 else plain_name(use.crate.name)


def plain_name(name: str) -> str:
    """The name of a crate as targets.yaml may have it."""
    return _NOT_IN_NAMES.sub("-", name.lower().replace("_", "-")).strip("-.")[:_LONGEST] or "project"


def artifacts(project: Project) -> Iterator[Line | Uncovered]:
    """Every artifact, those that others pack first, and what becomes none."""
    for use in project.workspace.crates:
        roles = [role for role in _ROLES if role.holds(use, project)]
        for role in roles:
            yield from role.becomes(use, project)
        yield from _programs(use)
    yield from _for_rust_only(project)
    yield from _packages(project)


# Crates


def is_python_module(use: CrateUse, project: Project) -> bool:
    """Whether it is an extension module of Python."""
    return project.package_of(use) is not None or (use.makes("cdylib") and use.requires(*_PYTHON))


def is_component(use: CrateUse, _: Project) -> bool:
    """Whether it implements a WIT world."""
    return bool(use.makes("cdylib") and use.wit and use.requires("wit-bindgen") and not use.cargo_component)


def is_c_library(use: CrateUse, project: Project) -> bool:
    """Whether it has a C interface, or one that its own tools write bindings for."""
    if use.makes("proc-macro") or use.crate.library is None:
        return False
    if use.exported or use.exported_by_macro or use.capi:
        return True
    for_others = use.requires(*_PYTHON, *_NODE, "wasm-bindgen", "wit-bindgen") or use.cargo_component
    own = use.requires("uniffi") or (_own_headers(use, project) and not for_others)
    return bool(own and use.makes("cdylib", "staticlib"))


def _is_node_addon(use: CrateUse, _: Project) -> bool:
    return use.makes("cdylib") and use.requires(*_NODE)


def _is_browser_module(use: CrateUse, project: Project) -> bool:
    others = use.exported or use.wit or is_python_module(use, project) or _is_node_addon(use, project)
    return use.makes("cdylib") and use.requires("wasm-bindgen") and not others


def _is_unknown(use: CrateUse, project: Project) -> bool:
    known = any(role.holds(use, project) for role in _ROLES[:-1])
    return use.makes("cdylib", "staticlib") and not known


def _extension(use: CrateUse, project: Project) -> Iterator[Line | Uncovered]:
    package, what = project.package_of(use), f"the Python module {use.crate.name}"
    if package is None:
        yield Uncovered(use.at, what, "no pyproject.toml with maturin as its backend builds it")
    elif package.refused:
        yield package.refused
    elif use.requires(*_PYTHON) and not (use.names_abi3 or package.names_abi3):
        reason = (
            "Ferrule makes wheels of the stable interface only, one for each target: write "
            'pyo3 = { version = "…", features = ["abi3-py311"] } in the crate, as old as requires-python'
        )
        yield Uncovered(use.at, what, reason)
    elif package.version and not versions.same_python_version(package.version[0], use.crate.version):
        reason = f'it states {package.version[0]}, and the crate {use.crate.version}: write dynamic = ["version"]'
        yield Uncovered(package.version[1], f"the Python package in {package.folder}", reason)
    else:
        group = tuple(u for u in project.workspace.crates if project.package_of(u))
        source = {} if package.folder == use.crate.folder else {"source": package.folder}
        value: dict[str, Json] = {"kind": "extension", "crate": use.crate.name, **source, "targets": ["*-linux-gnu"]}
        name = project.name(use, "py", group, "-py")
        yield Line(name, value, "cibuildwheel needs a Mac for macOS")


def _component(use: CrateUse, project: Project) -> Iterator[Line | Uncovered]:
    group = tuple(u for u in project.workspace.crates if is_component(u, project))
    wasi: dict[str, Json] = {"wasi": True} if use.imports_wasi else {}
    name: dict[str, Json] = {} if len(group) == 1 else {"name": stem_in(use, group)}
    yield Line(
        project.name(use, "component", group, "-component"),
        {"kind": "component", "crate": use.crate.name, **name, **wasi},
        "its WIT imports WASI" if wasi else None,
    )


def _c_library(use: CrateUse, project: Project) -> Iterator[Line | Uncovered]:
    """The library, its header and its SDK, as far as each can be made."""
    name = project.name(use, "native", project.libraries, "-native")
    header = _header(use, project)
    fields: dict[str, Json] = {"kind": "library", "crate": use.crate.name}
    reasons: list[str] = []
    stated = [t for t in use.crate.types if t in ("cdylib", "staticlib")]
    if len(stated) == 1:
        fields["types"] = [*stated]
        reasons.append("crate-type of the crate")
    elif not stated:
        reasons.append("the crate has neither type, and is built as both")
    if use.capi_library and use.capi_library != use.crate.library:
        fields["name"] = use.capi_library
        reasons.append("name of cargo-c")
    if use.feature:
        fields["features"] = [use.feature]
        reasons.append("its C functions are behind this feature")
    if use.asks_for_cargo_c:
        fields["rustflags"] = ["--cfg", "cargo_c"]
        reasons.append("the condition that cargo-c sets")
    if isinstance(header, Line):
        fields["header"] = header.key
    yield Line(name, fields, ", ".join(reasons) or None)
    yield header
    if isinstance(header, Line):
        yield from _sdk(use, project, name, header.key)
    yield from _system_libraries(use)


def _header(use: CrateUse, project: Project) -> Line | Uncovered:
    """The header as cbindgen writes it, or those that are written by hand."""
    name = project.name(use, "header", project.libraries, "-header")
    headers = _headers_of(use, project)
    written = [header.file for header in headers if not header.generated]
    if written and not use.cbindgen:
        origin: dict[str, Json] = (
            {"file": written[0]} if len(written) == 1 else {"files": [*dict.fromkeys(_globs(written))]}
        )
        return Line(name, {"kind": "header", **origin}, "written by hand")
    if use.exported is None:
        reason = "its C functions are written by a macro, which cbindgen does not see without compiling"
        return Uncovered(use.at, f"a header for {use.crate.name}", reason)
    if use.language == "cython":
        where = use.cbindgen or use.at
        return Uncovered(where, f"a header for {use.crate.name}", 'it is for Cython: write language = "C"')
    return _generated(use, name, [posixpath.basename(header.file) for header in headers])


def _generated(use: CrateUse, name: str, existing: list[str]) -> Line:
    """What cbindgen writes, by the name of the one that is checked in, or that the crate's settings give."""
    fields: dict[str, Json] = {"kind": "header", "crate": use.crate.name}
    comments: list[str] = []
    if use.cbindgen and use.cbindgen != posixpath.normpath(posixpath.join(use.crate.folder, "cbindgen.toml")):
        fields["config"] = use.cbindgen
        comments.append("settings of the workspace")
    suffix = ".hpp" if use.language == "c++" else ".h"
    fitting = [header for header in existing if header.endswith(suffix)]
    capi_stem = use.capi_header or use.capi_library
    file = fitting[0] if fitting else f"{capi_stem or use.crate.library}{suffix}"
    if file != f"{use.crate.library}.h":
        fields["name"] = file
        comments.append("name of the one that is checked in" if fitting else "name that its settings give")
    return Line(name, fields, ", ".join(comments) or None)


def _globs(headers: list[str]) -> Iterator[str]:
    """Folders called `include` as they are, and the headers of other folders."""
    for header in headers:
        parts = header.split("/")
        if "include" in parts:
            yield "/".join(parts[: parts.index("include") + 1])
        else:
            yield posixpath.join(posixpath.dirname(header), f"*{posixpath.splitext(header)[1]}")


def _own_headers(use: CrateUse, project: Project) -> tuple[CHeader, ...]:
    """Headers below a crate's folder, and below that of no other."""
    inside = tuple(f"{one.crate.folder}/" for one in project.workspace.crates if one is not use)
    prefix = "" if use.crate.folder == "." else f"{use.crate.folder}/"
    headers = project.every(CHeader)
    return tuple(h for h in headers if h.file.startswith(prefix) and not h.file.startswith(inside))


def _headers_of(use: CrateUse, project: Project) -> tuple[CHeader, ...]:
    """Headers below a crate's folder, or those of no crate where it is the only library."""
    own = _own_headers(use, project)
    if own or project.libraries != (use,):
        return own
    crates = tuple(f"{one.crate.folder}/" for one in project.workspace.crates)
    return tuple(header for header in project.every(CHeader) if not header.file.startswith(crates))


def _sdk(use: CrateUse, project: Project, library: str, header: str) -> Iterator[Line | Uncovered]:
    if not project.every(Licence):
        reason = "an SDK carries a licence's text: write a file LICENSE, name it in `license-files`, and add the SDK"
        yield Uncovered(project.workspace.workspace.manifest, f"a C SDK of {use.crate.name}", reason)
        return
    fields: dict[str, Json] = {"kind": "sdk", "library": library, "header": header}
    comment = None
    if use.capi_pkg_config:
        fields["pkg-config"] = {
            key: [*value] if isinstance(value, tuple) else value for key, value in use.capi_pkg_config
        }
        comment = "pkg_config of cargo-c"
    if project.libraries != (use,):
        fields["name"] = f"{stem_in(use, project.libraries)}-c"
    yield Line(project.name(use, "sdk-c", project.libraries, "-sdk"), fields, comment)


def _system_libraries(use: CrateUse) -> Iterator[Uncovered]:
    for package in sorted({*_SYSTEM_LIBRARIES} & use.packages):
        if _BUNDLES.get(package) not in use.packages:
            name = _SYSTEM_LIBRARIES[package]
            reason = (
                f"{package} links the one of the machine that builds, which is for no other target: let a feature of "
                f"it bundle the library where it has one (`vendored`), or name it in `needs` and narrow `targets`"
            )
            yield Uncovered(use.at, f"{name}, which {use.crate.name} links", reason)


def _uniffi(use: CrateUse, _: Project) -> Iterator[Uncovered]:
    reason = "Ferrule does not run uniffi-bindgen: the library is released, Kotlin, Swift and Python are not"
    yield Uncovered(use.at, f"bindings of {use.crate.name} by UniFFI", reason)


def _not_covered(what: str, reason: str) -> Callable[[CrateUse, Project], Iterator[Uncovered]]:
    def uncovered(use: CrateUse, _: Project) -> Iterator[Uncovered]:
        yield Uncovered(use.at, what.format(use.crate.name), reason)

    return uncovered


@dataclass(frozen=True, slots=True)
class _Role:
    """A use of a crate: how it is recognized, and what becomes of it."""

    holds: Callable[[CrateUse, Project], object]
    becomes: Callable[[CrateUse, Project], Iterator[Line | Uncovered]]


_ROLES: Final = (
    _Role(is_c_library, _c_library),
    _Role(is_component, _component),
    _Role(is_python_module, _extension),
    _Role(lambda use, _: use.requires("uniffi") and use.makes("cdylib", "staticlib"), _uniffi),
    _Role(_is_node_addon, _not_covered("the addon {} for Node.js", "Ferrule makes no native npm packages yet")),
    _Role(
        _is_browser_module,
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


def _programs(use: CrateUse) -> Iterator[Uncovered]:
    for program in use.programs:
        reason = "Ferrule makes no programs in Rust yet" if use.is_published else "its crate has publish = false"
        yield Uncovered(program.where, f"the program {program.name}", reason)


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
        crates = "the crate" if len(plain) == 1 else "the crates"
        yield Uncovered(plain[0].at, f"{crates} {names}", "for programs in Rust; Ferrule does not publish to crates.io")


# Packages around them


def _packages(project: Project) -> Iterator[Line | Uncovered]:
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
