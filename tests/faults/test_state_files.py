"""Every file that a run leaves for the next one, cut at every byte: it is dropped, or it says what it said."""

from __future__ import annotations

import json
import random
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from ferrule.app.release import output_folder as shipping
from ferrule.app.release import run as release
from ferrule.core.model import Digest
from ferrule.engine import stamp as settled
from ferrule.engine.sources import StatIndex
from ferrule.engine.store import Store
from ferrule.reporting import journal
from ferrule.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from injection import Stage

    Reader = Callable[[Path], Any]

pytestmark = pytest.mark.faults

SEED = 20
SHAPES = (
    "project/.ferrule/index.json",
    "project/.ferrule/settled-*.json",
    "project/.ferrule/placed-*.json",
    "project/.ferrule/journal-*.json",
    "project/.ferrule/store/results/*.json",
    "project/.ferrule/store/latest/*.json",
    "project/.ferrule/store/reads/*.json",
    "cache/toolchain/*.json",
)


def reader(stage: Stage, shape: str) -> Reader:
    """What a run asks such a file, in this process."""
    demo = stage.demo
    state, now = demo.project / ".ferrule", time.time_ns
    index = StatIndex(None, now)
    store = Store(state / "store", index, lambda _: None)

    def of_settled(path: Path) -> Any:
        return settled.read_stamp(path, release.source_files(demo.project, demo.context.host), index, wishes[path])

    def of_journal(path: Path) -> Any:
        try:
            return journal.decode(path.read_bytes(), 1)
        except journal._UNREADABLE:
            return None

    def of_toolchain(_: Path) -> Any:
        return toolchain.load(expected, demo.context.host)

    def action(path: Path) -> str:
        return re.sub("%([0-9a-f]+)~", lambda found: chr(int(found[1], 16)), path.stem)

    wishes = {p: json.loads(p.read_bytes())["request"] for p in state.glob("settled-*.json")}
    config = release.load(demo.project)
    expected = release.tool_requirements(config, release.make_plan(config, demo.context), None)
    readers: tuple[Reader, ...] = (
        lambda path: dict(StatIndex(path, now)._known),
        of_settled,
        shipping._read_ledger,
        of_journal,
        lambda path: store.find(Digest(path.stem)),
        lambda path: store.latest(action(path)),
        lambda path: store._known_reads(Digest(path.stem)),
        of_toolchain,
    )
    return dict(zip(SHAPES, readers, strict=True))[shape]


def standing(stages: Callable[[str], Stage]) -> Stage:
    """A release of which nothing changed, with the records of a run that was told so."""
    stage = stages("standing")
    stage.restore()
    assert stage.demo.ferrule("release", "--quiet").returncode == 0  # copied files are other files: records anew
    return stage


@pytest.mark.parametrize("shape", SHAPES)
def test_cut_somewhere_it_says_nothing_or_what_it_said(
    stages: Callable[[str], Stage], shape: str, record_property: Callable[[str, object], None]
) -> None:
    says_nothing_or_the_same(standing(stages), shape, 29, record_property)


@pytest.mark.thorough
@pytest.mark.parametrize("shape", SHAPES)
def test_cut_at_every_byte_it_says_nothing_or_what_it_said(
    stages: Callable[[str], Stage], shape: str, record_property: Callable[[str, object], None]
) -> None:
    says_nothing_or_the_same(standing(stages), shape, 1, record_property)


def says_nothing_or_the_same(stage: Stage, shape: str, step: int, record: Callable[[str, object], None]) -> None:
    ask, cuts = reader(stage, shape), 0
    files = sorted(stage.demo.root.glob(shape))
    assert files
    for path in files:
        whole = path.read_bytes()
        answer = ask(path)
        assert answer, "the file as it was says something"
        for end in range(0, len(whole), step):
            path.write_bytes(whole[:end])
            assert not (result := ask(path)) or result == answer, (path.name, end)
        path.write_bytes(whole)
        cuts += len(range(0, len(whole), step))
    record("faults: cuts of state files, answered in one process", cuts)


def release_after_cuts(stage: Stage, shape: str, where: random.Random) -> list[str]:
    """All files of a shape are cut, or end in zeros as after a power cut; the output is there, or must be made."""
    stage.restore()
    assert stage.demo.ferrule("release", "--quiet").returncode == 0
    for path in sorted(stage.demo.root.glob(shape)):
        whole = path.read_bytes()
        end = where.randrange(len(whole))
        path.write_bytes(whole[:end] + bytes(where.choice((0, len(whole) - end))))
    if where.random() < 0.5:
        (stage.demo.dist / "SHA256SUMS").unlink()
    done = stage.demo.ferrule("release")
    if done.returncode or "Traceback" in done.stderr:
        return [f"{shape}: {done.returncode}: {done.stderr[-2000:]}"]
    return [] if stage.demo.files() == stage.expected else [f"{shape}: other bytes"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_release_after_a_cut(
    stages: Callable[[str], Stage], shape: str, record_property: Callable[[str, object], None]
) -> None:
    problems = release_after_cuts(stages("standing"), shape, random.Random(SEED))
    record_property("faults: releases after cuts of state files", 1)
    assert not problems


@pytest.mark.thorough
@pytest.mark.parametrize("shape", SHAPES)
def test_releases_after_cuts(
    stages: Callable[[str], Stage], shape: str, record_property: Callable[[str, object], None]
) -> None:
    where = random.Random(SEED + 1)
    problems = [problem for _ in range(10) for problem in release_after_cuts(stages("standing"), shape, where)]
    record_property("faults: releases after cuts of state files", 10)
    assert not problems, "\n".join(problems)
