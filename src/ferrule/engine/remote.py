"""Finished actions shared between machines, by an HTTP cache in Bazel's layout.

    ac/<id>        an ActionResult of the Remote Execution API: the files of an action by digest, and as its standard
                   output the record of the result, which holds the rest: key, facts, what was read and asked for
    cas/<sha256>   a content, named by its digest: files and records

The id is made of the key, of the version of Ferrule, and of Cargo's settings outside of the project. What comes is
believed by its digest alone, and enters the store only then. Whoever may write to the cache can tell what an action
made, as whoever may write to the repository can: see docs/how-to/shared-cache.md for who should.
"""

from __future__ import annotations

import json
import queue
import shutil
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import StorageError
from ferrule.core.model import Digest, FileRecord, to_json
from ferrule.engine.key import canonical, key_of, shared_key
from ferrule.engine.remote_server import RemoteFailure, Server
from ferrule.engine.store import Result, decode, encode, is_inside, portable, without_settings
from ferrule.formats import actionresult
from ferrule.formats.actionresult import ActionResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import Action
    from ferrule.engine.key import Document
    from ferrule.engine.store import Store

_READERS: Final = 16
_WRITERS: Final = 8
_UNASKED: Final = 16 << 10  # bytes of a record that is sent sooner than it is known whether it is there
_VERSION: Final = 1
_LARGEST_ENTRY: Final = 4 << 20
_LARGEST_RECORD: Final = 16 << 20
_LEFT_FREE: Final = 64 << 20
_MOST_READS: Final = 8
_TICK_SECONDS: Final = 0.05
_SILENT_SECONDS: Final = 1.0


