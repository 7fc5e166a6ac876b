"""A release made again by somebody else, and compared."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import Demo, lay_out
from ferrule.app.release import run as release
from ferrule.app.reproduce import run as reproduce
from ferrule.app.reproduce.release_diff import Compared, compare
from ferrule.app.reproduce.run import Reproduction, ReproductionRequest, failure
from ferrule.core.errors import BuildError, UsageError

if TYPE_CHECKING:
    import subprocess  # noqa: TID251 - only its types
    from collections.abc import Callable


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, subprocess.CompletedProcess[str]]:
    """A release, and what is said of it when it is made again by the command line."""
    demo = lay_out(tmp_path_factory.mktemp("twice"))
    assert demo.ferrule("release", "--quiet").returncode == 0
    work = demo.root / "again"
    return demo, demo.ferrule("reproduce", "--against", "dist", "--work", str(work), "--json")


def fill(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_release_is_reproduced_by_somebody_else(twice: tuple[Demo, subprocess.CompletedProcess[str]]) -> None:
    demo, done = twice
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["equal"] is True
    assert {row["file"] for row in document["files"]} == set(demo.files())
    assert {row["verdict"] for row in document["files"]} == {"equal"}
    varied = {row["what"]: row for row in document["variations"]}
    assert varied["umask"]["second"] == "077"
    assert (varied["clock"]["missing"] == "faketime is not installed") is (shutil.which("faketime") is None)
    assert "not the same" not in done.stderr
    second = Path(document["second"])
    assert json.loads((second / "dist" / "manifest.json").read_bytes()) == json.loads(
        (demo.dist / "manifest.json").read_bytes()
    )
    assert stat.S_IMODE((second / "targets.yaml").stat().st_mode) == 0o600
    assert not list(demo.root.glob("again/second/home*"))


def test_progress_is_told_and_the_release_compared_with_is_left_alone(
    twice: tuple[Demo, subprocess.CompletedProcess[str]],
) -> None:
    demo, done = twice
    assert "second build: copying the sources" in done.stderr
    assert "second build: sums built in" in done.stderr
    assert "first build" not in done.stderr
    log = demo.project / ".ferrule" / "work" / "logs" / "reproduce-second.log"
    assert " -m ferrule release --jobs " in log.read_text()


def test_a_difference_is_an_error_with_its_place(
    twice: tuple[Demo, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    demo, _ = twice
    shutil.copytree(demo.dist, tmp_path / "dist")
    component = tmp_path / "dist" / "demo-1.2.3.wasm"
    content = component.read_bytes()
    component.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    (demo.root / "bin" / "diffoscope").write_text("#!/bin/sh\necho seen\nexit 1\n")
    (demo.root / "bin" / "diffoscope").chmod(0o755)
    done = demo.ferrule("reproduce", "--against", str(tmp_path / "dist"), "--quiet")
    assert done.returncode == 6
    assert "≠ demo-1.2.3.wasm  different" in done.stdout
    assert "from the same inputs" in done.stdout
    assert "section custom:.dep-v0, offset 0x" in done.stdout
    assert "diffoscope:\n  seen" in done.stdout
    assert re.search(
        r"error: 1 of \d+ files are not reproduced, the first is demo-1.2.3.wasm: section custom:", done.stderr
    )
    assert "= manifest.json" in done.stdout


def test_two_releases_are_made_and_compared_and_nothing_is_left(demo: Demo) -> None:
    done = demo.ferrule("reproduce")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^reproduced: (\d+) of \1 files are identical$", done.stdout, re.MULTILINE)
    assert "first build: sums built" in done.stderr
    assert not list(demo.root.glob("ferrule-reproduce-*"))
    assert not demo.dist.exists()


def test_tools_that_look_at_the_clock_or_at_the_order_of_files_are_caught(
    demo: Demo, record_property: Callable[[str, object], None]
) -> None:
    """Where the machine has no other clock or no other order to show, that is told."""
    fill(demo.project / "rust" / "demo-ffi" / "src", **{f"{name}_rs": b"" for name in "abcdefgh"})
    (demo.home / "dated-x86_64-unknown-linux-gnu").touch()
    (demo.home / "listed-aarch64-unknown-linux-gnu").touch()
    for name in ("faketime", "mount", "umount"):
        program = shutil.which(name, path=os.defpath)
        if program:
            (demo.root / "bin" / name).symlink_to(program)
    done = demo.ferrule("reproduce", "--json", "--quiet")
    document = json.loads(done.stdout)
    missing = {row["what"]: row["missing"] for row in document["variations"]}
    for what, file in (
        ("clock", "demo-c-1.2.3-x86_64-unknown-linux-gnu.tar.gz"),
        ("order of files", "demo-c-1.2.3-aarch64-unknown-linux-gnu.tar.gz"),
    ):
        (row,) = (row for row in document["files"] if row["file"] == file)
        record_property(f"{what} caught", missing[what] or row["verdict"])
        assert (row["verdict"] == "different") is not bool(missing[what]), (what, row, missing)
        assert missing[what] or "libdemo" in row["difference"]["location"]
    assert done.returncode == (0 if all(missing[what] for what in ("clock", "order of files")) else 6)


def test_a_folder_without_a_manifest_is_no_release(demo: Demo) -> None:
    done = demo.ferrule("reproduce", "--against", "rust")
    assert done.returncode == 2
    assert "there is no manifest.json in this folder" in done.stderr


@pytest.mark.parametrize(("place", "message"), [("project/again", "inside the project"), ("full", "is not empty")])
def test_folders_that_cannot_be_worked_in(demo: Demo, place: str, message: str) -> None:
    (demo.root / "full" / "of").mkdir(parents=True)
    config = release.load(demo.project)
    request = ReproductionRequest(config.root, release.make_plan(config, demo.context), (), work=demo.root / place)
    with pytest.raises(UsageError, match=message):
        reproduce.reproduce(request, demo.context.host, lambda _: None)


def compared(tmp_path: Path, one: dict[str, bytes], two: dict[str, bytes]) -> dict[str, Compared]:
    folders = [fill(tmp_path / name, **files) for name, files in (("one", one), ("two", two))]
    return {result.file: result for result in compare(*folders)}


def test_the_difference_that_tells_most_is_named(tmp_path: Path) -> None:
    modules = [b"\0asm\x01\0\0\0" + bytes((0, 3, 1, 120, n)) for n in (1, 2)]
    sides = [{"SUMS": bytes([65 + n]), "z": modules[n]} for n in (0, 1)]
    error = failure(Reproduction(tuple(compared(tmp_path, *sides).values()), ()))
    assert error is not None
    assert "the first is z: section custom:x, offset 0x" in error.message


def test_nothing_failed_where_all_is_equal(tmp_path: Path) -> None:
    files = tuple(compared(tmp_path, {"a": b"1"}, {"a": b"1"}).values())
    assert failure(Reproduction(files, ())) is None
    lost = tuple(compared(tmp_path / "b", {"a": b"1"}, {"b": b"1"}).values())
    error = failure(replace(Reproduction(lost, ()), second=tmp_path))
    assert error is not None
    assert (error.exit_code, str(tmp_path) in str(error.hint)) == (6, True)
    assert "2 of 2 files are not reproduced, the first is a" in error.message


def test_a_build_that_fails_names_its_code(demo: Demo) -> None:
    config = release.load(demo.project)
    request = ReproductionRequest(config.root, release.make_plan(config, demo.context), (), options=("--nonsense",))
    with pytest.raises(BuildError, match="ended with exit code 2") as raised:
        reproduce.reproduce(request, demo.context.host, lambda _: None)
    assert "ferrule explain 2" in str(raised.value.hint)
    assert str(demo.project / ".ferrule" / "work" / "logs" / "reproduce-first.log") in str(raised.value.hint)
    assert list(demo.root.glob("ferrule-reproduce-*/first/sources/targets.yaml"))
