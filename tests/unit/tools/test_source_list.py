"""What counts as a source file, with Git and without: the same answer."""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - repositories are made for the tests
import sys
from pathlib import Path

import pytest

from ferrule.core.errors import BuildError
from ferrule.tools.host import Host
from ferrule.tools.source_list import has_untracked, listed_folders, source_names

TAG = "Signature: 8a477f597d28d172789f06886806bc55\n"


def host(root: Path, *, git: bool) -> Host:
    program = shutil.which("git", path=os.defpath)
    assert program is not None
    folders = (Path(program).parent,) if git else ()
    environment = {"PATH": os.defpath, "HOME": str(root)}
    return Host(folders, environment, root, "Linux", "x86_64", False, True, Path(sys.executable), root / "none")


def run_git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


class Project:
    """A project with a targets.yaml, in a repository or not."""

    def __init__(self, root: Path, *, git: bool) -> None:
        self.root, self.git = root / "project", git
        self.write("targets.yaml")
        if git:
            run_git(self.root, "init", "--quiet")

    def write(self, *names: str, text: str = "content\n") -> None:
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def names(self) -> set[str]:
        names = source_names(self.root, host(self.root.parent, git=self.git))
        assert list(names) == sorted(names)
        return set(names) - {"targets.yaml", ".gitignore"}