class Remote:
    """What a run knows of a remote cache. `settings` are Cargo's settings outside of the project, by path.

    Methods may be called from many threads; none raises for what the server does.
    """

    def __init__(self, server: Server, store: Store, settings: Mapping[str, Digest | None]) -> None:
        self._server = server
        self._store = store
        self._settings = settings
        self._readers = _Crew(_READERS)
        self._writers = _Crew(_WRITERS)
        self._refused: set[Digest] = set()
        self._given: set[Digest] = set()
        self._transfers: dict[Digest, threading.Lock] = {}

    def serves(self, action: Action) -> bool:
        """Whether the cache could have the result of an action, and may still be queried."""
        return _is_shared(action) and not self._server.is_off("read")

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job that queries the server in one of the threads."""
        self._readers.do(job)

    def is_lost(self) -> bool:
        """Whether to stop waiting for answers of the server."""
        return self._server.is_off("read")

    def notices(self) -> list[str]:
        """Notices for the user since the last call."""
        return self._server.notices()

    def entries(
        self, action: Action, document: Callable[[tuple[str, ...]], Document]
    ) -> Iterator[tuple[Document, Result]]:
        """Results that the server has, with the key document of each; their contents are not fetched yet.

        `document` makes the key document of the action from what is read besides the declared sources.
        """
        declared = document(())
        entry = self._entry(action, key_of(declared))
        if isinstance(entry, Result):
            yield declared, entry
        for read in entry if isinstance(entry, list) else ():
            whole = document(read)
            result = self._entry(action, key_of(whole))
            if isinstance(result, Result):
                yield whole, replace(result, declared=key_of(declared))

    def fetch(self, result: Result) -> bool:
        """Fetch the contents of a result into the store; false if one is missing or has another digest."""
        missing = {r.digest: r for r in result.files if not self._store.holds(r, read=True)}
        try:
            self._store.root.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._store.root).free
            if sum(record.size for record in missing.values()) + _LEFT_FREE > free:
                return False
            if not all(self._receive(record) for record in missing.values()):
                return False
            return all(self._store.object(r.digest).stat().st_size == r.size for r in result.files)
        except (RemoteFailure, StorageError, OSError):
            return False  # noted by the server, or told by what is made here instead

    def _transfer(self, digest: Digest) -> threading.Lock:
        """What is held while a content travels: equal ones of several actions do so once."""
        return self._transfers.setdefault(digest, threading.Lock())

    def _receive(self, record: FileRecord) -> bool:
        path = f"cas/{record.digest}"
        with self._transfer(record.digest):
            if self._store.holds(record) or self._store.receive(self._server.pieces(path, record.size), record):
                return True
        self._refused.add(record.digest)
        self._server.mark_untrusted(f"{path} ({record.name}) does not match its digest")
        return False

    def _entry(self, action: Action, key: Digest) -> Result | list[tuple[str, ...]] | None:
        """The result of a key, or the names of what else to read to find it; anything else is refused."""
        path = f"ac/{self._id(key)}"
        try:
            data = self._server.get(path, _LARGEST_ENTRY)
            if data is None:
                return None
            response = actionresult.decode(data)
            return self._read(action, key, response, self._record(response.stdout))
        except RemoteFailure:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self._server.mark_untrusted(f"{path} ({action.id}) is not a valid cache entry: {error}")
            return None

    def _record(self, pointer: FileRecord) -> bytes:
        if pointer.size > _LARGEST_RECORD:
            raise ValueError("its record is too large")
        record = b"".join(self._server.pieces(f"cas/{pointer.digest}", pointer.size))
        if Digest.of(record) != pointer.digest:
            self._refused.add(pointer.digest)
            raise ValueError("its record does not match its digest")
        return record

    def _read(
        self, action: Action, key: Digest, response: ActionResult, record: bytes
    ) -> Result | list[tuple[str, ...]]:
        document = json.loads(record)
        if "reads" in document:
            return _reads_of(document, key)
        result = decode(record, key)
        if sorted(response.files, key=_by_name) != sorted(result.files, key=_by_name):
            raise ValueError("it names other files than its record")
        if not isinstance(result.facts, dict):
            raise ValueError("it tells no facts")  # noqa: TRY004 - as for everything else that is mistaken
        if not _fits(action, result.files):
            raise ValueError("it names files that this action does not make")
        if not all(is_inside(name) for name in result.discovered):
            raise ValueError("it was made with files outside of the project")
        return replace(result, discovered={**result.discovered, **self._settings_of(action)})

    def offer(self, action: Action, result: Result) -> None:
        """Upload a result that was made here, in the background, if it is valid on other machines."""
        if self._server.address.mode != "write" or not _is_shared(action) or self._server.is_off("write"):
            return
        free = without_settings(result, self._settings)
        if free is None:
            reason = "read settings of Cargo that have changed since this run began"
            self._server.notice(f"remote cache: {action.id} {reason}, so its result stays on this machine")
            return
        strange = sorted(name for name in free.discovered if name.startswith("/"))
        variables = sorted(name for name, value in result.asked.items() if value)
        if strange or variables:
            reason = (
                f"read {strange[0]}, outside of the project" if strange else f"asked for {variables[0]}, which is set"
            )
            self._server.notice(f"remote cache: {action.id} {reason}, so its result stays on this machine")
            return
        self._writers.do(lambda: self._give(action, result))

    def _give(self, action: Action, result: Result) -> None:
        shared = replace(portable(result), asked=result.asked, declared=None)
        try:
            for record in {r.digest: r for r in result.files}.values():
                self._put(record, self._store.object(record.digest))
            self._enter(result.key, result.files, encode(shared))
            if result.declared is not None:
                reads = [read for read in self._store.reads(result.declared, action.id) if read][:_MOST_READS]
                body = canonical({"version": _VERSION, "key": result.declared.hex, "reads": to_json(reads)})
                self._enter(result.declared, (), body)
        except RemoteFailure:
            pass  # noted by the server
        except OSError as error:
            self._server.notice(f"remote cache: {action.id} was not kept: {error.strerror}")

    def _enter(self, key: Digest, files: tuple[FileRecord, ...], record: bytes) -> None:
        """Write an entry last, so that everything it names is already there."""
        pointer = FileRecord("", Digest.of(record), len(record))
        self._put(pointer, record)
        entry = actionresult.encode(ActionResult(files, pointer))
        self._server.put(f"ac/{self._id(key)}", entry, len(entry))

    def _put(self, record: FileRecord, content: Path | bytes) -> None:
        path = f"cas/{record.digest}"
        with self._transfer(record.digest):
            if record.digest in self._given:
                return
            unasked = isinstance(content, bytes) and record.size <= _UNASKED
            if unasked or record.digest in self._refused or not self._server.holds(path, record.size):
                self._server.put(path, content, record.size)
            self._given.add(record.digest)

    def close(self, tell: Callable[[str], None]) -> None:
        """Wait until each offered result is uploaded or has failed; a notice says so if that takes a while."""
        self._readers.dismiss()
        waited = 0.0
        while not self._writers.wait(_TICK_SECONDS) and not self._server.is_off("write"):
            waited += _TICK_SECONDS
            if waited > _SILENT_SECONDS:
                tell("uploading to the remote cache")
                waited = float("-inf")
        self._writers.dismiss()
        self._server.sum_up()
        for text in self.notices():
            tell(text)

    def _settings_of(self, action: Action) -> Mapping[str, Digest | None]:
        return self._settings if "cargo" in action.tools else {}

    def _id(self, key: Digest) -> Digest:
        return shared_key(key, self._settings.values())


def _is_shared(action: Action) -> bool:
    """Compiling is slow, while assembling is quicker than fetching; and statements are about our own run only."""
    return bool(action.tools) and not getattr(action.recipe, "testifies", False)


def _reads_of(document: Mapping[str, Any], key: Digest) -> list[tuple[str, ...]]:
    if document["version"] != _VERSION or document["key"] != key.hex:
        raise ValueError("its record is of another version or key")
    reads = [tuple(map(str, names)) for names in document["reads"]]
    if not all(is_inside(name) for names in reads for name in names):
        raise ValueError("it names files outside of the project")
    return reads[:_MOST_READS]


def _by_name(record: FileRecord) -> str:
    return record.name


def _fits(action: Action, files: Iterable[FileRecord]) -> bool:
    """Whether an action could have made exactly these files."""
    names = [record.name for record in files]
    plain = {output.name for output in action.outputs if not output.folder}
    folders = tuple(f"{output.name}/" for output in action.outputs if output.folder)
    return (
        len(set(names)) == len(names)
        and plain <= set(names)
        and all(is_inside(name) and (name in plain or name.startswith(folders)) for name in names)
    )


class _Crew:
    """Threads that run jobs in order of arrival; they end with the program, even during a job."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0
        self._done = threading.Condition()

    def do(self, job: Callable[[], None]) -> None:
        with self._done:
            self._open += 1
            if len(self._threads) < min(self._size, self._open):
                thread = threading.Thread(target=self._work, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._jobs.put(job)

    def wait(self, seconds: float) -> bool:
        """Whether all jobs are done, now or soon."""
        with self._done:
            return self._done.wait_for(lambda: self._open == 0, seconds)

    def dismiss(self) -> None:
        """Let the threads end once they have done what there is."""
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            finally:
                with self._done:
                    self._open -= 1
                    self._done.notify_all()
