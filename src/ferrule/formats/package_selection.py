"""Which files of a Python package its build backend publishes, as far as pyproject.toml says so.

A wheel of a release must hold the files that the project's own backend would publish, and no other. What Hatch and
setuptools choose and leave out is followed (Hatch, "Build configuration"; setuptools, "Package discovery", "Data files
support"); what only the backend itself can follow is named, so that it is refused.
"""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import texts_at, value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Allowed = Callable[[Any, str, str], bool]

_HATCH: Final = (("tool", "hatch", "build"), ("tool", "hatch", "build", "targets", "wheel"))
_SETUPTOOLS: Final = ("tool", "setuptools")
_UV: Final = ("tool", "uv", "build-backend")
_OF_ONE_MODULE: Final = frozenset({"flit_core", "hatchling", "uv_build"})
_LIBRARIES: Final = (".so", ".dylib", ".dll", ".pyd")


def _never(_: object, __: str, ___: str) -> bool:
    return False


def _is_folder(value: object, below: str, _: str) -> bool:
    return isinstance(value, str) and posixpath.normpath(value or ".") == below


def _are_libraries(value: object, _: str, __: str) -> bool:
    return isinstance(value, list) and all(str(one).endswith(_LIBRARIES) for one in value)


def _is_only_folder(value: object, below: str, package: str) -> bool:
    folders = [*value.values()] if isinstance(value, dict) and [*value] == [""] else value
    return isinstance(folders, list) and len(folders) == 1 and _is_folder(folders[0], below, package)


_UNFOLLOWED: Final[Mapping[tuple[str, ...], Allowed]] = {
    **{(*table, "include"): _never for table in _HATCH},
    **{(*table, "force-include"): _never for table in _HATCH},
    **{(*table, "sources"): lambda value, below, _: value in ([below], {below: ""}) for table in _HATCH},
    **{(*table, "artifacts"): _are_libraries for table in _HATCH},
    (*_HATCH[1], "shared-data"): _never,
    (*_HATCH[1], "shared-scripts"): _never,
    (*_HATCH[1], "extra-metadata"): _never,
    (*_SETUPTOOLS, "package-dir"): _is_only_folder,
    (*_SETUPTOOLS, "packages", "find", "where"): _is_only_folder,
    (*_SETUPTOOLS, "data-files"): _never,
    (*_SETUPTOOLS, "script-files"): _never,
    ("tool", "flit", "external-data"): _never,
    (*_UV, "module-root"): _is_folder,
    (*_UV, "data"): _never,
    (*_UV, "wheel-exclude"): _never,
    ("tool", "pdm", "build", "includes"): _never,
    ("tool", "pdm", "build", "excludes"): _never,
    ("tool", "pdm", "build", "package-dir"): _is_folder,
    ("tool", "pdm", "build", "wheel-data"): _never,
    ("tool", "poetry", "packages"): lambda value, below, package: (
        value in ([{"include": package, "from": below}], [{"include": package}] if below == "." else ())
    ),
    ("tool", "poetry", "include"): _never,
    ("tool", "poetry", "exclude"): _never,
    ("tool", "scikit-build", "wheel", "packages"): lambda value, below, package: (
        value == [posixpath.normpath(f"{below}/{package}")]
    ),
    ("tool", "scikit-build", "wheel", "exclude"): _never,
}
"""Settings that choose files and are not followed, and whether a value says what is done anyway."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a wheel holds: all packages, unless there are `folders` or `names`, and `modules` that lie beside packages.

    `folders` are those of packages relative to pyproject.toml, with all that is below (Hatch); `names` are patterns of
    dotted names of packages, each without those below it (setuptools). `root` is the folder that packages lie in, if a
    setting names it.
    """

    folders: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    root: str | None = None

    def has_top(self, folder: str, name: str) -> bool:
        """Whether something of a package in no other package is chosen; `folder` is relative to pyproject.toml."""
        if self.names:
            return any(fnmatchcase(name, pattern.partition(".")[0]) for pattern in self.names)
        return not self.folders or any(one == folder or one.startswith(f"{folder}/") for one in self.folders)

    def has_file(self, path: str, name: str) -> bool:
        """Whether a file is chosen: by its `path` relative to pyproject.toml, or its `name` below where packages lie.

        A file that is no source belongs to the packages above it, a source to that of its own folder.
        """
        if self.folders:
            return any(path == folder or path.startswith(f"{folder}/") for folder in self.folders)
        package = posixpath.dirname(name).replace("/", ".")
        packages = [package]
        while "." in package and not name.endswith((".py", ".pyi")):
            package = package.rpartition(".")[0]
            packages.append(package)
        return not self.names or any(fnmatchcase(one, pattern) for one in packages for pattern in self.names)


def selection(document: Mapping[str, Any]) -> Selection:
    """What pyproject.toml chooses for a wheel; setuptools' `exclude` is in `left_out_of_wheels`."""
    uv, flit = value_at(document, *_UV), value_at(document, "tool", "flit", "module", "name")
    hatch = _of_hatch(document, "wheel", "only-include") or _of_hatch(document, "wheel", "packages")
    root = _root(document)
    of_uv = (f"{root or 'src'}/{name}" for name in _modules_of_uv(uv))
    of_flit = (f"src/{flit}", flit) if isinstance(flit, str) else ()
    return Selection(
        folders=tuple(map(posixpath.normpath, (*hatch, *of_uv, *of_flit))),
        names=(
            *texts_at(document, *_SETUPTOOLS, "packages"),
            *texts_at(document, *_SETUPTOOLS, "packages", "find", "include"),
        ),
        modules=texts_at(document, *_SETUPTOOLS, "py-modules"),
        root=root,
    )


