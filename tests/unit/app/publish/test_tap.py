"""Taps and buckets: a file that moves forward, in commits on the tip of a branch, and nothing of anybody else's."""

from __future__ import annotations

import json
import subprocess  # noqa: TID251 - Git is the judge
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import StandIn, host_of
from fakes.published import release_of
from ferrule.app.publish import DESTINATIONS, run, tap
from ferrule.app.publish.base import PublishContext
from ferrule.app.publish.items import UploadFailed
from ferrule.core.errors import PublishError, VerificationError

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.publish.tap import TapPublisher

IDENTITY = {f"GIT_{who}_{what}": "me@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str, feed: str | None = None) -> str:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **IDENTITY}
    argv = ["git", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(
        argv, cwd=folder, env=environment, check=True, capture_output=True, text=True, input=feed
    ).stdout


def formula(version: str, more: str = "") -> bytes:
    return f'class Demo < Formula\n  version "{version}"\n{more}end\n'.encode()


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A tap with a formula of somebody else's."""
    folder = tmp_path / "server.git"
    folder.mkdir()
    git(folder, "init", "--bare", "-q")
    commit(folder, "Formula/other.rb", formula("9.0.0"))
    return folder


def commit(server: Path, path: str, content: bytes, branch: str = "main", mode: str = "100644") -> None:
    """What somebody pushes: a file more, or another one."""
    blob = git(server, "hash-object", "-w", "--stdin", feed=content.decode()).strip()
    has_branch = git(server, "branch", "--list", branch).strip()
    git(server, "read-tree", branch) if has_branch else git(server, "read-tree", "--empty")
    git(server, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")
    parent = ["-p", git(server, "rev-parse", branch).strip()] if has_branch else []
    made = git(server, "commit-tree", git(server, "write-tree").strip(), *parent, "-m", "theirs").strip()
    git(server, "update-ref", f"refs/heads/{branch}", made)


def publisher(
    server: Path, version: str = "1.2.3", content: bytes | None = None, to: str = "homebrew", **keys
) -> TapPublisher:
    folder = server.parent
    scratch = folder / f"scratch{len(list(folder.iterdir()))}"
    scratch.mkdir()
    identity = keys.pop("identity", True)
    host = host_of(folder / "home", StandIn(url="http://x"), **(IDENTITY if identity else {}))
    if not identity:
        (folder / "home" / ".gitconfig").unlink()
    context = PublishContext(None, host, folder, scratch, lambda: 0)
    section = DESTINATIONS[to].section(to=to, repository=str(server), **keys)
    name = {"homebrew": "demo.rb", "scoop": "demo.json"}[to]
    files = {name: (to, content or formula(version)), "demo.tar.gz": ("program", b"x")}
    return DESTINATIONS[to].opened(section, release_of(scratch / "dist", files, version), context)


def publish(one: TapPublisher) -> list[str]:
    details: list[str] = []
    pace = run.Pace(lambda _: None, lambda event: details.append(f"{event.what} {event.detail}".strip()))
    run.publish({"tap": one}, pace)
    return details


def test_a_release_is_a_commit_on_the_tip(server: Path) -> None:
    assert publish(publisher(server)) == ["uploading", "uploaded"]
    assert git(server, "show", "main:Formula/demo.rb").encode() == formula("1.2.3")
    assert git(server, "show", "main:Formula/other.rb").encode() == formula("9.0.0")
    assert git(server, "log", "--format=%s %an", "main").splitlines() == [
        "demo 1.2.3 me@example.org",
        "theirs me@example.org",
    ]
    again = publisher(server)
    assert publish(again) == ["same"]
    assert git(server, "rev-list", "--count", "main").strip() == "2"
    back = server.parent / "back"
    back.mkdir()
    fetched = list(run.fetch_back({"tap": again}, back, run.Pace(lambda _: None, lambda _: None)))
    assert [(e.state.presence, path) for e, path in fetched] == [("same", None)]
    (withdrawal,) = again.withdrawals("bad")
    assert withdrawal.call.endswith("git revert the commit of Formula/demo.rb, for: bad")
    assert again.call(again.items[0]) == f"git push {server} COMMIT:refs/heads/BRANCH (Formula/demo.rb)"


def test_only_forward(server: Path) -> None:
    publish(publisher(server, "1.3.0"))
    assert publish(publisher(server, "1.2.9")) == ["same it has version 1.3.0, which is newer"]
    with pytest.raises(PublishError, match=r"it has another file of version 1\.3\.0"):
        publish(publisher(server, "1.3.0", formula("1.3.0", "# other\n")))
    publish(publisher(server, "1.10.0"))
    assert git(server, "show", "main:Formula/demo.rb").encode() == formula("1.10.0")
    assert git(server, "rev-list", "--count", "main").strip() == "3"


def test_a_prerelease_moves_nothing(server: Path) -> None:
    assert publish(publisher(server, "1.3.0-rc.1")) == ["same a pre-release moves nothing there"]
    publish(publisher(server, "1.3.0-rc.1", prereleases=True))
    assert git(server, "show", "main:Formula/demo.rb").encode() == formula("1.3.0-rc.1")


def test_what_is_no_formula_of_a_version_stays(server: Path) -> None:
    commit(server, "Formula/demo.rb", b"class Demo\nend\n")
    with pytest.raises(PublishError, match="does not state its version"):
        publish(publisher(server))
    commit(server, "Formula/demo.rb", b"other.rb", mode="120000")
    with pytest.raises(PublishError, match=r"what is Formula/demo\.rb there does not state"):
        publish(publisher(server))


def test_somebody_else_is_faster(server: Path) -> None:
    """What is pushed between the question and the push is kept, and the formula comes on top of it."""
    one = publisher(server)
    _, tip = one._tip()
    made = one._commit(one.items[0], tip)
    commit(server, "Formula/third.rb", formula("3.0.0"))
    with pytest.raises(UploadFailed, match=r"rejected|fetch first"):
        one._git("push", "--quiet", str(server), f"{made}:refs/heads/main")
    publish(one)
    names = git(server, "ls-tree", "-r", "--name-only", "main").split()
    assert names == ["Formula/demo.rb", "Formula/other.rb", "Formula/third.rb"]


def test_a_branch_of_its_own_and_an_empty_repository(server: Path) -> None:
    publish(publisher(server, branch="release/stable", folder="A"))
    assert git(server, "ls-tree", "-r", "--name-only", "release/stable").split() == ["A/demo.rb"]
    empty = server.parent / "empty.git"
    empty.mkdir()
    git(empty, "init", "--bare", "-q")
    publish(publisher(empty))
    assert git(empty, "ls-tree", "-r", "--name-only", "main").split() == ["Formula/demo.rb"]


def test_a_head_that_is_no_branch(server: Path) -> None:
    git(server, "update-ref", "--no-deref", "HEAD", git(server, "rev-parse", "main").strip())
    with pytest.raises(PublishError, match="its HEAD is no branch"):
        publish(publisher(server))
    publish(publisher(server, branch="main"))


def test_nobody_commits(server: Path) -> None:
    with pytest.raises(PublishError, match="in whose name to commit") as caught:
        publish(publisher(server, identity=False))
    assert "git config --global user.name" in str(caught.value.hint)


def test_a_repository_that_takes_nothing(server: Path) -> None:
    with pytest.raises(PublishError, match=r"not appear to be a git repository|does not exist"):
        publish(publisher(server.parent / "none.git"))


def test_a_bucket(server: Path) -> None:
    content = json.dumps({"version": "1.2.3"}).encode()
    publish(publisher(server, content=content, to="scoop"))
    assert git(server, "show", "main:bucket/demo.json").encode() == content
    assert publish(publisher(server, "1.2.2", b'{"version": "1.2.2"}', to="scoop"))[0].startswith("same it has version")


def test_a_version_that_cannot_be_compared(server: Path) -> None:
    with pytest.raises(VerificationError, match="cannot be compared"):
        publisher(server, "2026.1")


def test_versions() -> None:
    assert tap.version_of_formula('  version "1.2.3"\n') == "1.2.3"
    assert tap.version_of_formula('  url "version"\n') == ""
    assert tap.version_of_manifest('{"version": "1.2.3"}') == "1.2.3"
    assert [tap.version_of_manifest(text) for text in ("[]", "{}", "{")] == ["", "", ""]
