"""A plain folder: files appear whole and once, whoever else publishes and whenever somebody is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.published import release_of
from ferrule.app.publish import DESTINATIONS, run
from ferrule.app.publish.base import PublishContext
from ferrule.app.publish.folder import FolderSection
from ferrule.core.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.publish.folder import FolderPublisher

FILES = {"a.whl": ("wheel", b"a" * 70_000), "image/blobs/x": ("image", b"x")}


def pace() -> run.Pace:
    return run.Pace(lambda _: None, lambda _: None)


@pytest.fixture
def publisher(tmp_path: Path) -> FolderPublisher:
    (tmp_path / "shelf").mkdir()
    context = PublishContext(web=None, host=None, project=tmp_path, scratch=tmp_path, now_ns=lambda: 0)
    release = release_of(tmp_path / "dist", FILES)
    return DESTINATIONS["folder"].opened(FolderSection(to="folder", path="shelf"), release, context)


def files(publisher: FolderPublisher) -> dict[str, bytes]:
    folder = publisher.target
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_it_holds_the_release_and_nothing_else(publisher: FolderPublisher) -> None:
    run.publish({"shelf": publisher}, pace())
    assert files(publisher) == {item.name: item.source.read_bytes() for item in publisher.items}
    assert publisher.target.name == "demo-1.2.3"
    assert [item.name for item in publisher.items][-1] == "manifest.json"
    assert "copy" in publisher.call(publisher.items[0])
    before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in publisher.target.rglob("*")}
    run.publish({"shelf": publisher}, pace())
    assert before == {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in publisher.target.rglob("*")}


def test_it_is_fetched_back(publisher: FolderPublisher, tmp_path: Path) -> None:
    run.publish({"shelf": publisher}, pace())
    (tmp_path / "back").mkdir()
    (publisher.target / "a.whl").unlink()
    states = {e.item.name: e.state.presence for e, _ in run.fetch_back({"x": publisher}, tmp_path / "back", pace())}
    assert states == {"a.whl": "unknown", "image/blobs/x": "same", "SHA256SUMS": "same", "manifest.json": "same"}


def test_what_a_killed_run_left_is_taken_over_and_cleared(publisher: FolderPublisher) -> None:
    first = publisher.items[0]
    aside = publisher.target / ".incoming" / first.digest.hex
    aside.parent.mkdir(parents=True)
    aside.write_bytes(b"half of something, and longer than what it should be" * 2000)
    run.publish({"shelf": publisher}, pace())
    assert files(publisher).keys() == {item.name for item in publisher.items}
    aside.parent.mkdir()  # killed between the last link and the clearing
    run.publish({"shelf": publisher}, pace())
    assert not aside.parent.exists()


def test_what_is_published_is_not_even_written_again(tmp_path: Path) -> None:
    """Killed between the last link and the clearing, with two files of the same bytes."""
    (tmp_path / "shelf").mkdir()
    context = PublishContext(web=None, host=None, project=tmp_path, scratch=tmp_path, now_ns=lambda: 0)
    release = release_of(tmp_path / "dist", {"a": ("wheel", b"same"), "b": ("wheel", b"same")})
    publisher = DESTINATIONS["folder"].opened(FolderSection(to="folder", path="shelf"), release, context)
    run.publish({"shelf": publisher}, pace())
    one, other = publisher.target / "a", publisher.target / "b"
    assert not one.samefile(other)
    before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in publisher.target.rglob("*") if p.is_file()}
    manifest, other_name = publisher.target / "manifest.json", publisher.target / ".incoming" / "left"
    other_name.parent.mkdir()
    other_name.hardlink_to(manifest)
    run.publish({"shelf": publisher}, pace())
    assert before == {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in publisher.target.rglob("*") if p.is_file()}


def test_another_file_under_the_name_is_kept(publisher: FolderPublisher) -> None:
    publisher.target.mkdir()
    (publisher.target / "a.whl").write_bytes(b"theirs")
    with pytest.raises(PublishError, match=r"a.whl: it has other bytes"):
        run.publish({"shelf": publisher}, pace())
    assert files(publisher) == {"a.whl": b"theirs"}


@pytest.mark.parametrize("what", ["link", "folder", "linked folder"])
def test_what_is_no_file_is_refused(publisher: FolderPublisher, tmp_path: Path, what: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    if what == "linked folder":
        publisher.target.symlink_to(tmp_path / "elsewhere")
    else:
        publisher.target.mkdir()
        path = publisher.target / "a.whl"
        path.mkdir() if what == "folder" else path.symlink_to(tmp_path / "dist" / "a.whl")
    with pytest.raises(PublishError, match="link" if "link" in what else "directory|regular"):
        run.publish({"shelf": publisher}, pace())
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_is_missing_is_said(publisher: FolderPublisher) -> None:
    publisher.base.rmdir()
    with pytest.raises(PublishError, match="there is no folder") as caught:
        run.publish({"shelf": publisher}, pace())
    assert caught.value.hint == "create it, or correct `path` in targets.yaml"


def test_a_file_that_changes_meanwhile_is_not_published(publisher: FolderPublisher) -> None:
    publisher.items[0].source.write_bytes(b"changed")
    with pytest.raises(PublishError, match="changed while it was copied"):
        run.publish({"shelf": publisher}, pace())
    assert "a.whl" not in files(publisher)
