"""The ledger explains, without secrets, and is never needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fakes.published import CANARY, items_of, release_of
from ferrule.app.publish.ledger import Ledger
from ferrule.app.publish.run import PublishEvent

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_for_each_event(tmp_path: Path) -> None:
    item = items_of(release_of(tmp_path / "dist", {"a.whl": ("wheel", b"a")}))[0]
    path = tmp_path / "state" / "publish.jsonl"
    ledger = Ledger(path, "demo 1.2.3", lambda: 5_000_000_000, lambda text: text.replace(CANARY, "***"))
    ledger(PublishEvent("uploading", "shelf", item))
    ledger(PublishEvent("lost", "shelf", item, f"it answers 500: {CANARY}"))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0] == {
        "time": 5,
        "release": "demo 1.2.3",
        "what": "uploading",
        "destination": "shelf",
        "item": "a.whl",
        "sha256": item.digest.hex,
    }
    assert rows[1]["detail"] == "it answers 500: ***"


def test_a_ledger_that_cannot_be_written_keeps_nothing_back(tmp_path: Path) -> None:
    item = items_of(release_of(tmp_path / "dist", {"a.whl": ("wheel", b"a")}))[0]
    (tmp_path / "file").touch()
    Ledger(tmp_path / "file" / "x", "demo", lambda: 0, str)(PublishEvent("same", "shelf", item))


def test_a_line_that_a_killed_run_left_half_written_stays_and_spoils_no_other(tmp_path: Path) -> None:
    item = items_of(release_of(tmp_path / "dist", {"a.whl": ("wheel", b"a")}))[0]
    path = tmp_path / "publish.jsonl"
    ledger = Ledger(path, "demo", lambda: 0, str)
    ledger(PublishEvent("uploading", "shelf", item))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole + whole[:size])
        ledger(PublishEvent("same", "shelf", item))
        ledger(PublishEvent("same", "shelf", item))
        first, *torn, last, again = path.read_bytes().splitlines(keepends=True)
        assert first == whole
        assert torn == ([whole[:size] + b"\n"] if size else [])
        assert json.loads(last)["what"] == json.loads(again)["what"] == "same"
