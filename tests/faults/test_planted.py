"""Links, FIFOs and sockets where Ferrule keeps its things: none is followed and none waited for."""

from __future__ import annotations

import os
import re
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.faults

# Every file or folder of these that Ferrule reads, writes or cleans; programs keep theirs below some of them.
OURS = (
    ".ferrule/lock",
    ".ferrule/index.json",
    ".ferrule/settled-*.json",
    ".ferrule/answer-*",
    ".ferrule/placed-*.json",
    ".ferrule/journal-*.json",
    ".ferrule/work",
    ".ferrule/work/logs",
    ".ferrule/work/logs/*.log",
    ".ferrule/store",
    ".ferrule/store/*",
    ".ferrule/store/latest/*.json",
    ".ferrule/store/results/*.json",
    ".ferrule/store/reads/*.json",
    ".ferrule/store/objects/*",
    ".ferrule/store/objects/*/*",
    ".ferrule/cache",
    ".ferrule/cache/*",
    ".ferrule/cache/cargo/*",
    ".ferrule/cache/cargo/*/ferrule-units.jsonl",
    "dist/*",
    "dist/image/*",
    "dist/image/blobs/*",
    "dist/image/blobs/sha256/*",
    "../cache/toolchain/*.json",
    "../cache/toolchain/*.lock",
    "../cache/zig/*.lock",
    "../cache/zig/*/*/.primed",
)
# Names under which something is written aside.
ASIDE = (
    ".ferrule/.journal-000002.json.aside",
    ".ferrule/cache/cargo/x86_64-unknown-linux-gnu/ferrule-units.jsonl.aside",
    ".ferrule/cache/cargo/x86_64-unknown-linux-gnu/ferrule-units.jsonl.now",
    "dist/.manifest.json.aside",
    "dist/.aside-planted",
)


class Stage:
    """A release that stands, as often as it is wanted, and files of somebody else's that must not change."""

    def __init__(self, root: Path) -> None:
        self.demo = lay_out(root / "demo")
        done = self.demo.ferrule("release", "--quiet", "-j", "2")
        assert done.returncode == 0, done.stderr
        assert self.demo.ferrule("release", "--quiet").returncode == 0  # which keeps its answer
        self.expected = self.demo.files()
        self.kept, self.victims = root / "kept", root / "victims"
        shutil.copytree(self.demo.root, self.kept, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self.demo.root)
        shutil.copytree(self.kept, self.demo.root, symlinks=True)
        shutil.rmtree(self.victims, ignore_errors=True)
        (self.victims / "folder" / "inner").mkdir(parents=True)
        for name in ("file", "folder/file", "folder/inner/file"):
            (self.victims / name).write_text("precious")
            (self.victims / name).chmod(0o600)

    def unharmed(self) -> bool:
        files = {p.relative_to(self.victims).as_posix(): p for p in self.victims.rglob("*") if not p.is_dir()}
        return set(files) == {"file", "folder/file", "folder/inner/file"} and all(
            p.read_text() == "precious" and p.stat().st_mode & 0o777 == 0o600 and p.stat().st_nlink == 1
            for p in files.values()
        )

    def places(self, *patterns: str) -> list[Path]:
        root = self.demo.project
        return sorted(
            {p for pattern in patterns for p in root.glob(pattern)} | {root / n for n in patterns if "*" not in n}
        )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("planted"))


def link_to_file(place: Path, stage: Stage) -> None:
    place.symlink_to(stage.victims / "file")


def link_to_folder(place: Path, stage: Stage) -> None:
    place.symlink_to(stage.victims / "folder")


def link_to_nowhere(place: Path, stage: Stage) -> None:
    place.symlink_to(stage.victims / "new")


def fifo(place: Path, stage: Stage) -> None:  # noqa: ARG001
    os.mkfifo(place)


def unix_socket(place: Path, stage: Stage) -> None:  # noqa: ARG001
    folder = os.open(place.parent, os.O_RDONLY)  # a socket's own path may not be long
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(f"/proc/self/fd/{folder}/{place.name}")
    finally:
        os.close(folder)


PLANTS = (link_to_file, link_to_folder, link_to_nowhere, fifo, unix_socket)


def plant(stage: Stage, places: list[Path], seed: Callable[[Path, Stage], None]) -> int:
    """Put it at each place, in place of what was there; what is below another is gone with it."""
    count = 0
    for path in places:
        inside = stage.demo.root.resolve()
        if path.parent.is_dir() and path.parent.resolve().is_relative_to(inside):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            seed(path, stage)
            count += 1
    return count


