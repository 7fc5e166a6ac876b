from __future__ import annotations

import pytest

from fakes.machine import WANTED
from ferrule.app.doctor import examine as doctor
from ferrule.tools.cargo_git import git_crates

LOCK = """version = 4
[[package]]
name = "own"
version = "1.0.0"
[[package]]
name = "common"
version = "1.0.0"
source = "registry+https://index.example"
[[package]]
name = "forked"
version = "1.0.0"
source = "git+https://git.example/forked?branch=x#0123"
"""


@pytest.mark.parametrize(
    ("lock", "crates"), [(LOCK, ("forked",)), ("", ()), ("[[package", ()), ("package = 1", ()), ("package = [{}]", ())]
)
def test_crates_from_git_are_named(lock, crates):
    assert git_crates(lock) == crates


def rows(machine, says, crates=("forked",)):
    machine.complete()
    machine.program(
        "cargo",
        f'[ "$1" = generate-lockfile ] && {{ echo "{says}" >&2; exit 101; }}\necho "cargo 1.96.0 (x 2026-05-25)"',
        machine.usr / "bin",
    )
    findings = doctor.examine(WANTED, machine.host(), probe=False, git_crates=crates)
    return [f for f in findings if f.state == "fault"]


def test_a_cargo_that_cannot_read_git_is_named(machine):
    (row,) = rows(machine, "invalid version 0 on git_proxy_options; class=Invalid (3)")
    assert row.tool == "cargo git"
    assert "takes forked from there" in row.problem
    assert "--rust-source rustup" in row.fix
    assert not row.fixable


def test_a_cargo_that_finds_no_repository_can_read_git(machine):
    assert rows(machine, "failed to resolve path: No such file or directory; class=Os (2)") == []


def test_a_project_without_git_is_asked_nothing(machine):
    assert rows(machine, "invalid version 0 on git_proxy_options", crates=()) == []
    assert not [call for call in machine.calls if "generate-lockfile" in call]
