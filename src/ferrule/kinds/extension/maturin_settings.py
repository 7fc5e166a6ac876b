"""What maturin would refuse of [tool.maturin], or take for another module, seen before anything is compiled.

Read are the keys that Ferrule follows or that lead to files (maturin's guide, "pyproject.toml"); others are maturin's.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ferrule.kinds.base import Context

_FOLDERS: Final = ("data", "python-source")
_BINDINGS: Final = ("pyo3", "pyo3-ffi")


class SettingProblem(NamedTuple):
    """What is wrong with the key of a table, and what to do."""

    key: str
    message: str
    hint: str


def type_problems(settings: Mapping[str, Any]) -> Iterator[SettingProblem]:
    """Values of another type than their key."""
    for keys, is_right, what in _TYPES:
        for key in keys:
            if key in settings and not is_right(settings[key]):
                yield SettingProblem(key, f"`{key}` of [tool.maturin] is not {what}", "correct it")


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


_TYPES: Final[tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...]] = (
    (
        ("bindings", "data", "manifest-path", "module-name", "profile", "python-source"),
        lambda value: isinstance(value, str),
        "a text",
    ),
    (("all-features", "no-default-features"), lambda value: isinstance(value, bool), "true or false"),
    (("features", "python-packages"), _are_texts, "a list of texts"),
    (
        ("exclude", "include"),
        lambda value: isinstance(value, list) and _are_texts([*map(_pattern, value)]),
        "a list of patterns",
    ),
)


def problems(settings: Mapping[str, Any], folder: str, manifest: str, context: Context) -> Iterator[SettingProblem]:
    """What leads elsewhere than to the module of a crate with this manifest; `folder` is that of pyproject.toml.

    The types of the settings are right.
    """
    if settings.get("bindings", _BINDINGS[0]) not in _BINDINGS:
        message = f"an extension module has bindings of PyO3, and these are {settings['bindings']}"
        yield SettingProblem("bindings", message, 'leave it out; a program is released by kind "program-wheel"')
    if settings.get("all-features"):
        hint = "name them with `features`"
        yield SettingProblem("all-features", "Ferrule has to know the features by name, for what is linked in", hint)
    for key in _FOLDERS:
        if (name := settings.get(key)) is not None and not _has_folder(context, folder, name):
            yield SettingProblem(key, f"there is no folder {name} beside this file", "make it, or name another")
    for pattern in map(_pattern, settings.get("include", ())):
        if posixpath.isabs(pattern):
            yield SettingProblem("include", f"{pattern} is a path of one machine", "name files below this folder")
    yield from _manifest_problems(settings, folder, manifest, context)


def _manifest_problems(
    settings: Mapping[str, Any], folder: str, manifest: str, context: Context
) -> Iterator[SettingProblem]:
    named = settings.get("manifest-path")
    below = posixpath.relpath(manifest, folder)
    if named is None:
        return  # maturin looks for it by itself
    if not context.has_file(_join(folder, named)):
        yield SettingProblem("manifest-path", f"there is no file {named} here", f'write "{below}"')
    elif _join(folder, named) != posixpath.normpath(manifest):
        message = f"maturin builds the crate of {_join(folder, named)}, and targets.yaml names that of {manifest}"
        yield SettingProblem("manifest-path", message, f'write "{below}", or name the other crate')


def _pattern(entry: Any) -> Any:  # noqa: ANN401 - whatever stands there
    """The glob of an entry of `include` and `exclude`."""
    return entry.get("path") if isinstance(entry, dict) else entry


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name))


def _has_folder(context: Context, folder: str, name: str) -> bool:
    path = _join(folder, name)
    above, last = posixpath.split(path)
    return path == posixpath.normpath(folder) or (
        not path.startswith(("..", "/")) and last in context.folders(above or ".")
    )
