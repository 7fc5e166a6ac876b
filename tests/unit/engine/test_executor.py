"""Actions handed to another machine: here it is a second engine, in a folder and with sources of its own."""

from __future__ import annotations

import pickle
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import pytest

from fakes.unreadable import make_unreadable
from ferrule.core.errors import (
    BuildError,
    ConfigError,
    ConfigErrors,
    FerruleError,
    NetworkError,
    StorageError,
    VerificationError,
)
from ferrule.core.facts import Facts
from ferrule.core.model import Action, Digest, Output, Plan
from ferrule.engine import scheduler
from ferrule.engine.events import ActionProgress, ActionStarted, RunStarted
from ferrule.engine.jobserver import Jobserver
from ferrule.engine.key import key_of
from ferrule.engine.store import portable
from ferrule.tools.run import Captured, ToolFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.engine.conftest import Lab

    from ferrule.core.model import Outcome
    from ferrule.engine.context import ActionContext
    from ferrule.engine.events import Event
    from ferrule.engine.executor import Order
    from ferrule.engine.store import Result, Store


@dataclass(frozen=True)
class Join:
    """Writes what all sources and needed files hold, and where it was done."""

    reads: str = ""

    def make(self, context: ActionContext) -> None:
        context.report_progress("joining")
        needed = [path.read_text() for files in context.needed.values() for path in files.values()]
        sources = [(context.project / name).read_text() for name in context.action.sources]
        if self.reads:
            context.file_inputs([context.project / self.reads, context.folder.parent.parent / "outside"])
        if "fail" in sources:
            raise BuildError("it does not compile", hint="correct it", where="a.rs:1")
        context.record_facts(Facts(others={"length": len(sources)}))
        context.output("file").write_text("+".join([*needed, *sources]))


def action(name: str, *needs: str, recipe: Join | None = None, there: bool = True) -> Action:
    return Action(
        id=name,
        artifact=name,
        kind="test",
        recipe=recipe or Join(),
        outputs=(Output("out.txt", "file"),),
        needs=needs,
        sources=(f"{name}.rs",),
        traits=(("there", "yes"),) if there else (),
    )


@dataclass
class Other:
    """An executor that is a folder beside: `slots` may change, so many `wait`, `lies` is done to each result."""

    lab: Lab
    slots: int = 1
    lies: Callable[[Result], Result] = portable
    made: list[str] = field(default_factory=list)
    ended: bool = False
    wait: int = 0

    @property
    def room(self) -> int:
        return self.slots + self.wait

    def takes(self, action: Action) -> bool:
        return bool(action.traits)

    def make(self, order: Order, store: Store, log: Path, tell: Callable[[Event], None]) -> Result:
        engine = self.lab.engine()
        for digest, record in order.files.items():
            assert engine.store.receive([store.object(digest).read_bytes()], record)
        engine.work.mkdir(parents=True, exist_ok=True)
        with Jobserver(1, engine.work) as tokens:
            assert tokens.acquire()
            result = engine.make(order, tokens, tell)
        for record in result.files:
            assert store.receive([engine.store.object(record.digest).read_bytes()], record)
        self.made.append(order.action.id)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("what it said")
        return self.lies(result)

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def other(lab: Lab, tmp_path: Path) -> Other:
    (tmp_path / "other" / "project").mkdir(parents=True)
    for name in ("a.rs", "b.rs", "c.rs"):
        lab.source(name, name)
    there = replace(lab, root=tmp_path / "other", events=[])
    for name in ("a.rs", "b.rs", "c.rs"):
        there.source(name, name)
    return Other(there)


def run(lab: Lab, other: Other, *actions: Action) -> dict[str, Outcome]:
    lab.events.clear()
    outcomes = replace(lab.engine(), executor=other).execute(Plan("p", "1.0.0", actions))
    return {outcome.action.id: outcome for outcome in outcomes}


def test_what_is_made_elsewhere_is_as_if_made_here(lab: Lab, other: Other, tmp_path: Path) -> None:
    plan = (action("a"), action("b", "a"), action("c", "b", there=False))
    outcomes = run(lab, other, *plan)
    assert other.made == ["a", "b"]
    assert lab.content(outcomes["c"]) == {"out.txt": b"a.rs+b.rs+c.rs"}
    assert [e.text for e in lab.events if isinstance(e, ActionProgress)] == ["joining"] * 3
    assert (lab.state / "work" / "logs" / "b.log").read_text() == "what it said"
    (tmp_path / "alone" / "project").mkdir(parents=True)
    alone = replace(lab, root=tmp_path / "alone", events=[])
    for name in ("a.rs", "b.rs", "c.rs"):
        alone.source(name, name)
    mine = alone.run(*plan)
    for name, outcome in outcomes.items():
        assert (outcome.key, outcome.files, outcome.facts) == (mine[name].key, mine[name].files, mine[name].facts)
    assert {o.state for o in run(lab, other, *plan).values()} == {"cached"}
    assert other.made == ["a", "b"]


def test_what_it_has_already_is_not_made_again(lab: Lab, other: Other) -> None:
    other.lab.run(action("a"))
    other.lab.events.clear()
    outcomes = run(lab, other, action("a"))
    assert lab.content(outcomes["a"]) == {"out.txt": b"a.rs"}
    assert not [e for e in other.lab.events if isinstance(e, ActionStarted)]


def test_what_was_read_besides_is_looked_at_here(lab: Lab, other: Other) -> None:
    plan = action("a", recipe=Join("words"))
    for one in (lab, other.lab):
        one.source("words", "same")
    outcome = run(lab, other, plan)["a"]
    assert outcome.state == "built"
    assert run(lab, other, plan)["a"].state == "cached"
    lab.write(lab.project / "words", "changed")
    outcome = run(lab, other, plan)["a"]
    assert outcome.state == "failed"
    assert "other inputs than this machine (here -> there): read words" in str(outcome.error)


