from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from ferrule.core.errors import BuildError, StorageError
from ferrule.core.model import Digest
from ferrule.engine.sources import SourceFiles, StatIndex, changed_since, source_digests

HOUR_NS = 3_600_000_000_000


def later() -> int:
    return time.time_ns() + HOUR_NS


def write(path: Path, text: str = "content") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files_of(root: Path, *left_out: str) -> SourceFiles:
    """All files and links of a folder as sources, but for those named."""
    paths = (path for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    return SourceFiles(root, tuple(sorted({path.relative_to(root).as_posix() for path in paths} - {*left_out})))


def names(root: Path, name: str, *left_out: str) -> list[str]:
    return [file.name for file in files_of(root, *left_out).below(name)]


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


def test_only_listed_files_of_a_folder_are_sources(tmp_path: Path) -> None:
    for name in ("src/a", "src/secret", "src/b/secret", "src-more"):
        write(tmp_path / name)
    assert names(tmp_path, "src", "src/secret", "src/b/secret") == ["src/a"]


def test_a_file_that_is_named_itself_is_a_source_whatever_git_ignores(tmp_path: Path) -> None:
    write(tmp_path / "Cargo.lock")
    assert names(tmp_path, "Cargo.lock", "Cargo.lock") == ["Cargo.lock"]


def test_a_folder_of_which_git_ignores_everything_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "gen" / "inner" / "a")
    with pytest.raises(BuildError, match="Git ignores every file of this source") as caught:
        names(tmp_path, "gen", "gen/inner/a")
    assert caught.value.where == "gen"


def test_an_empty_folder_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "src" / "empty").mkdir(parents=True)
    assert names(tmp_path, "src") == []


def test_a_tracked_file_that_was_deleted_is_no_source(tmp_path: Path) -> None:
    write(tmp_path / "src" / "a")
    assert [f.name for f in SourceFiles(tmp_path, ("src/a", "src/b", "src/c/d")).below("src")] == ["src/a"]


def test_a_submodule_that_is_not_checked_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src" / "sub").mkdir(parents=True)
    with pytest.raises(BuildError, match="this submodule is not checked out") as caught:
        list(SourceFiles(tmp_path, ("src/sub",)).below("src"))
    assert caught.value.where == "src/sub"


@pytest.mark.parametrize("listed", ["src/" + chr(0xDCFF), "src/" + chr(0xFFFD)])
def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path, listed: str) -> None:
    write(tmp_path / os.fsdecode(b"src/\xff"))
    with pytest.raises(BuildError, match="name of this source is not UTF-8"):
        list(SourceFiles(tmp_path, (listed,)).below("src"))


def test_what_declared_sources_cover(tmp_path: Path) -> None:
    files = SourceFiles(tmp_path, ("Cargo.toml", "src/a/b", "src/c"))
    covered = {name for name in ("src", "src/a", "src/a/b", "src/c", "src/ignored", "Cargo.toml", "src-more")
               if files.covers(("src",), tmp_path / name)}  # fmt: skip
    assert covered == {"src", "src/a", "src/a/b", "src/c"}
    assert files.covers((".",), tmp_path / "src/c")
    assert not files.covers((".",), tmp_path / "src/ignored")
    assert files.covers(("src/ignored",), tmp_path / "src/ignored")
    assert not files.covers((".",), tmp_path.parent / "src")


def test_files_and_folders_of_a_name(tmp_path: Path) -> None:
    files = SourceFiles(tmp_path, ("Cargo.toml", "rust/Cargo.toml", "rust/a/Cargo.toml", "rust/a/notCargo.toml"))
    assert files.named(".", "Cargo.toml") == ["Cargo.toml", "rust/Cargo.toml", "rust/a/Cargo.toml"]
    assert files.named("rust", "Cargo.toml") == ["rust/Cargo.toml", "rust/a/Cargo.toml"]
    assert {os.path.relpath(path, tmp_path) for path in files.folders(".")} == {".", "rust", "rust/a"}
    assert {os.path.relpath(path, tmp_path) for path in files.folders("rust")} == {"rust", "rust/a"}


def test_a_link_to_a_folder_of_the_project_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "shared" / "b" / "x", "x")
    write(tmp_path / "shared" / "ignored")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "data").symlink_to("../shared")
    (tmp_path / "src" / "again").symlink_to("../shared/b")
    files = list(files_of(tmp_path, "shared/ignored").below("src"))
    assert [file.name for file in files] == ["src/again/x", "src/data/b/x"]
    assert [Path(file.path).read_text() for file in files] == ["x", "x"]
    (tmp_path / "short").symlink_to("src")
    assert names(tmp_path, "short", "shared/ignored") == ["short/again/x", "short/data/b/x"]


