"""What is wrong with the [project] table of a pyproject.toml, with line and column: pyproject-metadata is the judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ferrule.core.toml_file import position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class PyprojectProblem:
    """A problem, its `file:line:column` and what to do."""

    message: str
    where: str
    hint: str


def pyproject_problems(
    text: str, document: Mapping[str, Any], name: str, exists: Callable[[str], bool]
) -> Iterator[PyprojectProblem]:
    """Everything for which no metadata can be written (pyproject.toml specification, core metadata 2.4).

    `text` is the file called `name` and `document` what it says; `exists` tells whether there is a file beside it.
    """

    def at(*keys: str) -> str:
        return position(text, name, ("project", *keys))

    project = dict(document["project"])
    readme = project.get("readme")
    file = readme.get("file") if isinstance(readme, dict) else readme
    if isinstance(file, str):
        if not exists(file):
            yield PyprojectProblem(f"there is no file {file}", at("readme"), "write it, or name another")
        project["readme"] = {"text": "", "content-type": "text/markdown"}
    dynamic = project.get("dynamic", [])
    if not isinstance(dynamic, list) or not all(isinstance(field, str) for field in dynamic):
        yield PyprojectProblem("`dynamic` is a list of texts", at("dynamic"), 'write dynamic = ["version"]')
        return
    if isinstance(project.get("license"), dict):
        hint = 'write license = "MIT" or another SPDX expression; `license-files` of targets.yaml names its text'
        yield PyprojectProblem("`license` is a table, which metadata 2.4 does not take", at("license"), hint)
        project.pop("license")
    yield from _by_the_judge({**document, "project": project}, at)


def _by_the_judge(document: Mapping[str, Any], at: Callable[..., str]) -> Iterator[PyprojectProblem]:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression  # noqa: PLC0415 - 11 ms
    from pyproject_metadata import ConfigurationError, StandardMetadata  # noqa: PLC0415 - 57 ms

    project = dict(document["project"])
    project["dynamic"] = [field for field in project.get("dynamic", []) if field != "version"]
    project["version"] = "1"
    project.pop("license-files", None)
    if isinstance(project.get("license"), str):
        try:
            project["license"] = canonicalize_license_expression(project["license"])
        except InvalidLicenseExpression as error:
            yield PyprojectProblem(str(error), at("license"), "write an SPDX expression such as MIT OR Apache-2.0")
            project.pop("license")
    try:
        StandardMetadata.from_pyproject(
            {**document, "project": project}, "/nonexistent", "2.4", allow_extra_keys=False, all_errors=True
        )
    except ExceptionGroup as group:
        errors = [error for error in group.exceptions if isinstance(error, ConfigurationError)]
    except ConfigurationError as error:
        errors = [error]
    else:
        errors = []
    for problem in errors:
        keys = (problem.key or "").split(".")[1:]
        yield PyprojectProblem(str(problem).replace("\n", " "), at(*keys), "correct it")
