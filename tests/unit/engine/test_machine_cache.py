"""Finished actions shared between checkouts of a machine: what is taken, what is not, and what damage costs."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from filelock import FileLock

from ferrule.core.model import Action, Digest, FileRecord, Outcome, Output, Plan, Tool
from ferrule.core.toolchain import Toolchain
from ferrule.engine import machine_cache
from ferrule.engine.machine_cache import MachineCache, distrusted
from ferrule.engine.store import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.engine.conftest import Lab

    from ferrule.engine.context import ActionContext

LARGE = 1 << 30
OFF = "or turn this off by FERRULE_MACHINE_CACHE=off"
TOOLCHAIN = Toolchain("installed", {"cargo": Tool("cargo", "1", ("cargo",), "cargo 1.96")}, {}, Path("/"))


@dataclass(frozen=True)
class Write:
    """Writes a file and reads, asks or measures what a test wants."""

    calls: ClassVar[list[str]] = []
    does: ClassVar[list[Callable[[ActionContext], None]]] = []
    text: str = "content"

    def make(self, context: ActionContext) -> None:
        self.calls.append(context.action.id)
        context.output("lib").write_text(self.text)
        for do in self.does:
            do(context)


@dataclass(frozen=True)
class Statement(Write):
    """States who makes it."""

    testifies: ClassVar[bool] = True


ACTION = Action("native@x", "native", "test", Write(), (Output("lib", "lib"),), sources=("src",))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Write.calls.clear()
    Write.does.clear()


class Machine:
    """Checkouts that share a cache."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.cache = lab.root / "cache"
        self.settings: dict[str, Digest | None] = {}
        self.common: tuple[Path, ...] = ()
        self.largest = LARGE

    def run(self, checkout: str, *actions: Action) -> dict[str, Outcome]:
        """Run actions in a checkout of its own."""
        lab = replace(self.lab, root=self.lab.root / checkout)
        lab.source("src/a.rs", "same")
        engine = lab.engine(toolchain=TOOLCHAIN)
        store = machine_cache.open_store(self.cache, engine.store.notice)
        machine = MachineCache(store, engine.store, self.settings, self.common, largest=self.largest)
        outcomes = replace(engine, machine=machine).execute(Plan("p", "1.0.0", actions or (ACTION,)))
        machine.close()
        engine.index.save()
        return {outcome.action.id: outcome for outcome in outcomes}

    def contents(self) -> list[Path]:
        return sorted((self.cache / "actions" / "objects").glob("*/*"))


@pytest.fixture
def machine(lab: Lab) -> Machine:
    return Machine(lab)