def test_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="does not exist") as caught:
        names(tmp_path, "src/gone")
    assert caught.value.where == "src/gone"


def test_link_to_a_file_of_the_project_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "shared", "text")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "link").symlink_to("../shared")
    digests = source_digests(StatIndex(None, later), files_of(tmp_path), ("src",))
    assert digests == {"src/link": Digest.of(b"text")}


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("../../secret", "leads out of the project"),
        ("../../root-and-more/file", "leads out of the project"),
        ("/etc/passwd", "leads out of the project"),
        ("../..", "leads out of the project"),
        ("..", "leads to a folder that holds it"),
        (".", "leads to a folder that holds it"),
        ("nowhere", "leads nowhere"),
        ("loop", "leads nowhere"),
        ("../ignored", "leads to ignored, which Git ignores"),
        ("../cache", "leads to cache, which Git ignores"),
        ("../pipe", "neither a file nor a folder"),
    ],
)
def test_other_links_are_refused(tmp_path: Path, link: str, message: str) -> None:
    root = tmp_path / "root"
    write(tmp_path / "secret")
    write(tmp_path / "root-and-more" / "file")
    write(root / "ignored")
    write(root / "cache" / "file")
    os.mkfifo(root / "pipe")
    (root / "src").mkdir()
    (root / "src" / "loop").symlink_to(link)
    with pytest.raises(BuildError, match=message) as caught:
        names(root, "src", "ignored", "cache/file")
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
        source_digests(StatIndex(None, later), files_of(tmp_path), (source,))
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
        source_digests(StatIndex(None, later), files_of(tmp_path), ("x" * 300,))


def test_bit_that_allows_execution_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "run", "text")
    path.chmod(0o755)
    assert source_digests(StatIndex(None, later), files_of(tmp_path), ("run",)) == {
        "run (executable)": Digest.of(b"text")
    }


def test_a_folder_has_a_digest_of_names_and_contents(tmp_path: Path) -> None:
    index = StatIndex(None, later)
    write(tmp_path / "a/b/c")
    write(tmp_path / "other/x")

    def digest() -> Digest | None:
        return files_of(tmp_path, "a/ignored").content(index, tmp_path / "a")

    seen = [digest()]
    for change in (
        lambda: write(tmp_path / "a/d"),
        lambda: write(tmp_path / "a/b/c", "changed"),
        lambda: (tmp_path / "a/b").rename(tmp_path / "a/e"),
        lambda: (tmp_path / "a/link").symlink_to("nowhere"),
        lambda: (tmp_path / "a/folder").symlink_to("../other"),
        lambda: write(tmp_path / "other/x", "seen through the link"),
        lambda: os.mkfifo(tmp_path / "a/pipe"),
    ):
        change()
        seen.append(digest())
    assert len(set(seen)) == len(seen)
    write(tmp_path / "a/ignored")
    (tmp_path / "a/empty").mkdir()
    assert digest() == seen[-1]


@pytest.mark.parametrize("folder", ["project/generated", "elsewhere"])
def test_all_files_count_of_a_folder_without_sources(tmp_path: Path, folder: str) -> None:
    index, files = StatIndex(None, later), SourceFiles(tmp_path / "project", ())
    write(tmp_path / folder / "a/b")
    before = files.content(index, tmp_path / folder)
    write(tmp_path / folder / "a/c")
    assert files.content(index, tmp_path / folder) != before


def test_content_of_a_file_and_of_nothing(tmp_path: Path) -> None:
    index, files = StatIndex(None, later), SourceFiles(tmp_path, ())
    assert files.content(index, write(tmp_path / "a")) == Digest.of(b"content")
    assert files.content(index, tmp_path / "b") is None
    assert files.content(index, tmp_path / "a/b") is None
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        files.content(index, tmp_path / "pipe")


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


def test_a_link_into_its_own_folder_is_named_where_it_stands(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "file", "text")
    write(tmp_path / "a" / "b" / "c" / "file", "text")
    (tmp_path / "a" / "b" / "c" / "link").symlink_to("../../b")
    with pytest.raises(BuildError, match="leads to a folder that holds it") as failure:
        source_digests(StatIndex(None, later), files_of(tmp_path), ("a",))
    assert failure.value.where == "a/b/c/link"
