"""What `ferrule check` says of files of a project that CI machines run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.ci_machines import git
from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import ci_files
from ferrule.kinds import KINDS
from ferrule.tools.host import Host

if TYPE_CHECKING:
    from fakes.toolchain import Demo
    from ferrule.core.errors import ConfigError

SCRIPT, ACTION, WHEEL = ".ci/prepare", ".ci/action", "tools/f-1-py3-none-any.whl"


@pytest.fixture
def project(demo: Demo) -> Demo:
    """A project with a script, an action and a wheel, all of them staged."""
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(
            f"\nci: {{ferrule: {{wheel: {WHEEL}}}, steps: {{before-build: {SCRIPT}, after-verify: {ACTION}}}}}\n"
        )
    for name in (SCRIPT, f"{ACTION}/action.yaml", WHEEL):
        (demo.project / name).parent.mkdir(parents=True, exist_ok=True)
        (demo.project / name).touch(mode=0o755)
    git(demo, "init", "--quiet")
    git(demo, "add", ".")
    return demo


def problems(demo: Demo) -> list[ConfigError]:
    git_folder = Path(shutil.which("git") or "git").parent
    host = Host(
        (git_folder,), {}, demo.root, "Linux", "x86_64", is_root=False, offline=True, python=Path(sys.executable)
    )
    return list(ci_files.problems(config.load(demo.project, KINDS, DESTINATIONS), host))


def the_problem(demo: Demo) -> tuple[str, str]:
    (problem,) = problems(demo)
    assert (problem.where or "").startswith("targets.yaml:")
    return problem.message, problem.hint or ""


def test_files_that_are_there_and_in_git(project: Demo) -> None:
    assert problems(project) == []


@pytest.mark.parametrize("name", [SCRIPT, f"{ACTION}/action.yaml", WHEEL])
def test_a_file_that_is_not_in_git(project: Demo, name: str) -> None:
    git(project, "rm", "--quiet", "--cached", name)
    says = f"Git does not track {name}, so that no CI machine has it"
    assert the_problem(project) == (says, f"git add -- {name}, and commit it")
    (project.project / ".gitignore").write_text(f"/{name.partition('/')[0]}/\n")
    assert problems(project)[0].message.startswith("Git ignores ")
    assert (problems(project)[0].hint or "").startswith("git add --force -- ")


def test_without_git_nothing_is_asked_of_it(demo: Demo) -> None:
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"\nci: {{steps: {{before-build: {SCRIPT}}}}}\n")
    assert the_problem(demo)[0] == f"there is no {SCRIPT}"
    (demo.project / SCRIPT).parent.mkdir()
    (demo.project / SCRIPT).touch(mode=0o755)
    assert problems(demo) == []


@pytest.mark.parametrize("name", [SCRIPT, ACTION, WHEEL])
def test_what_lies_beyond_a_link_that_leads_out(project: Demo, tmp_path: Path, name: str) -> None:
    path = project.project / name
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    git(project, "add", ".")
    says = f"{name} is a link that leads out of the project, where a CI machine has nothing"
    assert the_problem(project) == (says, "replace it by what it leads to")


def test_a_folder_that_is_a_link_which_leads_out(project: Demo, tmp_path: Path) -> None:
    (project.project / ".ci").rename(tmp_path / "ci")
    (project.project / ".ci").symlink_to(tmp_path / "ci")
    assert {problem.message.partition(" ")[0] for problem in problems(project)} == {".ci"}


def test_a_link_within_the_project(project: Demo) -> None:
    path = project.project / SCRIPT
    path.rename(project.project / ".ci/other")
    path.symlink_to("other")
    assert the_problem(project)[0].startswith("Git does not track .ci/other")
    git(project, "add", ".")
    assert problems(project) == []
    git(project, "rm", "--quiet", "--cached", SCRIPT)
    assert the_problem(project)[0].startswith(f"Git does not track {SCRIPT}")


def test_a_script_that_git_keeps_as_one_that_nobody_may_run(project: Demo) -> None:
    git(project, "update-index", "--chmod=-x", SCRIPT)
    hint = f"git update-index --chmod=+x -- {SCRIPT}, and commit it"
    assert the_problem(project) == (f"{SCRIPT} is not executable in Git, and so on no CI machine", hint)


def test_the_mode_of_a_file_whose_name_is_a_pattern(project: Demo) -> None:
    (project.project / ".ci" / "*").touch()
    assert problems(project) == []
