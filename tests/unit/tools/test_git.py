"""What Git says of a project, by Git itself."""

from __future__ import annotations

import os
import resource
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


def names(repository: Path, host: Host) -> set[str]:
    paths = git.basis(repository, host)
    assert paths is not None
    return {os.path.relpath(path, repository) for path in paths}


def test_what_git_says_rests_on_its_files_and_all_that_is_tracked(repository: Path, host: Host) -> None:
    (repository / "below").mkdir()
    branch = (repository / ".git" / "HEAD").read_text().removeprefix("ref: ").strip()
    for folder in (repository, repository / "below"):
        files = names(folder, host)
        expected = ("kept", "deleted", ".git/HEAD", ".git/index", ".git/config", ".git/packed-refs", f".git/{branch}")
        expected += (".git/info/exclude", "../.gitconfig", "../.config/git/ignore", "../.git", "../../.git")
        assert {os.path.relpath(repository / name, folder) for name in expected} <= files
        others = ("/etc/gitconfig", host.which("git") or "", "/.git")
        assert {os.path.relpath(path, folder) for path in others} <= files
        assert os.path.relpath(repository / "new", folder) not in files
    rules = {"../.gitignore", "../.gitattributes"}
    assert rules <= names(repository / "below", host)
    assert not rules & names(repository, host)
    assert "../.git" not in names(repository / "below", host)
    assert ".git" in names(repository / "below", host)
    make(host, repository, "checkout", "--quiet", "--detach")
    assert f".git/{branch}" not in names(repository, host)


def test_a_worktree_rests_on_the_repository_that_it_is_of(repository: Path, host: Host) -> None:
    make(host, repository, "worktree", "add", "--quiet", "-b", "other", "../other")
    files = names(repository.parent / "other", host)
    own = "../repository/.git/worktrees/other"
    common = "../repository/.git"
    assert {".git", f"{own}/HEAD", f"{own}/index", f"{common}/refs/heads/other", f"{common}/config", "kept"} <= files


def test_a_folder_without_git_rests_on_there_being_none(tmp_path: Path, host: Host) -> None:
    assert git.basis(tmp_path, host) == tuple(folder / ".git" for folder in (tmp_path, *tmp_path.parents))


def test_settings_lead_to_files(repository: Path, host: Host) -> None:
    home = repository.parent
    for key, value in (
        ("include.path", "more"),
        ("includeIf.onbranch:x.path", "~/of-a-branch"),
        ("core.excludesFile", "~/rules"),
        ("core.attributesFile", "/attributes"),
    ):
        make(host, repository, "config", "--global", "--add", key, value)
    (home / "more").write_text("[include]\n\tpath = again\n")
    files = names(repository, host)
    assert {"../more", "../again", "../of-a-branch", "../rules", os.path.relpath("/attributes", repository)} <= files


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("include.path", "%(prefix)/x"),
        ("core.excludesFile", "relative"),
        ("extensions.refStorage", "files"),
    ],
)
def test_settings_that_are_not_followed_leave_it_open(repository: Path, host: Host, key: str, value: str) -> None:
    (repository / "x").touch()
    make(host, repository, "config", "core.repositoryFormatVersion", "0")
    make(host, repository, "config", key, value)
    assert git.basis(repository, host) is None


def test_references_to_references_and_submodules_leave_it_open(repository: Path, host: Host) -> None:
    make(host, repository, "symbolic-ref", "refs/heads/alias", "refs/heads/other")
    make(host, repository, "branch", "other")
    assert git.basis(repository, host) is not None
    make(host, repository, "symbolic-ref", "HEAD", "refs/heads/alias")
    assert git.basis(repository, host) is None
    make(host, repository, "symbolic-ref", "HEAD", "refs/heads/other")
    other = copied(repository, host, repository.parent / "inner")
    make(host, repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "inner")
    assert git.basis(repository, host) is None


def test_folders_that_a_rule_names(repository: Path, host: Host) -> None:
    assert git.ignored_folders(repository, [], host) == frozenset()
    for name in ("ignored", "open", "partly"):
        (repository / name).unlink(missing_ok=True)
        (repository / name).mkdir()
    (repository / "partly" / ".gitignore").write_text("*\n")
    assert git.ignored_folders(repository, ["open", "partly"], host) == frozenset()
    assert git.ignored_folders(repository, ["open", "ignored", "partly"], host) == {"ignored"}
    with pytest.raises(FerruleError):
        git.ignored_folders(repository, ["../outside"], host)


def test_a_machine_that_cannot_start_git_is_not_one_without_git(repository: Path, host: Host) -> None:
    """Without its answer a release would be one of no commit, with other bytes."""
    assert git.last_commit(repository, ("kept",), host)
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open("/", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, usual[1]))  # one more, and a program needs several
    try:
        with pytest.raises(StorageError, match="git could not be started: Too many open files"):
            git.last_commit(repository, ("kept",), host)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
