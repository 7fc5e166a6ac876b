"""Bits that flip in the store: the release is the same, whether or not the file's stat data give the damage away."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from injection import Stage

pytestmark = pytest.mark.faults

SEED = 4
PARTS = 8
FLIPS = 25
MOMENTS = ("to_be_shipped", "to_be_packed")


def flip(state: Path, chance: random.Random) -> str:
    """Flip one bit of one file of the store; every second time so that nothing but its content tells."""
    files = sorted(p for p in (state / "store").rglob("*") if p.is_file() and p.stat().st_size)
    path = chance.choice(files)
    content, mode = bytearray(path.read_bytes()), path.stat().st_mode
    position = chance.randrange(len(content))
    content[position] ^= 1 << chance.randrange(8)
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode & 0o777)
    silent = path.parent.parent.name == "objects" and chance.random() < 0.5
    if silent:
        believe(state / "index.json", path)
    return f"{path.relative_to(state)} at {position}{', silently' if silent else ''}"


def believe(index: Path, path: Path) -> None:
    """As if the stat data of a content were those from before it was damaged: the index knows it by them."""
    document, stat = json.loads(index.read_bytes()), path.stat()
    signature = [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns]
    document["files"][str(path)] = [signature, path.name]
    index.write_text(json.dumps(document))


def lost(stage: Stage, seed: int) -> Iterator[str]:
    stage.restore()
    where = flip(stage.demo.project / ".ferrule", random.Random(seed))
    done = stage.demo.ferrule(*stage.arguments)
    if done.returncode or "Traceback" in done.stderr:
        yield f"{stage.name}, {where}: {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
    elif stage.demo.files() != stage.expected:
        yield f"{stage.name}, {where}: other bytes"


def survive(stage: Stage, seeds: range, record: Callable[[str, object], None]) -> None:
    problems = [problem for seed in seeds for problem in lost(stage, seed)]
    record("faults: bits flipped in the store", len(seeds))
    record("faults: lost after a flipped bit", len(problems))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("moment", MOMENTS)
def test_some_bits(stages: Callable[[str], Stage], moment: str, record_property: Callable[[str, object], None]) -> None:
    survive(stages(moment), range(SEED, SEED + 3), record_property)


@pytest.mark.thorough
@pytest.mark.parametrize("part", range(PARTS))
def test_many_bits(stages: Callable[[str], Stage], part: int, record_property: Callable[[str, object], None]) -> None:
    seeds = range(1000 + part * FLIPS, 1000 + (part + 1) * FLIPS)
    survive(stages(MOMENTS[part % 2]), seeds, record_property)


def test_an_object_that_only_its_content_betrays_is_made_again_in_the_same_run(stages: Callable[[str], Stage]) -> None:
    stage = stages("to_be_packed")
    stage.restore()
    state = stage.demo.project / ".ferrule"
    packed = json.loads((stage.demo.dist / "manifest.json").read_bytes())["packed"]
    digest = next(p["sha256"] for p in packed if p["name"].startswith("libdemo.so"))
    library = state / "store" / "objects" / digest[:2] / digest
    library.chmod(0o644)
    library.write_bytes(library.read_bytes()[::-1])
    believe(state / "index.json", library)
    done = stage.demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    assert "damaged or missing in the cache" in done.stderr
    assert stage.demo.files() == stage.expected
