"""The executor on a Dask cluster: looks after its workers, gives each what it has room for, brings home what they make.

Placing is done here, so that the order of the run is kept and an action meets only workers that were looked at: one
action for each thread of a worker, and one to wait there, so that the way to the worker and back costs no time of its
own. What waits is taken back for a worker that has a thread to spare. Dask starts, watches and reaches the workers. All
waiting is in an event loop of its own; threads of the run wait for it.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import queue
import threading
import uuid
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from ferrule.app.distributed import shards
from ferrule.app.distributed.dask import worker as worker_side
from ferrule.app.distributed.dask.identity import check_clean, difference, identity
from ferrule.app.distributed.dask.worker import Session, SessionExpiredError, WorkerAnswer, WorkerBusy, WorkerReady
from ferrule.core.errors import FerruleError, NetworkError, StorageError, ToolchainError, UsageError, VerificationError
from ferrule.engine.events import ActionProgress, Noticed
from ferrule.engine.store import DamagedError
from ferrule.tools.run import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from ferrule.config import Config
    from ferrule.core.model import Action, Digest, FileRecord, Plan
    from ferrule.engine.events import Event, Listener
    from ferrule.engine.executor import Executor, Order
    from ferrule.engine.scheduler import Engine
    from ferrule.engine.store import Result, Store
    from ferrule.toolchain.requirements import ToolRequirements

T = TypeVar("T")

_SCHEMES: Final = {"dask": "tcp", "dask+tls": "tls"}
_LOOK_SECONDS: Final = 0.2
_AGAIN_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 15.0
_SILENT_SECONDS: Final = 10.0
_LEAVE_SECONDS: Final = 2.0
_AHEAD: Final = 1  # orders that wait at a worker, for each of its threads
_TRANSFERS_MOST: Final = 8  # at once, with one worker
_LOST_MOST: Final = 3
_UNSENT_MOST: Final = 10  # times that the result of an action may be lost, which is no reason for that
_UNREACHED_MOST: Final = 3  # times in a row that a worker is opened and takes and gives no files then
_DAMAGED_MOST: Final = 3
_MADE: Final = frozenset({"finished", "lost"})
"""What Dask says of a future whose worker has, or had, the answer."""


def address_of(named: str) -> str:
    """Dask's name of what `--executor` names: `dask://HOST:PORT`, or `dask+tls://HOST:PORT`. Raises UsageError."""
    scheme, mark, authority = named.partition("://")
    host, colon, port = authority.rpartition(":")
    if scheme not in _SCHEMES or not (mark and colon and host and port.isascii() and port.isdigit()):
        raise UsageError(
            f"there is no executor {named!r}",
            where="--executor",
            hint="write dask://HOST:PORT, or dask+tls://HOST:PORT, as the scheduler of the cluster prints it",
        )
    return f"{_SCHEMES[scheme]}://{authority}"


def connect(
    address: str,
    config: Config,
    plan: Plan,
    requirements: ToolRequirements,
    make_context: Callable[[], Any],
    listen: Listener,
) -> Callable[[Engine], AbstractContextManager[Executor]]:
    """A function that connects a run to a cluster; `make_context` is called by name in each worker's process.

    Beginning raises ToolchainError without Dask, NetworkError where no worker is found, and VerificationError for a
    worker that is not like this machine.
    """

    @contextmanager
    def begin(engine: Engine) -> Iterator[Executor]:
        try:
            import distributed  # noqa: F401, PLC0415 - 330 ms, and an extra
        except ImportError:
            raise ToolchainError(
                "Dask distributed is not installed here", hint="install ferrule with its extra: ferrule[dask]"
            ) from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it would say is told as events and errors
        here = identity(config, engine.site.toolchain, engine.site.host)
        check_clean(here, config.root)
        session = Session(uuid.uuid4().hex, make_context, requirements if requirements.tools else None)
        own = WorkerReady(here, str(config.root), worker_side.machine())
        with DaskCluster(address, session, own, remote_actions(plan), listen) as cluster:
            yield cluster

    return begin


