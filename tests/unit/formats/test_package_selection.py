from __future__ import annotations

import tomllib

import pytest

from ferrule.core.ignore_files import IgnoreFiles
from ferrule.formats.package_selection import left_out_of_sdists, left_out_of_wheels, packages_of_hatch

FILES = (
    *("src/a/__init__.py", "src/a/x.secret", "src/a/tests/t.py", "src/a/internal/i.py", "src/a/internal/deep/d.py"),
    *("src/a/internals/e.py", "src/tests/t.py", "src/a/data/y.secret"),
)


def left_out(text: str) -> set[str]:
    """Which of the files are in no wheel."""
    files = IgnoreFiles()
    files.read("", left_out_of_wheels(tomllib.loads(text), "src"))
    return {name for name in FILES if files.ignore_any(name)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("[tool.hatch.build]\nexclude = ['*.secret']", "src/a/x.secret src/a/data/y.secret"),
        ("[tool.hatch.build.targets.wheel]\nexclude = ['/src/a/tests']", "src/a/tests/t.py"),
        ("[tool.hatch.build.targets.sdist]\nexclude = ['*']", ""),
        (
            "[tool.setuptools.packages.find]\nexclude = ['a.internal*']",
            "src/a/internal/i.py src/a/internal/deep/d.py src/a/internals/e.py",
        ),
        ("[tool.setuptools.packages.find]\nexclude = ['a.internal']", "src/a/internal/i.py"),
        ("[tool.setuptools.packages.find]\nexclude = ['a.internal.*']", "src/a/internal/deep/d.py"),
        ("[tool.setuptools.packages.find]\nexclude = ['tests*']", "src/tests/t.py"),
        ("[tool.setuptools.packages.find]\nexclude = ['*.tests']", "src/a/tests/t.py"),
        ("[tool.setuptools.exclude-package-data]\na = ['*.secret']", "src/a/x.secret"),
        ("[tool.setuptools.exclude-package-data]\n'*' = ['*.secret']", "src/a/x.secret src/a/data/y.secret"),
    ],
)
def test_what_backends_leave_out_is_in_no_wheel(text: str, expected: str) -> None:
    assert left_out(text) == set(expected.split())


def test_sdists_have_rules_of_their_own() -> None:
    text = "[tool.hatch.build.targets.sdist]\nexclude = ['/docs']\n[tool.flit.sdist]\nexclude = ['x']\n"
    assert left_out_of_sdists(tomllib.loads(text)) == ("/docs", "x")


def test_packages_of_hatch() -> None:
    assert packages_of_hatch(tomllib.loads("[tool.hatch.build.targets.wheel]\npackages = ['src/a/', './b']")) == (
        "src/a",
        "b",
    )
