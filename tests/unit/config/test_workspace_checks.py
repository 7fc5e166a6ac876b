"""What is wrong with the Cargo workspace, as far as the project's files alone show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.config.workspace_checks import workspace_problems
from ferrule.core.cargo_config import CargoSettings
from ferrule.core.cargo_workspace import read_workspace

if TYPE_CHECKING:
    from pathlib import Path

CRATE = '[package]\nname = "a"\nversion = "1.2.3"\n'


def messages(root: Path, workspace: str, folder: str = ".") -> list[tuple[str | None, str, str | None]]:
    crate = root / folder / "crates" / "a"
    (crate / "src").mkdir(parents=True)
    (crate / "src" / "lib.rs").touch()
    (crate / "Cargo.toml").write_text(CRATE)
    (root / folder / "Cargo.toml").write_text(workspace)
    (root / folder / "Cargo.lock").write_text('version = 4\n[[package]]\nname = "a"\nversion = "1.2.3"\n')
    problems = workspace_problems(root, read_workspace(root, folder), CargoSettings(), (), "targets.yaml:1:1")
    return [(problem.where, problem.message, problem.hint) for problem in problems]


@pytest.mark.parametrize(
    ("workspace", "folder"),
    [
        ('[workspace]\nmembers = ["crates/*"]\n', "."),
        ('[workspace]\nmembers = ["*", "crates/*"]\nexclude = [".ferrule", "dist", "crates"]\n', "."),
        ('[workspace]\nmembers = ["crates/*", "*"]\nexclude = ["crates"]\n', "rust"),
    ],
)
def test_globs_that_leave_our_folders_alone(tmp_path: Path, workspace: str, folder: str) -> None:
    assert messages(tmp_path, workspace, folder) == []


def test_a_glob_that_takes_our_folders_for_crates(tmp_path: Path) -> None:
    ((where, message, hint),) = messages(tmp_path, '[workspace]\nexclude = ["crates"]\nmembers = ["crates/a", "*"]\n')
    assert where == "Cargo.toml:3:1"
    assert message.startswith("the member '*' takes .ferrule and dist for crates, and Cargo refuses")
    assert hint == 'write exclude = ["crates", ".ferrule", "dist"] under [workspace]'


def test_a_glob_that_takes_one_of_them_for_a_crate(tmp_path: Path) -> None:
    ((_, message, hint),) = messages(tmp_path, '[workspace]\nmembers = ["crates/a", "d*"]\n')
    assert message.startswith("the member 'd*' takes dist for a crate, and")
    assert hint == 'write exclude = ["dist"] under [workspace]'


def test_crates_without_a_lock_file(tmp_path: Path) -> None:
    messages(tmp_path, '[workspace]\nmembers = ["crates/*"]\n')
    (tmp_path / "Cargo.lock").unlink()
    workspace = read_workspace(tmp_path, ".")
    (problem,) = workspace_problems(tmp_path, workspace, CargoSettings(), (), "targets.yaml:1:1")
    assert (problem.where, problem.message[:26]) == ("targets.yaml:1:1", "Cargo.lock does not exist,")
