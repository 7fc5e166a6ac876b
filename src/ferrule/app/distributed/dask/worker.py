"""What a worker does: it opens the checkout it was started in, and makes there what a client orders.

All of it runs in a process that Dask started, and is called by name from the client's machine.
"""

from __future__ import annotations

import asyncio
import platform
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.app.distributed.dask.identity import identity
from ferrule.app.release import run as release
from ferrule.core.errors import FerruleError, StorageError
from ferrule.core.model import Digest, FileRecord
from ferrule.engine.events import ActionProgress, Noticed
from ferrule.engine.jobserver import Jobserver
from ferrule.engine.lock import Busy
from ferrule.engine.state import log_file, logs_folder
from ferrule.engine.store import Result, portable
from ferrule.toolchain import find
from ferrule.tools import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ferrule.app.release.run import RunContext
    from ferrule.engine.events import Event
    from ferrule.engine.executor import Order
    from ferrule.engine.scheduler import Engine
    from ferrule.engine.store import Store
    from ferrule.toolchain.requirements import ToolRequirements


class SessionExpiredError(FerruleError):
    """The client that asks has no visit here any more."""


Contents = tuple[tuple[FileRecord, bytes], ...]
"""Files with what is in them, as they travel."""

_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Session:
    """A client's stay with a worker: an id of its own, the tools it needs, and how a process finds its surroundings."""

    id: str
    surroundings: Callable[[], RunContext]
    requirements: ToolRequirements | None


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker that is ready: what it is, where its checkout lies, and who it is for people."""

    identity: Mapping[str, str]
    root: str
    machine: str


@dataclass(frozen=True, slots=True)
class WorkerBusy:
    """A worker that cannot be had now, because another run is at work in its checkout."""

    root: str
    machine: str


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """What became of an order: a result with its contents, a failure, or what is `missing` to begin."""

    result: Result | None = None
    contents: Contents = ()
    error: FerruleError | None = None
    missing: tuple[Digest, ...] = ()
    log: str = ""
    log_at: str = ""


@dataclass(slots=True)
class _Session:
    """The checkout of this process while a client uses it: locked, with an engine and as many tokens as threads."""

    visit: str
    engine: Engine
    tokens: Jobserver
    resources: ExitStack
    working: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """One more action here, with a token of its own: all of them together compute on as many threads as agreed."""
        with self.guard:
            if self.working == 0:
                self.tokens.refill()
            self.working += 1
        try:
            while not self.tokens.acquire():
                time.sleep(_POLL_SECONDS)
            yield
        finally:
            self.tokens.release()
            with self.guard:
                self.working -= 1

    def close(self) -> None:
        self.engine.index.save()
        self.engine.code.save()
        self.resources.close()


_OPEN: dict[str, _Session] = {}


async def opened(visit: Session, threads: int) -> WorkerReady | WorkerBusy:
    """Open the checkout that this process was started in, for one client; raises what keeps it from working."""
    return await asyncio.to_thread(_open, visit, threads)


def _open(visit: Session, threads: int) -> WorkerReady | WorkerBusy:
    context = replace(visit.surroundings(), jobs=threads)
    config = release.load(Path.cwd())
    for session in list(_OPEN.values()):
        if session.working:
            return WorkerBusy(str(config.root), machine())
        close(session.visit)

    toolchain = find.require(visit.requirements, context.host) if visit.requirements else None
    resources = ExitStack()
    try:
        engine = resources.enter_context(release.at_work(config, toolchain, context))
        tokens = resources.enter_context(Jobserver(threads, engine.work))
    except Busy:
        return WorkerBusy(str(config.root), machine())
    except BaseException:
        resources.close()
        raise
    run.reopen()
    _OPEN[visit.id] = _Session(visit.id, engine, tokens, resources)
    return WorkerReady(identity(config, toolchain, context.host), str(config.root), machine())


def machine() -> str:
    """The name of the machine, for people."""
    return platform.node()


async def taken(visit: str, contents: Contents) -> None:
    """Take contents over that an order needs. Raises StorageError, OverError."""
    await asyncio.to_thread(keep, _session(visit).engine.store, contents)


def keep(store: Store, contents: Contents) -> None:
    """Put contents that came from another machine into the store; raises StorageError for one that is damaged."""
    for record, content in contents:
        if not store.receive([content], record):
            raise StorageError("this file was damaged on its way between two machines", where=record.name)


def read(store: Store, records: Iterable[FileRecord]) -> Contents:
    """Contents to be sent to another machine. Raises OSError."""
    return tuple((record, store.object(record.digest).read_bytes()) for record in records)


def make_action(visit: str, number: int, order: Order) -> WorkerAnswer:
    """Make an action, and send what it came to; failures of ferrule's are answers, any other is a bug and raised."""
    from distributed import get_worker  # noqa: PLC0415 - 330 ms, and an extra

    worker, session = get_worker(), _session(visit)
    engine = session.engine
    log = log_file(logs_folder(engine.work), order.action.id)

    def tell(event: Event) -> None:
        if isinstance(event, ActionProgress | Noticed):
            worker.log_event(visit, {"order": number, "text": event.text, "notice": isinstance(event, Noticed)})

    with session.at_work():
        missing = tuple(d for d, record in order.files.items() if not engine.store.holds(record))
        if missing:
            return WorkerAnswer(missing=missing)
        try:
            result = engine.make(order, session.tokens, tell)
            answer = WorkerAnswer(portable(result), read(engine.store, result.files))
        except FerruleError as error:
            answer = WorkerAnswer(error=error)
        except OSError as error:
            answer = WorkerAnswer(
                error=StorageError(f"cannot write: {error.strerror or error}", where=str(error.filename))
            )
    return replace(answer, log=_text(log), log_at=str(log))


def _session(visit: str) -> _Session:
    if visit not in _OPEN:
        raise SessionExpiredError("this visit is over")
    return _OPEN[visit]


def _text(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # it ran no program, or came from the store


async def ended(visit: str) -> None:
    """End what is made for a client, at once."""
    if visit in _OPEN:
        await asyncio.to_thread(run.end_all, for_good=True)


async def closed(visit: str) -> None:
    """Leave the checkout to others."""
    await asyncio.to_thread(close, visit)


def close(visit: str) -> None:
    """The same, at once."""
    session = _OPEN.pop(visit, None)
    if session is not None:
        session.close()
