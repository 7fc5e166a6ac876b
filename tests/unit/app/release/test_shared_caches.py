"""Which finished actions of others a run uses, and which not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.engine.conftest import Lab

from ferrule.app.release.shared_caches import shared_by
from ferrule.core.model import Action, Digest
from ferrule.engine.events import Noticed
from ferrule.engine.remote_server import address
from ferrule.engine.store import Result

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.engine.scheduler import Engine

LARGE = 1 << 30
ACTION = Action("native@x", "native", "test", object(), ())


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path / "usr" / "src" / "one")
    lab.source("src/a.rs")
    return lab


def notices(lab: Lab) -> list[str]:
    return [event.text for event in lab.events if isinstance(event, Noticed)]


def test_none_where_none_is_asked_for(lab: Lab) -> None:
    engine = shared_by(lab.engine(), 0, None)
    assert (engine.machine, engine.remote) == (None, None)


def test_those_of_this_machine(lab: Lab) -> None:
    engine = shared_by(lab.engine(), LARGE, None)
    assert engine.machine is not None
    assert engine.remote is None
    assert notices(lab) == []


def test_a_remote_cache_needs_a_network(lab: Lab) -> None:
    remote = address("https://cache.example/", mode="read", token=None, environment={})
    assert shared_by(lab.engine(), 0, remote).remote is None
    engine = lab.engine()
    online = replace(engine, site=replace(engine.site, host=replace(engine.site.host, offline=False)))
    shared = shared_by(online, 0, remote)
    assert shared.remote is not None
    assert shared.machine is None


def test_a_folder_of_somebody_else_is_noted(lab: Lab) -> None:
    (lab.root / "cache").mkdir()
    (lab.root / "cache" / "actions").write_text("a file")
    assert shared_by(lab.engine(), LARGE, None).machine is None
    (text,) = notices(lab)
    assert text.startswith("finished actions are not shared with other checkouts: ")


def test_settings_that_cannot_be_read_are_noted(lab: Lab) -> None:
    settings = lab.root / ".cargo" / "config.toml"
    settings.parent.mkdir()
    settings.symlink_to(settings)
    engine = shared_by(lab.engine(), LARGE, None)
    assert engine.machine is None
    assert notices(lab)[0].startswith(f"finished actions are not shared: {settings}: ")


def test_what_holds_the_checkout_is_no_common_folder(lab: Lab) -> None:
    """As for projects in /usr/src, where images of Rust have them."""
    engine = lab.engine()
    host = replace(engine.site.host, environment={"HOME": str(lab.root), "CARGO_HOME": str(lab.root.parent)})
    engine = replace(engine, site=replace(engine.site, host=host))
    crate, beside = lab.root / "cache" / "lib.rs", lab.root.parent / "dep" / "lib.rs"
    assert is_kept(engine, crate)
    assert not is_kept(engine, beside)


def is_kept(engine: Engine, read: Path) -> bool:
    """Whether a result that read this file is shared."""
    machine = shared_by(engine, LARGE, None).machine
    assert machine is not None
    digest = Digest.of(str(read).encode())
    machine.offer(ACTION, Result(digest, (), discovered={str(read): digest}))
    return any(str(read) in path.read_text() for path in engine.site.host.cache.glob("actions/results/*"))