def states(outcomes: dict[str, Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes.values()]


def test_a_second_checkout_makes_nothing(machine: Machine) -> None:
    (first,) = machine.run("one").values()
    (second,) = machine.run("two").values()
    assert (first.state, second.state) == ("built", "shared")
    assert (first.key, first.files, first.facts) == (second.key, second.files, second.facts)
    assert Write.calls == ["native@x"]
    assert states(machine.run("two")) == ["cached"]


def test_contents_are_on_the_disk_once(machine: Machine) -> None:
    machine.run("one")
    machine.run("two")
    (content,) = machine.contents()
    links = [path for path in machine.lab.root.rglob(content.name) if path.samefile(content)]
    assert len(links) == content.stat().st_nlink == 3


def test_what_was_linked_is_not_read_again(machine: Machine) -> None:
    machine.run("one")
    (content,) = (machine.lab.root / "one" / "state" / "store" / "objects").glob("*/*")
    index = replace(machine.lab, root=machine.lab.root / "one").index()
    stat = content.stat()
    signature, digest = index._known[str(content)]
    assert (signature, digest) == ([stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns], content.name)


def test_another_source_is_another_action(machine: Machine) -> None:
    machine.run("one")
    machine.lab.write(machine.lab.root / "two" / "project" / "src" / "b.rs", "more")
    assert states(machine.run("two")) == ["built"]


def test_settings_of_cargo_outside_of_the_project_count_by_content(machine: Machine) -> None:
    cargo = replace(ACTION, tools=("cargo",))
    ours = machine.lab.write(machine.lab.root / "a" / ".cargo" / "config.toml", "same")
    theirs = machine.lab.write(machine.lab.root / "b" / ".cargo" / "config.toml", "same")
    others = machine.lab.write(machine.lab.root / "c" / ".cargo" / "config.toml", "other")
    Write.does.append(lambda context: context.read_files.append(ours))
    machine.settings = {str(ours): Digest.of_file(ours), "/.cargo/config.toml": None}
    assert states(machine.run("one", cargo)) == ["built"]
    machine.settings = {str(theirs): Digest.of_file(theirs)}
    assert states(machine.run("two", cargo)) == ["shared"]
    machine.lab.write(theirs, "now")
    machine.settings = {}
    assert states(machine.run("two", cargo)) == ["built"]
    machine.settings = {str(others): Digest.of_file(others)}
    assert states(machine.run("three", cargo)) == ["built"]


def test_what_every_checkout_reads_at_one_path_is_compared(machine: Machine) -> None:
    crate = machine.lab.root / "cargo" / "lib.rs"
    machine.lab.write(crate, "1")
    machine.common = (crate.parent,)
    Write.does.append(lambda context: context.read_files.append(crate))
    os.utime(crate, ns=(1, 1))
    machine.run("one")
    assert states(machine.run("two")) == ["shared"]
    machine.lab.write(crate, "2")
    assert states(machine.run("three")) == ["built"]


def test_what_is_beside_a_checkout_stays_there(machine: Machine) -> None:
    beside = machine.lab.write(machine.lab.root / "shared" / "lib.rs", "1")
    Write.does.append(lambda context: context.read_files.append(beside))
    machine.run("one")
    assert states(machine.run("two")) == ["built"]
    assert machine.contents() == []


def test_statements_about_a_run_are_not_shared(machine: Machine) -> None:
    action = replace(ACTION, recipe=Statement())
    machine.run("one", action)
    assert states(machine.run("two", action)) == ["built"]


def test_files_of_the_project_that_were_read_besides(machine: Machine) -> None:
    for checkout in ("one", "two", "three"):
        machine.lab.write(machine.lab.root / checkout / "project" / "more.txt", "3" if checkout == "three" else "1")
    Write.does.append(lambda context: context.read_files.append(context.site.project / "more.txt"))
    machine.run("one")
    (second,) = machine.run("two").values()
    assert second.state == "shared"
    assert states(machine.run("two")) == ["cached"]
    assert states(machine.run("three")) == ["built"]


@pytest.mark.parametrize("damage", ["changed", "gone", "folder"])
def test_damaged_contents_are_made_again(machine: Machine, damage: str) -> None:
    machine.run("one")
    (content,) = machine.contents()
    content.unlink()
    if damage == "changed":
        content.write_text("other")
    elif damage == "folder":
        content.mkdir()
    (second,) = machine.run("two").values()
    assert second.state == "built"
    own = machine.lab.root / "two" / "state" / "store" / "objects" / content.parent.name / content.name
    assert own.read_text() == "content"


def test_damaged_records_are_made_again(machine: Machine) -> None:
    machine.run("one")
    for record in (machine.cache / "actions" / "results").iterdir():
        record.write_text("{}")
    assert states(machine.run("two")) == ["built"]
    assert states(machine.run("three")) == ["shared"]


def test_a_cache_that_cannot_be_written_costs_nothing_else(machine: Machine) -> None:
    machine.cache.mkdir()
    (machine.cache / "actions").write_text("a file")
    assert states(machine.run("one")) == ["built"]
    assert states(machine.run("two")) == ["built"]


def test_what_was_used_longest_ago_goes_first(machine: Machine) -> None:
    actions = [replace(ACTION, id=f"{n}@x", recipe=Write(str(n) * 1000)) for n in range(4)]
    machine.run("one", *actions)
    records = sorted((machine.cache / "actions" / "results").iterdir(), key=lambda path: path.read_text())
    for number, action in enumerate(actions):
        (record,) = (path for path in records if Digest.of(action.recipe.text.encode()).hex in path.read_text())
        os.utime(record, (1000 + number, 1000 + number))
    machine.largest = 2500
    machine.run("two", actions[0], replace(ACTION, id="new@x", recipe=Write("new" * 300)))
    left = [path.read_text() for path in (machine.cache / "actions" / "results").iterdir()]
    texts = {text: Digest.of(text.encode()).hex for text in ("0" * 1000, "new" * 300, "1" * 1000, "3" * 1000)}
    assert [text[0] for text, digest in texts.items() if any(digest in one for one in left)] == ["0", "n"]


def test_a_folder_of_ours_alone_is_trusted(tmp_path: Path) -> None:
    folder, user = tmp_path / "actions", os.geteuid()
    assert distrusted(folder, user) is None
    folder.mkdir(mode=0o700)
    assert distrusted(folder, user) is None
    assert "belongs to somebody else" in str(distrusted(folder, user + 1))
    folder.chmod(0o770)
    assert distrusted(folder, user) == f"others can write to {folder}; chmod go-w {folder}, {OFF}"
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert distrusted(folder, user) == f"{folder} is no folder; remove it, {OFF}"


def test_settings_that_changed_since_the_run_began(machine: Machine) -> None:
    cargo = replace(ACTION, tools=("cargo",))
    settings = machine.lab.write(machine.lab.root / ".cargo" / "config.toml", "at the beginning")
    machine.settings = {str(settings): Digest.of_file(settings)}
    machine.lab.write(settings, "later")
    Write.does.append(lambda context: context.read_files.append(settings))
    machine.run("one", cargo)
    assert machine.contents() == []


def test_what_has_lost_a_content_is_not_shared(machine: Machine) -> None:
    engine = machine.lab.engine(toolchain=TOOLCHAIN)
    store = machine_cache.open_store(machine.cache, engine.store.notice)
    cache = MachineCache(store, engine.store, {}, (), largest=LARGE)
    gone = FileRecord("lib", Digest.of(b"gone"), 4)
    cache.offer(ACTION, Result(Digest.of(b"key"), (gone,), {}, {}, 0.0, {}))
    assert machine.contents() == []
    assert store.record(Digest.of(b"key")) is None


def test_a_way_out_of_a_common_folder_leads_beside_the_checkout(machine: Machine) -> None:
    beside = machine.lab.write(machine.lab.root / "beside" / "lib.rs", "1")
    machine.common = (machine.lab.root / "cargo",)
    Write.does.append(lambda context: context.read_files.append(machine.common[0] / ".." / "beside" / beside.name))
    (machine.lab.root / "cargo").mkdir()
    machine.run("one")
    assert machine.contents() == []


def test_a_cache_for_reading_only_is_read(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.run("one")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    assert states(machine.run("two")) == ["shared"]


def test_a_result_that_is_too_large_costs_no_other(machine: Machine) -> None:
    small, large = (replace(ACTION, id=f"{name}@x", recipe=Write(name * 100)) for name in ("s", "large"))
    machine.run("one", small)
    machine.largest = 300
    machine.run("one", large)
    (left,) = (machine.cache / "actions" / "results").iterdir()
    assert Digest.of(("s" * 100).encode()).hex in left.read_text()


def test_what_is_no_record_goes(machine: Machine) -> None:
    machine.run("one")
    stray = machine.cache / "actions" / "results" / "._stray.json"
    stray.write_text("{}")
    machine.largest = 1
    assert states(machine.run("two", replace(ACTION, id="other@x", recipe=Write("more")))) == ["built"]
    assert not stray.exists()


def test_what_another_run_may_be_writing_stays(machine: Machine) -> None:
    machine.run("one")
    left = machine.cache / "actions" / "aside" / ".aside-x"
    left.write_text("half")
    store = machine_cache.open_store(machine.cache)
    machine_cache.trim(store, LARGE)
    assert left.exists()


def test_one_process_trims_at_a_time(machine: Machine) -> None:
    machine.run("one")
    store = machine_cache.open_store(machine.cache)
    with FileLock(machine.cache / "actions" / "lock"):
        assert machine_cache.trim(store, 0).files == 0
    assert machine_cache.trim(store, 0).files > 0
    assert machine_cache.trim(machine_cache.open_store(machine.cache / "none"), 0).files == 0