def run(stage: Stage) -> tuple[int, str]:
    done = stage.demo.ferrule("release", "--quiet", "-j", "2")
    return done.returncode, done.stdout + done.stderr


QUICK = (("leaves", link_to_file), ("leaves", link_to_nowhere), ("leaves", fifo), ("folders", link_to_folder))
ALL = [
    pytest.param(depth, seed, marks=() if (depth, seed) in QUICK else pytest.mark.thorough)
    for depth in ("leaves", "folders")
    for seed in PLANTS
]


@pytest.mark.parametrize(("depth", "seed"), ALL)
def test_nothing_planted_is_followed(
    stage: Stage, seed: Callable[[Path, Stage], None], depth: str, record_property: Callable[[str, object], None]
) -> None:
    """Everywhere at once: at files and what is written aside, or at the folders above them."""
    stage.restore()
    places = [*stage.places(*OURS), *stage.places(*ASIDE)]
    folders = [p for p in places if p.is_dir()]
    chosen = [p for p in places if p not in folders] if depth == "leaves" else folders
    count = plant(stage, chosen, seed)
    code, output = run(stage)
    assert stage.unharmed()
    assert code == 0, output
    assert stage.demo.files() == stage.expected
    assert not [p for p in stage.demo.dist.rglob("*") if p.is_symlink()]
    assert run(stage)[0] == 0
    assert stage.unharmed()
    record_property(f"planted: {seed.__name__.replace('_', ' ')}", count)


@pytest.mark.parametrize("seed", [link_to_folder, link_to_nowhere, fifo])
@pytest.mark.parametrize("name", [".ferrule", "dist"])
def test_a_link_in_place_of_a_whole_folder_is_told(
    stage: Stage, name: str, seed: Callable[[Path, Stage], None]
) -> None:
    """A checkout could bring one along; nothing is written through it and nothing cleaned behind it."""
    stage.restore()
    plant(stage, [stage.demo.project / name], seed)
    code, output = run(stage)
    assert stage.unharmed()
    assert code == 7, output
    assert "Traceback" not in output
    assert re.search(rf"^error: .*/{re.escape(name)}", output, re.MULTILINE), output


@pytest.mark.thorough
@pytest.mark.parametrize("seed", PLANTS)
@pytest.mark.parametrize("pattern", [*OURS, *ASIDE])
def test_nothing_planted_is_followed_there(
    stage: Stage, pattern: str, seed: Callable[[Path, Stage], None], record_property: Callable[[str, object], None]
) -> None:
    """One kind of place at a time, with everything else as it was, and with a source that changed."""
    for changed in (False, True):
        stage.restore()
        if changed:
            with (stage.demo.project / "rust" / "demo-ffi" / "src" / "lib.rs").open("a") as source:
                source.write("fn changed() {}\n")
        count = plant(stage, stage.places(pattern), seed)
        code, output = run(stage)
        assert stage.unharmed()
        assert code == 0, output
        # A link that nobody made a file of is left where it is; it is read by nobody but this test.
        there = {
            name: content for name, content in stage.demo.files().items() if not (stage.demo.dist / name).is_symlink()
        }
        assert changed or there == stage.expected
        record_property("planted: one kind of place at a time", count)


@pytest.mark.parametrize("seed", [link_to_file, fifo, unix_socket])
@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "provenance.intoto.jsonl", "image/index.json"])
def test_a_downloaded_release_is_verified_without_following(
    stage: Stage, name: str, seed: Callable[[Path, Stage], None]
) -> None:
    stage.restore()
    plant(stage, [stage.demo.dist / name], seed)
    done = stage.demo.ferrule("verify", "dist")
    assert done.returncode == 6, done.stdout
    assert "Traceback" not in done.stderr
    assert stage.unharmed()


def test_a_log_is_no_way_to_a_file_of_somebody_else(stage: Stage) -> None:
    """An action's programs could put a link where the next one's log will be."""
    stage.restore()
    compiler = next((stage.demo.root / "cache" / "tools").glob("cargo-zigbuild*/bin/cargo-zigbuild"))
    text, logs = compiler.read_text(), stage.demo.project / ".ferrule" / "work" / "logs"
    trick = f'for n in "{logs}"/*.log; do ln -sf "{stage.victims}/file" "$n"; done'
    compiler.write_text(text.replace("#!/bin/sh\n", f"#!/bin/sh\nPATH=/usr/bin:/bin\n{trick}\n"))
    with (stage.demo.project / "rust" / "demo-ffi" / "src" / "lib.rs").open("a") as source:
        source.write("fn changed() {}\n")
    code, output = run(stage)
    assert code == 0, output
    assert stage.unharmed()
