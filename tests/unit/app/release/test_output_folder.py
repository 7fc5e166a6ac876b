"""The rules of the output folder."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from ferrule.app.verify import verify
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
    (result,) = (demo.project / ".ferrule").glob("placed-*.json")
    return result


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
    assert Noticed("dist/image/blobs/mine is not part of this release and is kept") in events


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


def test_a_file_of_somebody_else_is_never_overwritten(demo: Demo) -> None:
    """The folder is new to us, and already holds what only its owner knows."""
    demo.dist.mkdir()
    for name in ("SHA256SUMS", "manifest.json"):
        (demo.dist / name).write_text("mine")
    with pytest.raises(StorageError, match="by ferrule, and nothing was changed, and 1 more") as caught:
        demo.run()
    assert caught.value.where == str(demo.dist / "SHA256SUMS")
    assert "remove or rename it" in (caught.value.hint or "")
    assert demo.files() == {"SHA256SUMS": b"mine", "manifest.json": b"mine"}


def test_a_file_of_somebody_else_in_place_of_a_new_one_is_not_overwritten(shipped: Demo) -> None:
    lines = (shipped.project / "targets.yaml").read_text()
    without = "".join(line for line in lines.splitlines(keepends=True) if "kind: image" not in line)
    (shipped.project / "targets.yaml").write_text(without)
    assert shipped.run().failed == ()
    (shipped.dist / "image").mkdir()
    (shipped.dist / "image" / "index.json").write_text("mine")
    before = shipped.files()
    (shipped.project / "targets.yaml").write_text(lines)
    with pytest.raises(StorageError) as caught:
        shipped.run()
    assert caught.value.where == str(shipped.dist / "image" / "index.json")
    assert shipped.files() == before


def test_without_its_state_a_release_still_knows_its_files(shipped: Demo) -> None:
    """What was placed is known from the folder's own manifest: nothing of an older release is left beside the new."""
    shutil.rmtree(shipped.project / ".ferrule")
    shipped.edit("Adds two numbers", "Adds three numbers")
    shipped.set_version("1.2.4")
    events: list[Event] = []
    assert shipped.run(events.append).failed == ()
    assert not any(isinstance(event, Noticed) and "is kept" in event.text for event in events)
    assert [v for v in verify(shipped.dist) if v.problem] == []
    assert not any("1.2.3" in name for name in shipped.files())


def test_a_file_in_place_of_the_folder_is_told(demo: Demo) -> None:
    demo.dist.write_text("mine")
    with pytest.raises(StorageError, match="not a directory") as caught:
        demo.run()
    assert (caught.value.where, caught.value.hint) == (str(demo.dist), "remove or rename it")
    assert demo.dist.read_text() == "mine"
    assert demo.calls == []  # it is known before anything is built
