from __future__ import annotations

import json
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import BuildError, StorageError
from ferrule.core.model import Digest
from ferrule.engine.sources import StatIndex, changed_since, files_below, source_digests

if TYPE_CHECKING:
    from pathlib import Path

HOUR_NS = 3_600_000_000_000


def later() -> int:
    return time.time_ns() + HOUR_NS


def write(path: Path, text: str = "content") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(root: Path, name: str) -> list[str]:
    return [found for found, _ in files_below(root, name)]


def test_digest_is_that_of_the_content(tmp_path: Path) -> None:
    assert StatIndex(None, later).digest(write(tmp_path / "a", "hello")) == Digest.of(b"hello")


def test_changed_content_changes_the_digest(tmp_path: Path) -> None:
    index, path = StatIndex(None, later), write(tmp_path / "a", "one")
    before = index.digest(path)
    write(path, "two, longer")
    assert index.digest(path) == Digest.of(b"two, longer") != before


def test_change_with_old_size_and_time_is_seen(tmp_path: Path) -> None:
    index, path = StatIndex(None, later), write(tmp_path / "a", "one")
    index.digest(path)
    stat = path.stat()
    time.sleep(0.02)  # the file system's clock ticks
    write(path, "two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert index.digest(path) == Digest.of(b"two")


def test_file_replaced_by_another_of_equal_size_is_seen(tmp_path: Path) -> None:
    index, path = StatIndex(None, later), write(tmp_path / "a", "one")
    index.digest(path)
    write(tmp_path / "b", "two").replace(path)
    assert index.digest(path) == Digest.of(b"two")


def test_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    saved = tmp_path / "index.json"
    index, path = StatIndex(saved, later), write(tmp_path / "a", "one")
    index.digest(path)
    index.save()
    lie = Digest.of(b"what only the index says")
    saved.write_text(saved.read_text().replace(Digest.of(b"one").hex, lie.hex))
    assert StatIndex(saved, later).digest(path) == lie


def test_file_changed_just_now_is_not_believed(tmp_path: Path) -> None:
    saved, path = tmp_path / "index.json", write(tmp_path / "a", "one")
    index = StatIndex(saved, lambda: path.stat().st_mtime_ns + 1_000_000)
    index.digest(path)
    index.save()
    assert not saved.exists()


def test_remembered_digest_is_kept(tmp_path: Path) -> None:
    saved, path = tmp_path / "index.json", write(tmp_path / "a", "one")
    index = StatIndex(saved, later)
    index.remember(path, Digest.of(b"one"))
    index.save()
    assert json.loads(saved.read_bytes())["files"][str(path)][1] == Digest.of(b"one").hex


def test_nothing_new_is_not_written(tmp_path: Path) -> None:
    saved, path = tmp_path / "index.json", write(tmp_path / "a", "one")
    index = StatIndex(saved, later)
    index.digest(path)
    index.save()
    before = saved.stat()
    again = StatIndex(saved, later)
    again.digest(path)
    again.save()
    assert saved.stat() == before


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"version"',
        b'{"version":1}',
        b'{"version":99,"files":{}}',
        b'{"version":1,"files":[1]}',
        b'{"version":1,"files":{"a":1}}',
        b'{"version":1,"files":{"a":[]}}',
        b'{"version":1,"files":{"a":[["x"],"y"]}}',
        b'{"version":1,"files":{"a":[[1,2,3,4],"y"]}}',
        b"[" * 200_000,
    ],
)
def test_damaged_index_only_costs_time(tmp_path: Path, damage: bytes) -> None:
    saved, path = tmp_path / "index.json", write(tmp_path / "a", "one")
    saved.write_bytes(damage)
    index = StatIndex(saved, later)
    assert index.digest(path) == Digest.of(b"one")
    index.save()
    assert str(path) in json.loads(saved.read_bytes())["files"]


def test_index_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    blocker, path = write(tmp_path / "blocker"), write(tmp_path / "a", "one")
    index = StatIndex(blocker / "below" / "index.json", later)
    index.digest(path)
    index.save()
    assert blocker.read_text() == "content"


def test_index_in_a_place_taken_by_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    saved, path = tmp_path / "index.json", write(tmp_path / "a", "one")
    saved.mkdir()
    index = StatIndex(saved, later)
    index.digest(path)
    index.save()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "index.json"]


def test_many_threads_agree(tmp_path: Path) -> None:
    index = StatIndex(tmp_path / "index.json", later)
    paths = [write(tmp_path / str(n), str(n)) for n in range(50)]
    wrong: list[Path] = []

    def check() -> None:
        wrong.extend(p for p in paths if index.digest(p) != Digest.of(p.name.encode()))

    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_regular_files_have_digests(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "a")
    with pytest.raises(OSError, match="a"):
        StatIndex(None, later).digest(tmp_path / "a")


def test_files_come_sorted_with_names_below_the_root(tmp_path: Path) -> None:
    for name in ("src/b", "src/a/z", "src/a/y", "other"):
        write(tmp_path / name)
    assert names(tmp_path, "src") == ["src/a/y", "src/a/z", "src/b"]
    assert names(tmp_path, "src/b") == ["src/b"]


def test_whole_project_has_names_without_a_prefix(tmp_path: Path) -> None:
    write(tmp_path / "src" / "a")
    assert names(tmp_path, ".") == ["src/a"]


