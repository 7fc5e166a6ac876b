"""Metadata of Python packages: what build backends write of the same pyproject.toml."""

from __future__ import annotations

import tomllib
from email import message_from_string
from typing import TYPE_CHECKING

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from packaging.requirements import Requirement

from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.formats import python_metadata
from ferrule.formats.python_metadata import (
    PythonProject,
    check_project,
    entry_points_text,
    metadata_text,
)

if TYPE_CHECKING:
    from pathlib import Path

FULL = """[project]
name = "Demo.Py"
version = "1.2.3"
description = "Adds two numbers"
readme = "README.md"
license = "mit"
license-files = ["LICENSE", "legal/*.txt"]
requires-python = ">=3.9"
authors = [{name = "A. Author", email = "a@example.org"}, {name = "B"}]
maintainers = [{email = "m@example.org"}]
keywords = ["one", "two"]
classifiers = ["Programming Language :: Rust", "Typing :: Typed"]
dependencies = ["attrs>=20", "tomli; python_version < '3.11'"]

[project.urls]
Homepage = "https://example.org"

[project.scripts]
demo = "demo.cli:main"

[project.gui-scripts]
demo-window = "demo.gui:main"

[project.optional-dependencies]
fast = ["numpy>=1"]

[project.entry-points."demo.plugins"]
one = "demo.one"
"""
FILES = {"py/README.md": "# Demo\n\nIt adds.\n", "py/README.rst": "Demo\n====\n", "py/LICENSE": "licence\n"}


def read(name: str) -> str:
    if name not in FILES:
        raise ConfigError("this file cannot be read: No such file or directory", where=name)
    return FILES[name]


def project(text: str, version: str = "1.2.3") -> PythonProject:
    return PythonProject("py/pyproject.toml", text, tomllib.loads(text)["project"], version)


def of(*lines: str) -> PythonProject:
    return project("\n".join(["[project]", 'name = "demo"', 'version = "1.2.3"', *lines]))


def headers(text: str) -> set[tuple[str, str]]:
    message = message_from_string(text)
    result = {(name.lower(), " ".join(value.split())) for name, value in message.items()}
    return {(name, str(Requirement(value)) if name == "requires-dist" else value) for name, value in result}


def refusals(one: PythonProject) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        check_project(one, read)
    return [f"{error.where}: {error.message}" for error in caught.value.errors]


def test_metadata_is_that_of_hatchling(tmp_path: Path) -> None:
    for name, text in {**FILES, "py/pyproject.toml": FULL, "py/legal/a.txt": "a"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    hatchling = ProjectMetadata(str(tmp_path / "py"), PluginManager())
    from hatchling.metadata.spec import get_core_metadata_constructors  # noqa: PLC0415

    theirs = get_core_metadata_constructors()["2.4"](hatchling)
    ours = metadata_text(project(FULL), read, ["LICENSE", "legal/a.txt"])
    assert headers(ours) == headers(theirs)
    assert str(message_from_string(ours).get_payload()) == str(message_from_string(theirs).get_payload())


def test_entry_points_are_all_there() -> None:
    assert entry_points_text(project(FULL)) == (
        "[console_scripts]\ndemo = demo.cli:main\n\n[gui_scripts]\ndemo-window = demo.gui:main\n\n"
        "[demo.plugins]\none = demo.one\n"
    )
    assert entry_points_text(of()) == ""


def test_licence_files_are_those_that_globs_name() -> None:
    names = ["LICENSE", "legal/a.txt", "legal/deep/b.txt", "legal/c.md"]
    assert project(FULL).license_files(names) == ("LICENSE", "legal/a.txt")
    assert of('license-files = ["legal/**/*.txt", "L?CENSE", "legal/[a-c].md"]').license_files(names) == (
        "legal/a.txt",
        "legal/deep/b.txt",
        "LICENSE",
        "legal/c.md",
    )
    with pytest.raises(ConfigError, match="no file matches 'COPYING'") as caught:
        of('license-files = ["COPYING"]').license_files(names)
    assert caught.value.where == "py/pyproject.toml:4:1"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('readme = "README.md"', "text/markdown"),
        ('readme = "README.rst"', "text/x-rst"),
        ('readme = {file = "README.md", content-type = "text/plain"}', "text/plain"),
        ('readme = {text = "Hello", content-type = "text/markdown"}', "text/markdown"),
    ],
)
def test_a_readme_has_its_content_type(line: str, kind: str) -> None:
    assert ("description-content-type", kind) in headers(metadata_text(of(line), read))


def test_a_description_is_one_line() -> None:
    text = metadata_text(of('description = """Adds.\nLicense: none\r\n\\u0000\\u2028x"""'), read)
    assert ("summary", "Adds. License: none x") in headers(text)
    assert not [value for name, value in headers(text) if name == "license"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('keywords = ["a\\nLicense: none"]', "keywords holds a line end or control character"),
        ('urls = {"a\\rb" = "https://example.org"}', "urls holds a line end or control character"),
        ('authors = [{name = "a\\u0000"}]', "authors holds a line end or control character"),
        ('scripts = {a = "b:c\\n[x]"}', "scripts holds a line end or control character"),
        ('dynamic = ["readme"]', "only a build backend can compute readme, so it would be lost"),
        ('readme = "gone.md"', "py/gone.md: this file cannot be read: No such file or directory"),
        ('readme = "../../x.md"', "../x.md is not in the project"),
        ('readme = "LICENSE"', "the name of py/LICENSE does not say what it holds"),
        ('license = "No such licence!"', "Invalid license expression: 'No such licence!'"),
        ('requires-python = "what"', 'Field "project.requires-python" is an invalid'),
        ('dependencies = ["a b"]', 'Field "project.dependencies[0]" is an invalid PEP 508'),
        ('invented = "x"', "Extra keys present in"),
    ],
)
def test_what_cannot_be_kept_or_taken_is_refused_with_its_place(line: str, message: str) -> None:
    (refusal,) = refusals(of(line))
    path, _, text = refusal.partition(": ")
    assert text.startswith(message)
    assert path in ("py/pyproject.toml:4:1", "py/pyproject.toml:1:1")


def test_texts_are_looked_for_wherever_they_stand() -> None:
    assert list(python_metadata._strings({"a": ["b", {"c": "d"}], "e": True})) == ["a", "b", "c", "d", "e"]
