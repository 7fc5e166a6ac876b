"""Where the bundle of a shard may be written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo


def build(demo: Demo, folder: Path) -> tuple[int, str]:
    done = demo.ferrule("build", "--shard", "1/4", "--bundle", str(folder))
    return done.returncode, done.stderr


@pytest.mark.parametrize("kind", ["link", "broken link", "file", "fifo"])
def test_what_is_no_folder_is_left_alone(demo: Demo, tmp_path: Path, kind: str) -> None:
    target, folder = tmp_path / "elsewhere", tmp_path / "bundle"
    if kind == "link":
        target.mkdir()
        (target / "mine").write_text("mine")
    {
        "link": lambda: folder.symlink_to(target),
        "broken link": lambda: folder.symlink_to(target),
        "file": lambda: folder.write_text("mine"),
        "fifo": lambda: os.mkfifo(folder),
    }[kind]()
    before = folder.lstat()
    code, output = build(demo, folder)
    assert code == 7
    assert "this is no folder" in output
    assert "choose another directory with --bundle" in output
    assert (folder.lstat().st_ino, folder.lstat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert target.exists() == (kind == "link")
    assert kind != "link" or [p.name for p in target.iterdir()] == ["mine"]


def test_a_folder_with_something_else_is_left_alone(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    code, output = build(demo, folder)
    assert code == 7
    assert "this folder holds something that is no bundle, and was left alone" in output
    assert [p.name for p in folder.iterdir()] == ["mine"]


def test_an_empty_folder_and_an_older_bundle_serve(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    assert build(demo, folder)[0] == 0
    first = (folder / "bundle.json").read_bytes()
    (folder / "objects" / "left").write_text("over")
    assert build(demo, folder)[0] == 0
    assert (folder / "bundle.json").read_bytes() == first
    assert not (folder / "objects" / "left").exists()
    assert not list(tmp_path.glob(".*.aside"))
