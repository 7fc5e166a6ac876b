"""Which files of a Python package its build backend leaves out, as far as pyproject.toml says so.

A wheel of a release must hold no file that the project's own backend would not publish. What Hatch and setuptools leave
out is followed (Hatch, "Build configuration"; setuptools, "Package discovery", "Data files support"); what only another
backend can follow is named, so that it is refused.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OF_OTHERS: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("tool", "uv", "build-backend"): ("wheel-exclude",),
    ("tool", "pdm", "build"): ("excludes",),
    ("tool", "poetry"): ("exclude",),
    ("tool", "scikit-build", "wheel"): ("exclude",),
}


def settings_of_others(document: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Keys of settings by which a backend leaves files out of a wheel that is not followed here."""
    for path, settings in _OF_OTHERS.items():
        for setting in settings:
            if _at(document, *path, setting):
                yield (*path, setting)


def left_out_of_wheels(document: Mapping[str, Any], root: str) -> tuple[str, ...]:
    """Patterns as in .gitignore, relative to pyproject.toml, of what is in no wheel; packages lie in `root`."""
    hatch = (*_texts(document, "tool", "hatch", "build", "exclude"), *_wheel_of_hatch(document))
    return (*hatch, *_of_setuptools(document, root))


def left_out_of_sdists(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The same of what is in no source distribution, but for what the wheel needs."""
    return (
        *_texts(document, "tool", "hatch", "build", "exclude"),
        *_texts(document, "tool", "hatch", "build", "targets", "sdist", "exclude"),
        *_texts(document, "tool", "flit", "sdist", "exclude"),
        *_texts(document, "tool", "uv", "build-backend", "source-exclude"),
    )


def packages_of_hatch(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Folders of the only packages that Hatch puts into a wheel, relative to pyproject.toml; none: all of them."""
    return tuple(map(posixpath.normpath, _texts(document, "tool", "hatch", "build", "targets", "wheel", "packages")))


def version_in_files(document: Mapping[str, Any], root: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Files, relative to pyproject.toml, that the version comes from, and how it stands there: its first group.

    Those of Hatch ("Versioning"), setuptools ("Dynamic metadata") and PDM ("Dynamic version").
    """
    assigned = re.compile(r"""^(?:__version__|VERSION)(?:\s*:\s*[\w.]+)?\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)
    hatch, pdm = _at(document, "tool", "hatch", "version"), _at(document, "tool", "pdm", "version")
    for table in (hatch, pdm):
        if isinstance(table, dict) and isinstance(path := table.get("path"), str) and "pattern" not in table:
            yield posixpath.normpath(path), assigned
    version = _at(document, "tool", "setuptools", "dynamic", "version")
    if isinstance(version, dict) and isinstance(attribute := version.get("attr"), str):
        module, _, name = attribute.rpartition(".")
        text = re.compile(rf"""^{re.escape(name)}(?:\s*:\s*[\w.]+)?\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)
        for end in (".py", "/__init__.py"):
            yield posixpath.normpath(f"{root}/{module.replace('.', '/')}{end}"), text
    if isinstance(version, dict) and isinstance(path := version.get("file"), str):
        yield posixpath.normpath(path), re.compile(r"\A\s*(\S+)\s*\Z")


def _wheel_of_hatch(document: Mapping[str, Any]) -> tuple[str, ...]:
    return _texts(document, "tool", "hatch", "build", "targets", "wheel", "exclude")


def _of_setuptools(document: Mapping[str, Any], root: str) -> Iterator[str]:
    below = "" if root == "." else f"/{root}"
    for pattern in _texts(document, "tool", "setuptools", "packages", "find", "exclude"):
        path = "/".join("*/**" if part == "*" else part for part in pattern.rstrip("*").rstrip(".").split("."))
        if pattern.endswith("*"):  # the package and all below it
            yield f"{below}/{path}{'/*' if pattern.endswith('.*') else '*'}/"
        else:
            yield from (f"{below}/{path}/*", f"!{below}/{path}/*/")
    data = _at(document, "tool", "setuptools", "exclude-package-data")
    for package, patterns in data.items() if isinstance(data, dict) else ():
        folder = "/**" if package in ("", "*") else f"/{package.replace('.', '/')}"
        yield from (f"{below}{folder}/{p}" for p in patterns if isinstance(p, str))


def _texts(document: Mapping[str, Any], *path: str) -> tuple[str, ...]:
    value = _at(document, *path)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _at(document: Mapping[str, Any], *path: str) -> Any:  # noqa: ANN401 - whatever stands there
    value: Any = document
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
