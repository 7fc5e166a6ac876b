"""What lies where in a project's folder `.ferrule`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.model import Digest
from ferrule.engine.lock import sweep
from ferrule.engine.state import log_file, logs_folder, open_store, work_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_what_one_opened_another_finds(tmp_path: Path) -> None:
    index, store = open_store(tmp_path, lambda: 2**62)
    (tmp_path / "a").write_bytes(b"content")
    digest, _ = store.put_file(tmp_path / "a")
    index.save()
    assert open_store(tmp_path, lambda: 0)[1].object(digest).read_bytes() == b"content"
    assert open_store(tmp_path, lambda: 0)[0].digest(tmp_path / "a") == Digest.of(b"content")


def test_damage_is_told(tmp_path: Path) -> None:
    output: list[str] = []
    _, store = open_store(tmp_path, lambda: 0, output.append)
    record = store.root / "results" / f"{Digest.of(b'').hex}.json"
    record.parent.mkdir(parents=True)
    record.write_bytes(b"{")
    assert store.find(Digest.of(b"")) is None
    assert output


def test_what_is_swept_up_is_not_the_logs(tmp_path: Path) -> None:
    log = log_file(logs_folder(work_folder(tmp_path)), "image:base")
    log.parent.mkdir(parents=True)
    log.write_text("words")
    left = work_folder(tmp_path) / "image%3a~base.abc"
    left.mkdir()
    sweep(tmp_path)
    assert log.read_text() == "words"
    assert not left.exists()
