"""What Git says of a project, by Git itself."""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - a repository is made for the tests
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import FerruleError, StorageError
from ferrule.tools import git
from ferrule.tools.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    program = shutil.which("git", path=os.defpath)
    assert program is not None
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    folders = (Path(program).parent,)
    return Host(folders, environment, tmp_path, "Linux", "x86_64", False, True, Path(sys.executable), tmp_path / "none")


@pytest.fixture
def repository(tmp_path: Path, host: Host) -> Path:
    path = tmp_path / "repository"
    path.mkdir()
    make(host, path, "init", "--quiet")
    for name in ("kept", "changed", "deleted", ".gitignore"):
        (path / name).write_text("ignored\n")
    make(host, path, "add", ".")
    make(host, path, "commit", "--quiet", "--message", "first")
    (path / "ignored").touch()
    (path / "new").write_text("new")
    return path


def make(host: Host, place: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", *arguments], cwd=place, env={**host.environment, **NAMES}, check=True, stdin=subprocess.DEVNULL
    )


def copied(repository: Path, host: Host, place: Path) -> Path:
    """The repository again, with the same files."""
    git.clone(repository, place, host)
    for name in git.files(repository, host):
        if (repository / name).exists():
            shutil.copy(repository / name, place / name)
    git.track(place, git.files(repository, host, untracked=False), host)
    return place


def test_files_are_those_that_are_not_ignored(repository: Path, host: Host) -> None:
    assert set(git.files(repository, host)) == {"kept", "changed", "deleted", ".gitignore", "new"}
    assert "new" not in git.files(repository, host, untracked=False)


def test_top_is_where_the_repository_begins(repository: Path, host: Host, tmp_path: Path) -> None:
    (repository / "below").mkdir()
    assert git.top(repository / "below", host) == repository
    assert git.top(tmp_path, host) is None
    assert git.files(tmp_path, host) == ()


def unchanged(_: Path) -> None:
    pass


def edited(place: Path) -> None:
    (place / "changed").write_text("otherwise")


def lost(place: Path) -> None:
    (place / "deleted").unlink()


@pytest.mark.parametrize("change", [unchanged, edited, lost])
def test_a_copy_is_of_the_same_commit_and_as_clean(
    repository: Path, host: Host, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    change(repository)
    path = copied(repository, host, tmp_path / "copy")
    assert git.state(path, host) == git.state(repository, host)
    assert git.state(path, host).dirty is (change is not unchanged)
    assert git.last_commit(path, (".",), host) == git.last_commit(repository, (".",), host)


def test_a_file_that_was_only_added_makes_a_copy_as_dirty(repository: Path, host: Host, tmp_path: Path) -> None:
    make(host, repository, "add", "new")
    path = copied(repository, host, tmp_path / "copy")
    assert git.state(path, host).dirty is git.state(repository, host).dirty is True


def test_a_repository_without_a_commit_is_copied(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.mkdir()
    make(host, path, "init", "--quiet")
    (path / "a").touch()
    copy = copied(path, host, tmp_path / "copy")
    assert git.state(copy, host) == git.state(path, host)
    assert git.top(copy, host) == copy


def test_without_git_nothing_is_cloned(repository: Path, tmp_path: Path) -> None:
    nothing = Host((), {}, tmp_path, "Linux", "x86_64", False, True, Path(sys.executable), tmp_path)
    assert git.top(repository, nothing) is None
    with pytest.raises(FerruleError, match="git"):
        git.clone(repository, tmp_path / "copy", nothing)


def no_head(place: Path) -> None:
    (place / ".git" / "HEAD").unlink()


def damaged_head(place: Path) -> None:
    (place / ".git" / "HEAD").write_text("\0\0")


def damaged_index(place: Path) -> None:
    (place / ".git" / "index").write_bytes(b"DIRC" + bytes(40))


def damaged_settings(place: Path) -> None:
    (place / ".git" / "config").write_text("[core\n")


def empty_folder(place: Path) -> None:
    shutil.rmtree(place / ".git")
    (place / ".git").mkdir()


def worktree_that_is_gone(place: Path) -> None:
    shutil.rmtree(place / ".git")
    (place / ".git").write_text("gitdir: /nowhere/.git/worktrees/x\n")


def link_to_nowhere(place: Path) -> None:
    shutil.rmtree(place / ".git")
    (place / ".git").symlink_to("/nowhere")


@pytest.mark.parametrize(
    "damage",
    [
        *(no_head, damaged_head, damaged_index, damaged_settings),
        *(empty_folder, worktree_that_is_gone, link_to_nowhere),
    ],
)
@pytest.mark.parametrize("below", [".", "below"])
def test_a_checkout_that_git_cannot_read_is_no_project_without_git(
    repository: Path, host: Host, damage: Callable[[Path], None], below: str
) -> None:
    (repository / "below").mkdir()
    damage(repository)
    with pytest.raises(StorageError, match="Git cannot read this checkout: ") as caught:
        git.state(repository / below, host)
    assert caught.value.where == str(repository)
    assert "clone it again" in (caught.value.hint or "")


def test_a_checkout_of_somebody_else_is_an_error_with_the_fix(repository: Path, host: Host) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    os.chown(repository, 65534, 65534)
    os.chown(repository / ".git", 65534, 65534)
    with pytest.raises(StorageError, match="Git does not trust this checkout") as caught:
        git.state(repository, host)
    assert caught.value.hint == f"git config --global --add safe.directory {repository}"
    make(host, repository, "config", "--global", "--add", "safe.directory", str(repository))
    assert git.state(repository, host).commit is not None


def test_a_branch_whose_commit_is_lost_is_an_error(repository: Path, host: Host) -> None:
    make(host, repository, "branch", "other")
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/lost\n")
    with pytest.raises(StorageError, match="HEAD names no commit"):
        git.state(repository, host)


def test_whether_others_have_a_commit(repository: Path, host: Host) -> None:
    commit = git.state(repository, host).commit
    assert commit is not None
    assert git.is_pushed(repository, commit, host) is None
    make(host, repository, "update-ref", "refs/remotes/origin/main", commit)
    assert git.is_pushed(repository, commit, host) is True
    make(host, repository, "commit", "--quiet", "--allow-empty", "-m", "another")
    later = git.state(repository, host).commit
    assert later is not None
    assert git.is_pushed(repository, later, host) is False


def test_a_repository_that_lost_all_its_branches_is_not_taken_for_a_new_one(repository: Path, host: Host) -> None:
    for name in ("refs/heads", "logs"):
        shutil.rmtree(repository / ".git" / name)
    (repository / ".git" / "refs" / "heads").mkdir()
    (repository / ".git" / "packed-refs").unlink(missing_ok=True)
    with pytest.raises(StorageError, match="HEAD names no commit"):
        git.state(repository, host)
