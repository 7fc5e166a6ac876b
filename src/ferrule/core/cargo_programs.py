"""The programs of a package: its binary targets, named in the manifest or by their files.

Rules of The Cargo Book, "Cargo Targets": Binaries, Target auto-discovery.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.core.manifest_table import ManifestTable


@dataclass(frozen=True, slots=True)
class CrateProgram:
    """A binary target: its name, its source relative to the project (None if none was found), and what it asks for.

    `required_features` are those without which Cargo does not build it; `where` is the `file:line:column` of its table,
    or the source that Cargo discovers.
    """

    name: str
    source: str | None
    required_features: tuple[str, ...] = ()
    where: str = ""


_FOLDERS_OF_CARGO: Final = frozenset({"build", "deps", "examples", "incremental"})


def name_problem(name: str) -> str | None:
    """Why no program can be called that: by Cargo for its folders, by rustc for the name of its crate, by shells.

    >>> name_problem("demo-cli"), name_problem("a/b")
    (None, 'rustc takes letters, digits, _ and - alone')
    """
    if name in _FOLDERS_OF_CARGO:
        return "Cargo has a folder of that name"
    if not name or not all(character.isalnum() or character in "_-" for character in name):
        return "rustc takes letters, digits, _ and - alone"
    return "on a command line it would be an option" if name.startswith("-") else None


def programs(manifest: ManifestTable, package: str, crate_folder: str, folder: Path) -> Iterator[CrateProgram]:
    """The binary targets of a package in a folder, which is `crate_folder` of the project. Raises ConfigError."""
    discovered = dict(_discovered(package, folder))
    tables = list(_tables(manifest))
    names: set[str] = set()
    listed = {posixpath.normpath(path) for table in tables if (path := table.text("path"))}
    for table in tables:
        name = table.text("name")
        if name is not None and name not in names:
            names.add(name)
            source = table.text("path") or discovered.get(name)
            path = posixpath.normpath(posixpath.join(crate_folder, source)) if source else None
            yield CrateProgram(name, path, table.texts("required-features"), manifest.at("bin"))
    if _discovers(manifest, listed=bool(tables)):
        for name, source in discovered.items():
            if name not in names and source not in listed:  # a source that is named is no second program
                path = posixpath.normpath(posixpath.join(crate_folder, source))
                yield CrateProgram(name, path, where=path)


def _tables(manifest: ManifestTable) -> Iterator[ManifestTable]:
    """Each [[bin]]; Cargo itself refuses what is no table."""
    listed = manifest.values.get("bin", [])
    for values in listed if isinstance(listed, list) else []:
        if isinstance(values, dict):
            yield type(manifest)(manifest.file, values, ("bin",), manifest.content)


def _discovers(manifest: ManifestTable, *, listed: bool) -> bool:
    """Whether Cargo looks for programs; in the edition 2015 not beside those that are listed."""
    package = manifest.table("package").values
    autobins = package.get("autobins")
    if isinstance(autobins, bool):
        return autobins
    return not (listed and package.get("edition", "2015") == "2015")


def _discovered(package: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Names of programs and their sources relative to the package, where there is such a file."""
    if (folder / "src" / "main.rs").is_file():
        yield package, "src/main.rs"
    below = folder / "src" / "bin"
    for path in sorted(below.glob("*")):
        if path.suffix == ".rs" and path.is_file():
            yield path.stem, f"src/bin/{path.name}"
        elif (path / "main.rs").is_file():
            yield path.name, f"src/bin/{path.name}/main.rs"
