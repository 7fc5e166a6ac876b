"""Releases and large plans over the workers of a Dask cluster: separate processes, of which some are killed."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client

from fakes.actions import Compile, Hold, Sleep, action
from fakes.cluster import Fleet, lay_out_fleet, wait_for
from fakes.dask_client import answered_and_asleep, open_observed
from fakes.toolchain import Demo, lay_out
from ferrule.app.distributed.dask import worker as worker_side
from ferrule.app.distributed.dask.client import DaskCluster, address_of
from ferrule.app.distributed.dask.identity import difference, identity
from ferrule.app.distributed.dask.worker import PIECE, Session, WorkerBusy, WorkerReady
from ferrule.app.release import run as release
from ferrule.cli.environment import run_context
from ferrule.core.errors import NetworkError, UsageError, VerificationError
from ferrule.core.model import Digest, Plan
from ferrule.engine.events import ActionProgress, ActionStarted, Noticed
from ferrule.engine.executor import Order
from ferrule.tools.run import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from ferrule.core.model import Action, Outcome
    from ferrule.engine.events import Event

WORKERS = 4
TARGETS = 200


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = lay_out_fleet(tmp_path_factory.mktemp("fleet"), WORKERS)
    yield fleet
    fleet.close()


@pytest.fixture
def fleet(started: Fleet) -> Fleet:
    """All workers; those that a test killed are started again."""
    for number in set(range(WORKERS)) - set(started.workers):
        started.start(number)
    return started


@dataclass
class Bench:
    """A client: an engine on a checkout of its own, with the fleet as its executor."""

    demo: Demo
    fleet: Fleet

    def run(
        self,
        *actions: Action,
        listen: Callable[[Event], None] = lambda _: None,
        there: bool = True,
        before: Callable[..., Awaitable[None]] | None = None,
    ) -> dict[str, Outcome]:
        config, plan = release.load(self.demo.project), Plan("p", "1.0.0", actions)
        engine = release.engine_of(config, None, self.demo.context, listen)
        if not there:
            return {o.action.id: o for o in engine.execute(plan)}
        with self.cluster(*actions, listen=listen, before=before) as cluster:
            wait_for(lambda: cluster.slots == len(self.fleet.workers))
            return {o.action.id: o for o in replace(engine, executor=cluster).execute(plan)}

    def cluster(
        self,
        *actions: Action,
        listen: Callable[[Event], None] = lambda _: None,
        patience: float = 30.0,
        before: Callable[..., Awaitable[None]] | None = None,
    ) -> DaskCluster:
        config, host = release.load(self.demo.project), self.demo.context.host
        own = WorkerReady(identity(config, None, host), str(config.root), "here")
        ids = frozenset(a.id for a in actions if a.target)
        cluster = partial(DaskCluster, self.fleet.address, _session(), own, ids, listen, patience=patience)
        return cluster(open_client=partial(open_observed, before)) if before else cluster()


def _session() -> Session:
    return Session(os.urandom(8).hex(), partial(run_context, jobs=None, offline=True, rust_source=None), None)


@pytest.fixture
def bench(fleet: Fleet, demo: Demo) -> Bench:
    return Bench(demo, fleet)


def test_two_hundred_targets_and_a_worker_that_is_killed(bench: Bench, tmp_path: Path) -> None:
    notes = tmp_path / "journal"
    notes.mkdir()
    names = [f"target{number}" for number in range(TARGETS)]
    result = [action(name, Compile(name, str(notes), stuck=name == "target100")) for name in names]
    whole = replace(action("whole", Compile("whole", str(notes)), *names), target=None)
    heard: list[str] = []

    def kill() -> None:
        wait_for((notes / "target100").exists)
        wait_for(lambda: len(list(notes.iterdir())) > TARGETS // 2)
        path = (notes / "target100").read_text().strip()
        bench.fleet.kill(next(n for n, demo in enumerate(bench.fleet.demos) if str(demo.project) == path))

    def listen(event: Event) -> None:
        if isinstance(event, Noticed):
            heard.append(event.text)

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = bench.run(*result, whole, listen=listen)
    killer.join()
    assert {o.state for o in outcomes.values()} == {"built"}
    runs = {name: (notes / name).read_text().splitlines() for name in names}
    assert [name for name, places in runs.items() if len(places) != 1] == ["target100"]
    assert len(set(runs["target100"])) == 2
    assert len({places[0] for places in runs.values()}) == WORKERS
    assert [text for text in heard if "started again" in text] == ["target100 is started again on another worker"]
    alone = lay_out(tmp_path / "alone")
    mine = Bench(alone, bench.fleet).run(*result, whole, there=False)
    output = {name: (o.key, o.files, o.facts) for name, o in outcomes.items()}
    assert output == {name: (o.key, o.files, o.facts) for name, o in mine.items()}


def test_what_waits_at_a_busy_worker_is_taken_back_for_an_idle_one(bench: Bench, tmp_path: Path) -> None:
    notes = tmp_path / "journal"
    notes.mkdir()
    long = [action(f"a{number}", Hold(str(notes))) for number in range(WORKERS)]
    short = [action(f"b{number}", Compile(str(number), str(notes))) for number in range(WORKERS)]

    def release_one_after_another() -> None:
        wait_for(lambda: all((notes / one.id).exists() for one in long))
        (notes / "a0.go").touch()
        wait_for(lambda: all((notes / one.id).exists() for one in short))
        for one in long:
            (notes / f"{one.id}.go").touch()

    thread = threading.Thread(target=release_one_after_another)
    thread.start()
    outcomes = bench.run(*long, *short)
    thread.join()
    assert {o.state for o in outcomes.values()} == {"built"}
    runs = [(notes / one.id).read_text().splitlines() for one in short]
    assert [len(one) for one in runs] == [1] * WORKERS
    assert len({one[0] for one in runs}) == 1


def test_equal_contents_come_home_once_and_large_ones_in_pieces(bench: Bench, tmp_path: Path) -> None:
    equal = [action(f"n{number}", Compile("equal", str(tmp_path))) for number in range(20)]
    large = action("large", Compile("x" * (2 * PIECE + 1), str(tmp_path)))
    pieces: list[tuple[str, int]] = []

    async def count(_client: Any, _address: str, function: object, *arguments: Any) -> None:
        if function is worker_side.piece:
            _session, digest, offset = arguments
            pieces.append((digest.hex, offset))

    outcomes = bench.run(*equal, large, before=count)
    assert {o.state for o in outcomes.values()} == {"built"}
    one, many = (outcomes[name].files[0].digest.hex for name in ("n0", "large"))
    assert sorted(pieces) == sorted([(one, 0), (many, 0), (many, PIECE), (many, 2 * PIECE)])


def test_a_release_over_workers_is_the_release_of_one_machine(fleet: Fleet, demo: Demo, tmp_path: Path) -> None:
    for one in fleet.demos:
        (one.home / "held").touch()

    process = demo.start("release", "--executor", fleet.named)
    wait_for(lambda: any(_compiles(one) for one in fleet.demos))
    fleet.kill(next(number for number, one in enumerate(fleet.demos) if _compiles(one)))
    for one in fleet.demos:
        (one.home / "held").unlink()
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "is started again on another worker" in err, out
    assert not _compiles(demo)
    alone = lay_out(tmp_path / "alone")
    done = alone.ferrule("release")
    assert done.returncode == 0, done.stderr
    assert demo.files() == alone.files()
    done = demo.ferrule("release", "--executor", "dask://127.0.0.1:1")  # with nothing to do, nobody is asked
    assert done.returncode == 0, done.stderr


def test_a_worker_with_other_tools_is_refused(fleet: Fleet, demo: Demo) -> None:
    other = fleet.demos[1]
    program = other.root / "bin" / "rustc"
    text = program.read_text()
    (other.home / "commit").write_text("f" * 40)
    program.write_text(f"{text}# another\n")  # a program that changed is asked again
    try:
        done = demo.ferrule("release", "--executor", fleet.named)
    finally:
        (other.home / "commit").unlink()
        program.write_text(text)
    assert done.returncode == 6, done.stderr
    assert "workers cannot be used" in done.stderr
    assert f"{other.project}" in done.stderr
    assert "rustc is " in done.stderr
    assert not demo.dist.exists()


def test_a_worker_in_the_folder_of_the_run_is_refused(fleet: Fleet) -> None:
    done = fleet.demos[2].ferrule("build", "header", "--executor", fleet.named)
    assert done.returncode == 6, done.stderr
    assert "it runs in the folder of this run" in done.stderr


def test_a_second_worker_in_one_checkout_is_left_out(bench: Bench, tmp_path: Path) -> None:
    fleet, notes = bench.fleet, tmp_path / "journal"
    notes.mkdir()
    fleet.demos.append(fleet.demos[0])
    fleet.start(WORKERS)
    heard: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Noticed):
            heard.append(event.text)
        elif isinstance(event, ActionStarted) and event.action.id == "n0":
            wait_for(lambda: cluster.slots and heard)  # until both were looked at

    result = [action(f"n{number}", Compile(str(number), str(notes))) for number in range(WORKERS)]
    config = release.load(bench.demo.project)
    engine = release.engine_of(config, None, bench.demo.context, listen)
    with bench.cluster(*result, listen=listen) as cluster:
        outcomes = replace(engine, executor=cluster).execute(Plan("p", "1.0.0", tuple(result)))
    fleet.kill(WORKERS)
    fleet.demos.pop()
    assert {o.state for o in outcomes} == {"built"}
    assert any(f"another run is working in {fleet.demos[0].project}" in text for text in heard)


def test_a_client_that_was_killed_leaves_its_workers_to_the_next(bench: Bench, tmp_path: Path) -> None:
    for one in bench.fleet.demos:
        (one.home / "held").touch()
        (one.home / "calls").unlink(missing_ok=True)
    demo = lay_out(tmp_path / "killed")
    process = demo.start("build", "native", "--target", "all", "--executor", bench.fleet.named)
    wait_for(lambda: process.poll() is not None or any(_compiles(one) for one in bench.fleet.demos))
    process.kill()
    out, err = process.communicate()
    assert any(_compiles(one) for one in bench.fleet.demos), out + err
    for one in bench.fleet.demos:
        (one.home / "held").unlink()
    done = demo.ferrule("build", "native", "--target", "all", "--executor", bench.fleet.named)
    assert done.returncode == 0, done.stderr


def test_no_other_client_gets_a_worker_before_results_were_fetched(bench: Bench, tmp_path: Path) -> None:
    replies: list[object] = []

    async def intrude(client: Any, address: str, function: object, *_: object) -> None:
        if function is worker_side.piece and not replies:
            reply = await client.run(worker_side.opened, _session(), 1, workers=[address])
            replies.append(reply[address])

    heard: list[Event] = []
    outcomes = bench.run(action("n", Compile("n", str(tmp_path))), before=intrude, listen=heard.append)
    assert outcomes["n"].state == "built"
    assert [type(reply) for reply in replies] == [WorkerBusy]
    assert not [event for event in heard if isinstance(event, Noticed)]


def test_another_client_gets_a_worker_once_the_one_that_was_fetching_is_gone(bench: Bench, tmp_path: Path) -> None:
    sleeps = action("fails", Sleep(fails=True))
    own, order, ready = _session(), Order(sleeps, Digest.of(b""), {}), tmp_path / "ready"
    first = multiprocessing.get_context("spawn").Process(
        target=answered_and_asleep, args=(bench.fleet.address, own, order, ready), daemon=True
    )
    first.start()
    wait_for(ready.exists)
    address, second = ready.read_text(), _session()

    with Client(bench.fleet.address, set_as_default=False) as client:  # type: ignore[no-untyped-call]

        def opened(session: Session) -> object:
            return client.run(worker_side.opened, session, 1, workers=[address])[address]

        assert isinstance(opened(second), WorkerBusy)
        assert isinstance(opened(own), WorkerReady)  # as the run does that could not reach it for a while
        assert isinstance(opened(second), WorkerBusy)
        first.kill()
        first.join()
        wait_for(lambda: isinstance(opened(second), WorkerReady), 30)
        client.run(worker_side.closed, second.id, workers=[address])


def test_sessions_that_expire_cost_nothing(bench: Bench, tmp_path: Path) -> None:
    expired: list[tuple[str, object]] = []

    async def expire(client: Any, address: str, function: object, session: Any, *_: object) -> None:
        if function in (worker_side.missing, worker_side.piece) and (address, function) not in expired:
            expired.append((address, function))
            await client.run(worker_side.closed, session, workers=[address])

    one, two = (action(name, Compile(name, str(tmp_path)), *needs) for name, *needs in (("one",), ("two", "one")))
    heard: list[Event] = []
    outcomes = bench.run(one, two, before=expire, listen=heard.append)
    assert {o.state for o in outcomes.values()} == {"built"}
    assert {function for _, function in expired} == {worker_side.missing, worker_side.piece}
    assert not [event for event in heard if isinstance(event, Noticed)]


def _compiles(one: Demo) -> bool:
    """Whether a compiler was started there."""
    return any(" rustc --locked " in call for call in one.calls)


def test_a_failure_comes_home_with_its_log(bench: Bench) -> None:
    outcome = bench.run(action("fails", Sleep(fails=True)))["fails"]
    log = bench.demo.project / ".ferrule" / "work" / "logs" / "fails.log"
    assert isinstance(outcome.error, ToolFailed)
    assert (outcome.error.code, outcome.error.tail, outcome.error.log) == (1, ("no such type",), log)
    assert "no such type" in log.read_text()


def test_an_interrupt_ends_what_workers_run(bench: Bench) -> None:
    numbers: list[int] = []

    def stop(event: Event) -> None:
        if isinstance(event, ActionProgress):
            numbers.append(int(event.text))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(action("sleeps", Sleep()), listen=stop)
    wait_for(lambda: not _lives(numbers[0]))
    assert bench.run(action("after", Compile("after", str(bench.demo.root))))["after"].state == "built"


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_without_any_worker_a_run_ends(bench: Bench) -> None:
    sleeps = action("sleeps", Sleep())
    begun: queue.SimpleQueue[int] = queue.SimpleQueue()
    config = release.load(bench.demo.project)

    def listen(event: Event) -> None:
        if isinstance(event, ActionProgress):
            begun.put(int(event.text))

    def kill() -> None:
        left.append(begun.get(timeout=60))
        for number in list(bench.fleet.workers):
            bench.fleet.kill(number)

    left: list[int] = []
    killer = threading.Thread(target=kill)
    engine = release.engine_of(config, None, bench.demo.context, listen)
    with bench.cluster(sleeps) as cluster:
        cluster._patience = 0.5
        killer.start()
        outcome = replace(engine, executor=cluster).execute(Plan("p", "1.0.0", (sleeps,)))[0]
    killer.join()
    while not begun.empty():
        left.append(begun.get())
    for number in left:  # what a killed worker had started lives on, here as anywhere
        os.kill(number, signal.SIGKILL)
    assert isinstance(outcome.error, NetworkError)
    assert "went away" in outcome.error.message


def test_no_scheduler_is_told(demo: Demo) -> None:
    nobody = Fleet(demo.root, [demo])
    (demo.root / "scheduler.json").write_text('{"address": "tcp://127.0.0.1:1"}')
    with pytest.raises(NetworkError, match="there is no Dask scheduler"), Bench(demo, nobody).cluster(patience=0.3):
        pass


def test_two_checkouts_differ_by_name(demo: Demo, tmp_path: Path) -> None:
    one = identity(release.load(demo.project), None, demo.context.host)
    other = lay_out(tmp_path / "other")
    two = identity(release.load(other.project), None, other.context.host)
    assert difference(one, two) is None
    lock = other.project / "rust" / "Cargo.lock"
    lock.write_text(f"{lock.read_text() if lock.exists() else ''}# another")
    changed = identity(release.load(other.project), None, other.context.host)
    error = difference(one, changed)
    assert isinstance(error, VerificationError)
    assert "Cargo.lock is " in error.message


@pytest.mark.parametrize(
    ("named", "address"), [("dask://a:8786", "tcp://a:8786"), ("dask+tls://[::1]:1", "tls://[::1]:1")]
)
def test_what_an_executor_is_called(named: str, address: str) -> None:
    assert address_of(named) == address


@pytest.mark.parametrize("named", ["", "dask", "dask://", "dask://host", "dask://host:x", "tcp://host:1", "ssh://h:1"])
def test_what_no_executor_is_called(named: str) -> None:
    with pytest.raises(UsageError, match="there is no executor"):
        address_of(named)
