"""A Cargo workspace as its manifests describe it, read without Cargo.

`cargo metadata` would be the authority, but it needs a toolchain that `ferrule plan` and `ferrule check` must not
require and costs a process in a run that has nothing to do. Only what the manifest format defines is read (The Cargo
Book, "The Manifest Format" and "Workspaces"): members and exclude globs, inherited fields, library name, crate types.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ferrule.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_INHERITED = ("version", "license", "license-file", "description", "homepage", "repository", "authors")


_SETTINGS = ("Cargo.toml", "Cargo.lock", ".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain")
_DEPENDENCIES = ("dependencies", "build-dependencies")


@dataclass(frozen=True, slots=True)
class Crate:
    """A package of the workspace.

    `folder` and `paths` (where its path dependencies are) are relative to the project; `library` is the library
    target's name, or None.
    """

    name: str
    version: str
    folder: str
    library: str | None
    types: tuple[str, ...]
    license: str | None = None
    description: str | None = None
    homepage: str | None = None
    authors: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workspace:
    """A Cargo workspace: its folder relative to the project's root and its crates by package name.

    `settings` are the files that hold for all of them: root manifest, lock file, toolchain and Cargo settings.
    """

    folder: str
    crates: Mapping[str, Crate]
    locked: bool
    settings: tuple[str, ...] = ()

    @property
    def manifest(self) -> str:
        """Path of the root manifest, relative to the project's root."""
        return _join(self.folder, "Cargo.toml")

    def sources(self, name: str) -> tuple[str, ...]:
        """Files and folders that a build of this crate reads.

        They are manifests, lock file, settings, its folder and those of the workspace's crates it depends on by path.
        Whatever else it reads, the compiler reports afterwards.
        """
        by_folder = {crate.folder: crate for crate in self.crates.values()}
        seen: dict[str, None] = {}
        waiting = [self.crates[name].folder]
        while waiting:
            folder = waiting.pop()
            if folder in seen:
                continue
            seen[folder] = None
            waiting += [p for p in by_folder[folder].paths if p in by_folder]
        return tuple(dict.fromkeys((*self.settings, *sorted(seen))))


def read_workspace(project: Path, folder: str = ".") -> Workspace:
    """Read the workspace whose root manifest is `folder/Cargo.toml`; raises ConfigError naming the file at fault."""
    root = _manifest(project, _join(folder, "Cargo.toml"))
    table = root.get("workspace", {})
    shared = table.get("package", {})
    crates: dict[str, Crate] = {}
    for member in _member_folders(project / folder, table, has_package="package" in root):
        place = _join(folder, member)
        manifest = root if member == "." else _manifest(project, _join(place, "Cargo.toml"))
        if "package" in manifest:
            crate = _crate(manifest, shared, place, project / place)
            paths = _path_dependencies(project / folder, project / place, manifest, table)
            crates[crate.name] = replace(crate, paths=_relative(project, paths))
    names = (_join(folder, name) for name in _SETTINGS)
    settings = tuple(name for name in names if (project / name).is_file())
    return Workspace(folder, crates, locked=(project / folder / "Cargo.lock").is_file(), settings=settings)


def _join(*parts: str) -> str:
    return "/".join(p for p in parts if p != ".") or "."


def _manifest(project: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads((project / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            "there is no Cargo manifest here", where=name, hint="name the folder of the Cargo workspace's Cargo.toml"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"this Cargo manifest cannot be read: {error}", where=name) from error


def _member_folders(root: Path, table: Mapping[str, Any], *, has_package: bool) -> list[str]:
    excluded = {e.rstrip("/") for e in table.get("exclude", [])}
    found = {"."} if has_package else set()
    for pattern in table.get("members", []):
        for path in sorted(root.glob(pattern.rstrip("/"))):
            name = path.relative_to(root).as_posix()
            if name not in excluded and (path / "Cargo.toml").is_file():
                found.add(name)
    return sorted(found)


def _crate(manifest: Mapping[str, Any], shared: Mapping[str, Any], place: str, folder: Path) -> Crate:
    package = {k: _inherited(k, v, shared) for k, v in manifest["package"].items()}
    library = manifest.get("lib", {})
    has_library = "lib" in manifest or (folder / "src" / "lib.rs").is_file()
    types = library.get("crate-type") or library.get("crate_type") or ["lib"]
    name = str(package.get("name", ""))
    return Crate(
        name=name,
        version=str(package.get("version", "0.0.0")),
        folder=place,
        library=str(library.get("name", name.replace("-", "_"))) if has_library else None,
        types=tuple(types) if has_library else (),
        license=package.get("license"),
        description=package.get("description"),
        homepage=package.get("homepage") or package.get("repository"),
        authors=tuple(package.get("authors") or ()),
    )


def _path_dependencies(root: Path, folder: Path, manifest: Mapping[str, Any], shared: Mapping[str, Any]) -> list[Path]:
    """Folders of the crates that a manifest names by path, directly or through the workspace's table."""
    tables = [manifest, *manifest.get("target", {}).values()]
    common = shared.get("dependencies", {})
    found: list[Path] = []
    for name, value in ((n, v) for t in tables for kind in _DEPENDENCIES for n, v in t.get(kind, {}).items()):
        if not isinstance(value, dict):
            continue
        inherited = common.get(name) if value.get("workspace") is True else None
        if isinstance(inherited, dict) and "path" in inherited:
            found.append(root / inherited["path"])
        elif "path" in value:
            found.append(folder / value["path"])
    return found


def _relative(project: Path, folders: list[Path]) -> tuple[str, ...]:
    """The folders that lie in the project, as paths relative to it."""
    base = project.resolve()
    inside = [f.resolve() for f in folders if f.resolve().is_relative_to(base)]
    return tuple(sorted({f.relative_to(base).as_posix() for f in inside}))


def _inherited(key: str, value: object, shared: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a TOML value
    if isinstance(value, dict) and value.get("workspace") is True and key in _INHERITED:
        return shared.get(key)
    return value