@pytest.mark.parametrize(
    "folder", [".git", ".ferrule", "target", "node_modules", "__pycache__", ".venv", ".nox", ".ruff_cache"]
)
def test_what_builds_and_version_control_leave_behind_is_no_source(tmp_path: Path, folder: str) -> None:
    write(tmp_path / "src" / folder / "file")
    write(tmp_path / "src" / "a")
    assert names(tmp_path, "src") == ["src/a"]


def test_hidden_files_count(tmp_path: Path) -> None:
    write(tmp_path / "src" / ".cargo" / "config.toml")
    assert names(tmp_path, "src") == ["src/.cargo/config.toml"]


def test_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="does not exist") as caught:
        names(tmp_path, "src/gone")
    assert caught.value.where == "src/gone"


def test_link_to_a_file_of_the_project_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "shared", "text")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "link").symlink_to("../shared")
    digests = source_digests(StatIndex(None, later), tmp_path, ("src",))
    assert digests == {"src/link": Digest.of(b"text")}


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("../../secret", "leads out of the project"),
        ("../../root-and-more/file", "leads out of the project"),
        ("/etc/passwd", "leads out of the project"),
        ("..", "leads out of the project"),
        ("../folder", "does not lead to a file"),
        ("nowhere", "does not lead to a file"),
        ("loop", "does not lead to a file"),
    ],
)
def test_other_links_are_refused(tmp_path: Path, link: str, message: str) -> None:
    root = tmp_path / "root"
    write(tmp_path / "secret")
    write(tmp_path / "root-and-more" / "file")
    write(root / "folder" / "file")
    (root / "src").mkdir()
    (root / "src" / "loop").symlink_to(link)
    with pytest.raises(BuildError, match=message) as caught:
        names(root, "src")
    assert caught.value.where == "src/loop"


@pytest.mark.parametrize("link", ["../secret", "../outside"])
def test_source_that_is_itself_a_link_out_of_the_project_is_refused(tmp_path: Path, link: str) -> None:
    write(tmp_path / "secret")
    write(tmp_path / "outside" / "file")
    root = tmp_path / "root"
    root.mkdir()
    (root / "src").symlink_to(link)
    with pytest.raises(BuildError, match="leads out of the project") as caught:
        names(root, "src")
    assert caught.value.where == "src"


def test_source_reached_through_a_link_out_of_the_project_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "file")
    root = tmp_path / "root"
    root.mkdir()
    (root / "src").symlink_to("../outside")
    with pytest.raises(BuildError, match="leads out of the project"):
        names(root, "src/file")


def test_project_that_is_reached_by_a_link_is_a_project(tmp_path: Path) -> None:
    write(tmp_path / "real" / "src" / "a")
    (tmp_path / "real" / "src" / "link").symlink_to("a")
    (tmp_path / "short").symlink_to("real")
    assert names(tmp_path / "short", "src") == ["src/a", "src/link"]


@pytest.mark.parametrize("source", ["src", "src/odd"])
def test_fifo_is_refused_and_never_waited_for(tmp_path: Path, source: str) -> None:
    (tmp_path / "src").mkdir()
    os.mkfifo(tmp_path / "src" / "odd")
    with pytest.raises(BuildError, match="neither a file nor a folder") as caught:
        source_digests(StatIndex(None, later), tmp_path, (source,))
    assert caught.value.where == "src/odd"


def test_socket_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "src" / "s"))
        with pytest.raises(BuildError, match="neither a file nor a folder"):
            names(tmp_path, "src")


def test_source_below_a_file_is_told_as_missing(tmp_path: Path) -> None:
    write(tmp_path / "src")
    with pytest.raises(BuildError, match="does not exist"):
        names(tmp_path, "src/file")


def test_too_long_a_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        source_digests(StatIndex(None, later), tmp_path, ("x" * 300,))


def test_bit_that_allows_execution_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "run", "text")
    path.chmod(0o755)
    assert source_digests(StatIndex(None, later), tmp_path, ("run",)) == {"run (executable)": Digest.of(b"text")}


def test_a_folder_has_a_digest_of_names_and_contents(tmp_path: Path) -> None:
    index = StatIndex(None, later)
    write(tmp_path / "a/b/c")
    seen = [index.content(tmp_path / "a")]
    for change in (
        lambda: write(tmp_path / "a/d"),
        lambda: write(tmp_path / "a/b/c", "changed"),
        lambda: (tmp_path / "a/b").rename(tmp_path / "a/e"),
        lambda: (tmp_path / "a/link").symlink_to("nowhere"),
        lambda: os.mkfifo(tmp_path / "a/pipe"),
    ):
        change()
        seen.append(index.content(tmp_path / "a"))
    assert len(set(seen)) == len(seen)
    write(tmp_path / "a/.git/x")
    (tmp_path / "a/empty").mkdir()
    assert index.content(tmp_path / "a") == seen[-1]


def test_content_of_a_file_and_of_nothing(tmp_path: Path) -> None:
    index = StatIndex(None, later)
    assert index.content(write(tmp_path / "a")) == Digest.of(b"content")
    assert index.content(tmp_path / "b") is None
    assert index.content(tmp_path / "a/b") is None
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        index.content(tmp_path / "pipe")


def test_what_changed_since_a_moment(tmp_path: Path) -> None:
    path = write(tmp_path / "a/b")
    now = path.stat().st_ctime_ns
    assert not changed_since(tmp_path / "a", now)
    assert changed_since(tmp_path / "a", now - 10**9)
    assert not changed_since(tmp_path / "none", 0)
    time.sleep(0.02)
    os.utime(path, (0, 0))  # a time that somebody sets does not hide it
    assert changed_since(tmp_path / "a", now)
    assert changed_since(path, now)