def remote_actions(plan: Plan) -> frozenset[str]:
    """Ids of the actions that workers make: what shards do, and what else is compiled for a target.

    What is packed of all that, or only tells of tools, is made where everything is at hand anyway.
    """
    return shards.foundation(plan) | {action.id for action in plan.actions if action.tools and action.target}


async def open_client(address: str, patience: float) -> Any:  # noqa: ANN401 - Dask is an extra
    """Dask's client of the scheduler at an address. Raises OSError."""
    from distributed import Client  # noqa: PLC0415 - 330 ms, and an extra

    return await Client(  # type: ignore[no-untyped-call]
        address, asynchronous=True, timeout=patience, set_as_default=False, heartbeat_interval=5000
    )


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker that was opened, with the numbers of the orders it has; once `gone` is set it gets no more.

    Orders begin in the sequence in which they are submitted. `lost` are those it was making when it went away.
    """

    address: str
    threads: int
    name: str
    orders: set[int] = field(default_factory=set)
    submitted: list[int] = field(default_factory=list)
    lost: frozenset[int] = frozenset()
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    transfers: asyncio.Semaphore = field(default_factory=functools.partial(asyncio.Semaphore, _TRANSFERS_MOST))
    supply: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def room(self) -> int:
        """How many orders may be there at once."""
        return self.threads * (1 + _AHEAD)

    @property
    def spare(self) -> bool:
        """Whether there is a thread for one more."""
        return len(self.orders) < self.threads

    @property
    def running(self) -> frozenset[int]:
        """The orders that have a thread, as far as is known here: what was submitted first."""
        return frozenset(self.submitted[: self.threads])

    def remove(self, number: int) -> None:
        """An order is there no more."""
        self.orders.remove(number)
        self.forget(number)

    def forget(self, number: int) -> None:
        """An order neither runs nor waits there."""
        if number in self.submitted:
            self.submitted.remove(number)

    def leave(self, lost: frozenset[int]) -> None:
        """Give it no more orders; `lost` are those that end unfinished."""
        if not self.gone.is_set():
            self.lost = lost
            self.gone.set()


@dataclass(slots=True, eq=False)
class _Assignment:
    """An order that was assigned to a worker, where it has that number.

    Once it is there no more it is known whether it had `begun`. It is `made` once the worker has an answer, which may
    still be lost on its way. As long as `future` is not released, no other client gets the worker.
    """

    worker: _Worker
    number: int
    begun: bool = False
    made: bool = False
    future: Any = None

    def answered(self) -> None:
        """The worker has its answer, and goes on with the next."""
        self.made = True
        self.worker.forget(self.number)

    def end(self) -> None:
        """The order is at the worker no more."""
        running = self.worker.lost if self.worker.gone.is_set() else self.worker.running
        self.begun = not self.made and self.number in running
        self.worker.remove(self.number)


class DaskCluster:
    """An executor: used as a context, for one run."""

    def __init__(
        self,
        address: str,
        session: Session,
        own: WorkerReady,
        remote_actions: frozenset[str],
        listen: Listener,
        *,
        patience: float = _PATIENCE_SECONDS,
        silence: float = _SILENT_SECONDS,
        open_client: Callable[[str, float], Awaitable[Any]] = open_client,
    ) -> None:
        """Nothing starts yet; `patience` are the seconds to wait for a scheduler, and for a worker where none is.

        After so many seconds of `silence` a scheduler counts as gone, and a worker that is there has to be opened anew.
        `open_client` opens Dask's client of an address, within so many seconds.
        """
        self._address = address
        self._session = session
        self._own = own
        self._remote_actions = remote_actions
        self._listen = listen
        self._patience = patience
        self._silence = silence
        self._open_client = open_client
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_ignore_unretrieved)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._client: Any = None
        self._watching: asyncio.Task[None] | None = None
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._workers: dict[str, _Worker] = {}
        self._refused: dict[str, FerruleError] = {}
        self._unreached: Counter[str] = Counter()
        self._occupied: set[str] = set()
        self._lost: NetworkError | None = None
        self._ended = False
        self._news: queue.SimpleQueue[Noticed] = queue.SimpleQueue()
        self._orders: dict[int, Callable[[dict[str, Any]], None]] = {}
        self._waiting: dict[_Assignment, asyncio.Future[_Assignment]] = {}
        self._numbers = itertools.count(1)
        self._arriving: defaultdict[Digest, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._fetching = 0

    # What the engine sees

    def takes(self, action: Action) -> bool:
        """Whether an action is made there."""
        return action.id in self._remote_actions

    @property
    def slots(self) -> int:
        """How many actions run there at once: one for each thread of each worker."""
        while not self._news.empty():
            self._listen(self._news.get())
        if self._lost is not None:
            raise self._lost
        return sum(worker.threads for worker in self._workers.values())

    @property
    def room(self) -> int:
        """How many actions may be there now: some wait at a worker, of some the contents are on their way."""
        workers = list(self._workers.values())
        fetching = min(self._fetching, _TRANSFERS_MOST * len(workers))
        return self.slots and sum(worker.room for worker in workers) + fetching

    def make(self, order: Order, store: Store, log: Path, tell: Callable[[Event], None]) -> Result:
        """Have an action made by some worker, and by another if that goes away. Raises what it raised there."""
        answer = self._wait(self._make(order, store, tell))
        if answer.log:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(answer.log, encoding="utf-8")
        if answer.error is not None:
            raise _at_home(answer, log)
        assert answer.result is not None  # noqa: S101 - for the type checker: there is no failure
        return answer.result

    def end(self) -> None:
        """End what is being made, on all workers, without waiting long."""
        self._ended = True
        with suppress(Exception):  # whatever it is, we are leaving
            self._wait(self._call_all(worker_side.ended), _LEAVE_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._wait(self._connect())
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        with suppress(Exception):  # a worker that does not hear it is left by the next session
            self._wait(self._close(), _LEAVE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_LEAVE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    # Workers that come and go

    async def _connect(self) -> None:
        try:
            self._client = await self._open_client(self._address, self._patience)
            self._client.subscribe_topic(self._session.id, self._on_event)
            until = self._loop.time() + self._patience
            await self._look()
            while not self._seen and self._loop.time() < until:
                await asyncio.sleep(_LOOK_SECONDS)
                await self._look()
        except (OSError, TimeoutError) as error:
            raise NetworkError(
                f"there is no Dask scheduler at {self._address}: {(str(error) or 'no answer').splitlines()[0]}",
                hint="start one with `dask scheduler`, and name the address that it prints",
            ) from error
        if not self._seen:
            raise NetworkError(
                f"the scheduler at {self._address} has no workers",
                hint="start some, each in a checkout of this commit: dask worker ADDRESS --nworkers 1",
            )
        while first := [task for address, task in self._looking.items() if address not in self._occupied]:
            await asyncio.wait(first, timeout=_LOOK_SECONDS)
        if self._refused:
            lines = [str(error) for error in self._refused.values()]
            raise VerificationError("workers cannot be used:\n" + "\n".join(lines))
        self._watching = self._loop.create_task(self._watch())

    @property
    def _seen(self) -> set[str]:
        return {*self._workers, *self._refused, *self._occupied, *self._looking}

    async def _watch(self) -> None:
        """Watch the workers until the end; fail without any worker for a while, or without the scheduler."""
        alone: float | None = None
        while True:
            try:
                await self._look()
            except (OSError, TimeoutError) as error:
                self._lose(f"the Dask scheduler at {self._address} went away: {error}", "start it again")
                return
            now = self._loop.time()
            alone = None if self._workers or self._occupied or self._looking else alone or now
            if alone is not None and now - alone > self._patience:
                refused = [f"no worker is left: {one.where}: {one.message}" for one in self._refused.values()]
                self._lose((*refused, "all workers of the cluster went away")[0], "look why, and start some")
                return
            await asyncio.sleep(_LOOK_SECONDS)

    def _lose(self, message: str, hint: str) -> None:
        self._lost = NetworkError(message, hint=f"{hint}; the next run goes on from what is finished")
        for worker in list(self._workers.values()):
            self._remove(worker, worker.running)

    def _remove(self, worker: _Worker, lost: frozenset[int] = frozenset()) -> None:
        """Give a worker no more orders; the next look opens it again, if it is there."""
        if self._workers.get(worker.address) is worker:  # and not the same one, opened again
            del self._workers[worker.address]
        worker.leave(lost)

    async def _look(self) -> None:
        present: dict[str, int] = await asyncio.wait_for(self._client.scheduler.ncores(), self._silence)
        for worker in [worker for worker in self._workers.values() if worker.address not in present]:
            self._remove(worker, worker.running)
            self._news.put(Noticed(f"the worker {worker.name} went away"))
        self._occupied &= present.keys()
        self._refused = {address: error for address, error in self._refused.items() if address in present}
        for address in present.keys() - self._seen:
            task = self._loop.create_task(self._open(address, present[address]))
            self._looking[address] = task
            task.add_done_callback(functools.partial(self._looked, address))

    def _looked(self, address: str, _: asyncio.Task[None]) -> None:
        self._looking.pop(address, None)

    async def _open(self, address: str, threads: int) -> None:
        """Open a worker; retry one that is busy, as long as it is there."""
        while True:
            try:
                reply = await self._call(address, worker_side.opened, self._session, threads)
            except FerruleError as error:
                self._refuse(address, error)
                return
            except (OSError, TimeoutError):
                return  # it is gone: the next look says so
            except Exception as error:  # noqa: BLE001 - whatever ails it, without this program on it for example
                hint = "install the same ferrule[dask] on all machines of the cluster"
                message = f"it does not answer: {type(error).__name__} {error}"
                self._refuse(address, VerificationError(message, hint=hint))
                return
            if not isinstance(reply, WorkerBusy):
                break
            if (reply.root, reply.machine) == (self._own.root, self._own.machine):
                hint = "start it in another checkout of this commit"
                self._refuse(address, VerificationError("it runs in the folder of this run", hint=hint))
                return
            if address not in self._occupied:
                self._occupied.add(address)
                self._news.put(
                    Noticed(f"another run is working in {reply.root} of {reply.machine}; not waiting for it")
                )
            await asyncio.sleep(_AGAIN_SECONDS)
            if address not in self._occupied:
                return  # gone meanwhile
        self._occupied.discard(address)
        problem = difference(self._own.identity, reply.identity)
        if problem:
            problem.where = f"{reply.root} of {reply.machine}"
            self._refuse(address, problem)
            with suppress(OSError, TimeoutError):
                await self._call(address, worker_side.closed, self._session.id)
        else:
            self._workers[address] = worker = _Worker(address, threads, f"{reply.root} of {reply.machine}")
            self._offer(worker)

    def _refuse(self, address: str, error: FerruleError) -> None:
        error.where = f"the worker {address}" + (f" in {error.where}" if error.where else "")
        self._refused[address] = error
        self._news.put(Noticed(f"{error.where} is left out: {error.message}"))

    # Orders

    async def _make(self, order: Order, store: Store, tell: Callable[[Event], None]) -> WorkerAnswer:
        lost = unsent = 0
        assignment = await self._assign()
        while True:
            try:
                answer = await self._query_worker(assignment, order, store, tell)
                if isinstance(answer, _Assignment):
                    assignment = answer
                    continue
                if answer is not None and (
                    answer.result is None or await self._fetch(assignment, answer.result, store)
                ):
                    return answer
            except SessionExpiredError:  # another client has its checkout: nothing was running there
                self._remove(assignment.worker)
                assignment = await self._assign()
                continue
            lost += assignment.begun
            unsent += assignment.made
            if lost == _LOST_MOST:
                raise NetworkError(
                    f"{lost} workers went away while they made it",
                    where=order.action.id,
                    hint="does it need more memory than a worker may have? (dask worker --memory-limit)",
                )
            if unsent == _UNSENT_MOST:
                raise NetworkError(
                    f"its result was lost on its way here {unsent} times",
                    where=order.action.id,
                    hint="look why workers go away; the next run goes on from what is finished",
                )
            if assignment.begun or assignment.made:
                tell(Noticed(f"{order.action.id} is started again on another worker"))
            assignment = await self._assign()

    async def _assign(self) -> _Assignment:
        """Room at a worker, the emptiest first."""
        while True:
            if self._lost is not None:
                raise self._lost
            free = [worker for worker in self._workers.values() if len(worker.orders) < worker.room]
            if free:
                return self._assign_to(min(free, key=lambda worker: len(worker.orders) / worker.threads))
            await asyncio.sleep(_LOOK_SECONDS / 10)

    def _assign_to(self, worker: _Worker) -> _Assignment:
        number = next(self._numbers)
        worker.orders.add(number)
        return _Assignment(worker, number)

    def _end(self, assignment: _Assignment) -> None:
        assignment.end()
        self._offer(assignment.worker)

    def _offer(self, worker: _Worker) -> None:
        """Give the threads that a worker has to spare to orders that wait at others."""
        for assignment, successor in self._waiting.items():
            if not worker.spare or self._workers.get(worker.address) is not worker:
                return
            begun = assignment.made or assignment.number in assignment.worker.running
            if not (begun or successor.done()):
                successor.set_result(self._assign_to(worker))

    async def _query_worker(
        self, assignment: _Assignment, order: Order, store: Store, tell: Callable[[Event], None]
    ) -> WorkerAnswer | _Assignment | None:
        """The answer of a worker to an order, after sending the contents it lacks; None if it left meanwhile.

        Or another assignment, to a worker that has a thread for it while it waits; this one has ended in any case.
        Raises SessionExpiredError, StorageError.
        """
        worker = assignment.worker
        try:
            for attempt in range(_DAMAGED_MOST):
                try:
                    await self._supply(worker, order, store)
                except (OSError, TimeoutError) as error:
                    await self._watch_failing(worker, error)
                    assignment.made = False  # it had answered that inputs are missing
                    return None
                answer = await self._submit(assignment, attempt, order, tell)
                if not isinstance(answer, WorkerAnswer):
                    return answer
                if not (answer.missing or isinstance(answer.error, DamagedError)):
                    assignment.answered()
                    return answer
                worker.forget(assignment.number)
        except SessionExpiredError:  # another client has its checkout: nothing was running there
            self._remove(worker)
            raise
        finally:
            self._end(assignment)
        raise StorageError("its inputs arrive damaged again and again", where=worker.name)

    async def _watch_failing(self, worker: _Worker, error: Exception) -> None:
        """Wait until a worker that cannot be reached has left; one that does not leave has to be opened again.

        One that did not leave several times in a row is left out. What it was making begins again elsewhere, and does
        not count as lost: it is no reason why a worker cannot be reached.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.gone.wait(), self._silence)
        if worker.gone.is_set():  # or another order was first to say that it stays away
            return
        self._remove(worker)
        self._unreached[worker.address] += 1
        if self._unreached[worker.address] == _UNREACHED_MOST:
            reason = str(error) or type(error).__name__
            message = f"it failed {_UNREACHED_MOST} times in a row to take or give files: {reason}"
            self._refuse(worker.address, NetworkError(message, where=worker.name))
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(self._call(worker.address, worker_side.closed, self._session.id), _LEAVE_SECONDS)

    async def _submit(
        self, assignment: _Assignment, attempt: int, order: Order, tell: Callable[[Event], None]
    ) -> WorkerAnswer | _Assignment | None:
        worker, number = assignment.worker, assignment.number
        self._orders[number] = functools.partial(_pass_on, order.action, tell)
        assignment.made = False
        worker.submitted.append(number)
        assignment.future = future = self._client.submit(
            *(worker_side.make_action, self._session.id, number, order),
            key=f"{order.action.id}-{self._session.id}-{number}-{attempt}",
            workers=[worker.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        future.add_done_callback(functools.partial(self._note_answer, assignment))
        answer = asyncio.ensure_future(future.result())
        gone = asyncio.ensure_future(worker.gone.wait())
        reassigned = asyncio.ensure_future(self._reassign(assignment))
        successor: _Assignment | None = None
        try:
            first: set[asyncio.Future[Any]] = {answer, gone, reassigned}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if reassigned.done() and (successor := reassigned.result()) is not None:
                return successor
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            reply = self._answer_of(answer)
            if reply is not None and reply.withdrawn:
                # One that was taken back under an earlier attempt is offered to nobody.
                taken = None if assignment in self._waiting else await reassigned
                return (successor := taken or await self._assign())
            return reply
        finally:
            del self._orders[number]
            assignment.made |= future.status in _MADE
            gone.cancel()
            reassigned.cancel()
            other = _result(reassigned)
            if other is not None and other is not successor:  # it came to that after the answer did
                self._end(other)
            if not answer.done():
                answer.cancel()
                with suppress(OSError, TimeoutError):
                    await future.cancel(force=True)

    def _note_answer(self, assignment: _Assignment, future: Any) -> None:  # noqa: ANN401 - Dask is an extra
        """Called by Dask, in a thread of its own, when an order has an answer, which is not here yet."""

        def note() -> None:
            if assignment.future is future and future.status in _MADE:
                assignment.answered()

        with suppress(RuntimeError):  # everything has ended meanwhile
            self._loop.call_soon_threadsafe(note)

    async def _reassign(self, assignment: _Assignment) -> _Assignment | None:
        """Another worker for an order that waits, once one has a thread for it; None if the order has begun."""
        worker, number = assignment.worker, assignment.number
        if number in worker.running:
            return None
        idle = next((other for other in self._workers.values() if other.spare), None)
        other = self._assign_to(idle) if idle else await self._offered(assignment)
        withdrawn = False
        try:
            with suppress(OSError, TimeoutError, SessionExpiredError):  # it is going, which is noticed by others
                withdrawn = await self._call(worker.address, worker_side.withdrawn, self._session.id, number)
        finally:
            if not withdrawn:
                self._end(other)
        return other if withdrawn else None

    async def _offered(self, assignment: _Assignment) -> _Assignment:
        """What an order that waits is offered by another worker, as soon as that has a thread to spare."""
        successor: asyncio.Future[_Assignment] = self._loop.create_future()
        self._waiting[assignment] = successor
        try:
            return await successor
        except asyncio.CancelledError:
            if (other := _result(successor)) is not None:  # it came to that just now
                self._end(other)
            raise
        finally:
            del self._waiting[assignment]

    # Contents

    async def _supply(self, worker: _Worker, order: Order, store: Store) -> None:
        """Send a worker the contents of an order that it lacks: one order after another, so that none is sent twice."""
        if not order.files:
            return
        async with worker.supply:
            records = tuple(order.files.values())
            absent = await self._call(worker.address, worker_side.missing, self._session.id, records)
            await _all(self._send(worker, record, store) for record in absent)
            self._unreached.pop(worker.address, None)

    async def _send(self, worker: _Worker, record: FileRecord, store: Store) -> None:
        async with worker.transfers:
            contents = await asyncio.to_thread(worker_side.read, store, [record])
            await self._call(worker.address, worker_side.taken, self._session.id, contents)

    async def _fetch(self, assignment: _Assignment, result: Result, store: Store) -> bool:
        """Bring the contents of a result home that are not here; False if the worker left meanwhile."""
        worker = assignment.worker
        self._fetching += 1
        records = {record.digest: record for record in result.files}.values()
        contents = asyncio.ensure_future(_all(self._receive(worker, record, store) for record in records))
        gone = asyncio.ensure_future(worker.gone.wait())
        waits: set[asyncio.Future[Any]] = {contents, gone}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if contents.done():
                contents.result()
            return contents.done()
        except (OSError, TimeoutError) as error:
            await self._watch_failing(worker, error)
            return False
        finally:
            self._fetching -= 1
            assignment.future.release()
            gone.cancel()
            contents.cancel()

    async def _receive(self, worker: _Worker, record: FileRecord, store: Store) -> None:
        """Bring a content home, unless it is here or just comes from another worker. Raises StorageError."""
        async with self._arriving[record.digest]:
            if await asyncio.to_thread(store.holds, record):
                return
            offsets = range(0, record.size, worker_side.PIECE)
            pieces = await _all(self._piece(worker, record, offset) for offset in offsets)
            await asyncio.to_thread(worker_side.keep, store, record, pieces)

    async def _piece(self, worker: _Worker, record: FileRecord, offset: int) -> bytes:
        async with worker.transfers:
            return await self._call(worker.address, worker_side.piece, self._session.id, record.digest, offset)

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        """Pass an event of a running order on."""
        message = event[1]
        if message["order"] in self._orders:
            self._orders[message["order"]](message)

    def _answer_of(self, answer: asyncio.Future[WorkerAnswer]) -> WorkerAnswer | None:
        if self._lost is not None:
            raise self._lost
        try:
            return answer.result() if answer.done() else None
        except (OSError, asyncio.CancelledError):
            if self._ended:
                raise
            return None  # it went away just now

    async def _call(self, address: str, function: Callable[..., Coroutine[Any, Any, T]], *arguments: object) -> T:
        """Call a function on one worker, beside its running actions."""
        answers: dict[str, T] = await self._client.run(function, *arguments, workers=[address])
        return answers[address]

    async def _call_all(self, function: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        if self._workers:
            await self._client.run(function, self._session.id, workers=list(self._workers), on_error="ignore")

    async def _close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        for task in list(self._looking.values()):
            task.cancel()
        if self._client is not None:
            with suppress(OSError, TimeoutError):
                await self._call_all(worker_side.closed)
            await self._client.close(timeout=_LEAVE_SECONDS)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


def _ignore_unretrieved(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing of what Dask's own tasks raise, which it leaves unread where a worker is lost."""
    if not type(context.get("exception")).__module__.startswith("distributed"):
        loop.default_exception_handler(context)


async def _all(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What each of these comes to, done at once; where one fails the others are ended, and its exception is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _result(task: asyncio.Future[T]) -> T | None:
    """What a task came to; None if it has not ended, or by an exception."""
    return task.result() if task.done() and not task.cancelled() and task.exception() is None else None


def _pass_on(action: Action, tell: Callable[[Event], None], message: dict[str, Any]) -> None:
    tell(Noticed(message["text"]) if message["notice"] else ActionProgress(action, message["text"]))


def _at_home(answer: WorkerAnswer, log: Path) -> FerruleError:
    """A failure, with the log where it is here."""
    error = answer.error
    assert error is not None  # noqa: S101 - for the type checker: it is asked for a failure only
    error.hint = error.hint and error.hint.replace(answer.log_at, str(log))
    if isinstance(error, ToolFailed) and error.log is not None:
        error.log = log
    return error