def test_other_sources_are_refused_by_name(lab: Lab, other: Other) -> None:
    other.lab.source("a.rs", "other")
    outcomes = run(lab, other, action("a"), action("b", "a"), action("c"))
    old, new = Digest.of(b"a.rs").short, Digest.of(b"other").short
    error = outcomes["a"].error
    assert isinstance(error, VerificationError)
    assert f"(here -> there): sources a.rs: {old} -> {new}" in error.message
    assert [outcomes[name].state for name in "abc"] == ["failed", "skipped", "built"]


def test_a_result_under_another_key_is_refused(lab: Lab, other: Other) -> None:
    other.lies = lambda result: replace(result, key=key_of({"another": "key"}))
    outcome = run(lab, other, action("a"))["a"]
    assert isinstance(outcome.error, VerificationError)
    assert lab.engine().examine(Plan("p", "1.0.0", (action("a"),)))["a"].state == "stale"


def test_a_failure_elsewhere_is_a_failure_here(lab: Lab, other: Other) -> None:
    for one in (lab, other.lab):
        one.source("a.rs", "fail")
    error = run(lab, other, action("a"))["a"].error
    assert isinstance(error, BuildError)
    assert (error.message, error.hint, error.where) == ("it does not compile", "correct it", "a.rs:1")


def test_what_cannot_be_read_there_is_a_failure_here(lab: Lab, other: Other) -> None:
    plan = action("a", recipe=Join("words"))
    for one in (lab, other.lab):
        one.source("words", "same")
    assert run(lab, other, plan)["a"].state == "built"
    lab.write(lab.project / "words", "changed")
    make_unreadable(other.lab.project / "words")
    error = run(lab, other, plan)["a"].error
    assert isinstance(error, StorageError)
    assert error.message == "a source cannot be read: Input/output error"


def test_nobody_left_ends_the_run(lab: Lab) -> None:
    class Gone(Other):
        @property
        def slots(self) -> int:
            raise NetworkError("all workers went away")

        @slots.setter
        def slots(self, _: int) -> None:
            """It has none."""

    lab.source("a.rs")
    other = Gone(lab)
    other_engine = replace(lab.engine(), executor=other)
    with pytest.raises(NetworkError, match="all workers went away"):
        other_engine.execute(Plan("p", "1.0.0", (action("a"),)))


@pytest.mark.parametrize(("slots", "wait"), [(2, 0), (1, 1)])
def test_as_many_at_once_as_there_is_room(lab: Lab, other: Other, slots: int, wait: int) -> None:
    both, most, working = threading.Barrier(2, timeout=30), [0], [0]

    class Two(Other):
        def make(self, order: Order, store: Store, log: Path, tell: Callable[[Event], None]) -> Result:
            working[0] += 1
            most[0] = max(most[0], working[0])
            both.wait()
            working[0] -= 1
            both.wait()
            return super().make(order, store, log, tell)

    names = [f"n{number}" for number in range(4)]
    for one in (lab, other.lab):
        for name in names:
            one.source(f"{name}.rs")
    outcomes = run(lab, Two(other.lab, slots=slots, wait=wait), *map(action, names))
    assert {o.state for o in outcomes.values()} == {"built"}
    assert most == [2]
    assert [event.jobs for event in lab.events if isinstance(event, RunStarted)] == [slots]


def test_what_has_no_room_is_not_looked_at_again_for_each_that_ends(lab: Lab, other: Other) -> None:
    class Counting(Other):
        asked: ClassVar[list[str]] = []
        rooms: ClassVar[list[int]] = []

        def takes(self, action: Action) -> bool:
            self.asked.append(action.id)
            return super().takes(action)

        @property
        def room(self) -> int:
            self.rooms.append(super().room)
            return self.rooms[-1]

    names = [f"n{number}" for number in range(20)]
    for one in (lab, other.lab):
        for name in names:
            one.source(f"{name}.rs")
    started = time.monotonic()
    outcomes = run(lab, Counting(other.lab), *map(action, names))
    polls = (time.monotonic() - started) / scheduler._POLL_SECONDS
    assert {o.state for o in outcomes.values()} == {"built"}
    assert sorted(Counting.asked) == sorted(names)
    assert len(Counting.rooms) <= len(names) + len(lab.events) + polls  # each that starts, and one more each time


def test_an_executor_without_room_is_waited_for(lab: Lab, other: Other) -> None:
    class Later(Other):
        asked: ClassVar[list[int]] = []

        @property
        def slots(self) -> int:
            self.asked.append(1)
            return int(len(self.asked) > 4)

        @slots.setter
        def slots(self, _: int) -> None:
            """It has none at first."""

    assert run(lab, Later(other.lab), action("a"))["a"].state == "built"
    assert len(Later.asked) < 10


def test_an_interrupt_ends_what_others_do(lab: Lab, other: Other) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, ActionStarted):
            raise KeyboardInterrupt

    engine = replace(lab.engine(), executor=other, listen=stop)
    with pytest.raises(KeyboardInterrupt):
        engine.execute(Plan("p", "1.0.0", (action("a"),)))
    assert other.ended


@pytest.mark.parametrize(
    "error",
    [
        BuildError("what", hint="do", where="here"),
        ConfigErrors((ConfigError("one", where="a"), ConfigError("two"))),
        ToolFailed("cargo failed", command="cargo", code=101, captured=Captured("out", "err"), tail=["last"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_failures_travel_whole(error: FerruleError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again).keys() == vars(error).keys()
