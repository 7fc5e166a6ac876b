"""Files of ours are opened, cleared and locked where somebody may have put something else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ferrule.core.errors import ConfigError, StorageError
from ferrule.core.safe_files import (
    check_folder,
    find_project,
    keep_regular,
    lockable,
    open_more,
    open_new,
    open_regular,
    read_regular,
)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A pipe that somebody reads, so that opening it to write would succeed."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path
    os.close(reader)


def test_a_file_is_opened_to_write_at_its_end(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        with open_more(tmp_path / "log") as stream:
            stream.write(text)
    assert (tmp_path / "log").read_bytes() == b"onetwo"


def test_what_is_no_file_is_not_opened(fifo: Path) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(OSError, match="not a regular file"):
        open_more(fifo)
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(fifo)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("theirs")
    (tmp_path / "link").symlink_to("other")
    for opened in (open_more, open_regular):
        with pytest.raises(OSError, match="symbolic links"):
            opened(tmp_path / "link")
    assert read_regular(tmp_path / "link", follow=True) == b"theirs"


def test_a_file_may_be_too_large(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_regular(tmp_path / "file", largest=5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(tmp_path / "file", largest=4)


def test_no_lock_is_taken_through_a_link(tmp_path: Path, fifo: Path) -> None:
    (tmp_path / "other").write_text("theirs")
    (tmp_path / "lock").symlink_to("other")
    assert lockable(tmp_path / "lock") == tmp_path / "lock"
    assert lockable(fifo) == fifo
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other"]
    assert lockable(tmp_path / "other").read_text() == "theirs"


def test_no_folder_of_ours_is_a_link_or_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "file").touch()
    check_folder(tmp_path / "folder" / "below" / "more")
    check_folder(Path("a-folder-that-is-not-there"))
    with pytest.raises(StorageError, match="this is a link") as caught:
        check_folder(tmp_path / "link")
    assert str(caught.value.hint).endswith("mount --bind FOLDER link")
    with pytest.raises(StorageError, match="not a directory") as caught:
        check_folder(tmp_path / "file" / "below" / "more")
    assert caught.value.where == str(tmp_path / "file")


def test_only_files_and_folders_are_kept(tmp_path: Path, fifo: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    (tmp_path / "a" / "link").symlink_to("file")
    (tmp_path / "a" / "b" / "deep").symlink_to("file")
    assert keep_regular(tmp_path, 1) == [str(tmp_path / "a" / "link"), str(fifo)]
    assert (tmp_path / "a" / "b" / "deep").is_symlink()
    assert (tmp_path / "a" / "file").exists()
    assert keep_regular(tmp_path / "nothing", 1) == []


def test_a_project_whose_path_is_not_utf8_is_refused(tmp_path: Path) -> None:
    project = tmp_path / os.fsdecode(b"odd\xff")
    project.mkdir()
    (project / "targets.yaml").touch()
    with pytest.raises(ConfigError, match="the path of this project is not UTF-8") as caught:
        find_project(project)
    assert caught.value.hint == "rename the folder, or move the project elsewhere"


class Contested(type(Path())):  # type: ignore[misc]
    """A path where somebody puts a link again, so many times, when it is taken away."""

    remaining = 0

    def unlink(self, missing_ok: bool = False) -> None:
        super().unlink(missing_ok)
        if type(self).remaining:
            type(self).remaining -= 1
            self.symlink_to("elsewhere")


@pytest.mark.parametrize(("times", "wins"), [(0, True), (3, True), (1000, False)])
def test_a_new_file_is_never_what_somebody_else_puts_there(tmp_path: Path, times: int, wins: bool) -> None:
    path, Contested.remaining = Contested(tmp_path / "log"), times
    path.symlink_to("elsewhere")
    if wins:
        with open_new(path) as stream:
            stream.write(b"ours")
        assert not path.is_symlink()
        assert path.read_bytes() == b"ours"
    else:
        with pytest.raises(FileExistsError):
            open_new(path)
    assert not (tmp_path / "elsewhere").exists()
