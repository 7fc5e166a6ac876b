from __future__ import annotations

import os
import shutil
import signal
import subprocess  # noqa: TID251 - a setting of the whole process is changed
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from fakes.toolchain import PATIENCE_SECONDS, wait_until
from ferrule.core.errors import BuildError, StorageError, ToolchainError
from ferrule.core.facts import Facts
from ferrule.core.model import Action, Digest, Output, Plan, Tool
from ferrule.core.toolchain import Toolchain
from ferrule.engine import scheduler
from ferrule.engine.events import ActionFinished, ActionProgress, ActionStarted, RunFinished, RunStarted, WorkForeseen
from ferrule.engine.forecast import Forecast
from ferrule.engine.key import fingerprint_of, key_of
from ferrule.engine.store import DamagedError, file_name
from ferrule.tools.command import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.engine.conftest import Lab

    from ferrule.core.model import Recipe
    from ferrule.engine.context import ActionContext


@dataclass(frozen=True)
class Write:
    """Writes its text, then what every needed file and every source holds."""

    text: str = "text"

    def make(self, context: ActionContext) -> None:
        needed = [path.read_text() for files in context.needed.values() for path in files.values()]
        sources = [(context.project / name).read_text() for name in context.action.sources]
        context.output("file").write_text("+".join([self.text, *needed, *sources]))


@dataclass(frozen=True)
class Do:
    """Calls a function of the test, which is no part of the key."""

    what: ClassVar[dict[str, Callable[[ActionContext], None]]] = {}
    name: str

    def make(self, context: ActionContext) -> None:
        context.output("file").write_text(self.name)
        self.what[self.name](context)


@pytest.fixture
def does() -> dict[str, Callable[[ActionContext], None]]:
    Do.what.clear()
    return Do.what


def action(
    name: str, *needs: str, recipe: Recipe | None = None, sources: tuple[str, ...] = (), tools: tuple[str, ...] = ()
) -> Action:
    return Action(
        id=name,
        artifact=name,
        kind="test",
        recipe=recipe or Write(name),
        outputs=(Output("out.txt", "file"),),
        needs=needs,
        sources=sources,
        tools=tools,
    )


def child(*argv: str) -> Command:
    return Command((sys.executable, "-c", *argv))


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# Order and what is handed over


def test_needed_outputs_are_handed_over_in_order(lab: Lab) -> None:
    outcomes = lab.run(action("c", "b"), action("b", "a"), action("a"))
    assert lab.content(outcomes["c"]) == {"out.txt": b"c+b+a"}
    assert lab.finished == ["a", "b", "c"]
    assert {o.state for o in outcomes.values()} == {"built"}


def test_outcomes_are_in_the_order_of_the_plan(lab: Lab) -> None:
    assert list(lab.run(action("z", "a"), action("m"), action("a"))) == ["z", "m", "a"]


def test_empty_plan(lab: Lab) -> None:
    assert lab.run() == {}


