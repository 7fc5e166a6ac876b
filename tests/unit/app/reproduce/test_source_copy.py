"""The copy of the sources that a release is made from again."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess  # noqa: TID251 - a repository is made for the tests
from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.app.release import run as release
from ferrule.app.reproduce import run as reproduce
from ferrule.app.reproduce.run import ReproductionRequest
from ferrule.app.reproduce.source_copy import copy_sources
from ferrule.tools import git

if TYPE_CHECKING:
    from fakes.toolchain import Demo
    from ferrule.tools.host import Host

NAMES = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def with_git(demo: Demo) -> Host:
    """The host with Git on its PATH, and the project in a repository."""
    program = shutil.which("git", path=os.defpath)
    assert program is not None
    (demo.root / "bin" / "git").symlink_to(program)
    (demo.project / ".gitignore").write_text("dist/\n.ferrule/\n")
    for arguments in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "one")):
        subprocess.run([program, *arguments], cwd=demo.project, env={**demo.environment, **NAMES}, check=True)
    return demo.context.host


def fill(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_copy_of_a_repository_is_as_git_sees_it(demo: Demo) -> None:
    host = with_git(demo)
    (demo.project / "LICENSE").write_text("changed")
    (demo.project / "new").write_text("new")
    (demo.project / "dist").mkdir()
    (demo.project / "dist" / "ignored").touch()
    path = demo.root / "copy"
    copy_sources(demo.project, path, host, umask=0o077, time=1_000_000_000, backwards=True)
    assert (path / "LICENSE").read_text() == "changed"
    assert (path / "new").exists()
    assert not (path / "dist").exists()
    assert (path / "LICENSE").stat().st_mtime == 1_000_000_000
    modes = {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in path.rglob("*") if not p.is_symlink()}
    assert modes == {0}


def test_a_copy_has_the_same_commit_and_is_as_dirty(demo: Demo) -> None:
    host = with_git(demo)
    (demo.project / "LICENSE").write_text("changed")
    copy_sources(demo.project, demo.root / "copy", host)
    assert git.state(demo.root / "copy", host) == git.state(demo.project, host)


def test_without_git_all_but_leftovers_is_copied(demo: Demo) -> None:
    fill(demo.project, rust__target__x=b"", dist__manifest_json=b"{}", dist__SHA256SUMS=b"", kept__x=b"")
    (demo.project / "kept" / "link").symlink_to("x")
    copy_sources(demo.project, demo.root / "copy", demo.context.host)
    copy = demo.root / "copy"
    assert (copy / "kept" / "link").readlink() == Path("x")
    assert not (copy / "rust" / "target").exists()
    assert not (copy / "dist").exists()
    assert (copy / "targets.yaml").read_bytes() == (demo.project / "targets.yaml").read_bytes()


def test_a_source_that_git_ignores_is_told(demo: Demo) -> None:
    host = with_git(demo)
    (demo.project / ".gitignore").write_text("dist/\n.ferrule/\n/LICENSE\n")
    program = demo.root / "bin" / "git"
    subprocess.run(
        [program, "rm", "--quiet", "--cached", "LICENSE"], cwd=demo.project, env=demo.environment, check=True
    )
    config = release.load(demo.project)
    request = ReproductionRequest(config.root, release.make_plan(config, demo.context), ())
    copy_sources(demo.project, demo.root / "copy", host)
    assert reproduce.lacking_sources(request, demo.root / "copy", host) == (
        "LICENSE is a source that git ignores, so no other checkout has it",
    )
