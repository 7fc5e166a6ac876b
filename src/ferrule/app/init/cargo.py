"""Cargo workspaces: which there are, and what the manifest and the sources of each crate say about its use."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.init import c_functions
from ferrule.app.init.findings import CargoWorkspace, CrateUse, Finding, Licence, Uncovered
from ferrule.app.init.migrations import cargo_c
from ferrule.core.cargo_workspace import read_workspace
from ferrule.core.errors import ConfigError, StorageError
from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import parse, position, read_bytes
from ferrule.tools import cbindgen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.app.init.project_files import ProjectFiles
    from ferrule.core.cargo_workspace import Crate, Workspace

_LIBRARIES: Final = frozenset(("cdylib", "staticlib"))
_WASI: Final = re.compile(rb"\bwasi:")
_LICENCE: Final = re.compile(r"(licen[cs]e|copying|copyright|unlicense)([-_.].*)?", re.IGNORECASE)
_NO_LICENCE: Final = (".rs", ".py", ".toml", ".json", ".yml", ".yaml", ".html", ".hbs", ".spdx")
_BUILD_TABLES: Final = ("dependencies", "build-dependencies")


def read(files: ProjectFiles) -> Iterator[Finding]:
    """The workspace that is released, those beside it, and licences. Raises ConfigError."""
    _refuse_member(files.root)
    workspaces, unread = _workspaces(files)
    yield from unread
    if not workspaces:
        return
    chosen = next((w for w in workspaces if any(_LIBRARIES & {*c.types} for c in w.crates.values())), workspaces[0])
    for other in workspaces:
        if other is not chosen:
            reason = (
                f"one targets.yaml describes one workspace, here {chosen.manifest}: run ferrule init -C {other.folder}"
            )
            yield Uncovered(other.manifest, "another Cargo workspace", reason)
    others = frozenset(crate.folder for w in workspaces if w is not chosen for crate in w.crates.values())
    yield CargoWorkspace(chosen, tuple(_uses(files, chosen)), others)
    yield from _licences(files, chosen)


def _refuse_member(root: Path) -> None:
    """Raise ConfigError for a folder inside another Cargo workspace, which Cargo would build from there."""
    absolute = root.absolute()
    for folder in absolute.parents:
        if not (folder / "Cargo.toml").is_file():
            continue
        try:
            table = parse(read_bytes(folder, "Cargo.toml"), str(folder / "Cargo.toml")).get("workspace")
        except (ConfigError, StorageError, FileNotFoundError):
            continue  # Cargo will say so, if it comes by
        excluded = table.get("exclude") if isinstance(table, dict) else None
        inside = absolute.relative_to(folder).as_posix()
        if isinstance(table, dict) and not any(
            inside == e or inside.startswith(f"{e}/") for e in map(str, excluded if isinstance(excluded, list) else ())
        ):
            raise ConfigError(
                f"this folder belongs to the Cargo workspace in {folder}",
                where=str(root),
                hint=f"run ferrule init -C {folder}: one targets.yaml describes a whole workspace",
            )


def _workspaces(files: ProjectFiles) -> tuple[list[Workspace], list[Uncovered]]:
    """All workspaces that are not part of another, those nearest to the root first."""
    workspaces: list[Workspace] = []
    unread: list[Uncovered] = []
    covered: set[str] = set()
    for name in files.called("Cargo.toml"):
        folder = posixpath.dirname(name) or "."
        if folder in covered:
            continue
        try:
            workspace = read_workspace(files.root, folder)
        except ConfigError as error:
            if not workspaces:
                raise
            unread.append(Uncovered(error.where or name, "another Cargo workspace", error.message))
            continue
        covered |= {workspace.folder, *(crate.folder for crate in workspace.crates.values())}
        if workspace.crates:
            workspaces.append(workspace)
    return workspaces, unread


def _uses(files: ProjectFiles, workspace: Workspace) -> Iterator[CrateUse]:
    locked = _locked(files.root, workspace)
    root = _Manifest(workspace.manifest, *files.toml(workspace.manifest))
    for crate in workspace.crates.values():
        yield _use(files, crate, root, _closure(workspace, crate, locked))


@dataclass(frozen=True, slots=True)
class _Manifest:
    """A Cargo.toml: its name, text and tables."""

    name: str
    text: str
    values: Mapping[str, Any]

    @property
    def package(self) -> Mapping[str, Any]:
        return _table(self.values, "package")

    def at(self, *keys: str) -> str:
        return position(self.text, self.name, keys)

    def stated(self, key: str, root: _Manifest) -> tuple[Any, str]:
        """A value of [package] and its position, where it is inherited those in the workspace's root."""
        value = self.package.get(key)
        if isinstance(value, dict) and value.get("workspace") is True:
            shared = _table(_table(root.values, "workspace"), "package")
            return shared.get(key), root.at("workspace", "package", key)
        return value, self.at("package", key)


