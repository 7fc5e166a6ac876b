from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pages
import pytest
from pages import COLD, HEADER, SDK, run, step

from ferrule.core.model import Digest, FileRecord, Outcome
from ferrule.engine.events import ActionFinished, ActionProgress, ActionStarted, Noticed, RunFinished, RunStarted
from ferrule.reporting import journal
from ferrule.reporting.journal import KEPT, Journal, JournalFile
from ferrule.tools.secrets import Hider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.reporting.conftest import Story

    from ferrule.engine.events import Event


class Clock:
    """A clock that is turned by hand; it began long before the run."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def listener(tmp_path: Path, clock: Clock, heard: list[Event]) -> Journal:
    return Journal(tmp_path, "release", "demo", "1.2.3", 1_700_000_000, clock, heard.append)


def tell(listener: Journal, clock: Clock, *events: tuple[float, Event]) -> None:
    for at, event in events:
        clock.at = 1000.0 + at
        listener(event)


def one(folder: Path) -> journal.JournalRun:
    ((result,), problems) = journal.read(folder)
    assert problems == ()
    return result


def test_a_run_is_kept_as_it_was(
    tmp_path: Path, clock: Clock, heard: list[Event], listener: Journal, story: Story
) -> None:
    library = story.library.action
    events = [
        (0.0, Noticed("it waited")),
        (0.0, RunStarted(4, 2)),
        (0.25, ActionFinished(story.image)),
        (0.5, ActionStarted(library, "never built here", 11.0)),
        (1.0, ActionProgress(library, "compiling")),
        (13.0, ActionFinished(story.library)),
        (13.5, ActionStarted(story.wheel.action, "x", None)),
        (138.5, ActionFinished(story.wheel)),
        (138.5, ActionFinished(story.sums)),
        (139.0, RunFinished(story.outcomes, 139.0)),
    ]
    tell(listener, clock, *events)
    assert heard == [event for _, event in events]
    result = one(tmp_path)
    assert (result.number, result.command, result.project, result.release) == (1, "release", "demo", "1.2.3")
    assert (result.started, result.jobs, result.seconds, result.notes) == (1_700_000_000, 2, 139.0, ("it waited",))
    assert [s.id for s in result.steps] == [o.action.id for o in story.outcomes]
    native, image, wheel, sums = result.steps
    assert (native.start, native.end, native.seconds, native.expected) == (0.5, 13.0, 12.34, 11.0)
    assert native.files == (JournalFile("lib.so", "cdylib", "lib.so", 20480, Digest.of(b"a").hex),)
    assert native.key == Digest.of(b"a").hex
    assert (image.start, image.end, image.ran, image.state) == (0.25, 0.25, False, "cached")
    assert [product.ships for product in image.files] == ["image/blobs/sha256/aa", "image/index.json"]
    assert (wheel.state, wheel.reason, wheel.ran) == ("failed", "it does not compile: 100%", True)
    assert (sums.state, sums.needs, sums.ran) == ("skipped", ("wheel",), False)
    assert result.failed
    assert not result.whole


def test_a_run_with_nothing_to_do_leaves_nothing(tmp_path: Path, clock: Clock, listener: Journal, story: Story) -> None:
    tell(
        listener,
        clock,
        (0.0, RunStarted(1, 2)),
        (0.1, ActionFinished(story.image)),
        (0.1, RunFinished((story.image,), 0.1)),
    )
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_cannot_be_written_is_said_and_no_failure(
    tmp_path: Path, clock: Clock, heard: list[Event], listener: Journal, story: Story
) -> None:
    (tmp_path / ".journal-000001.json.aside").mkdir()
    tell(listener, clock, (0.0, RunStarted(1, 2)), (1.0, RunFinished((story.library,), 1.0)))
    assert isinstance(heard[-1], Noticed)
    assert heard[-1].text.startswith("no journal of this run was kept: cannot write")


def test_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    journal.write(tmp_path / "state", COLD)
    assert one(tmp_path / "state") == COLD
    assert journal.read(tmp_path / "none") == ((), ())


def test_an_output_that_nobody_declared_is_a_bug(clock: Clock, listener: Journal, story: Story) -> None:
    strange = replace(story.library, files=(FileRecord("other", Digest.of(b"a"), 1),))
    with pytest.raises(AssertionError, match="other"):
        tell(listener, clock, (0.0, RunStarted(1, 2)), (1.0, RunFinished((strange,), 1.0)))


def test_texts_of_all_kinds_come_back(tmp_path: Path) -> None:
    for text in pages.HOSTILE:
        last = pages.hostile(text).last
        assert last
        journal.write(tmp_path, replace(last, number=1))
        assert one(tmp_path) == replace(last, number=1)


# How many are kept


def releases(*versions: str, command: str = "release", first: int = 1) -> Iterator[journal.JournalRun]:
    for number, version in enumerate(versions, first):
        yield run(step(HEADER, seconds=1.0), number=number, release=version, command=command)


def test_the_last_runs_are_kept_and_the_newest_release_of_each_version(tmp_path: Path) -> None:
    kept = [
        *releases("1.0.0", "1.0.0", "1.1.0"),
        run(step(SDK, "failed"), number=4, release="1.2.0"),
        *releases("1.3.0", first=5, command="build"),
        *releases(*["2.0.0"] * KEPT, first=6),
    ]
    for one_ in kept:
        journal.write(tmp_path, one_)
    result, _ = journal.read(tmp_path)
    assert [f.number for f in result] == [2, 3, *range(6, 6 + KEPT)]


def test_the_newest_of_each_of_several_releases_is_kept(tmp_path: Path) -> None:
    (core,), (page,) = releases("1.0.0"), releases("1.0.0", first=2)
    for one_ in (core, replace(page, project="page"), *releases(*["2.0.0"] * KEPT, first=3)):
        journal.write(tmp_path, one_)
    assert [(f.number, f.project) for f in journal.read(tmp_path)[0]][:2] == [(1, "demo"), (2, "page")]


def test_no_secret_is_kept(tmp_path: Path, clock: Clock, story: Story) -> None:
    hide = Hider(["canary-one"])
    listener = Journal(tmp_path, "build", "demo", "1", 0, clock, lambda _: None, hide)
    failed = Outcome(story.library.action, "failed", reason="https://me:canary-one@example.org")
    tell(listener, clock, (0.0, Noticed("canary-one")), (0.0, RunStarted(1, 1)), (1.0, RunFinished((failed,), 1.0)))
    assert one(tmp_path).notes == ("***",)
    assert not [p for p in tmp_path.iterdir() if b"canary" in p.read_bytes()]


def test_the_next_number_is_never_one_that_is_taken(tmp_path: Path, clock: Clock, story: Story) -> None:
    journal.write(tmp_path, replace(COLD, number=999_999))
    (tmp_path / "journal-7.json").write_text("not one of ours")
    listener = Journal(tmp_path, "build", "demo", "1", 0, clock, lambda _: None)
    tell(listener, clock, (0.0, RunStarted(1, 1)), (1.0, RunFinished((Outcome(story.library.action, "failed"),), 1.0)))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "journal-1000000.json",
        "journal-7.json",
        "journal-999999.json",
    ]
    assert [f.number for f in journal.read(tmp_path)[0]] == [999_999, 1_000_000]


def test_damaged_journals_are_dropped_when_their_time_comes(tmp_path: Path) -> None:
    (tmp_path / "journal-000001.json").write_text("{")
    for one_ in releases(*["1"] * KEPT, first=2):
        journal.write(tmp_path, one_)
    assert not (tmp_path / "journal-000001.json").exists()


# Damage


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"7", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"version":2}', b'{"version":1,"run":{}}'],
)
def test_what_is_no_journal_is_said_and_left_out(tmp_path: Path, content: bytes) -> None:
    journal.write(tmp_path, replace(COLD, number=2))
    (tmp_path / "journal-000001.json").write_bytes(content)
    result, (problem,) = journal.read(tmp_path)
    assert [f.number for f in result] == [2]
    assert problem.startswith("journal-000001.json cannot be read and was left out: ")


def test_a_journal_cut_anywhere_is_read_or_said(tmp_path: Path) -> None:
    journal.write(tmp_path, COLD)
    content = (tmp_path / "journal-000001.json").read_bytes()
    for at in range(len(content)):
        with pytest.raises((ValueError, KeyError, TypeError)):
            journal.decode(content[:at], 1)
    assert journal.decode(content, 1) == COLD


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("started", "now"),
        ("started", -1),
        ("seconds", float("nan")),
        ("seconds", float("inf")),
        ("seconds", 10**400),
        ("jobs", True),
        ("notes", [7]),
        ("release", None),
        ("steps", [7]),
    ],
)
def test_values_of_a_run_are_checked(tmp_path: Path, key: str, value: object) -> None:
    refused(tmp_path, {key: value}, {})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("state", "unknown"),
        ("id", 7),
        ("target", 7),
        ("needs", [[]]),
        ("key", "abc"),
        ("start", -1.0),
        ("end", None),
        ("expected", "soon"),
        ("files", [{"name": "x"}]),
        ("files", [{"name": "x", "role": "r", "ships": None, "size": -1, "sha256": pages.KEY}]),
        ("files", [{"name": "x", "role": "r", "ships": None, "size": 1, "sha256": "x"}]),
    ],
)
def test_values_of_a_step_are_checked(tmp_path: Path, key: str, value: object) -> None:
    refused(tmp_path, {}, {key: value})


def refused(folder: Path, of_run: dict[str, object], of_step: dict[str, object]) -> None:
    journal.write(folder, COLD)
    file = folder / "journal-000001.json"
    document = json.loads(file.read_bytes())
    document["run"].update(of_run)
    if of_step:
        document["run"]["steps"][0].update(of_step)
    file.write_text(json.dumps(document))
    result, problems = journal.read(folder)
    assert (result, len(problems)) == ((), 1)


def test_needs_lead_back_only(tmp_path: Path) -> None:
    first, second = COLD.steps[:2]
    circle = replace(COLD, steps=(replace(first, needs=(second.id, "gone", first.id)), second))
    journal.write(tmp_path, circle)
    assert [s.needs for s in one(tmp_path).steps] == [(), ("header",)]


def test_an_end_before_its_start_is_put_right(tmp_path: Path) -> None:
    journal.write(tmp_path, replace(COLD, steps=(replace(COLD.steps[1], start=5.0, end=1.0, needs=()),)))
    assert one(tmp_path).steps[0].end == 5.0