def test_events_tell_the_whole_story(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    does["a"] = lambda context: context.report_progress("half way")
    outcomes = lab.run(action("a", recipe=Do("a")))
    started, foreseen, begun, progress, finished, ended = lab.events
    assert started == RunStarted(1, 2)
    assert foreseen == WorkForeseen(Forecast(1, 0, None))
    assert isinstance(begun, ActionStarted)
    assert (begun.action.id, begun.reason, begun.expected) == ("a", "never built here", None)
    assert isinstance(progress, ActionProgress)
    assert progress.text == "half way"
    assert finished == ActionFinished(outcomes["a"])
    assert isinstance(ended, RunFinished)
    assert ended.outcomes == (outcomes["a"],)


def test_facts_reach_the_outcome_and_those_that_need_it(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    seen: list[object] = []
    does["a"] = lambda context: context.record_facts(Facts(others={"floor": "2.17", "n": 1}))
    does["b"] = lambda context: seen.append(dict(context.facts_of["a"]))
    plan = (action("a", recipe=Do("a")), action("b", "a", recipe=Do("b")))
    assert lab.run(*plan)["a"].facts == {"floor": "2.17", "n": 1}
    assert seen == [{"floor": "2.17", "n": 1}]
    assert lab.run(*plan)["a"].facts == {"floor": "2.17", "n": 1}


def test_folder_outputs_keep_their_files_names_and_modes(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    def fill(context: ActionContext) -> None:
        context.output("file").unlink()
        for name in ("b/c", "a"):
            path = context.output("file") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        (context.output("file") / "a").chmod(0o755)

    does["a"] = fill
    folder = replace(action("a", recipe=Do("a")), outputs=(Output("out", "file", folder=True),))
    files = lab.run(folder)["a"].files
    assert [(f.name, f.executable) for f in files] == [("out/a", True), ("out/b/c", False)]


def test_recipe_finds_an_empty_folder_whatever_an_earlier_one_left(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    for name in ("a", "a.0"):
        (lab.state / "work" / name / "left").mkdir(parents=True)
    seen: list[str] = []
    does["a"] = lambda context: seen.extend(p.name for p in context.folder.iterdir())
    lab.run(action("a", recipe=Do("a")))
    assert seen == ["out.txt"]
    assert {p.name for p in (lab.state / "work").iterdir()} == {"a", "a.0", "logs"}


def test_a_program_that_a_killed_run_left_behind_cannot_write_into_the_next_one(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    folders: list[Path] = []

    def fail(context: ActionContext) -> None:
        folders.append(context.folder)
        raise BuildError("once")

    does["a"] = fail
    for _ in range(2):
        lab.run(action("a", recipe=Do("a")))
    assert len(set(folders)) == 2


def test_content_whose_bits_flipped_on_the_disk_is_not_packed(lab: Lab) -> None:
    first = lab.run(action("a"))["a"]
    index = lab.index()
    content = lab.store().object(first.files[0].digest)
    content.chmod(0o644)
    content.write_bytes(b"something else")
    index.remember(content, first.files[0].digest)  # as if its stat data were those from before
    index.save()
    second = lab.run(action("a"), action("b", "a"))
    assert second["a"].state == "cached"
    assert isinstance(second["b"].error, DamagedError)
    third = lab.run(action("a"), action("b", "a"))
    assert {o.state for o in third.values()} == {"built"}
    assert third["a"].files == first.files


def test_workshop_knows_its_inputs_outputs_and_caches(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    first = action("a")
    seen: dict[str, object] = {}

    def look(context: ActionContext) -> None:
        seen["input"] = context.input(first.interface, "file").read_text()
        seen["cache"] = (
            context.cache("cargo/x") == lab.state / "cache" / "cargo" / "x" and context.cache("cargo/x").is_dir()
        )
        seen["project"] = context.project
        with pytest.raises(BuildError, match="no layer is made here"):
            context.output("layer")
        with pytest.raises(BuildError, match="no layer is made here"):
            context.input(first.interface, "layer")
        with pytest.raises(AssertionError, match="declares no tools"):
            _ = context.toolchain

    does["b"] = look
    lab.run(first, action("b", "a", recipe=Do("b")))
    assert seen == {"input": "a", "cache": True, "project": lab.project}


# What is not done again


def test_second_run_runs_nothing_and_writes_nothing(lab: Lab) -> None:
    lab.source("src/a")
    plan = (action("a", sources=("src/a",)), action("b", "a"))
    first = lab.run(*plan)
    before = lab.everything()
    second = lab.run(*plan)
    assert lab.started == []
    assert {o.state for o in second.values()} == {"cached"}
    assert {o.reason for o in second.values()} == {"nothing changed"}
    assert [o.files for o in second.values()] == [o.files for o in first.values()]
    assert [o.key for o in second.values()] == [o.key for o in first.values()]
    assert lab.everything() == before


def test_only_what_depends_on_a_change_runs_again(lab: Lab) -> None:
    lab.source("one")
    lab.source("two")
    plan = (action("a", sources=("one",)), action("b", sources=("two",)), action("c", "a"), action("d", "b"))
    lab.run(*plan)
    lab.source("one", "changed")
    lab.run(*plan)
    assert lab.started == ["a", "c"]


def test_a_change_that_leaves_the_output_equal_stops_there(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    does["a"] = lambda _: None
    lab.source("one")
    plan = (action("a", recipe=Do("a"), sources=("one",)), action("b", "a"))
    lab.run(*plan)
    lab.source("one", "a changed comment")
    lab.run(*plan)
    assert lab.started == ["a"]


@pytest.mark.parametrize(
    ("text", "started"), [("fn a() {} // says", ["a"]), ("fn b() {}", ["a", "b"]), ("fn a() {}\xff", ["a", "b"])]
)
def test_a_comment_changes_no_fingerprint(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]], text: str, started: list[str]
) -> None:
    does["a"] = lambda context: context.output("file").write_text(context.fingerprint.hex)
    lab.source("one.rs", "fn a() {}")
    plan = (action("a", recipe=Do("a"), sources=("one.rs",)), action("b", "a"))
    lab.run(*plan)
    lab.source("one.rs", text)
    lab.run(*plan)
    assert lab.started == started


def test_a_comment_in_a_folder_that_was_read_changes_no_fingerprint(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    source = lab.source("crate/src/one.rs", "fn a() {}")
    notes = lab.source("crate/notes", "one")

    def read(context: ActionContext) -> None:
        context.file_inputs([lab.project / "crate"])
        context.output("file").write_text(context.fingerprint.hex)

    does["a"] = read
    plan = (action("a", recipe=Do("a")), action("b", "a"))
    lab.run(*plan)
    for path, text, started in ((source, "fn a() {} // says", ["a"]), (notes, "two", ["a", "b"])):
        lab.write(path, text)
        lab.run(*plan)
        assert lab.started == started


def test_back_to_an_earlier_state_is_found(lab: Lab) -> None:
    plan = action("a", sources=("one",))
    for text in ("old", "new"):
        lab.source("one", text)
        lab.run(plan)
    lab.source("one", "old")
    assert lab.content(lab.run(plan)["a"]) == {"out.txt": b"a+old"}
    assert lab.started == []


def test_reason_names_what_changed_and_how_many_more(lab: Lab) -> None:
    lab.source("one")
    plan = action("a", sources=("one",))
    lab.run(plan)
    lab.source("one", "changed")
    lab.run(plan)
    old, new = Digest.of(b"content").short, Digest.of(b"changed").short
    assert lab.events[2] == ActionStarted(plan, f"sources one: {old} -> {new}", pytest.approx(0, abs=5))
    lab.run(replace(plan, recipe=Write("z"), outputs=(Output("x", "file"),)))
    assert isinstance(lab.events[2], ActionStarted)
    assert lab.events[2].reason == "fields text: a -> z and 1 more"


def test_damaged_content_is_said_and_made_again(lab: Lab) -> None:
    outcome = lab.run(action("a"))["a"]
    path = lab.store().object(outcome.files[0].digest)
    path.chmod(0o644)
    path.write_bytes(b"?")
    assert lab.run(action("a"))["a"].files == outcome.files
    assert lab.started == ["a"]
    assert lab.notices == ["out.txt is damaged or missing in the cache; its action runs again"]
    assert isinstance(lab.events[3], ActionStarted)
    assert lab.events[3].reason == "its result is no longer in the cache"
    assert path.read_bytes() == b"a"


def test_discovered_input_that_changes_makes_the_action_run_again(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    inside, outside = lab.source("generated.h"), lab.root / "system.h"
    outside.write_text("old")
    does["a"] = lambda context: context.file_inputs([inside, outside, inside])
    plan = action("a", recipe=Do("a"))
    lab.run(plan)
    lab.run(plan)
    assert lab.started == []
    lab.write(inside, "changed")
    old, new = Digest.of(b"content").short, Digest.of(b"changed").short
    lab.run(plan)
    assert [e.reason for e in lab.events if isinstance(e, ActionStarted)] == [f"read generated.h: {old} -> {new}"]
    lab.write(outside, "changed")
    lab.run(plan)
    before = Digest.of(b"old").short
    assert [e.reason for e in lab.events if isinstance(e, ActionStarted)] == [f"{outside}: {before} -> {new}"]
    outside.unlink()
    does["a"] = lambda _: None
    lab.run(plan)
    assert [e.reason for e in lab.events if isinstance(e, ActionStarted)] == [f"{outside}: {new} -> absent"]


def test_what_was_read_in_the_project_is_part_of_the_key(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    words = lab.source("words", "one")
    fingerprints: list[Digest] = []

    def read(context: ActionContext) -> None:
        fingerprints.append(context.fingerprint)
        context.file_inputs([words])
        context.output("file").write_text(context.fingerprint.hex)

    does["a"] = read
    plan = action("a", recipe=Do("a"))
    first = lab.run(plan)["a"]
    assert lab.notices == ["a also reads words, so its key changed, and it is built once more"]
    assert len(set(fingerprints)) == 2
    assert lab.content(first) == {"out.txt": fingerprints[1].hex.encode()}
    latest = lab.store().latest("a")
    assert latest
    assert fingerprints[1] == fingerprint_of(latest["document"]) != first.key == key_of(latest["document"])
    lab.source("words", "two")
    second = lab.run(plan)["a"]
    assert (len(fingerprints), lab.notices) == (3, [])
    lab.source("words", "one")
    assert lab.run(plan)["a"].key == first.key
    assert lab.started == []
    shutil.rmtree(lab.state / "store" / "latest")
    lab.source("words", "two")
    assert (lab.run(plan)["a"].key, lab.started) == (second.key, [])


def test_another_key_that_is_known_by_then_is_not_made_again(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    lab.source("choice", "one")
    for name in ("one", "two"):
        lab.source(name)
    runs: list[str] = []

    def read(context: ActionContext) -> None:
        runs.append((context.project / "choice").read_text())
        context.file_inputs([context.project / runs[-1]])

    does["a"] = read
    plan = action("a", recipe=Do("a"), sources=("choice",))
    first = lab.run(plan)["a"]
    lab.source("choice", "two")
    lab.run(plan)
    for file in (lab.state / "store" / "reads").iterdir():
        file.write_text("damaged")
    lab.source("choice", "one")
    assert runs == ["one", "one", "two", "two"]
    assert lab.run(plan)["a"].key == first.key
    assert runs[4:] == ["one"]


def test_what_reads_other_files_each_time_has_no_key(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    names = iter(range(100))
    does["a"] = lambda context: context.file_inputs([context.project / str(next(names))])
    outcome = lab.run(action("a", recipe=Do("a")))["a"]
    assert outcome.state == "failed"
    assert outcome.reason.startswith("it reads different files each time")


def test_a_folder_that_was_read_counts_with_all_that_is_in_it(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    lab.source("data/one")
    outside = lab.root / "outside"
    outside.mkdir()
    does["a"] = lambda context: context.file_inputs([context.project / "data", context.project / "none", outside])
    plan = action("a", recipe=Do("a"))
    lab.run(plan)
    lab.run(plan)
    assert lab.started == []
    for change in ("data/two", "none"):
        lab.source(change)
        lab.run(plan)
        assert lab.started == ["a"]
    (outside / "new").touch()
    lab.run(plan)
    assert lab.started == ["a"]
    (lab.project / "data").rename(lab.project / "none2")
    assert lab.reasons(plan)["a"].startswith("read data: ")


def test_a_variable_that_was_asked_for_counts(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    does["a"] = lambda context: context.env_inputs({"HOME": "some-crate", "USER": "some-crate", "FOO": "other-crate"})
    does["b"] = lambda context: context.env_inputs({"FOO": "other-crate"})
    plan = (action("a", recipe=Do("a")), action("b", recipe=Do("b")))
    lab.variables = {"FOO": "1"}
    lab.run(*plan)
    (notice,) = lab.notices
    assert notice.startswith("other-crate asks for FOO, which is set here but not passed on; ")
    lab.variables = {"FOO": "2"}
    lab.run(*plan)
    assert (lab.started, lab.notices) == ([], [])
    lab.variables = {"USER": "me"}
    lab.run(*plan)
    assert [e.reason for e in lab.events if isinstance(e, ActionStarted)] == [
        f"USER: absent -> {Digest.of(b'me').short}"
    ]


@pytest.mark.parametrize("where", ["project", "elsewhere"])
def test_what_changes_while_it_is_read_keeps_no_result(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]], where: str
) -> None:
    path = lab.root / where / "words"
    lab.write(path, "one")

    def read(context: ActionContext) -> None:
        context.file_inputs([path])

    does["a"] = read
    plan = action("a", recipe=Do("a"))
    assert lab.run(plan)["a"].state == "built"

    def change(context: ActionContext) -> None:
        time.sleep(0.02)
        path.write_text("three")
        read(context)

    lab.write(path, "two")
    does["a"] = change
    outcome = lab.run(plan)["a"]
    assert outcome.state == "failed"
    assert outcome.reason == "a source changed while this was built, so the result was not kept"
    assert isinstance(outcome.error, BuildError)
    assert str(outcome.error.where).endswith("words")


def test_what_was_read_and_cannot_be_read_any_more(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    pipe = lab.root / "pipe"
    pipe.write_text("")
    does["a"] = lambda context: context.file_inputs([pipe])
    lab.run(action("a", recipe=Do("a")))
    pipe.unlink()
    os.mkfifo(pipe)
    outcome = lab.run(action("a", recipe=Do("a")))["a"]
    assert (outcome.state, outcome.reason) == ("failed", "a source cannot be read: not a regular file")


def test_what_changed_of_an_action_itself_is_its_reason_whatever_its_needs_do(lab: Lab) -> None:
    lab.source("one")
    lab.source("two")
    plan = (action("a", sources=("one",)), action("b", "a", sources=("one", "two")), action("c", "b"))
    waiting = "if `{}`, which is rebuilt, comes out different"
    assert lab.reasons(*plan)["b"] == waiting.format("a")  # never made: nothing is known of it
    lab.run(*plan)
    lab.source("one", "another")
    reasons = lab.reasons(*plan)
    assert reasons["b"] == reasons["a"]
    assert reasons["b"].startswith("sources one: ")
    assert reasons["c"] == waiting.format("b")
    lab.source("two", "another")
    assert lab.reasons(*plan)["b"].endswith(" and 1 more")
    (lab.project / "two").unlink()
    os.mkfifo(lab.project / "two")
    assert lab.reasons(*plan)["b"] == waiting.format("a")


def test_tools_count_by_identity_and_not_by_place(lab: Lab) -> None:
    def toolchain(identity: str, place: str) -> Toolchain:
        return Toolchain("installed", {"rustc": Tool("rustc", "1", (place,), identity)}, {}, Path("/"))

    plan = action("a", tools=("rustc",))
    lab.run(plan, toolchain=toolchain("rustc 1.96", "/usr/bin/rustc"))
    lab.run(plan, toolchain=toolchain("rustc 1.96", "/opt/rustc"))
    assert lab.started == []
    lab.run(plan, toolchain=toolchain("rustc 1.97", "/opt/rustc"))
    assert lab.started == ["a"]


def test_tool_that_the_toolchain_lacks_fails_its_action_only(lab: Lab) -> None:
    toolchain = Toolchain("installed", {}, {}, Path("/"))
    outcomes = lab.run(action("a", tools=("zig",)), action("b"), toolchain=toolchain)
    assert (outcomes["a"].state, outcomes["b"].state) == ("failed", "built")
    assert isinstance(outcomes["a"].error, ToolchainError)


def test_reasons_run_nothing_and_write_nothing(lab: Lab) -> None:
    lab.source("one")
    plan = (action("a", sources=("one",)), action("b", "a"), action("c"))
    assert lab.reasons(*plan) == {
        "a": "never built here",
        "b": "if `a`, which is rebuilt, comes out different",
        "c": "never built here",
    }
    assert not lab.state.exists()
    lab.run(*plan)
    before = lab.everything()
    assert set(lab.reasons(*plan).values()) == {"nothing changed"}
    lab.source("one", "changed")
    output = lab.reasons(*plan)
    assert output["a"].startswith("sources one: ")
    assert (output["b"], output["c"]) == ("if `a`, which is rebuilt, comes out different", "nothing changed")
    assert lab.everything() == before


def test_reasons_of_an_action_whose_source_is_missing(lab: Lab) -> None:
    assert lab.reasons(action("a", sources=("gone",)), action("b", "a")) == {
        "a": "this source does not exist",
        "b": "if `a`, which is rebuilt, comes out different",
    }


# Failures


def test_failure_skips_dependants_with_the_reason_and_lets_siblings_end(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    def fail(_: ActionContext) -> None:
        raise BuildError("it does not compile\nand here is why", hint="correct it")

    does["bad"] = fail
    plan = (
        action("bad", recipe=Do("bad")),
        action("on bad", "bad"),
        action("on that", "on bad"),
        action("good"),
        action("on good", "good"),
        action("on both", "on good", "bad"),
    )
    outcomes = lab.run(*plan)
    assert {name: o.state for name, o in outcomes.items()} == {
        "bad": "failed",
        "on bad": "skipped",
        "on that": "skipped",
        "good": "built",
        "on good": "built",
        "on both": "skipped",
    }
    assert outcomes["bad"].reason == "it does not compile"
    assert isinstance(outcomes["bad"].error, BuildError)
    assert outcomes["on bad"].reason == "bad failed"
    assert outcomes["on that"].reason == "on bad skipped"
    assert outcomes["on both"].reason == "bad failed"
    lab.run(*plan)
    assert lab.started == ["bad"]


def test_missing_output_is_an_error(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    does["a"] = lambda context: context.output("file").unlink()
    outcome = lab.run(action("a", recipe=Do("a")))["a"]
    assert (outcome.state, outcome.reason) == ("failed", "a ended without making out.txt")


@pytest.mark.parametrize("folder", [True, False])
def test_output_of_the_wrong_form_is_an_error(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]], folder: bool
) -> None:
    def swap(context: ActionContext) -> None:
        if not folder:
            context.output("file").unlink()
            context.output("file").mkdir()

    does["a"] = swap
    plan = replace(action("a", recipe=Do("a")), outputs=(Output("out.txt", "file", folder=folder),))
    assert lab.run(plan)["a"].state == "failed"


def test_link_as_output_is_an_error(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    def link(context: ActionContext) -> None:
        context.output("file").unlink()
        context.output("file").symlink_to("/etc/hostname")

    does["a"] = link
    assert lab.run(action("a", recipe=Do("a")))["a"].state == "failed"


@pytest.mark.parametrize("target", ["/etc/hostname", "b"])
def test_link_in_a_folder_output_is_an_error(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]], target: str
) -> None:
    def link(context: ActionContext) -> None:
        context.output("file").unlink()
        context.output("file").mkdir()
        (context.output("file") / "b").write_text("b")
        (context.output("file") / "a").symlink_to(target)

    does["a"] = link
    plan = replace(action("a", recipe=Do("a")), outputs=(Output("out.txt", "file", folder=True),))
    assert "out.txt/a" in lab.run(plan)["a"].reason


def test_what_a_tool_unpacks_and_reads_in_one_run_is_read_again(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    path, runs = lab.root / "registry" / "lib.rs", []

    def unpack(context: ActionContext) -> None:
        runs.append(context.action.id)
        if not path.exists():
            time.sleep(0.02)
            lab.write(path, "fn unpacked() {}")
        context.file_inputs([path])

    does["a"] = unpack
    assert lab.run(action("a", recipe=Do("a")))["a"].state == "built"
    assert runs == ["a", "a"]


def test_missing_source_fails_its_action(lab: Lab) -> None:
    outcomes = lab.run(action("a", sources=("gone",)), action("b"))
    assert (outcomes["a"].state, outcomes["b"].state) == ("failed", "built")
    assert outcomes["a"].reason == "this source does not exist"


def change(lab: Lab) -> None:
    lab.source("src/a", "changed while it was read")


def remove(lab: Lab) -> None:
    (lab.project / "src" / "a").unlink()


@pytest.mark.parametrize("meanwhile", [change, remove])
def test_source_that_changes_during_the_run_is_refused(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]], meanwhile: Callable[[Lab], None]
) -> None:
    lab.source("src/a")
    lab.source("src/b")
    does["a"] = lambda _: meanwhile(lab)
    plan = action("a", recipe=Do("a"), sources=("src",))
    outcome = lab.run(plan)["a"]
    assert (outcome.state, outcome.reason) == (
        "failed",
        "a source changed while this was built, so the result was not kept",
    )
    assert isinstance(outcome.error, BuildError)
    assert outcome.error.where == "src/a"
    does["a"] = lambda _: None
    lab.run(plan)
    assert lab.started == ["a"]


def test_a_build_script_that_writes_into_the_sources(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    for name in ("src/a", "Cargo.toml", "build.rs"):
        lab.source(name)
    content = (lab.project / "src" / "a").read_text()
    plan = action("a", recipe=Do("a"), sources=("src",))
    does["a"] = lambda _: lab.source("src/a", content)
    assert lab.run(plan)["a"].state == "built"
    lab.source("src/a", "of another commit")
    does["a"] = lambda _: lab.source("src/a", content)
    error = lab.run(plan)["a"].error
    assert isinstance(error, BuildError)
    assert (error.where, error.hint) == (
        "src/a",
        "run the same command again, and if build.rs writes it, commit what it writes or let it write to OUT_DIR",
    )


def test_source_that_is_added_during_the_run_is_not_in_the_result(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    lab.source("src/a")
    seen: list[str] = []

    def read(context: ActionContext) -> None:
        lab.source("src/new")
        seen.extend(file.name for file in context.source_files("src"))

    does["a"] = read
    plan = action("a", recipe=Do("a"), sources=("src",))
    assert lab.run(plan)["a"].state == "built"
    assert seen == ["src/a"]
    lab.run(plan)
    assert lab.started == ["a"]
    assert seen == ["src/a", "src/a", "src/new"]


def test_bug_passes_on_with_its_traceback_once_running_actions_have_ended(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    sibling_runs, sibling_ended = threading.Event(), threading.Event()

    def sibling(_: ActionContext) -> None:
        sibling_runs.set()
        time.sleep(0.1)
        sibling_ended.set()

    lab.monotonic = Clock()  # on which the moment that a run waits for its threads never ends

    def bug(_: ActionContext) -> None:
        sibling_runs.wait(PATIENCE_SECONDS)
        raise ZeroDivisionError("a bug of ours")

    does["a"], does["b"] = bug, sibling
    with pytest.raises(ZeroDivisionError) as caught:
        lab.run(action("a", recipe=Do("a")), action("b", recipe=Do("b")), action("c", "a"))
    assert caught.traceback[-1].name == "bug"
    assert sibling_ended.is_set()


def test_recipe_that_exits_is_a_bug_and_not_an_endless_wait(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    does["a"] = lambda _: sys.exit(3)
    with pytest.raises(SystemExit):
        lab.run(action("a", recipe=Do("a")))


def test_error_of_the_disk_is_one_a_user_can_act_on(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    does["a"] = lambda context: (context.folder / "x" / "y").write_text("no such folder")
    outcome = lab.run(action("a", recipe=Do("a")))["a"]
    assert isinstance(outcome.error, StorageError)
    assert outcome.reason == "cannot write: No such file or directory"


def test_work_folder_that_cannot_be_made_is_told(lab: Lab) -> None:
    lab.state.mkdir()
    (lab.state / "work").write_text("a file")
    outcome = lab.run(action("a"))["a"]
    assert isinstance(outcome.error, StorageError)


def test_no_place_for_temporary_files_is_told(lab: Lab) -> None:
    program = f"""
import sys, tempfile
from pathlib import Path
sys.path[:0] = [{str(Path(__file__).parent)!r}]
from conftest import Lab
from test_scheduler import action
from ferrule.core.errors import StorageError
tempfile.tempdir = "/nonexistent"
try:
    Lab(Path({str(lab.root / "with a space")!r})).run(action("a"))
except StorageError as error:
    print(error)
    sys.exit(7)
"""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 7, done.stderr
    assert "the folder for temporary files cannot be used: No such file or directory" in done.stdout
    assert "TMPDIR" in done.stdout


# Side by side


def test_never_more_at_once_than_jobs_and_all_of_them(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    lock, now, most = threading.Lock(), [0], [0]
    three = threading.Barrier(3)

    def work(context: ActionContext) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        if context.action.id in ("0", "1", "2"):
            three.wait(PATIENCE_SECONDS)
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    for n in range(9):
        does[str(n)] = work
    lab.run(*(action(str(n), recipe=Do(str(n))) for n in range(9)), jobs=3)
    assert most == [3]


def test_longest_path_goes_first(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    clock = Clock()
    lab.monotonic = clock
    seconds = {"short": 1, "long": 5, "start of a long path": 2, "middle": 2, "end": 30}

    def work(context: ActionContext) -> None:
        clock.now += seconds[context.action.id]

    for name in seconds:
        does[name] = work
    lab.source("s", "1")
    plan = (
        action("short", recipe=Do("short"), sources=("s",)),
        action("long", recipe=Do("long"), sources=("s",)),
        action("start of a long path", recipe=Do("start of a long path"), sources=("s",)),
        action("middle", "start of a long path", recipe=Do("middle"), sources=("s",)),
        action("end", "middle", recipe=Do("end"), sources=("s",)),
    )
    lab.run(*plan, jobs=1)
    lab.source("s", "2")
    lab.run(*plan, jobs=1)
    assert lab.started == ["start of a long path", "middle", "end", "long", "short"]
    expected = {e.action.id: e.expected for e in lab.events if isinstance(e, ActionStarted)}
    assert expected == seconds


def test_a_run_says_how_long_it_took(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    clock = Clock()
    clock.now = 100.0
    lab.monotonic = clock

    def work(_: ActionContext) -> None:
        clock.now += 5

    does["a"], does["b"] = work, work
    outcomes = lab.run(action("a", recipe=Do("a")), action("b", "a", recipe=Do("b")))
    assert [outcome.seconds for outcome in outcomes.values()] == [5.0, 5.0]
    assert [event.seconds for event in lab.events if isinstance(event, RunFinished)] == [10.0]


def test_what_will_take_longest_goes_first_while_nothing_is_known(lab: Lab) -> None:
    tools = {name: Tool(name, "1", ("x",), "1") for name in ("rustc", "std-one", "std-two")}
    toolchain = Toolchain("installed", tools, {"one": "prebuilt", "two": "build-std"}, Path("/"))
    plan = (
        action("a"),
        action("b", tools=("rustc",)),
        replace(action("c", tools=("rustc", "std-one")), target="one"),
        replace(action("d", tools=("rustc", "std-two")), target="two"),
    )
    lab.run(*plan, jobs=1, toolchain=toolchain)
    assert lab.started == ["d", "c", "b", "a"]


def test_wide_and_deep_plan_is_ordered_at_once(lab: Lab) -> None:
    """Each of 20 layers of 5 needs all of the layer before: 5**20 paths, which nobody could follow one by one."""
    plan = [
        action(f"{layer}-{n}", *(f"{layer - 1}-{m}" for m in range(5) if layer))
        for layer in range(20)
        for n in range(5)
    ]
    for one in range(len(plan)):
        plan[one] = replace(plan[one], recipe=Do("same"))
    Do.what["same"] = lambda _: None
    lab.run(*plan)
    assert len(lab.started) == 100


def test_children_share_the_limit(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    """An action holds a token of its own; its children find the others."""
    count = (
        "import os; p = os.open(os.environ['MAKEFLAGS'].partition('fifo:')[2], os.O_RDWR | os.O_NONBLOCK);"
        "print(len(os.read(p, 100)))"
    )
    seen: list[str] = []
    does["a"] = lambda context: seen.append(context.run(child(count)))
    does["b"] = lambda context: seen.append(context.run(child(count)))
    lab.run(action("a", recipe=Do("a")), action("b", "a", recipe=Do("b")), jobs=4)
    # The child of `a` kept what it took; nothing ran when `b` began, so all of it was there again.
    assert seen == ["3\n", "3\n"]


BUSY = r"""
import os, sys, threading, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
together = min(int(sys.argv[2]), 2)
pipe = os.open(os.environ["CARGO_MAKEFLAGS"].partition("fifo:")[2], os.O_RDWR | os.O_NONBLOCK)
def met():
    at_once = most = 0
    for mark in open(sys.argv[1]).read():
        at_once += 1 if mark == "+" else -1
        most = max(most, at_once)
    return most >= together
def compile():
    os.write(log, b"+")
    time.sleep(0.02)
    until = time.monotonic() + 60
    while not met() and time.monotonic() < until:
        time.sleep(0.005)
    os.write(log, b"-")
for _ in range(6):
    try:
        token = os.read(pipe, 1)
    except BlockingIOError:
        token = b""
    more = [threading.Thread(target=compile) for _ in token]
    for thread in more:
        thread.start()
    compile()
    for thread in more:
        thread.join()
    os.write(pipe, token)
"""


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_all_that_run_at_once_are_no_more_than_jobs(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]], jobs: int
) -> None:
    """Several pretended Cargos, each compiling by as many threads as it gets tokens for, besides its own.

    They wait for each other until two were seen at once, so that a machine that starts programs slowly sees it too.
    """
    log = lab.root / "log"
    for n in range(5):
        does[str(n)] = lambda context: context.run(child(BUSY, str(log), str(jobs))) and None
    lab.run(*(action(str(n), recipe=Do(str(n))) for n in range(5)), jobs=jobs)
    at_once = [0]
    for mark in log.read_text():
        at_once.append(at_once[-1] + (1 if mark == "+" else -1))
    assert min(jobs, 2) <= max(at_once) <= jobs
    assert at_once[-1] == 0
    assert len(at_once) > 5 * 6 * 2


def test_child_that_takes_all_tokens_to_its_grave_does_not_stop_the_run(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    def steal(context: ActionContext) -> None:
        pipe = os.open(context.site.environment["MAKEFLAGS"].partition("fifo:")[2], os.O_RDWR)
        other.wait(PATIENCE_SECONDS)
        os.read(pipe, 100)  # waits for the token of `b`
        os.close(pipe)

    other = threading.Event()
    does["a"], does["b"] = steal, lambda _: other.set()
    plan = [action("a", recipe=Do("a")), action("b", recipe=Do("b")), *(action(f"c{n}", "a", "b") for n in range(4))]
    assert {o.state for o in lab.run(*plan, jobs=2).values()} == {"built"}


def test_an_action_that_waits_for_a_token_is_tried_again_whatever_happens(lab: Lab) -> None:
    """A token comes back into the pipe without a word to us."""
    run, tried = scheduler._Run(lab.engine(), Plan("demo", "1", ())), []
    order: TopologicalSorter[str] = TopologicalSorter({})
    looking = threading.Thread(target=lambda: tried.append(run._wait_for_event(order, blocked=True)), daemon=True)
    looking.start()
    looking.join(PATIENCE_SECONDS)
    assert tried == [[]]


def test_output_of_programs_is_logged_for_each_action(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    heard: list[str] = []
    does["a:b"] = lambda context: context.run(child("print('hello')"), on_line=heard.append) and None
    lab.run(action("a:b", recipe=Do("a:b")))
    assert heard == ["hello"]
    assert "hello" in (lab.state / "work" / "logs" / f"{file_name('a:b')}.log").read_text()


def test_program_that_fails_is_told_with_its_log(lab: Lab, does: dict[str, Callable[[ActionContext], None]]) -> None:
    does["a"] = lambda context: context.run(child("import sys; print('no such crate'); sys.exit(4)")) and None
    outcome = lab.run(action("a", recipe=Do("a")))["a"]
    assert "exit code 4" in outcome.reason
    assert "no such crate" in str(outcome.error)
    assert str(lab.state / "work" / "logs" / "a.log") in str(outcome.error)


def test_interrupt_ends_children_and_keeps_nothing_half_made(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    pids = lab.root / "pids"
    stubborn = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        f"subprocess.run([sys.executable, '-c', \"open({str(pids)!r}, 'a').write(str(__import__('os').getpid()) + "
        "chr(10)); __import__('time').sleep(300)\"])\n"
    )
    when: list[float] = []

    def interrupt(_: ActionContext) -> None:
        wait_until(lambda: pids.exists() and pids.read_text().count("\n") == 2, "two programs")
        when.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    does["a"] = lambda context: context.run(child(stubborn)) and None
    does["b"] = interrupt
    plan = (action("a", recipe=Do("a")), action("b", recipe=Do("b")), action("c", "a"))
    with pytest.raises(KeyboardInterrupt):
        lab.run(*plan)
    assert time.monotonic() - when[0] < 30  # it would sleep for 300; how soon is measured by tests/faults
    assert lab.store().latest("a") is None

    def gone(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_until(lambda: all(gone(int(pid)) for pid in pids.read_text().split()), "them to end")
    does["a"] = does["b"] = lambda _: None
    assert {o.state for o in lab.run(*plan).values()} <= {"built", "cached"}


# Secrets, and what goes wrong at the edges


@pytest.mark.parametrize("where", ["file", "facts"])
def test_what_holds_a_secret_is_not_kept(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]], where: str
) -> None:
    lab.variables["DEPLOY_TOKEN"] = "canary-0123456789"

    def leak(context: ActionContext) -> None:
        if where == "file":
            context.output("file").write_text("x" * (1 << 20) + "canary-0123456789")
        else:
            context.record_facts(Facts(others={"said": "canary-0123456789"}))

    does["a"] = leak
    outcome = lab.run(action("a", recipe=Do("a")))["a"]
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error.message == "this holds a secret, the value of the variable DEPLOY_TOKEN, and was not kept"
    assert outcome.error.where == ("out.txt" if where == "file" else "what was measured")
    assert lab.run(action("a"))["a"].state == "built"


def test_a_thread_that_computes_for_ever_does_not_keep_the_run(
    lab: Lab, does: dict[str, Callable[[ActionContext], None]]
) -> None:
    over, begun = threading.Event(), threading.Event()

    def compute(_: ActionContext) -> None:
        begun.set()
        over.wait(PATIENCE_SECONDS)

    def bug(_: ActionContext) -> None:
        begun.wait(PATIENCE_SECONDS)
        raise ZeroDivisionError("a bug of ours")

    seconds = count(step=100)
    lab.monotonic = lambda: float(next(seconds))  # on which every wait is long over
    does["a"], does["b"] = bug, compute
    started = time.monotonic()
    try:
        with pytest.raises(ZeroDivisionError):
            lab.run(action("a", recipe=Do("a")), action("b", recipe=Do("b")))
        assert time.monotonic() - started < PATIENCE_SECONDS
    finally:
        over.set()


class BrokenRemote:
    """A remote cache with a bug: the run must not take it for an answer."""

    def serves(self, _: Action) -> bool:
        return True

    def submit(self, job: Callable[[], None]) -> None:
        threading.Thread(target=job).start()

    def entries(self, *_: object) -> object:
        raise ZeroDivisionError("a bug of ours")

    def is_lost(self) -> bool:
        return False

    def notices(self) -> list[str]:
        return []


def test_what_was_examined_a_moment_ago_is_not_looked_up_again(lab: Lab) -> None:
    plan = Plan("p", "1.0.0", (action("a"), action("b", "a")))
    lab.run(*plan.actions)
    engine = lab.engine()
    cached = {name: one.outcome for name, one in engine.examine(plan).items() if one.outcome}
    assert sorted(cached) == ["a", "b"]
    for record in (engine.store.root / "results").iterdir():
        record.unlink()
    assert engine.execute(plan, cached) == tuple(cached.values())
    assert {outcome.state for outcome in engine.execute(plan)} == {"built"}


def test_a_bug_in_the_remote_cache_passes_on(lab: Lab) -> None:
    engine = replace(lab.engine(), remote=BrokenRemote())
    with pytest.raises(ZeroDivisionError):
        engine.execute(Plan("p", "1.0.0", (action("a"),)))


def test_no_folder_for_temporary_files(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spaced = replace(lab, root=tmp_path / "a b")
    spaced.project.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError, match="the folder for temporary files cannot be used: No such file") as caught:
        spaced.run(action("a"))
    assert str(tmp_path / "gone") in str(caught.value.where)
