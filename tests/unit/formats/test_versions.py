"""What the ecosystems take for a version."""

from __future__ import annotations

import pytest

from ferrule.formats.versions import go_problem, npm_problem, oci_problem, python_problem, same_python_version


@pytest.mark.parametrize(
    ("version", "taken"),
    [("1.2.3", True), ("1.0.0-rc.1", True), ("0.2.0+dev0", True), ("1.0.0-nightly.20260101", False)],
)
def test_python(version: str, taken: bool):
    assert (python_problem(version) is None) is taken


@pytest.mark.parametrize(("version", "taken"), [("1.2.3-rc.1", True), ("1.2.3+a", False), ("1.2", False)])
def test_npm(version: str, taken: bool):
    assert (npm_problem(version) is None) is taken


@pytest.mark.parametrize(("version", "taken"), [("1.2.3-rc.1", True), ("1.2.3+a", False), ("1" * 129, False)])
def test_oci(version: str, taken: bool):
    assert (oci_problem(version) is None) is taken


@pytest.mark.parametrize(
    ("version", "module", "taken"),
    [
        ("0.3.1", "example.org/demo", True),
        ("1.9.0-rc.1", "example.org/demo", True),
        ("2.1.0", "example.org/demo", False),
        ("2.1.0", "example.org/demo/v2", True),
        ("3.0.0", "example.org/demo/v2", False),
        ("1.0.0", "example.org/demo/v2", False),
        ("2.0.0", "gopkg.in/demo.v2", True),
        ("3.0.0", "gopkg.in/demo.v2", False),
        ("1.0.0+a", "example.org/demo", False),
        ("1.0", "example.org/demo", False),
    ],
)
def test_go(version: str, module: str, taken: bool):
    assert (go_problem(version, module) is None) is taken


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("1.0.0-rc.1", "1.0.0rc1", True), ("1.0", "1.0.0", True), ("1.0", "1.1", False), ("1.0", "?", False)],
)
def test_same_version_to_python(one: str, other: str, same: bool):
    assert same_python_version(one, other) is same
