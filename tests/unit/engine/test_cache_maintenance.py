"""The size of a store, damage found in it, and what of it can go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.model import Digest, FileRecord
from ferrule.engine import cache_maintenance as upkeep
from ferrule.engine.cache_maintenance import Usage
from ferrule.engine.store import Result, Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.engine.conftest import Lab

OLD, NEW, OTHER = (Digest.of(name.encode()) for name in ("old", "new", "other"))


@pytest.fixture
def store(lab: Lab) -> Store:
    """Two results of one action and one of another; the older has a content of its own."""
    store = lab.store()

    def keep(key: Digest, action: str, *contents: str) -> None:
        records = []
        for content in contents:
            digest, size = store.put_file(lab.source("content", content))
            records.append(FileRecord(content, digest, size))
        declared = Digest.of(b"declared " + key.hex.encode())
        store.save(Result(key, tuple(records), {}, {"read": None}, 0.1, {}, declared), action, {"recipe": "A"})

    keep(OLD, "a", "shared", "only old")
    keep(NEW, "a", "shared", "only new")
    keep(OTHER, "b", "shared")
    return store


def content(store: Store, text: str) -> Path:
    return store.object(Digest.of(text.encode()))


def test_extent_counts_files_and_not_what_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "one").write_bytes(b"12345")
    (tmp_path / "two").write_bytes(b"123")
    assert upkeep.extent(tmp_path) == Usage(2, 8)
    assert upkeep.extent(tmp_path / "none") == Usage(0, 0)


def test_prune_keeps_what_each_action_made_last(store: Store) -> None:
    gone = upkeep.prune(store)
    assert gone.files == 3  # a result, what it read, a content
    assert store.find(OLD) is None
    assert not content(store, "only old").exists()
    assert store.find(NEW)
    assert store.find(OTHER)
    assert next(store.reads(Digest.of(b"declared " + NEW.hex.encode()), "a")) == ("read",)
    assert upkeep.prune(store) == Usage(0, 0)


def test_prune_takes_what_nobody_can_read(store: Store) -> None:
    stranger = store.root / "objects" / "ab" / "stranger"
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_text("?")
    (store.root / "results" / f"{OTHER}.json").write_text("{")
    (store.root / "latest" / "c.json").write_text("no JSON")
    upkeep.prune(store)
    assert not stranger.exists()
    assert store.find(OTHER) is None
    assert store.find(NEW)


def test_check_reads_everything_and_drops_what_is_damaged(lab: Lab, store: Store) -> None:
    assert upkeep.check(store) == Usage(3, len("shared") + len("only old") + len("only new"))
    assert lab.notices == []
    damaged = content(store, "only old")
    damaged.chmod(0o644)
    damaged.write_text("only 0ld")
    (store.root / "objects" / "no digest").mkdir()
    (store.root / "objects" / "no digest" / "file").write_text("?")
    assert upkeep.check(store).files == 2
    first, second = lab.notices
    assert first.startswith(f"the content {Digest.of(b'only old').short} was damaged")
    assert second == "only old is damaged or missing in the cache; its action runs again"
    assert store.find(NEW)
    lab.events.clear()
    assert upkeep.check(store).files == 2
    assert lab.notices == []


def test_check_believes_no_stat_data(lab: Lab, store: Store) -> None:
    digest = Digest.of(b"only old")
    damaged = content(store, "only old")
    damaged.chmod(0o644)
    damaged.write_text("only 0ld")
    store._index.remember(damaged, digest)  # as a bit that flips on the disk: no time and no size tells
    assert store.holds(FileRecord("x", digest, 8))
    assert upkeep.check(store).files == 2
    assert not damaged.exists()
    assert lab.notices[0].startswith(f"the content {digest.short} was damaged")
