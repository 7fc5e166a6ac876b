"""The rules of the output folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import StorageError
from ferrule.engine.events import Noticed

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo
    from ferrule.engine.events import Event


@pytest.fixture
def shipped(demo: Demo) -> Demo:
    assert demo.run().failed == ()
    return demo


def ledger(demo: Demo) -> Path:
    (found,) = (demo.project / ".ferrule").glob("placed-*.json")
    return found


def test_ledger_names_what_was_placed(shipped: Demo) -> None:
    assert json.loads(ledger(shipped).read_bytes()) == sorted(set(shipped.files()) - {"manifest.json"})


@pytest.mark.parametrize("content", [b"", b"{", b"7", b"null", b'{"a":1}', b"[7, null]", b"\xff", b"[" * 100_000])
def test_damaged_ledger_removes_nothing(shipped: Demo, content: bytes) -> None:
    (shipped.dist / "notes.txt").write_text("mine")
    ledger(shipped).write_bytes(content)
    before = shipped.files()
    assert shipped.run().failed == ()
    assert shipped.files() == before


@pytest.mark.parametrize("name", ["../precious", "/precious", "a/../../precious", "./../precious"])
def test_ledger_that_lies_reaches_nothing_outside(shipped: Demo, name: str) -> None:
    precious = shipped.project / "precious"
    precious.write_text("precious")
    ledger(shipped).write_text(json.dumps([name, "SHA256SUMS"]))
    assert shipped.run().failed == ()
    assert precious.read_text() == "precious"


def test_removed_artifact_takes_its_empty_folders_along(shipped: Demo) -> None:
    (shipped.dist / "image" / "blobs" / "mine").write_text("mine")
    lines = (shipped.project / "targets.yaml").read_text().splitlines(keepends=True)
    (shipped.project / "targets.yaml").write_text("".join(line for line in lines if "kind: image" not in line))
    events: list[Event] = []
    assert shipped.run(events.append).failed == ()
    assert [p.relative_to(shipped.dist).as_posix() for p in shipped.dist.glob("image/**/*")] == [
        "image/blobs",
        "image/blobs/mine",
    ]
    assert Noticed("dist/image/blobs/mine is not part of this release and was left alone") in events


def test_file_made_executable_by_somebody_is_put_right(shipped: Demo) -> None:
    (shipped.dist / "SHA256SUMS").chmod(0o755)
    shipped.run()
    assert (shipped.dist / "SHA256SUMS").stat().st_mode & 0o777 == 0o644


def test_folder_in_the_place_of_a_file_is_told(shipped: Demo) -> None:
    (shipped.dist / "SHA256SUMS").unlink()
    (shipped.dist / "SHA256SUMS" / "full").mkdir(parents=True)
    with pytest.raises(StorageError) as caught:
        shipped.run()
    assert caught.value.hint is not None
    assert not (shipped.dist / "manifest.json").exists()


def test_folder_with_a_manifest_is_whole(shipped: Demo) -> None:
    """The manifest goes first and comes last: where files cannot be replaced, there is none."""
    (shipped.dist / "demo-1.2.3.wasm").unlink()
    (shipped.dist / "demo-1.2.3.wasm").mkdir()
    (shipped.dist / "demo-1.2.3.wasm" / "x").touch()
    with pytest.raises(StorageError):
        shipped.run()
    assert not (shipped.dist / "manifest.json").exists()
