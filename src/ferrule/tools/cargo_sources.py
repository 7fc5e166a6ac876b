"""Which files of a project a Cargo workspace needs to be built elsewhere, and which of them Cargo would publish.

`cargo metadata` names the packages that are read from folders; what it does not name, because it is read while the
workspace is looked for, is in the manifests: unused patches, the workspace of a package outside, vendored sources
(The Cargo Book, "Overriding Dependencies", "Source Replacement", "The Manifest Format": exclude and include).
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferrule.core import globs, toml_file
from ferrule.core.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_TARGETS: Final = {"bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches"}
_NAMED: Final = ("readme", "license-file", "build")
_READMES: Final = ("README.md", "README.txt", "README")


@dataclass(frozen=True, slots=True)
class LocalSources:
    """What a workspace reads from folders of the project, by names relative to it.

    `packages` are the folders of packages, with the text of each manifest; `folders` hold sources of other kinds
    (vendored crates); `files` are manifests of other workspaces that packages inherit from, and `settings` those
    settings of Cargo that name folders, which count from where they lie.
    """

    packages: Mapping[str, str]
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CargoPatterns:
    """Patterns of `include` or `exclude`: whether each takes what it matches, its parts, and if it is for folders only.

    They look like those of .gitignore, and count otherwise: what is said of a file itself goes before what is said of a
    folder above it, and braces are known (crate `ignore`, Gitignore::matched_path_or_any_parents; globset).
    """

    rules: tuple[tuple[bool, tuple[str, ...], bool], ...] = ()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> CargoPatterns:
        """Read patterns in order; later ones count more. Raises BuildError for one that Cargo refuses."""
        return cls(tuple(rule for pattern in patterns for rule in _rules(_trimmed(pattern))))

    def matches(self, name: str) -> bool:
        """Whether the file, or the nearest folder above it of which a pattern speaks, is taken."""
        path = tuple(name.split("/"))
        for end in range(len(path), 0, -1):
            for takes, parts, is_for_folders in reversed(self.rules):
                if not (is_for_folders and end == len(path)) and globs.matches(parts, path[:end]):
                    return takes
        return False


def _trimmed(pattern: str) -> str:
    """A pattern without the blanks at its end, of which the first may be escaped (gitignore(5), "Pattern format")."""
    text = pattern.rstrip()
    return f"{text} " if pattern != text and text.endswith("\\") else text


def _rules(pattern: str) -> Iterator[tuple[bool, tuple[str, ...], bool]]:
    """The rules of one pattern; none for an empty line and a comment."""
    if not pattern or pattern.startswith("#"):
        return
    if not globs.is_valid(pattern):
        raise BuildError(
            f"Cargo does not take {pattern!r} for a pattern: a range in it ends before it begins",
            where="Cargo.toml",
            hint="correct it in `include` or `exclude`",
        )
    body = pattern.removeprefix("!")
    for text in globs.expanded(body.removesuffix("/")):
        parts = text.removeprefix("/").split("/")
        if "/" not in text:
            parts = ["**", *parts]
        if parts[-1] == "**" and len(parts) > 1:
            parts.append("*")  # what is in the folder, not the folder itself
        yield not pattern.startswith("!"), tuple(parts), body.endswith("/")


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """Which files of a package Cargo would publish, by names relative to its folder."""

    include: CargoPatterns | None = None
    exclude: CargoPatterns = field(default_factory=CargoPatterns)
    always: frozenset[str] = frozenset()

    @classmethod
    def of(cls, manifest: str) -> PublishedFiles:
        """The rules of a manifest, of which `include` overrides `exclude`.

        The files of targets that the manifest names stay, as Cargo reads no manifest of which one is missing.
        """
        document = toml_file.parse(manifest.encode(), "Cargo.toml")
        package = document.get("package", {})
        include = _texts(package.get("include"))
        return cls(
            CargoPatterns.of(include) if include else None,
            CargoPatterns.of(_texts(package.get("exclude"))),
            frozenset({"Cargo.toml", "Cargo.lock", *_named_files(document, package)}),
        )

    def hold(self, name: str) -> bool:
        """Whether a file is published."""
        if name in self.always:
            return True
        return self.include.matches(name) if self.include is not None else not self.exclude.matches(name)


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _named_files(document: Mapping[str, Any], package: Mapping[str, Any]) -> Iterator[str]:
    yield from (package[key] for key in _NAMED if isinstance(package.get(key), str))
    yield from _READMES if "readme" not in package else ()
    tables = [("lib", document.get("lib", {})), *((k, t) for k in _TARGETS for t in document.get(k, ()))]
    for kind, table in tables:
        if isinstance(table, dict) and isinstance(table.get("path"), str):
            yield posixpath.normpath(table["path"])
        elif kind in _TARGETS and isinstance(table, dict):
            yield from (f"{_TARGETS[kind]}/{table.get('name')}{end}" for end in (".rs", "/main.rs"))


def local_sources(metadata: str, project: Path, workspace: str) -> LocalSources:
    """What a workspace, a folder of the project, reads from other folders; `metadata` is of `cargo metadata`.

    Raises BuildError for a folder that is not in the project, which nobody who gets the sources would have.
    """
    packages = json.loads(metadata)["packages"]
    by_folder = {str(Path(p["manifest_path"]).parent): p["name"] for p in packages if p["source"] is None}
    names: dict[str, str] = {}
    for folder, package in by_folder.items():
        if not Path(folder).is_relative_to(project):
            raise _outside(package, folder)
        names[Path(folder).relative_to(project).as_posix()] = package
    root = _document(project, workspace)
    names |= dict.fromkeys(_patches(root, project, workspace), "a patch")
    folders: list[str] = []
    naming: list[str] = []
    for parent in _upwards(workspace):
        for file in (".cargo/config.toml", ".cargo/config"):
            settings = _document(project, parent, file)
            patches, vendored = [*_patches(settings, project, parent)], [*_vendored(settings, project, parent)]
            names |= dict.fromkeys(patches, "a patch")
            folders += vendored
            naming += [posixpath.normpath(posixpath.join(parent, file))] if patches or vendored else []
    manifests = {name: _manifest(project, name) for name in sorted(names)}
    files = {above for name in names for above in _workspaces_above(project, name)}
    return LocalSources(manifests, tuple(dict.fromkeys(folders)), tuple(sorted(files)), tuple(naming))


def _outside(what: str, folder: str) -> BuildError:
    return BuildError(
        f"{what} is read from a folder outside of the project, so a source distribution could not be built",
        where=folder,
        hint="move it into the project, name a version of it, or write sdist: false",
    )


def _manifest(project: Path, folder: str) -> str:
    return (project / folder / "Cargo.toml").read_text(encoding="utf-8-sig")


def _document(project: Path, folder: str, file: str = "Cargo.toml") -> dict[str, Any]:
    path = project / folder / file
    name = posixpath.join(folder, file)
    document: dict[str, Any] = toml_file.parse(path.read_bytes(), name) if path.is_file() else {}
    return document


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while folder != ".":
        folder = posixpath.normpath(posixpath.join(folder, ".."))
        yield folder


def _patches(document: Mapping[str, Any], project: Path, folder: str) -> Iterator[str]:
    """Folders of [patch] and [replace], used or not: Cargo reads each."""
    tables = [*document.get("patch", {}).values(), document.get("replace", {})]
    for table in tables:
        for value in table.values() if isinstance(table, dict) else ():
            if isinstance(value, dict) and isinstance(value.get("path"), str):
                yield _inside(project, folder, value["path"], "a patch")


def _vendored(settings: Mapping[str, Any], project: Path, folder: str) -> Iterator[str]:
    for source in settings.get("source", {}).values():
        for key in ("directory", "local-registry"):
            if isinstance(source, dict) and isinstance(source.get(key), str):
                yield _inside(project, folder, source[key], "a source of crates")
    for path in _texts(settings.get("paths")):
        yield _inside(project, folder, path, "a path of Cargo's settings")


def _inside(project: Path, folder: str, path: str, what: str) -> str:
    name = posixpath.normpath(posixpath.join(folder, path))
    if name.startswith(("..", "/")):
        raise _outside(what, str(project / folder / path))
    return name


def _workspaces_above(project: Path, folder: str) -> Iterator[str]:
    """Manifests above a package that it may inherit from, the nearest with a [workspace]."""
    for above in list(_upwards(folder))[1:]:
        if "workspace" in _document(project, above):
            yield posixpath.normpath(posixpath.join(above, "Cargo.toml"))
            return


def package_of(name: str, packages: Iterable[str], manifests: Iterable[str]) -> str | None:
    """The folder of the package that a file belongs to: the nearest with a manifest, if it is one of `packages`.

    >>> package_of("a/b/src/x.rs", ["a", "."], ["a/Cargo.toml", "Cargo.toml"])
    'a'
    """
    folders, package_folders = set(manifests), set(packages)
    for above in list(_upwards(posixpath.dirname(name) or ".")):
        if posixpath.normpath(posixpath.join(above, "Cargo.toml")) in folders:
            return above if above in package_folders else None
    return None
