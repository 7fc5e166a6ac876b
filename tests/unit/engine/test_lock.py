"""One run at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import PATIENCE_SECONDS
from ferrule.core.errors import StorageError
from ferrule.engine.events import Noticed
from ferrule.engine.lock import locked

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
