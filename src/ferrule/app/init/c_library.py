"""C libraries: the library of a crate, its header and its SDK, as far as each can be made; pure."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from ferrule.app.init.findings import CrateUse, Licence, Uncovered
from ferrule.app.init.lines import Line
from ferrule.app.init.uses import Project, headers_of, stem_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.model import Json

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


def artifacts(use: CrateUse, project: Project) -> Iterator[Line | Uncovered]:
    """The library, its header and its SDK, as far as each can be made."""
    name = project.name(use, "native", project.libraries, "-native")
    header = _header(use, project)
    fields: dict[str, Json] = {"kind": "library", "crate": use.crate.name}
    reasons: list[str] = []
    stated = [t for t in use.crate.types if t in ("cdylib", "staticlib")]
    if len(stated) == 1 and not use.capi:
        fields["types"] = [*stated]
        reasons.append("crate-type of the crate")
    elif not stated:
        reasons.append("the crate has neither type, and is built as both")
    if use.feature:
        fields["features"] = [use.feature]
        reasons.append("its C functions are behind this feature")
    of_capi = dict(_of_capi(use))
    if of_capi:
        fields |= of_capi
        reasons.append(f"{', '.join(of_capi)} of cargo-c")
    if isinstance(header, Line):
        fields["header"] = header.key
    yield Line(name, fields, "; ".join(reasons) or None)
    yield header
    if isinstance(header, Line):
        yield from _sdk(use, project, name, header.key)
    yield from _system_libraries(use)


def _of_capi(use: CrateUse) -> Iterator[tuple[str, Json]]:
    """What cargo-c is told of the library, by the keys of targets.yaml."""
    if use.capi is None:
        return
    if use.capi.library and use.capi.library != use.crate.library:
        yield "name", use.capi.library
    if use.capi.abi:
        yield "abi", use.capi.abi
    flags = [*use.capi.rustflags, *(("--cfg", "cargo_c") if use.asks_for_cargo_c else ())]
    if flags:
        yield "rustflags", [*flags]


def _header(use: CrateUse, project: Project) -> Line | Uncovered:
    """The header as cbindgen writes it, or those that are written by hand."""
    name = project.name(use, "header", project.libraries, "-header")
    headers = headers_of(use, project)
    installed = [*use.capi.headers] if use.capi else []
    written = installed or [header.file for header in headers if not header.generated]
    if written and not (use.capi.generates if use.capi and installed else use.cbindgen):
        is_one = len(written) == 1 and "*" not in written[0]
        origin: dict[str, Json] = {"file": written[0]} if is_one else {"files": [*dict.fromkeys(_globs(written))]}
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
    stated = (use.capi.header or use.capi.library) if use.capi else None
    file = fitting[0] if fitting else f"{stated or use.crate.library}{suffix}"
    if file != f"{use.crate.library}.h":
        fields["name"] = file
        comments.append("name of the one that is checked in" if fitting else "name that its settings give")
    return Line(name, fields, "; ".join(comments) or None)


def _globs(headers: list[str]) -> Iterator[str]:
    """Folders called `include` as they are, and the headers of other folders."""
    for header in headers:
        parts = header.split("/")
        if "include" in parts:
            yield "/".join(parts[: parts.index("include") + 1])
        else:
            yield posixpath.join(posixpath.dirname(header), f"*{posixpath.splitext(header)[1]}")


def _sdk(use: CrateUse, project: Project, library: str, header: str) -> Iterator[Line | Uncovered]:
    if not project.every(Licence):
        reason = "an SDK carries a licence's text: write a file LICENSE, name it in `license-files`, and add the SDK"
        yield Uncovered(project.workspace.workspace.manifest, f"a C SDK of {use.crate.name}", reason)
        return
    fields: dict[str, Json] = {"kind": "sdk", "library": library, "header": header}
    comment = None
    if use.capi and use.capi.pkg_config:
        fields["pkg-config"] = {
            key: [*value] if isinstance(value, tuple) else value for key, value in use.capi.pkg_config
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
