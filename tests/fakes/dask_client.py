"""Dask's client: one in memory, whose workers answer what a test says; and one that reports each call of a worker."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ferrule.app.distributed.dask import worker as worker_side
from ferrule.app.distributed.dask.client import open_client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ferrule.app.distributed.dask.worker import Session, WorkerReady
    from ferrule.engine.executor import Order


@dataclass
class FakeFuture:
    """An order that was submitted to a worker; `reply` answers it."""

    address: str
    action: str
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    ended: bool = False
    before: str = "pending"
    calls: list[Callable[[FakeFuture], object]] = field(default_factory=list)

    async def result(self) -> Any:
        return await asyncio.shield(self.answer)

    @property
    def status(self) -> str:
        """As Dask tells it."""
        if self.answer.done() and not self.answer.cancelled():
            return "error" if self.answer.exception() else "finished"
        return self.before

    def add_done_callback(self, call: Callable[[FakeFuture], object]) -> None:
        """Call something when the worker has an answer."""
        self.calls.append(call)
        self.answer.add_done_callback(lambda _: call(self))

    def finish(self, status: str = "finished") -> None:
        """Have the worker finish it, from any thread; the answer is still on its way, or "lost"."""
        self.before = status
        for call in self.calls:
            self.loop.call_soon_threadsafe(call, self)

    async def cancel(self, *, force: bool) -> None:  # noqa: ARG002 - as Dask has it
        self.ended = True

    def release(self) -> None:
        self.ended = True

    def reply(self, answer: object) -> None:
        """Answer it, from any thread: an exception is raised."""
        result = self.answer.set_exception if isinstance(answer, BaseException) else self.answer.set_result
        self.loop.call_soon_threadsafe(result, answer)


@dataclass
class FakeClient:
    """Workers by address, with their threads, which are all `ready`; what is submitted waits for the test to reply.

    `calls` answers functions that are called on a worker, with its address first; others do nothing.
    """

    ready: WorkerReady
    workers: dict[str, int]
    calls: dict[Any, Callable[..., Awaitable[object]]] = field(default_factory=dict)
    orders: list[FakeFuture] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    looks: int = 0

    async def open(self, address: str, patience: float) -> FakeClient:  # noqa: ARG002 - as the executor calls it
        return self

    @property
    def scheduler(self) -> FakeClient:
        return self

    async def ncores(self) -> dict[str, int]:
        self.looks += 1
        return dict(self.workers)

    def subscribe_topic(self, topic: str, handler: object) -> None:
        """No worker has events."""

    async def run(self, function: Any, *arguments: object, workers: list[str], **_: object) -> dict[str, object]:
        return {address: await self._answer(address, function, *arguments) for address in workers}

    async def _answer(self, address: str, function: Any, *arguments: object) -> object:
        if function in self.calls:
            return await self.calls[function](address, *arguments)
        if function is worker_side.opened:
            self.opened.append(address)
            return self.ready
        return None

    def submit(self, function: object, session: str, number: int, order: Any, **options: Any) -> FakeFuture:  # noqa: ARG002
        loop = asyncio.get_running_loop()
        self.orders.append(FakeFuture(options["workers"][0], order.action.id, loop, loop.create_future()))
        return self.orders[-1]

    async def close(self, **_: object) -> None:
        """Nothing is open."""

    def running(self) -> dict[str, list[str]]:
        """Actions that workers have, unanswered, by their addresses."""
        orders = [order for order in self.orders if not (order.ended or order.answer.done())]
        return {address: [one.action for one in orders if one.address == address] for address in self.workers}

    def has(self, action: str) -> bool:
        """Whether an action was submitted."""
        return any(order.action == action for order in self.orders)

    def order(self, action: str) -> FakeFuture:
        """Where an action was submitted last."""
        return next(order for order in reversed(self.orders) if order.action == action)


class ObservedClient:
    """A client that awaits `before` with itself, the worker's address, the function and its arguments for each call."""

    def __init__(self, client: Any, before: Callable[..., Awaitable[None]]) -> None:
        self._client = client
        self._before = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def run(self, function: object, *arguments: object, workers: list[str], **options: Any) -> Any:
        for address in workers:
            await self._before(self._client, address, function, *arguments)
        return await self._client.run(function, *arguments, workers=workers, **options)


async def open_observed(before: Callable[..., Awaitable[None]], address: str, patience: float) -> ObservedClient:
    """Dask's client, observed."""
    return ObservedClient(await open_client(address, patience), before)


def answered_and_asleep(scheduler: str, session: Session, order: Order, ready: Path) -> None:
    """Have a worker answer an order, write its address, and do nothing with the answer: a process of its own."""
    from distributed import Client  # noqa: PLC0415 - the other fakes do without

    client = Client(scheduler, set_as_default=False)  # type: ignore[no-untyped-call]
    address = next(iter(client.scheduler_info()["workers"]))
    client.run(worker_side.opened, session, 1, workers=[address])
    future = client.submit(worker_side.make_action, session.id, 1, order, key=f"n-{session.id}-1-0", workers=[address])
    future.result()
    ready.with_suffix(".aside").write_text(address)
    ready.with_suffix(".aside").rename(ready)
    time.sleep(600)
