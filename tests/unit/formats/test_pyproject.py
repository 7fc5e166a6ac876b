"""pyproject.toml: everything that is wrong, with its line."""

from __future__ import annotations

import pytest
import tomli

from ferrule.formats.pyproject import pyproject_problems

HEAD = '[project]\nname = "demo"\ndynamic = ["version"]\n'


def problems(text: str, *files: str) -> list[str]:
    def problem_of(name: str) -> str | None:
        return None if name in files else "this file cannot be read"

    result = pyproject_problems(text, tomli.loads(text), "py/pyproject.toml", problem_of)
    return [f"{problem.where}: {problem.message}" for problem in result]


def test_a_table_that_can_be_used():
    assert problems(HEAD + 'readme = "README.md"\nlicense = "MIT OR Apache-2.0"\n', "README.md") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('readme = "README.md"', "py/pyproject.toml:4:1: README.md: this file cannot be read"),
        (
            'readme = {file = "R.txt", content-type = "text/plain"}',
            "py/pyproject.toml:4:1: R.txt: this file cannot be read",
        ),
        ('license = {file = "LICENSE"}', "py/pyproject.toml:4:1: `license` is a table"),
        ('license = "Mine"', "py/pyproject.toml:4:1: Unknown license"),
        ("description = 1", 'py/pyproject.toml:4:1: Field "project.description" has an invalid type'),
        ('requires-python = "x"', 'py/pyproject.toml:4:1: Field "project.requires-python" is an invalid'),
        ("[project.scripts]\na = 1", 'py/pyproject.toml:5:1: Field "project.scripts.a" has an invalid type'),
        ("colour = 1", "py/pyproject.toml:4:1: Extra keys present"),
        ('dependencies = ["a >>1"]', 'py/pyproject.toml:4:1: Field "project.dependencies[0]" is an invalid'),
        ('dependencies = ["a @ file:///srv/a"]', "py/pyproject.toml:4:1: 'a @ file:///srv/a' is a file of one machine"),
        ('license-files = "LICENSE"', "py/pyproject.toml:4:1: `license-files` is not a list of texts"),
        ('license-files = ["../LICENSE"]', "py/pyproject.toml:4:1: '../LICENSE' of `license-files` leads out"),
        ('license-files = ["/LICENSE"]', "py/pyproject.toml:4:1: '/LICENSE' of `license-files` leads out"),
        ('license-files = ["LICENSE"]', "py/pyproject.toml:4:1: LICENSE: this file cannot be read"),
        ('[project.scripts]\nx = "not an object!"', "py/pyproject.toml:5:1: 'not an object!' names no object"),
        ('[project.scripts]\nx = "module"', "py/pyproject.toml:5:1: 'module' names no object"),
        ('[project.scripts]\n"../x" = "a:b"', "py/pyproject.toml:5:1: '../x' cannot be a name here"),
        (
            '[project.entry-points.console_scripts]\nx = "a:b"',
            "py/pyproject.toml:4:1: [project.entry-points] may not have console_scripts",
        ),
    ],
)
def test_problems(text: str, message: str):
    (line,) = problems(HEAD + text + "\n")
    assert line.startswith(message)


def test_entry_points_and_licence_globs_that_can_be_used():
    text = """license-files = ["LICEN[CS]E*"]
[project.scripts]
a-b = "demo.cli:main"
[project.gui-scripts]
c = "demo:App.run"
[project.entry-points."a.b"]
x = "demo"
y = "demo.z:f [extra]"
"""
    assert problems(HEAD + text) == []


@pytest.mark.filterwarnings("error")
def test_what_is_old_is_no_warning_on_the_terminal():
    assert problems(HEAD + 'description = "a\\nb"\nclassifiers = ["License :: OSI Approved :: MIT License"]\n') == []


def test_all_at_once():
    assert len(problems(HEAD + 'readme = "R"\nlicense = {text = "MIT"}\ndescription = 1\nclassifiers = "a"\n')) == 4


def test_dynamic_of_another_type():
    assert problems('[project]\nname = "demo"\ndynamic = 1\n') == [
        "py/pyproject.toml:3:1: `dynamic` is a list of texts"
    ]
