"""pyproject.toml: everything that is wrong, with its line."""

from __future__ import annotations

import pytest
import tomli

from ferrule.formats.pyproject import pyproject_problems

HEAD = '[project]\nname = "demo"\ndynamic = ["version"]\n'


def problems(text: str, *files: str) -> list[str]:
    found = pyproject_problems(text, tomli.loads(text), "py/pyproject.toml", files.__contains__)
    return [f"{problem.where}: {problem.message}" for problem in found]


def test_a_table_that_can_be_used():
    assert problems(HEAD + 'readme = "README.md"\nlicense = "MIT OR Apache-2.0"\n', "README.md") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('readme = "README.md"', "py/pyproject.toml:4:1: there is no file README.md"),
        ('readme = {file = "R.txt", content-type = "text/plain"}', "py/pyproject.toml:4:1: there is no file R.txt"),
        ('license = {file = "LICENSE"}', "py/pyproject.toml:4:1: `license` is a table"),
        ('license = "Mine"', "py/pyproject.toml:4:1: Unknown license"),
        ("description = 1", 'py/pyproject.toml:4:1: Field "project.description" has an invalid type'),
        ('requires-python = "x"', 'py/pyproject.toml:4:1: Field "project.requires-python" is an invalid'),
        ("[project.scripts]\na = 1", 'py/pyproject.toml:5:1: Field "project.scripts.a" has an invalid type'),
        ("colour = 1", "py/pyproject.toml:"),
    ],
)
def test_problems(text: str, message: str):
    (line,) = problems(HEAD + text + "\n")
    assert line.startswith(message)


def test_all_at_once():
    assert len(problems(HEAD + 'readme = "R"\nlicense = {text = "MIT"}\ndescription = 1\nclassifiers = "a"\n')) == 4


def test_dynamic_of_another_type():
    assert problems('[project]\nname = "demo"\ndynamic = 1\n') == [
        "py/pyproject.toml:3:1: `dynamic` is a list of texts"
    ]
