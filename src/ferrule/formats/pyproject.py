"""What is wrong with the [project] table of a pyproject.toml, with line and column: pyproject-metadata is the judge."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyproject_metadata import StandardMetadata

_PROGRAMS: Final = {"scripts": "console_scripts", "gui-scripts": "gui_scripts"}
_OBJECT: Final = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_PROGRAM: Final = re.compile(rf"{_OBJECT}\s*:\s*{_OBJECT}")
_REFERENCE: Final = re.compile(rf"{_OBJECT}(?:\s*:\s*{_OBJECT})?(?:\s*\[[\w\s,.-]*\])?")


@dataclass(frozen=True, slots=True)
class PyprojectProblem:
    """A problem, its `file:line:column` and what to do."""

    message: str
    where: str
    hint: str


def pyproject_problems(
    text: str, document: Mapping[str, Any], name: str, problem_of: Callable[[str], str | None]
) -> Iterator[PyprojectProblem]:
    """Everything for which no metadata can be written (pyproject.toml specification, core metadata 2.4).

    `text` is the file called `name` and `document` what it says; `problem_of` tells why the text of a file beside it
    cannot be read, or None.
    """

    def at(*keys: str) -> str:
        return position(text, name, ("project", *keys))

    project = dict(document["project"])
    readme = project.get("readme")
    file = readme.get("file") if isinstance(readme, dict) else readme
    if isinstance(file, str):
        if reason := problem_of(file):
            yield PyprojectProblem(f"{file}: {reason}", at("readme"), "write it, or name another")
        project["readme"] = {"text": "", "content-type": "text/markdown"}
    yield from _license_files(project.get("license-files", []), problem_of, at)
    yield from _entry_points(project, at)
    yield from _local_requirements(project, at)
    dynamic = project.get("dynamic", [])
    if not isinstance(dynamic, list) or not all(isinstance(field, str) for field in dynamic):
        yield PyprojectProblem("`dynamic` is a list of texts", at("dynamic"), 'write dynamic = ["version"]')
        return
    if isinstance(project.get("license"), dict):
        hint = 'write license = "MIT" or another SPDX expression; `license-files` of targets.yaml names its text'
        yield PyprojectProblem("`license` is a table, which metadata 2.4 does not take", at("license"), hint)
        project.pop("license")
    _, problems = judge({**project, "version": "1"}, at)  # the release's version is judged by itself
    yield from problems


def _license_files(
    patterns: object, problem_of: Callable[[str], str | None], at: Callable[..., str]
) -> Iterator[PyprojectProblem]:
    """Patterns that PEP 639 does not take, and files that are not there; what a glob matches, packing sees."""
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        hint = 'write license-files = ["LICENSE"]'
        yield PyprojectProblem("`license-files` is not a list of texts", at("license-files"), hint)
        return
    for pattern in patterns:
        if pattern.startswith("/") or ".." in pattern or "\\" in pattern or not pattern:
            hint = "copy the file beside pyproject.toml; `license-files` of targets.yaml may name one anywhere"
            message = f"{pattern!r} of `license-files` leads out of the package"
            yield PyprojectProblem(message, at("license-files"), hint)
        elif not re.search(r"[*?\[]", pattern) and (reason := problem_of(pattern)):
            yield PyprojectProblem(f"{pattern}: {reason}", at("license-files"), "write it, or name another")


def _entry_points(project: Mapping[str, Any], at: Callable[..., str]) -> Iterator[PyprojectProblem]:
    """Entry points that installers refuse, or make broken programs of (PyPA specifications, "Entry points")."""
    for group, path in (*((g, (g,)) for g in _PROGRAMS), *_groups(project)):
        table = project.get(group, {}) if group in _PROGRAMS else project["entry-points"][group]
        if group in _PROGRAMS.values():
            key = next(key for key, value in _PROGRAMS.items() if value == group)
            hint = f"write them under [project.{key}]"
            yield PyprojectProblem(f"[project.entry-points] may not have {group}", at(*path), hint)
        for name, reference in table.items() if isinstance(table, dict) else ():
            is_program = group in _PROGRAMS
            if not re.fullmatch(r"[\w.-]+" if is_program else r"[^\s=\[][^=\n\r]*", name) or name in (".", ".."):
                yield PyprojectProblem(f"{name!r} cannot be a name here", at(*path, name), "use letters, digits, . _ -")
            if isinstance(reference, str) and not (_PROGRAM if is_program else _REFERENCE).fullmatch(reference):
                hint = f'write {name} = "package.module:function"'
                yield PyprojectProblem(f"{reference!r} names no object", at(*path, name), hint)


def _groups(project: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    groups = project.get("entry-points", {})
    yield from ((group, ("entry-points", group)) for group in (groups if isinstance(groups, dict) else ()))


def _local_requirements(project: Mapping[str, Any], at: Callable[..., str]) -> Iterator[PyprojectProblem]:
    """Requirements from a folder of the author's machine, which users do not have."""
    optional = project.get("optional-dependencies", {})
    lists: dict[tuple[str, ...], Any] = {("dependencies",): project.get("dependencies", [])}
    lists |= (
        {("optional-dependencies", extra): value for extra, value in optional.items()}
        if isinstance(optional, dict)
        else {}
    )
    for path, requirements in lists.items():
        for requirement in requirements if isinstance(requirements, list) else ():
            if isinstance(requirement, str) and re.search(r"@\s*file:", requirement):
                message = f"{requirement!r} is a file of one machine, which users do not have"
                yield PyprojectProblem(message, at(*path), "name a version")


def judge(
    table: Mapping[str, Any], at: Callable[..., str]
) -> tuple[StandardMetadata | None, tuple[PyprojectProblem, ...]]:
    """What pyproject-metadata reads of a [project] table with a version, or everything that it refuses.

    `at` gives the place of a key of the table. What `license-files` names is not looked for.
    """
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression  # noqa: PLC0415 - 11 ms
    from pyproject_metadata import StandardMetadata  # noqa: PLC0415 - 57 ms
    from pyproject_metadata.errors import ConfigurationWarning  # noqa: PLC0415 - 57 ms

    project = dict(table)
    project["dynamic"] = [field for field in project.get("dynamic", []) if field != "version"]
    project.pop("license-files", None)
    problems: list[PyprojectProblem] = []
    if isinstance(project.get("license"), str):
        try:
            project["license"] = canonicalize_license_expression(project["license"])
        except InvalidLicenseExpression as error:
            hint = "write an SPDX expression such as MIT OR Apache-2.0"
            problems.append(PyprojectProblem(str(error), at("license"), hint))
            project.pop("license")
    standard, errors = None, list[Exception]()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConfigurationWarning)  # what is old, and right
            standard = StandardMetadata.from_pyproject(
                {"project": project}, metadata_version="2.4", allow_extra_keys=False, all_errors=True
            )
    except ExceptionGroup as group:
        errors += group.exceptions
    except (TypeError, AttributeError, ValueError):  # of the library, which takes some values for what they are not
        problems.append(PyprojectProblem("a value of this table has another type than its key", at(), "correct it"))
    problems += (_refusal(error, at) for error in errors)
    return (None if problems else standard), tuple(problems)


def _refusal(error: Exception, at: Callable[..., str]) -> PyprojectProblem:
    keys = re.sub(r"\[\d+\]", "", getattr(error, "key", None) or "").split(".")[1:]
    if not keys and (extra := re.search(r"Extra keys present in \"project\": '([^']+)'", str(error))):
        keys = [extra[1]]
    return PyprojectProblem(str(error).replace("\n", " "), at(*keys), "correct it")
