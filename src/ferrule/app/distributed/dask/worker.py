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
from typing import TYPE_CHECKING, Any, Final

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
    """The client has no session here any more."""


Contents = tuple[tuple[FileRecord, bytes], ...]
"""Files with what is in them, as they travel."""

PIECE: Final = 1 << 20
"""Bytes of a content that travel as one: large ones by several connections, as one is slow where packets are lost."""

_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Session:
    """A client's session with a worker: its id, the tools it needs, and the function that gives the run's context."""

    id: str
    make_context: Callable[[], RunContext]
    requirements: ToolRequirements | None


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker that is ready: its identity, the folder of its checkout, and the name of its machine."""

    identity: Mapping[str, str]
    root: str
    machine: str


@dataclass(frozen=True, slots=True)
class WorkerBusy:
    """A worker that is busy, because another run is working in its checkout."""

    root: str
    machine: str


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """The answer to an order: a result, a failure, the `missing` inputs, or that it is `withdrawn`.

    Contents of a result are asked for by `piece`.
    """

    result: Result | None = None
    error: FerruleError | None = None
    missing: tuple[Digest, ...] = ()
    withdrawn: bool = False
    log: str = ""
    log_at: str = ""


@dataclass(slots=True)
class _Session:
    """The checkout of this process while a client uses it: locked, with an engine and as many tokens as threads."""

    id: str
    engine: Engine
    tokens: Jobserver
    resources: ExitStack
    working: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)
    begun: set[int] = field(default_factory=set)
    withdrawn: set[int] = field(default_factory=set)

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

    def begin(self, number: int) -> bool:
        """Whether an order is still to be made here; from then on it cannot be withdrawn."""
        with self.guard:
            self.begun.add(number)
            return number not in self.withdrawn

    def withdraw(self, number: int) -> bool:
        """Whether an order has not begun; from then on it cannot."""
        with self.guard:
            if number not in self.begun:
                self.withdrawn.add(number)
            return number in self.withdrawn

    def close(self) -> None:
        self.engine.index.save()
        self.engine.code.save()
        self.resources.close()


_OPEN: dict[str, _Session] = {}


async def opened(session: Session, threads: int, dask_worker: Any = None) -> WorkerReady | WorkerBusy:  # noqa: ANN401 - Dask is an extra
    """Open the checkout that this process was started in, for one client; raises what keeps it from working.

    Dask passes itself as `dask_worker`. It keeps an order until the client has released it, once the result was
    fetched, or until the client is gone.
    """
    keys = [str(key) for key in dask_worker.state.tasks]
    return await asyncio.to_thread(_open, session, threads, keys)


def _open(client: Session, threads: int, keys: list[str]) -> WorkerReady | WorkerBusy:
    context = replace(client.make_context(), jobs=threads)
    config = release.load(Path.cwd())
    if client.id in _OPEN:
        toolchain = _OPEN[client.id].engine.site.toolchain
        return WorkerReady(identity(config, toolchain, context.host), str(config.root), machine())
    for session in list(_OPEN.values()):
        if session.working or any(session.id in key for key in keys):
            return WorkerBusy(str(config.root), machine())
        close(session.id)

    toolchain = find.require(client.requirements, context.host) if client.requirements else None
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
    _OPEN[client.id] = _Session(client.id, engine, tokens, resources)
    return WorkerReady(identity(config, toolchain, context.host), str(config.root), machine())


def machine() -> str:
    """The name of the machine, for people."""
    return platform.node()


async def missing(session_id: str, records: tuple[FileRecord, ...]) -> tuple[FileRecord, ...]:
    """Those of these contents that are not here. Raises SessionExpiredError."""
    store = _session(session_id).engine.store
    return await asyncio.to_thread(lambda: tuple(record for record in records if not store.holds(record)))


async def piece(session_id: str, digest: Digest, offset: int) -> bytes:
    """The bytes of a content from there on, as many as travel as one. Raises StorageError, SessionExpiredError."""
    return await asyncio.to_thread(_piece, _session(session_id).engine.store.object(digest), offset)


def _piece(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            return stream.read(PIECE)
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> StorageError:
    return StorageError(f"cannot read: {error.strerror or error}", where=str(error.filename))


async def withdrawn(session_id: str, number: int) -> bool:
    """Take an order back that waits here; False if it has begun. Raises SessionExpiredError."""
    return _session(session_id).withdraw(number)


async def taken(session_id: str, contents: Contents) -> None:
    """Take contents over that an order needs. Raises StorageError, SessionExpiredError."""
    store = _session(session_id).engine.store
    for record, content in contents:
        await asyncio.to_thread(keep, store, record, [content])


def keep(store: Store, record: FileRecord, pieces: Iterable[bytes]) -> None:
    """Put a content that came from another machine into the store; raises StorageError where it is damaged."""
    if not store.receive(pieces, record):
        raise StorageError("this file was damaged on its way between two machines", where=record.name)


def read(store: Store, records: Iterable[FileRecord]) -> Contents:
    """Contents to be sent to another machine. Raises StorageError."""
    try:
        return tuple((record, store.object(record.digest).read_bytes()) for record in records)
    except OSError as error:
        raise _unreadable(error) from error


def make_action(session_id: str, number: int, order: Order) -> WorkerAnswer:
    """Run an action and return its result; Ferrule's errors are answers, any other is a bug and raised."""
    from distributed import get_worker  # noqa: PLC0415 - 330 ms, and an extra

    worker, session = get_worker(), _session(session_id)
    engine = session.engine
    log = log_file(logs_folder(engine.work), order.action.id)

    def tell(event: Event) -> None:
        if isinstance(event, ActionProgress | Noticed):
            worker.log_event(session_id, {"order": number, "text": event.text, "notice": isinstance(event, Noticed)})

    with session.at_work():
        absent = tuple(d for d, record in order.files.items() if not engine.store.holds(record))
        if absent:
            return WorkerAnswer(missing=absent)
        if not session.begin(number):
            return WorkerAnswer(withdrawn=True)
        try:
            answer = WorkerAnswer(portable(engine.make(order, session.tokens, tell)))
        except FerruleError as error:
            answer = WorkerAnswer(error=error)
        except OSError as error:
            answer = WorkerAnswer(
                error=StorageError(f"cannot write: {error.strerror or error}", where=str(error.filename))
            )
    return replace(answer, log=_text(log), log_at=str(log))


def _session(session_id: str) -> _Session:
    if session_id not in _OPEN:
        raise SessionExpiredError("this session has expired")
    return _OPEN[session_id]


def _text(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # it ran no program, or came from the store


async def ended(session_id: str) -> None:
    """Stop a client's running actions at once."""
    if session_id in _OPEN:
        await asyncio.to_thread(run.end_all, for_good=True)


async def closed(session_id: str) -> None:
    """Close a client's session."""
    await asyncio.to_thread(close, session_id)


def close(session_id: str) -> None:
    """The same, at once."""
    session = _OPEN.pop(session_id, None)
    if session is not None:
        session.close()
