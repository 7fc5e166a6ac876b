"""A Cargo workspace as its manifests describe it, read without Cargo.

`cargo metadata` would be the authority, but it needs a toolchain that `ferrule plan` and `ferrule check` must not require
and costs a process in a run that has nothing to do. Only what the manifest format defines is read (The Cargo Book, "The
Manifest Format" and "Workspaces"): members and exclude globs, inherited package fields, library name and crate types.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ferrule.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_INHERITED = ("version", "license", "license-file", "description", "homepage", "repository", "authors")


@dataclass(frozen=True, slots=True)
class Crate:
    """A package of the workspace: `folder` is relative to the project, `library` the library target's name or None."""

    name: str
    version: str
    folder: str
    library: str | None
    types: tuple[str, ...]
    license: str | None = None
    description: str | None = None
    homepage: str | None = None
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workspace:
    """A Cargo workspace: its folder relative to the project's root and its crates by package name."""

    folder: str
    crates: Mapping[str, Crate]
    locked: bool

    @property
    def manifest(self) -> str:
        """Path of the root manifest, relative to the project's root."""
        return _join(self.folder, "Cargo.toml")


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
            crate = _crate(manifest, shared, place, (project / place))
            crates[crate.name] = crate
    return Workspace(folder, crates, locked=(project / folder / "Cargo.lock").is_file())


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


def _inherited(key: str, value: object, shared: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a TOML value
    if isinstance(value, dict) and value.get("workspace") is True and key in _INHERITED:
        return shared.get(key)
    return value
