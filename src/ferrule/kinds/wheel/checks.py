"""What keeps a Python package from being packed, as far as it can be known without building."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.core.toml_file import parse, position, texts_at, value_at
from ferrule.formats import versions
from ferrule.formats.package_selection import unfollowed_settings, version_in_files
from ferrule.formats.python_metadata import (
    PythonProject,
    check_project,
    is_license_file,
    table_problems,
)
from ferrule.kinds.base import (
    Context,
    PlanProblem,
    python_checks,
    python_project,
)
from ferrule.kinds.wheel.layout import chosen_packages, find_package
from ferrule.kinds.wheel.package_sources import (
    NATIVE,
    join,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def check(source: str, package: str | None, context: Context) -> Iterator[PlanProblem]:
    """Everything that is wrong with the package's pyproject.toml, and with what it leads to."""
    problems = [*python_checks(source, context)]
    yield from problems
    source, version = posixpath.normpath(source), context.project.version
    manifest = join(source, "pyproject.toml")
    try:
        text = context.read_text(manifest)
        project = PythonProject(manifest, text, python_project(text, manifest, version), version)
        document: Any = parse(text.encode(), manifest)
    except ConfigError as error:
        yield PlanProblem("source", error.message, error.hint or "write one with a [project] table", error.where)
        return
    except PlanProblem as problem:
        yield problem
        return
    yield from (
        PlanProblem("source", m.message, m.hint, m.where) for m in _metadata_problems(project, context, problems)
    )
    chosen = chosen_packages(context, source, document, project.name)
    try:
        root, package = find_package(context, source, project.name, package, chosen)
    except PlanProblem as problem:
        yield problem
        return
    for key in unfollowed_settings(document, posixpath.relpath(root, source), package):
        message = f"only the build backend follows {key[-1]}, so the wheel would hold other files than its own"
        hint = "leave it out, and let the folder of the package hold what is published"
        yield PlanProblem("source", message, hint, position(text, manifest, key))
    yield from _missing_modules(project, context, root, package)
    yield from _other_versions(document, context, source, root)
    for file in (f"{NATIVE}.py", f"{NATIVE}.pyi"):
        name = join(root, f"{package.replace('.', '/')}/{file}")
        if file.endswith(".py") and context.has_file(name):
            yield PlanProblem(
                "source", f"the library goes into a folder {NATIVE} beside this, which hides it", "rename it", name
            )
    yield from _clashing_licences(project, context, source)


def _metadata_problems(
    project: PythonProject, context: Context, problems: list[PlanProblem]
) -> tuple[ConfigError, ...]:
    """What the metadata would lose; where the table has problems, the judge has told the others."""
    if problems:
        places = {problem.where for problem in problems}
        return tuple(error for error in table_problems(project) if error.where not in places)
    try:
        check_project(project, context.read_text)
    except ConfigErrors as errors:
        return errors.errors
    return ()


def _other_versions(document: Mapping[str, Any], context: Context, source: str, root: str) -> Iterator[PlanProblem]:
    """A file that the build backend takes the version from, and that has another one than the release."""
    below = posixpath.relpath(root, source)
    for name, pattern in version_in_files(document, below):
        file = posixpath.normpath(join(source, name))
        if not context.has_file(file) or not (match := pattern.search(text := context.read_text(file))):
            continue
        if not versions.same_python_version(match[1], context.project.version):
            where = f"{file}:{text[: match.start(1)].count(chr(10)) + 1}:1"
            message = f"this states version {match[1]}, and the release is {context.project.version}"
            hint = f"write {context.project.version}, or take it from the metadata: importlib.metadata.version(…)"
            yield PlanProblem("source", message, hint, where)


def _missing_modules(project: PythonProject, context: Context, root: str, package: str) -> Iterator[PlanProblem]:
    """Entry points that lead to a module of the package which is not there."""
    groups = {"scripts": ("scripts",), "gui-scripts": ("gui-scripts",)}
    stated = project.table.get("entry-points")
    groups |= {g: ("entry-points", g) for g in (stated if isinstance(stated, dict) else ())}
    for path in groups.values():
        table = value_at(project.table, *path)
        for name, reference in table.items() if isinstance(table, dict) else ():
            module = str(reference).partition(":")[0].partition("[")[0].strip()
            is_own = module.partition(".")[0] == package.partition(".")[0]
            if not is_own or module.startswith(f"{package}.{NATIVE}"):
                continue
            *above, last = module.split(".")
            folder = "/".join(join(root, name) for name in ["/".join(above)] if name) or root
            if last not in context.folders(folder) and not context.has_file(join(folder, f"{last}.py")):
                where = position(project.text, project.file, ("project", *path, name))
                yield PlanProblem("source", f"there is no module {module}", "write it, or name another", where)


def _clashing_licences(project: PythonProject, context: Context, source: str) -> Iterator[PlanProblem]:
    """Licence files of the package and of the release with one name and another text."""
    for pattern in texts_at(project.table, "license-files"):
        for file in context.project.license_files:
            name = file.rpartition("/")[2]
            beside = join(source, name)
            if beside == file or not is_license_file(pattern, name) or not context.has_file(beside):
                continue
            if context.read_text(beside) != context.read_text(file):
                where = position(project.text, project.file, ("project", "license-files"))
                message = f"{beside} and the licence file {file} of the release differ"
                yield PlanProblem("source", message, "rename one of the two", where)
