"""A Go module: a tag that is created once, with the module and nothing else."""

from __future__ import annotations

import subprocess  # noqa: TID251 - Git is the judge
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import StandIn, host_of
from fakes.published import release_of
from ferrule.app.publish import DESTINATIONS, run
from ferrule.app.publish.base import PublishContext
from ferrule.app.publish.go import GoSection
from ferrule.app.publish.items import UploadFailed
from ferrule.core.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.publish.go import GoPublisher

FILES = {
    "go/go.mod": ("gomodule", b"module example.org/demo\n\ngo 1.25\n"),
    "go/internal/lib.so": ("gomodule", b"\x7fELF\r\n"),
    "demo.tar.gz": ("sdk", b"x"),
}


def git(folder: Path, *arguments: str) -> str:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    argv = ["git", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(argv, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def publisher(tmp_path: Path, files=FILES, **keys: str) -> GoPublisher:
    server = tmp_path / "server.git"
    if not server.exists():
        server.mkdir()
        git(server, "init", "--bare", "-q")
    scratch = tmp_path / f"scratch{len(list(tmp_path.iterdir()))}"
    scratch.mkdir()
    context = PublishContext(None, host_of(tmp_path / "home", StandIn(url="http://x")), tmp_path, scratch, lambda: 0)
    section = GoSection(to="go", repository=str(server), **keys)
    return DESTINATIONS["go"].opened(section, release_of(scratch / "dist", files), context)


def pace() -> run.Pace:
    return run.Pace(lambda _: None, lambda _: None)


@pytest.mark.parametrize(("keys", "tag", "prefix"), [({}, "v1.2.3", ""), ({"folder": "go"}, "go/v1.2.3", "go/")])
def test_the_tag_holds_the_module_alone(tmp_path: Path, keys, tag: str, prefix: str) -> None:
    run.publish({"go": publisher(tmp_path, **keys)}, pace())
    server = tmp_path / "server.git"
    assert git(server, "tag").split() == [tag]
    assert git(server, "ls-tree", "-r", "--name-only", tag).split() == [f"{prefix}go.mod", f"{prefix}internal/lib.so"]
    assert git(server, "branch") == ""
    commit = git(server, "rev-parse", tag)
    again = publisher(tmp_path, **keys)
    entries = run.publish({"go": again}, pace())
    assert [entry.state.presence for entry in entries] == ["same"]
    assert git(server, "rev-parse", tag) == commit
    assert again.items[0].name == "example.org/demo@v1.2.3"
    (tmp_path / "back").mkdir()
    assert [e.state.presence for e, _ in run.fetch_back({"go": again}, tmp_path / "back", pace())] == ["same"]
    assert tag in again.call(again.items[0])
    (withdrawal,) = again.withdrawals("bad")
    assert withdrawal.call.endswith("retract v1.2.3 // bad")


def test_two_publishers_would_create_the_same_commit(tmp_path: Path) -> None:
    first, second = publisher(tmp_path), publisher(tmp_path)
    first.upload(first.items[0])
    second.upload(second.items[0])
    assert git(tmp_path / "server.git", "tag").split() == ["v1.2.3"]


def test_a_tag_of_other_files_is_refused(tmp_path: Path) -> None:
    run.publish({"go": publisher(tmp_path)}, pace())
    other = publisher(tmp_path, {**FILES, "go/internal/lib.so": ("gomodule", b"other")})
    with pytest.raises(PublishError, match=r"other files: internal/lib\.so differs"):
        run.publish({"go": other}, pace())
    with pytest.raises(UploadFailed, match="rejected"):
        other.upload(other.items[0])


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    gone = publisher(tmp_path)
    (tmp_path / "server.git").rename(tmp_path / "moved.git")
    with pytest.raises(PublishError, match=r"not appear to be a git repository|does not exist"):
        run.publish({"go": gone}, pace())


def test_one_of_several_modules_has_to_be_named(tmp_path: Path) -> None:
    one = publisher(tmp_path, {"demo.tar.gz": ("sdk", b"x")})
    with pytest.raises(PublishError, match="nothing of this release goes there"):
        run.publish({"go": one}, pace())
    assert publisher(tmp_path, artifact="gomodule").items
    assert not publisher(tmp_path, artifact="another").items