def only_module(document: Mapping[str, Any], name: str) -> str | None:
    """The module that a backend packs alone where nothing is said, by the name of the project; None for all of them."""
    backend = str(value_at(document, "build-system", "build-backend")).partition(".")[0]
    return name.replace("-", "_").replace(".", "_").lower() if backend in _OF_ONE_MODULE else None


def _root(document: Mapping[str, Any]) -> str | None:
    """The folder of packages that a setting names, relative to pyproject.toml; None where none does, or several do."""
    where = texts_at(document, *_SETUPTOOLS, "packages", "find", "where")
    of_setuptools = value_at(document, *_SETUPTOOLS, "package-dir", "")
    others = (value_at(document, *_UV, "module-root"), value_at(document, "tool", "pdm", "build", "package-dir"))
    stated = [
        value for value in (*(where if len(where) == 1 else ()), of_setuptools, *others) if isinstance(value, str)
    ]
    root = posixpath.normpath(stated[0] or ".") if stated else ".."
    return None if root.startswith(("..", "/")) else root


def _modules_of_uv(table: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever stands there
    value = table.get("module-name") if isinstance(table, dict) else None
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(name.replace(".", "/") for name in names if isinstance(name, str))


def unfollowed_settings(document: Mapping[str, Any], below: str, package: str) -> Iterator[tuple[str, ...]]:
    """Keys of settings by which a backend chooses files otherwise than it is done here.

    `below` is the folder of packages, relative to pyproject.toml, and `package` the one that loads the library.
    """
    for path, allowed in _UNFOLLOWED.items():
        value = value_at(document, *path)
        if value and not allowed(value, below, package):
            yield path


def left_out_of_wheels(document: Mapping[str, Any], root: str) -> tuple[str, ...]:
    """Patterns as in .gitignore, relative to pyproject.toml, of what is in no wheel; packages lie in `root`."""
    return (*_of_hatch(document, "wheel", "exclude"), *_of_setuptools(document, root))


def left_out_of_sdists(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The same of what is in no source distribution, but for what the wheel needs."""
    return (
        *_of_hatch(document, "sdist", "exclude"),
        *texts_at(document, "tool", "flit", "sdist", "exclude"),
        *texts_at(document, "tool", "uv", "build-backend", "source-exclude"),
    )


def version_in_files(document: Mapping[str, Any], root: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Files, relative to pyproject.toml, that the version comes from, and how it stands there: its first group.

    Those of Hatch ("Versioning"), setuptools ("Dynamic metadata") and PDM ("Dynamic version").
    """
    assigned = re.compile(r"""^(?:__version__|VERSION)(?:\s*:\s*[\w.]+)?\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)
    hatch, pdm = value_at(document, "tool", "hatch", "version"), value_at(document, "tool", "pdm", "version")
    for table in (hatch, pdm):
        if isinstance(table, dict) and isinstance(path := table.get("path"), str) and "pattern" not in table:
            yield posixpath.normpath(path), assigned
    version = value_at(document, "tool", "setuptools", "dynamic", "version")
    if isinstance(version, dict) and isinstance(attribute := version.get("attr"), str):
        module, _, name = attribute.rpartition(".")
        text = re.compile(rf"""^{re.escape(name)}(?:\s*:\s*[\w.]+)?\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)
        for end in (".py", "/__init__.py"):
            yield posixpath.normpath(f"{root}/{module.replace('.', '/')}{end}"), text
    if isinstance(version, dict) and isinstance(path := version.get("file"), str):
        yield posixpath.normpath(path), re.compile(r"\A\s*(\S+)\s*\Z")


def _of_hatch(document: Mapping[str, Any], target: str, key: str) -> tuple[str, ...]:
    """A list of Hatch's: that of the target, or else the one for all targets ("Build targets")."""
    path = (*_HATCH[0], "targets", target)
    table = value_at(document, *path)
    return texts_at(document, *(path if isinstance(table, dict) and key in table else _HATCH[0]), key)


def _of_setuptools(document: Mapping[str, Any], root: str) -> Iterator[str]:
    below = "" if root == "." else f"/{root}"
    for pattern in texts_at(document, "tool", "setuptools", "packages", "find", "exclude"):
        path = "/".join("*/**" if part == "*" else part for part in pattern.rstrip("*").rstrip(".").split("."))
        if pattern.endswith("*"):  # the package and all below it
            yield f"{below}/{path}{'/*' if pattern.endswith('.*') else '*'}/"
        else:
            yield from (f"{below}/{path}/*", f"!{below}/{path}/*/")
    excluded = ("tool", "setuptools", "exclude-package-data")
    packages = value_at(document, *excluded)
    for package in packages if isinstance(packages, dict) else ():
        folder = "/**" if package in ("", "*") else f"/{package.replace('.', '/')}"
        yield from (f"{below}{folder}/{p}" for p in texts_at(document, *excluded, package))
