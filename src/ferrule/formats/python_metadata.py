"""METADATA, PKG-INFO and entry_points.txt from the [project] table of a pyproject.toml, as build backends write them.

The table is read by pyproject-metadata, the library of scikit-build-core and meson-python. What only a build backend
could compute is refused by name: a wheel must lose nothing of its pyproject.toml.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.core.frozen import dataclass
from ferrule.core.one_line import is_one_line, one_line
from ferrule.core.toml_file import position
from ferrule.formats import pyproject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pyproject_metadata import StandardMetadata

_CONTENT_TYPES: Final = {".md": "text/markdown", ".rst": "text/x-rst", ".txt": "text/plain"}


@dataclass(frozen=True, slots=True)
class PythonProject:
    """The [project] table of a pyproject.toml; `file` is its path relative to the project, `version` the release's."""

    file: str
    text: str
    table: Mapping[str, Any]
    version: str

    @property
    def name(self) -> str:
        """The distribution's name, as it is written."""
        return str(self.table["name"])

    @property
    def readme(self) -> str | None:
        """Path of the readme, relative to the project; None where there is no file."""
        value = self.table.get("readme")
        name = value.get("file") if isinstance(value, dict) else value
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.file), name)) if isinstance(name, str) else None

    def license_files(self, names: Iterable[str]) -> tuple[str, ...]:
        """Which of the files, by names relative to pyproject.toml, `license-files` names (PEP 639).

        Raises ConfigError for a pattern that names none.
        """
        names = tuple(names)
        named: dict[str, None] = {}
        for pattern in self.table.get("license-files", ()):
            matching = [name for name in names if is_license_file(pattern, name)]
            if not matching:
                raise self.error("license-files", f"no file matches {pattern!r}", "correct the pattern")
            named |= dict.fromkeys(matching)
        return tuple(named)

    def error(self, key: str | tuple[str, ...], message: str, hint: str | None = None) -> ConfigError:
        """A mistake in the file, with the place of a key of the table."""
        where = self.at(key) if isinstance(key, str) else position(self.text, self.file, key)
        return ConfigError(message, where=where, hint=hint)

    def at(self, *keys: str) -> str:
        """The place of a key of the table."""
        return position(self.text, self.file, ("project", *keys))


def check_project(project: PythonProject, read_text: Callable[[str], str]) -> None:
    """Refuse, all at once, what METADATA would lose or no index would take. Raises ConfigErrors."""
    problems = [*table_problems(project)]
    if not problems:
        try:
            metadata_text(project, read_text)
        except ConfigErrors as errors:
            problems = list(errors.errors)
        except ConfigError as error:
            problems = [error]
    if problems:
        raise ConfigErrors(tuple(problems))


def table_problems(project: PythonProject) -> Iterator[ConfigError]:
    """What METADATA would lose of the table, or would take for something else."""
    yield from _dynamic(project)
    yield from _control_characters(project)


def _dynamic(project: PythonProject) -> Iterator[ConfigError]:
    dynamic = project.table.get("dynamic", [])
    for field in dynamic if isinstance(dynamic, list) else ():
        if field != "version":
            hint = f"write {field} under [project], and take it out of `dynamic`"
            yield project.error("dynamic", f"only a build backend can compute {field}, so it would be lost", hint)


def _control_characters(project: PythonProject) -> Iterator[ConfigError]:
    for key, value in project.table.items():
        texts = [] if key in {"readme", "license", "description"} else _strings(value)
        if not all(map(is_one_line, texts)):
            yield project.error(key, f"{key} holds a line end or control character", "write it in one line")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def metadata_text(project: PythonProject, read_text: Callable[[str], str], license_files: Iterable[str] = ()) -> str:
    """METADATA and PKG-INFO (core metadata 2.4); `license_files` by their names in the distribution.

    Raises ConfigError, or ConfigErrors, for a table that breaks the specification.
    """
    text = str(_standard(project, read_text).as_rfc822())
    head, separator, body = text.partition("\n\n")
    for email in _nameless(project):
        head = head.replace(f"Unknown <{email}>", email)  # what pyproject-metadata calls who has no name
    lines = [line for line in head.split("\n") if not line.startswith("License-File:")]
    return "\n".join([*lines, *(f"License-File: {name}" for name in license_files)]) + (separator or "\n\n") + body


def _nameless(project: PythonProject) -> Iterator[str]:
    people = (*project.table.get("authors", ()), *project.table.get("maintainers", ()))
    return (person["email"] for person in people if "email" in person and "name" not in person)


def entry_points_text(project: PythonProject) -> str:
    """entry_points.txt (PyPA specifications, "Entry points"); empty where there are none."""
    groups = {
        "console_scripts": project.table.get("scripts", {}),
        "gui_scripts": project.table.get("gui-scripts", {}),
        **project.table.get("entry-points", {}),
    }
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in groups.items()
        if entries
    )


def _standard(project: PythonProject, read_text: Callable[[str], str]) -> StandardMetadata:
    from packaging.version import Version  # noqa: PLC0415 - 11 ms

    table = {**project.table, "version": project.version}
    if isinstance(table.get("description"), str):
        table["description"] = one_line(table["description"])
    if project.readme is not None:
        table["readme"] = _readme(project, project.readme, read_text)
    standard, problems = pyproject.judge(table, project.at)
    if standard is None:
        raise ConfigErrors(tuple(ConfigError(p.message, where=p.where, hint=p.hint) for p in problems))
    standard.version = Version(project.version)
    return standard


def _readme(project: PythonProject, path: str, read_text: Callable[[str], str]) -> dict[str, str]:
    value = project.table["readme"]
    if path.startswith(("..", "/")):
        raise project.error("readme", f"{path} is not in the project", "name a file of the project")
    try:
        text = read_text(path)
    except ConfigError as error:
        raise project.error("readme", f"{path}: {error.message}", "write the file, or correct its path") from error
    stated = value.get("content-type") if isinstance(value, dict) else None
    kind = stated or _CONTENT_TYPES.get(posixpath.splitext(path)[1].lower())
    if kind is None:
        hint = f"give its name one of the ends {', '.join(_CONTENT_TYPES)}, or state content-type"
        raise project.error("readme", f"the name of {path} does not say what it holds", hint)
    return {"text": text, "content-type": kind}


def is_license_file(pattern: str, name: str) -> bool:
    """Whether a pattern of `license-files` matches a name relative to pyproject.toml (PEP 639)."""
    return re.fullmatch(_regex(pattern), name) is not None


def _regex(pattern: str) -> str:
    """A glob of PEP 639 as a regular expression: `**` stands for any folders, `*` and `?` for no slash."""
    tokens = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]/]+\])", pattern)
    return "".join(tokens.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts)