def _use(files: ProjectFiles, crate: Crate, root: _Manifest, packages: frozenset[str]) -> CrateUse:
    manifest = _Manifest(crate.manifest, *files.toml(crate.manifest))
    metadata, workspace = _table(manifest.package, "metadata"), posixpath.dirname(root.name)
    capi = cargo_c.settings_of(crate, manifest.text, manifest.values)
    where, by_macro = c_functions.exported(files, crate)
    features = _table(manifest.values, "features")
    rust, rust_at = manifest.stated("rust-version", root)
    wit = files.below(_join(crate.folder, "wit"), ".wit")
    config = next((n for f in (crate.folder, workspace, ".") if files.has(n := _join(f, "cbindgen.toml"))), None)
    return CrateUse(
        crate=crate,
        at=manifest.at("package", "name"),
        required=frozenset(_required(manifest.values)),
        packages=packages,
        exported=None if by_macro else where,
        exported_by_macro=where if by_macro else None,
        feature=c_functions.gate(files, crate, features, where, is_capi=capi is not None) if where else None,
        asks_for_cargo_c=capi is not None and c_functions.uses_cargo_c(files, crate),
        capi=capi,
        cargo_component=manifest.at("package", "metadata", "component") if "component" in metadata else None,
        rust=(rust, rust_at) if isinstance(rust, str) else None,
        wit=wit,
        imports_wasi=any(_WASI.search(files.source(name)) for name in wit),
        cbindgen=config,
        language=_language(files, config) if config else "c",
        is_published=manifest.stated("publish", root)[0] not in (False, []),
    )


def _language(files: ProjectFiles, name: str) -> str:
    """The language of the header that a cbindgen.toml describes. Raises ConfigError."""
    try:
        return cbindgen.read_settings(files.text(name)).language or "c"
    except ValueError as error:
        raise ConfigError(
            f"this file cannot be read: {error}", where=name, hint="correct it; nothing was written"
        ) from None


def _required(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Dependencies that are not optional, by the names that the manifest gives them, and by those of their packages."""
    tables = [manifest, *(t for t in _table(manifest, "target").values() if isinstance(t, dict))]
    for name, value in ((n, v) for t in tables for key in _BUILD_TABLES for n, v in _table(t, key).items()):
        if not isinstance(value, dict) or value.get("optional") is not True:
            yield name
            if isinstance(value, dict) and isinstance(value.get("package"), str):
                yield value["package"]


def _locked(root: Path, workspace: Workspace) -> Mapping[str, frozenset[str]]:
    """The packages that each package of Cargo.lock depends on, by name; nothing without one that can be parsed.

    Raises StorageError.
    """
    try:
        packages = parse(read_bytes(root, workspace.lock, "Cargo.lock", 16 << 20), workspace.lock).get("package", [])
        edges: dict[str, frozenset[str]] = {}
        for package in packages:
            names = frozenset(dependency.split(" ")[0] for dependency in package.get("dependencies", []))
            edges[package["name"]] = edges.get(package["name"], frozenset()) | names
    except (ConfigError, FileNotFoundError, TypeError, KeyError, AttributeError):
        return {}  # what is wrong with it is reported before anything is written
    return edges


def _closure(workspace: Workspace, crate: Crate, locked: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Every package that may be compiled for a crate, but for those of its tests alone."""
    seen: set[str] = set()
    waiting = [crate.name]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        member = workspace.crates.get(name)
        following = locked.get(name, frozenset())
        waiting += following & {*member.packages} if member else following
    return frozenset(seen)


def _licences(files: ProjectFiles, workspace: Workspace) -> Iterator[Licence]:
    """Texts of licences in the root, or else in the workspace's folder, or in LICENSES/ (REUSE specification)."""
    for folder in dict.fromkeys((".", workspace.folder, "LICENSES")):
        names = [name for name in files.names if (posixpath.dirname(name) or ".") == folder]
        is_reuse = folder == "LICENSES"
        named = [n for n in names if is_reuse or _LICENCE.fullmatch(posixpath.basename(n))]
        texts = [name for name in named if not name.endswith(_NO_LICENCE)]
        if texts:
            yield from (Licence(name) for name in texts)
            return


def _table(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def _text(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) else None


def _join(*parts: str) -> str:
    return posixpath.normpath(posixpath.join(*parts))
