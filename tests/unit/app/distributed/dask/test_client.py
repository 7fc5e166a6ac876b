"""Answers of workers, as they are told here, and which worker gets an order; the workers are in memory."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.actions import Sleep, action
from fakes.cluster import wait_for
from fakes.dask_client import FakeClient
from ferrule.app.distributed.dask import worker as worker_side
from ferrule.app.distributed.dask.client import DaskCluster, _at_home
from ferrule.app.distributed.dask.worker import Session, SessionExpiredError, WorkerAnswer, WorkerReady
from ferrule.cli.environment import run_context
from ferrule.core.errors import BuildError, NetworkError, StorageError
from ferrule.core.model import Digest, FileRecord, Outcome
from ferrule.engine.events import Noticed
from ferrule.engine.executor import Order
from ferrule.engine.sources import StatIndex
from ferrule.engine.store import Result, Store
from ferrule.tools.run import Captured, ToolFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.engine.events import Event

HERE, THERE = Path("/here/log"), "/there/log"


def failed(log: Path | None) -> ToolFailed:
    return ToolFailed("it fails", command="x", code=1, captured=Captured("", ""), log=log)


def test_a_log_of_a_worker_is_where_it_lies_here() -> None:
    error = failed(Path(THERE))
    assert _at_home(WorkerAnswer(error=error, log_at=THERE), HERE) is error
    assert error.log == HERE
    assert error.hint == f"all of it, and the command, is in {HERE}"


def test_a_failure_without_a_log_gets_none() -> None:
    error = failed(None)
    assert _at_home(WorkerAnswer(error=error, log_at=THERE), HERE) is error
    assert error.log is None
    other = BuildError("it fails")
    assert _at_home(WorkerAnswer(error=other, log_at=THERE), HERE) is other
    assert not hasattr(other, "log")


@dataclass
class Cluster:
    """An executor on a client in memory, and the threads that have actions made."""

    client: FakeClient
    executor: DaskCluster
    store: Store
    log: Path
    threads: ThreadPoolExecutor
    heard: list[Event]
    notices: list[str] = field(default_factory=list)
    results: list[Future[Result]] = field(default_factory=list)

    def start(self, name: str, *inputs: str, **expected: str) -> None:
        """Have an action made that needs these inputs, and wait until workers have `expected`."""
        self.submit(name, *inputs)
        self.wait(**expected)

    def submit(self, name: str, *inputs: str) -> None:
        """Have an action made that needs these inputs."""
        files = tuple(FileRecord(one, Digest.of(one.encode()), len(one)) for one in inputs)
        needed = {"needed": Outcome(action("needed", Sleep()), "built", Digest.of(b""), files=files)}
        order = Order(action(name, Sleep()), Digest.of(b""), needed if inputs else {})
        self.results.append(self.threads.submit(self.executor.make, order, self.store, self.log, self._listen))

    def fill_two(self) -> None:
        """Have two workers of a thread each make an action, while a third waits at the first of them."""
        self.client.workers = {"one": 1, "two": 1}
        wait_for(lambda: self.executor.slots == 2, 10)
        self.start("a", one="a", two="")
        self.start("b", one="a", two="b")
        self.start("c", one="a c", two="b")

    def withdraw(self, *, answer: bool) -> list[str]:
        """Have workers answer so when an order is to be taken back; the addresses of those that were asked."""
        asked: list[str] = []

        async def withdrawn(address: str, *_: object) -> bool:
            asked.append(address)
            return answer

        self.client.calls[worker_side.withdrawn] = withdrawn
        return asked

    def fail(self, *names: str) -> None:
        """Have actions fail."""
        for name in names:
            self.client.order(name).reply(WorkerAnswer(error=BuildError(name)))

    def wait(self, **expected: str) -> None:
        """Wait until workers have these actions."""
        wait_for(lambda: {address: " ".join(names) for address, names in self.client.running().items()} == expected, 10)

    def _listen(self, event: Event) -> None:
        assert isinstance(event, Noticed)
        self.notices.append(event.text)


class Deaf:
    """Has workers at these addresses take no inputs, but for those times that are counted in `hears`."""

    def __init__(self, cluster: Cluster, *addresses: str, hears: tuple[int, ...] = ()) -> None:
        self.addresses, self.hears = addresses, hears
        self.asked: list[str] = []
        self.closed: list[str] = []
        cluster.client.calls.update({worker_side.missing: self._missing, worker_side.closed: self._closed})

    async def _missing(self, address: str, *_: object) -> tuple[FileRecord, ...]:
        self.asked.append(address)
        if address in self.addresses and len(self.asked) not in self.hears:
            raise OSError("it does not answer")
        return ()

    async def _closed(self, address: str, *_: object) -> None:
        self.closed.append(address)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    ready = WorkerReady({}, "there", "worker")
    client = FakeClient(ready, {"one": 1})
    session = Session("session", run_context, None)  # type: ignore[arg-type] - no worker calls it
    heard: list[Event] = []
    executor = DaskCluster(
        *("", session, ready, frozenset(), heard.append), patience=5, silence=0.3, open_client=client.open
    )
    store = Store(tmp_path / "store", StatIndex(None, lambda: 0), print)
    with ThreadPoolExecutor() as threads, executor:
        yield Cluster(client, executor, store, tmp_path / "log", threads, heard)


def test_an_order_that_only_waited_is_not_lost_with_its_worker(cluster: Cluster) -> None:
    cluster.start("a", one="a")
    cluster.start("b", one="a b")
    cluster.client.workers = {"two": 1}
    wait_for(lambda: sorted(cluster.client.running()["two"]) == ["a", "b"], 10)
    assert cluster.notices == ["a is started again on another worker"]
    cluster.fail("a", "b")


def test_what_is_made_is_lost_on_its_way_more_often_than_while_it_is_made(cluster: Cluster) -> None:
    cluster.start("a", one="a")
    for number in range(9):
        cluster.client.order("a").finish("finished" if number % 2 else "lost")
        cluster.client.workers = {f"worker {number}": 1}
        wait_for(lambda number=number: cluster.client.running().get(f"worker {number}") == ["a"], 10)  # type: ignore[misc]
    assert cluster.notices == ["a is started again on another worker"] * 9
    cluster.client.order("a").finish()
    cluster.client.workers = {"last": 1}
    with pytest.raises(NetworkError, match="its result was lost on its way here 10 times"):
        cluster.results[0].result(10)


def test_inputs_that_are_missing_are_no_result_that_was_lost(cluster: Cluster) -> None:
    deaf = Deaf(cluster, "one")
    deaf.hears = (1,)
    cluster.start("a", "input", one="a")
    cluster.client.order("a").reply(WorkerAnswer(missing=(Digest.of(b"input"),)))
    wait_for(lambda: len(deaf.asked) == 2, 10)
    cluster.client.workers = {"two": 1}
    wait_for(lambda: cluster.client.running().get("two") == ["a"], 10)
    assert not cluster.notices
    cluster.fail("a")


def test_what_is_made_is_offered_to_nobody(cluster: Cluster) -> None:
    asked = cluster.withdraw(answer=False)
    cluster.start("a", one="a")
    cluster.start("b", one="a b")
    cluster.fail("a")
    cluster.wait(one="b")
    cluster.client.order("b").finish()
    cluster.client.workers = {"one": 1, "two": 1}
    wait_for(lambda: cluster.executor.slots == 2, 10)
    cluster.start("c", one="b", two="c")
    assert not asked
    cluster.fail("b", "c")


def test_a_worker_that_cannot_give_what_it_made_is_opened_again(cluster: Cluster) -> None:
    async def piece(*_: object) -> bytes:
        raise OSError("the line is cut")

    cluster.client.calls[worker_side.piece] = piece
    cluster.start("a", one="a")
    record = FileRecord("out", Digest.of(b"made"), 4)
    cluster.client.order("a").reply(WorkerAnswer(Result({}, (record,))))
    wait_for(lambda: len(cluster.client.orders) == 2, 10)
    assert cluster.client.opened == ["one", "one"]
    assert cluster.notices == ["a is started again on another worker"]
    cluster.fail("a")


def test_what_takes_three_workers_with_it_fails(cluster: Cluster) -> None:
    cluster.start("a", one="a")
    for number in range(3):
        cluster.client.workers = {f"worker {number}": 1}
        if number < 2:
            wait_for(lambda number=number: cluster.client.running().get(f"worker {number}") == ["a"], 10)  # type: ignore[misc]
    with pytest.raises(NetworkError, match="3 workers went away while they made it"):
        cluster.results[0].result(10)


def test_the_next_is_lost_with_its_worker_where_the_answer_of_the_first_is_on_its_way(cluster: Cluster) -> None:
    cluster.start("a", one="a")
    cluster.start("b", one="a b")
    cluster.client.order("a").finish()
    cluster.client.workers = {"two": 2}
    wait_for(lambda: sorted(cluster.client.running().get("two", [])) == ["a", "b"], 10)
    assert sorted(cluster.notices) == [f"{name} is started again on another worker" for name in "ab"]
    cluster.fail("a", "b")


def test_an_order_whose_inputs_did_not_arrive_is_not_lost_with_its_worker(cluster: Cluster) -> None:
    async def missing(address: str, *_: object) -> tuple[FileRecord, ...]:
        if address == "one":
            cluster.client.workers = {"two": 1}
            raise OSError("it does not answer")
        return ()

    cluster.client.calls[worker_side.missing] = missing
    cluster.start("a", "input", two="a")
    assert not cluster.notices
    cluster.fail("a")


def test_a_worker_whose_session_expired_is_opened_again_and_no_order_is_lost(cluster: Cluster) -> None:
    expired: list[str] = []

    async def missing(address: str, *_: object) -> tuple[FileRecord, ...]:
        if len(expired) < 4:
            expired.append(address)
            raise SessionExpiredError("this session has expired")
        return ()

    cluster.client.calls[worker_side.missing] = missing
    cluster.start("a", "input", one="a")
    cluster.client.order("a").reply(SessionExpiredError("this session has expired"))
    wait_for(lambda: len(cluster.client.orders) == 2, 10)
    assert cluster.client.opened == ["one"] * 6
    assert not cluster.notices
    cluster.fail("a")


LEFT_OUT = "the worker one in there of worker is left out: it failed 3 times in a row to take or give files: "


def test_a_worker_that_is_there_and_takes_nothing_is_left_out(cluster: Cluster) -> None:
    deaf = Deaf(cluster, "one", hears=(3,))
    cluster.start("a", "input", one="a")
    cluster.fail("a")
    assert str(cluster.results[0].exception(10)).startswith("a")
    cluster.start("b", "input", one="")
    wait_for(lambda: deaf.closed, 10)
    cluster.client.workers = {"one": 1, "two": 1}
    cluster.wait(one="", two="b")
    assert deaf.asked == ["one"] * 6 + ["two"]
    assert (deaf.closed, cluster.executor.slots) == (["one"], 1)
    assert cluster.heard == [Noticed(LEFT_OUT + "it does not answer")]
    cluster.fail("b")


def test_orders_that_meet_one_failure_together_count_once(cluster: Cluster) -> None:
    cluster.client.workers = {"two": 2}
    wait_for(lambda: cluster.executor.slots == 2, 10)
    deaf = Deaf(cluster, "two", hears=(*range(5, 20),))
    for name in "abcd":
        cluster.submit(name, "input")
    wait_for(lambda: len(cluster.client.orders) == 4, 10)
    assert cluster.client.opened == ["one", "two", "two"]
    assert deaf.asked == ["two"] * 8
    assert cluster.executor.slots == 2
    assert not [one for one in cluster.heard if "left out" in str(one)]
    cluster.fail("a", "b", "c", "d")


def test_what_needs_no_inputs_does_not_speak_for_a_worker_that_takes_none(cluster: Cluster) -> None:
    deaf = Deaf(cluster, "one")
    cluster.start("a", "input", one="")
    for name in ("x", "y", "z"):
        cluster.submit(name)
        wait_for(lambda name=name: cluster.client.has(name) or deaf.closed, 10)  # type: ignore[misc]
        cluster.fail(*([name] if cluster.client.has(name) else []))
    wait_for(lambda: deaf.closed, 10)
    assert deaf.asked == ["one"] * 3
    cluster.client.workers = {"two": 2}
    wait_for(lambda: "a" in cluster.client.running().get("two", []), 10)
    cluster.fail(*cluster.client.running()["two"])


def test_what_such_a_worker_makes_is_not_to_blame(cluster: Cluster) -> None:
    cluster.client.workers = {"bad": 2}
    wait_for(lambda: cluster.executor.slots == 2, 10)
    deaf = Deaf(cluster, "bad")
    cluster.start("x", bad="x")
    cluster.submit("a", "input")
    wait_for(lambda: deaf.closed, 10)
    cluster.client.workers = {"bad": 2, "two": 2}
    wait_for(lambda: sorted(cluster.client.running()["two"]) == ["a", "x"], 10)
    assert not cluster.notices
    cluster.fail("a", "x")


def test_without_a_worker_that_can_be_used_the_run_ends_and_says_why(cluster: Cluster) -> None:
    Deaf(cluster, "one")
    cluster.submit("a", "input")
    with pytest.raises(NetworkError, match="no worker is left: the worker one in there of worker: it failed 3 times"):
        cluster.results[0].result(20)


def test_a_worker_that_was_left_out_may_come_back(cluster: Cluster) -> None:
    deaf = Deaf(cluster, "one", hears=(4,))
    cluster.submit("a", "input")
    wait_for(lambda: deaf.closed, 10)
    cluster.client.workers = {}
    looks = cluster.client.looks
    wait_for(lambda: cluster.client.looks > looks + 1, 10)
    cluster.client.workers = {"one": 1}
    cluster.wait(one="a")
    cluster.fail("a")


def test_a_content_that_cannot_be_read_here_is_no_fault_of_a_worker(cluster: Cluster) -> None:
    async def missing(_: str, __: str, records: tuple[FileRecord, ...]) -> tuple[FileRecord, ...]:
        return records

    cluster.client.calls[worker_side.missing] = missing
    cluster.submit("a", "input")
    with pytest.raises(StorageError, match="cannot read: No such file") as failed:
        cluster.results[0].result(20)
    assert Digest.of(b"input").hex in str(failed.value.where)
    assert cluster.client.opened == ["one"]


def test_an_order_that_was_taken_back_under_an_earlier_attempt_goes_on(cluster: Cluster) -> None:
    asked: list[str] = []

    async def withdrawn(address: str, *_: object) -> bool:
        asked.append(address)
        await asyncio.sleep(0.5)
        return True

    cluster.client.calls[worker_side.withdrawn] = withdrawn
    cluster.start("a", one="a")
    cluster.start("b", one="a b")
    cluster.client.workers = {"one": 1, "two": 1}
    wait_for(lambda: asked, 10)
    cluster.start("d", one="a b", two="d")
    cluster.fail("a")
    cluster.wait(one="b", two="d")
    cluster.start("c", one="b c", two="d")
    cluster.client.order("b").reply(WorkerAnswer(missing=(Digest.of(b""),)))
    wait_for(lambda: len([one for one in cluster.client.orders if one.action == "b"]) == 2, 10)
    cluster.fail("c")
    cluster.wait(one="b", two="d")
    cluster.client.order("b").reply(WorkerAnswer(withdrawn=True))
    wait_for(lambda: len([one for one in cluster.client.orders if one.action == "b"]) == 3, 10)
    assert asked == ["one"]
    cluster.fail("b", "d")


def test_a_worker_whose_session_expired_is_offered_to_nobody(cluster: Cluster) -> None:
    opened: list[list[str]] = []

    async def withdrawn(*_: object) -> bool:
        opened.append([*cluster.client.opened])
        return True

    cluster.client.calls[worker_side.withdrawn] = withdrawn
    cluster.fill_two()
    cluster.client.order("b").reply(SessionExpiredError("this session has expired"))
    wait_for(lambda: "c" in cluster.client.running()["two"], 10)
    assert opened == [["one", "two", "two"]]
    cluster.fail("a", "b", "c")


def test_what_waits_is_taken_back_for_any_worker_with_a_thread_to_spare(cluster: Cluster) -> None:
    cluster.withdraw(answer=True)
    cluster.client.workers = {"two": 2}
    wait_for(lambda: cluster.executor.slots == 2, 10)
    for name, expected in (("a", "a"), ("b", "a b"), ("c", "a b c"), ("d", "a b c d")):
        cluster.start(name, two=expected)
    cluster.client.workers = {"two": 2, "three": 2}
    wait_for(
        lambda: {a: sorted(n) for a, n in cluster.client.running().items()} == {"two": ["a", "b"], "three": ["c", "d"]},
        10,
    )
    cluster.fail("a", "b", "c", "d")


def test_what_waits_is_taken_back_for_a_worker_that_has_no_more_to_do(cluster: Cluster) -> None:
    cluster.withdraw(answer=True)
    cluster.fill_two()
    cluster.fail("b")
    cluster.wait(one="a", two="c")
    cluster.fail("a", "c")


def test_only_what_waits_is_taken_back_and_once(cluster: Cluster) -> None:
    withdrawn = cluster.withdraw(answer=True)
    cluster.start("a", one="a")
    cluster.start("b", one="a b")
    cluster.fail("a")
    cluster.start("c", one="b c")
    cluster.client.workers = {"one": 1, "two": 1, "three": 1}
    wait_for(lambda: cluster.executor.slots == 3, 10)
    wait_for(lambda: sorted(cluster.client.running().values()) == [[], ["b"], ["c"]], 10)
    assert cluster.client.running()["one"] == ["b"]
    assert withdrawn == ["one"]
    cluster.fail("b", "c")


@pytest.mark.parametrize("ticks", range(8))
def test_a_worker_that_was_offered_to_an_order_that_ended_has_room_for_another(cluster: Cluster, ticks: int) -> None:
    async def at_once() -> None:
        cluster.client.order("c").answer.set_result(WorkerAnswer(error=BuildError("c")))
        for _tick in range(ticks):
            await asyncio.sleep(0)
        cluster.client.order("b").answer.set_result(WorkerAnswer(error=BuildError("b")))

    cluster.fill_two()
    asyncio.run_coroutine_threadsafe(at_once(), cluster.client.order("b").loop).result(10)
    assert [str(cluster.results[n].exception(10)).splitlines()[0] for n in (1, 2)] == ["b", "c"]
    cluster.wait(one="a", two="")
    cluster.start("d", one="a", two="d")
    cluster.start("e", one="a e", two="d")
    cluster.start("f", one="a e", two="d f")
    cluster.fail("a", "d", "e", "f")


@pytest.mark.parametrize("ticks", range(8))
def test_a_worker_that_an_order_did_not_go_to_has_room_for_another(cluster: Cluster, ticks: int) -> None:
    answers: list[int] = []

    async def withdrawn(*_: object) -> bool:
        if not answers:
            answers.append(ticks)
            cluster.client.order("b").answer.set_result(WorkerAnswer(missing=(Digest.of(b""),)))
            for _tick in range(ticks):
                await asyncio.sleep(0)
        return True

    cluster.client.calls[worker_side.withdrawn] = withdrawn
    cluster.start("a", one="a")
    cluster.start("b", one="a b")
    cluster.client.workers = {"one": 1, "two": 1}
    cluster.wait(one="a", two="b")
    cluster.start("c", one="a c", two="b")
    cluster.start("d", one="a c", two="b d")
    cluster.fail("a", "b", "c", "d")


def test_inputs_are_sent_no_more_once_one_of_them_failed(cluster: Cluster) -> None:
    sent: list[str] = []

    async def missing(_: str, __: str, records: tuple[FileRecord, ...]) -> tuple[FileRecord, ...]:
        return records

    async def taken(_: str, __: str, contents: worker_side.Contents) -> None:
        name = contents[0][0].name
        if name == "first":
            raise StorageError("no space left")
        await asyncio.sleep(0.1)
        sent.append(name)

    cluster.client.calls.update({worker_side.missing: missing, worker_side.taken: taken})
    for name in ("first", "second"):
        record = FileRecord(name, Digest.of(name.encode()), len(name))
        assert cluster.store.receive([name.encode()], record)
    cluster.start("a", "first", "second", one="")
    with pytest.raises(StorageError, match="no space left"):
        cluster.results[0].result(10)
    time.sleep(0.3)
    assert not sent