@pytest.fixture(params=[True, False], ids=["git", "no-git"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    return Project(tmp_path, git=request.param)


def test_all_that_nothing_ignores_is_source(project: Project) -> None:
    source = {"src/lib.rs", "src/target/mod.rs", "js/node_modules/x.js", "py/.cache/x", ".cargo/config.toml"}
    project.write(*source)
    assert project.names() == source


def test_what_gitignore_names_is_no_source(project: Project) -> None:
    project.write("src/lib.rs", "src/a.log", "keep.log", "notes/private.txt", "top/x", "src/top/x", "src/in/gen/y")
    project.write(".gitignore", text="*.log\n!keep.log\n/notes/\n/top\n")
    project.write("src/.gitignore", text="gen/\n!a.log\n")
    assert project.names() == {"src/lib.rs", "src/a.log", "src/.gitignore", "keep.log", "src/top/x"}


def test_a_file_below_an_ignored_folder_cannot_come_back(project: Project) -> None:
    project.write("out/keep")
    project.write(".gitignore", text="/out/\n!/out/keep\n")
    assert project.names() == set()


@pytest.mark.parametrize(
    "name",
    [
        ".git/x",
        ".hg/x",
        ".ferrule/x",
        "src/.ferrule/x",
        "a/__pycache__/x.pyc",
        ".venv/x",
        ".nox/x",
        "a/.ruff_cache/x",
        ".env",
        "a/.env",
        ".env.local",
        "dist/x",
        "dist/a/x",
    ],
)
def test_what_is_left_behind_is_no_source(project: Project, name: str) -> None:
    project.write("src/lib.rs", name)
    assert project.names() == {"src/lib.rs"}


def test_cargo_has_one_target_folder_beside_its_lock_file(project: Project) -> None:
    project.write("Cargo.lock", "target/debug/x", "src/target/mod.rs", "fuzz/Cargo.lock", "fuzz/target/x")
    assert project.names() == {"Cargo.lock", "src/target/mod.rs", "fuzz/Cargo.lock"}


def test_a_folder_that_is_tagged_as_cache_is_no_source(project: Project) -> None:
    project.write("build/CACHEDIR.TAG", text=TAG)
    project.write("build/debug/x", "buildings/x")
    assert project.names() == {"buildings/x"}


def test_a_release_is_no_source_wherever_it_was_placed(project: Project) -> None:
    project.write("out/manifest.json", "out/SHA256SUMS", "out/sdk/x", "web/manifest.json")
    assert project.names() == {"web/manifest.json"}


def test_links_are_listed_and_not_entered(project: Project) -> None:
    project.write("shared/x")
    (project.root / "data").symlink_to("shared")
    (project.root / "file").symlink_to("shared/x")
    assert project.names() == {"shared/x", "data", "file"}


def test_what_is_tracked_is_source_whatever_is_ignored(tmp_path: Path) -> None:
    project = Project(tmp_path, git=True)
    tracked = {"src/target/mod.rs", "dist/index.js", "target/x", ".env", ".venv/x", "Cargo.lock", "cache/x"}
    project.write(*tracked)
    project.write("cache/CACHEDIR.TAG", text=TAG)
    project.write(".gitignore", text="*\n")
    run_git(project.root, "add", "--force", "targets.yaml", *tracked)
    project.write("dist/wheel.whl", "target/y", "src/target/ignored", "cache/y")
    assert project.names() == tracked


def test_a_project_below_an_ignored_folder_is_one_without_git(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*\n")
    project = Project(tmp_path, git=False)
    project.write("src/lib.rs", "secret")
    project.write(".gitignore", text="secret\n")
    project.git = True
    assert project.names() == {"src/lib.rs"}


def test_a_project_in_a_folder_of_a_repository(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*.log\n")
    project = Project(tmp_path, git=False)
    project.write("src/lib.rs", "a.log")
    project.git = True
    assert project.names() == {"src/lib.rs"}


def test_submodules_and_repositories_inside_publish_what_they_publish(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    run_git(origin, "init", "--quiet")
    (origin / "a").write_text("a")
    (origin / ".gitignore").write_text("b\n")
    run_git(origin, "add", ".")
    run_git(origin, "commit", "--quiet", "--message=a")
    project = Project(tmp_path, git=True)
    run_git(project.root, "submodule", "--quiet", "add", str(origin), "sub")
    run_git(project.root, "clone", "--quiet", str(origin), "clone")
    project.write("sub/b", "sub/c", "clone/b")
    assert project.names() == {".gitmodules", "sub/.gitignore", "sub/a", "sub/c", "clone/.gitignore", "clone/a"}
    run_git(project.root, "submodule", "--quiet", "deinit", "--force", "sub")
    assert project.names() == {".gitmodules", "sub", "clone/.gitignore", "clone/a"}


def test_names_that_are_not_plain(project: Project) -> None:
    names = {"a\tb", "? x", "é", "a\nb", "end\n", " lead"}
    project.write(*names)
    assert project.names() == names


@pytest.fixture
def committed(tmp_path: Path) -> Project:
    """A project in a repository with a commit."""
    project = Project(tmp_path, git=True)
    project.write("src/a.rs", "docs/b.md")
    run_git(project.root, "add", "--all")
    run_git(project.root, "commit", "--quiet", "-m", "x")
    return project


def test_a_sparse_checkout_that_lacks_a_file_is_refused(committed: Project) -> None:
    run_git(committed.root, "sparse-checkout", "set", "src")
    with pytest.raises(BuildError, match="not checked out, so a release would lack it") as caught:
        committed.names()
    assert caught.value.where == "docs/b.md"
    run_git(committed.root, "sparse-checkout", "disable")
    assert committed.names() == {"src/a.rs", "docs/b.md"}


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_a_file_that_git_does_not_look_at_may_be_in_no_commit(committed: Project, flag: str) -> None:
    machine = host(committed.root.parent, git=True)
    assert not has_untracked(committed.root, machine, ["src"])
    run_git(committed.root, "update-index", flag, "src/a.rs")
    assert has_untracked(committed.root, machine, ["src"])
    assert not has_untracked(committed.root, machine, ["docs"])


def test_a_project_in_a_folder_that_git_ignores_is_in_no_commit(committed: Project) -> None:
    committed.write(".gitignore", text="aside/\n")
    committed.write("aside/project/src/a.rs", "aside/project/targets.yaml", text="x")
    machine = host(committed.root.parent, git=True)
    assert has_untracked(committed.root / "aside" / "project", machine, ["src"])


def test_sources_below_a_folder_that_git_ignores_whole_are_in_no_commit(committed: Project) -> None:
    committed.write(".gitignore", text="aside/\n")
    committed.write("aside/crate/src/lib.rs", text="x")
    machine = host(committed.root.parent, git=True)
    assert has_untracked(committed.root, machine, ["aside/crate/src"])


def test_rust_and_a_lock_file_that_git_ignores_are_in_no_commit(committed: Project) -> None:
    machine = host(committed.root.parent, git=True)
    committed.write(".gitignore", text="generated.rs\nmade/\nCargo.lock\ntarget/\n*.txt\n")
    run_git(committed.root, "add", ".gitignore")
    run_git(committed.root, "commit", "-m", "ignore")
    committed.write("src/notes.txt", "target/debug/out.rs", "docs/made/x.txt", text="x")
    assert not has_untracked(committed.root, machine, ["src", "docs", "Cargo.lock"])
    for source, name in (("src", "src/generated.rs"), ("docs", "docs/made/deep/x.rs"), ("Cargo.lock", "Cargo.lock")):
        committed.write(name, text="x")
        assert has_untracked(committed.root, machine, [source])


@pytest.mark.parametrize(
    ("attribute", "content"),
    [("lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"), ("git-crypt", "\0GITCRYPT\0x")],
)
def test_a_file_that_stands_for_another_is_refused(committed: Project, attribute: str, content: str) -> None:
    committed.write("data/x.bin", text=content)
    run_git(committed.root, "add", "--all")
    assert "data/x.bin" in committed.names()  # nothing says that this is one
    committed.write(".gitattributes", text=f"*.bin filter={attribute} -text\n")
    run_git(committed.root, "add", "--all", ".gitattributes")
    with pytest.raises(BuildError, match="not the file itself") as caught:
        committed.names()
    assert caught.value.where == "data/x.bin"


def test_folders_where_a_new_file_would_be_a_source(project: Project) -> None:
    project.write("src/lib.rs", "out/x", "part/.gitignore", "part/x", "src/deep/out/x", "open/x.log", ".ferrule/x")
    project.write(".gitignore", text="out/\n*.log\n")
    project.write("part/.gitignore", text="*\n")
    (project.root / "empty").mkdir()
    (project.root / "link").symlink_to("src")
    folders = listed_folders(project.root, host(project.root.parent, git=project.git))
    assert folders is not None
    assert sorted(folders) == [str(project.root / name) for name in ("", "empty", "open", "part", "src", "src/deep")]
    for folder in folders:
        before = project.names()
        Path(folder, "another").touch()
        assert (project.names() > before) is (Path(folder).name != "part")


def test_a_folder_that_is_tagged_as_cache_is_looked_at_for_its_tag(tmp_path: Path) -> None:
    project = Project(tmp_path, git=False)
    project.write("cache/CACHEDIR.TAG", "cache/deep/x")
    folders = listed_folders(project.root, host(tmp_path, git=False))
    assert folders == (str(project.root), str(project.root / "cache"))


def test_the_folders_of_a_repository_within_are_left_open(tmp_path: Path) -> None:
    project = Project(tmp_path, git=True)
    project.write("inner/x")
    assert listed_folders(project.root, host(tmp_path, git=True)) is not None
    run_git(project.root / "inner", "init", "--quiet")
    assert listed_folders(project.root, host(tmp_path, git=True)) is None
