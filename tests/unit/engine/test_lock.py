"""One run at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import PATIENCE_SECONDS
from ferrule.core.errors import StorageError
from ferrule.engine.events import Noticed
from ferrule.engine.lock import Busy, locked, sweep
from ferrule.engine.state import logs_folder, work_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.engine.events import Event


def test_second_run_waits_and_says_so(tmp_path: Path) -> None:
    heard: list[str] = []
    waits, entered = threading.Event(), threading.Event()

    def hear(event: Event) -> None:
        assert isinstance(event, Noticed)
        heard.append(event.text)
        waits.set()

    def second() -> None:
        with locked(tmp_path / "state", hear):
            entered.set()

    with locked(tmp_path / "state", lambda _: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(PATIENCE_SECONDS)
        assert not entered.wait(0.1)
    thread.join(PATIENCE_SECONDS)
    assert entered.is_set()
    assert heard == ["another run works in this project; waiting for it to end"]


def test_lock_is_given_back_after_a_failure(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), locked(tmp_path, lambda _: None):
            raise ZeroDivisionError


def test_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError) as caught, locked(tmp_path / "state", lambda _: None):
        pass
    assert caught.value.message == "not a directory"


def test_a_second_run_that_nobody_listens_to_does_not_wait(tmp_path: Path) -> None:
    with locked(tmp_path / "state"), pytest.raises(Busy), locked(tmp_path / "state"):
        pass


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    state = tmp_path
    while len(str(state)) < 4000:
        state /= "x" * 80
    state /= "x" * (4092 - len(str(state)))  # with the name of the lock it is longer than any path may be
    with pytest.raises(StorageError, match="cannot be used: File name too long"), locked(state, lambda _: None):
        pass


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path) -> None:
    work, logs = work_folder(tmp_path), logs_folder(work_folder(tmp_path))
    for path in (logs / "a.log", work / "action" / "file", work / "half", tmp_path / ".settled.aside"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "index.json.99").touch()
    (tmp_path / "index.json").touch()
    (tmp_path / "store" / "results").mkdir(parents=True)
    (tmp_path / "store" / "results" / "link").symlink_to("/etc/passwd")
    sweep(tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if not path.is_dir()}
    assert files == {"index.json", (logs / "a.log").relative_to(tmp_path).as_posix()}
