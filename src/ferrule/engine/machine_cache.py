"""Finished actions that all checkouts of a user share on one machine: a second store, beside the tools.

A result is kept there under a key that also holds the version of Ferrule and Cargo's settings outside of the project,
as in the remote cache: they change results, and their paths differ between checkouts. What else was read outside of the
project has the same path for every checkout, or the result is not shared.

What comes from there is read and compared with its digest before it enters a project's own store. The two keep one
file where the file system has links, so that a second checkout takes no further room.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import StorageError
from ferrule.core.safe_files import lockable
from ferrule.engine.cache_maintenance import Usage, bound, extent
from ferrule.engine.key import key_of, shared_key
from ferrule.engine.sources import StatIndex
from ferrule.engine.store import Store, storage_errors, without_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ferrule.core.model import Action, Digest
    from ferrule.engine.key import Document
    from ferrule.engine.store import Result

LARGEST: Final = 10 << 30
"""Bytes that the cache may have; what was used longest ago goes first."""

_FOLDER: Final = "actions"
_OTHERS_WRITE: Final = 0o022
_OFF: Final = "or turn this off by FERRULE_MACHINE_CACHE=off"


def folder_of(cache: Path) -> Path:
    """Where the finished actions of this machine are, in the folder that tools and downloads are kept in."""
    return cache / _FOLDER


def open_store(cache: Path, notice: Callable[[str], None] = lambda _: None) -> Store:
    """The store of this machine. Its files are compared anew by each run, whatever their stat data."""
    return Store(folder_of(cache), StatIndex(None, lambda: 0), notice)


def distrusted(folder: Path, user: int) -> str | None:
    """Why nothing of a folder is believed, with the way out; None for one that this user alone can write to."""
    try:
        stat = folder.lstat()
    except OSError:
        return None  # it is not there, and is made as it must be
    if not S_ISDIR(stat.st_mode):
        return f"{folder} is no folder; remove it, {_OFF}"
    if stat.st_uid != user:
        return f"{folder} belongs to somebody else; remove it, {_OFF}"
    if stat.st_mode & _OTHERS_WRITE:
        return f"others can write to {folder}; chmod go-w {folder}, {_OFF}"
    return None


def trim(store: Store, largest: int) -> Usage:
    """Remove what was used longest ago, beyond so many bytes, unless another process does so now.

    Returns what was removed; raises StorageError.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 38 ms

    if not store.root.is_dir():
        return Usage(0, 0)
    with storage_errors(store.root):
        try:
            with FileLock(lockable(store.root / "lock"), timeout=0):
                return bound(store, largest)
        except Timeout:
            return Usage(0, 0)


class MachineCache:
    """What a run knows of the machine's finished actions. Methods may be called from many threads, and none raises.

    `own` is the project's store, `settings` are Cargo's settings outside of the project, by path; `common` are folders
    that have the same path for every checkout of this user. `largest` is in bytes.
    """

    def __init__(
        self,
        store: Store,
        own: Store,
        settings: Mapping[str, Digest | None],
        common: tuple[Path, ...],
        *,
        largest: int = LARGEST,
    ) -> None:
        self._store = store
        self._own = own
        self._settings = settings
        self._common = common
        self._largest = largest
        self._has_grown = False

    def entries(
        self, action: Action, document: Callable[[tuple[str, ...]], Document]
    ) -> Iterator[tuple[Document, Result]]:
        """Results of an action that are at hand, with the key document of each; no content was looked at yet.

        `document` makes the key document of the action from what is read besides the declared sources.
        """
        if not _is_shared(action):
            return
        declared = document(())
        for read in self._store.reads(self._key(key_of(declared)), action.id):
            whole = document(read) if read else declared
            key = key_of(whole)
            result = self._store.record(self._key(key))
            if result is not None:
                settings = self._settings if "cargo" in action.tools else {}
                discovered = {**result.discovered, **settings}
                yield (
                    whole,
                    replace(result, key=key, discovered=discovered, declared=key_of(declared) if read else None),
                )

    def fetch(self, result: Result) -> bool:
        """Bring the contents of a result into the project's store; false if one is missing or not what it was."""
        with suppress(StorageError, OSError):
            contents = {record.digest for record in result.files}
            if all(self._own.adopt(self._store.object(digest), digest) for digest in contents):
                with suppress(OSError):  # it may be for reading only
                    self._store.touch(self._key(result.key))
                return True
        return False

    def offer(self, action: Action, result: Result) -> None:
        """Keep a result of the project's store, if it is the same for every checkout of this user."""
        free = without_settings(result, self._settings)
        if free is None or not _is_shared(action) or not all(map(self._is_common, free.discovered)):
            return
        declared = self._key(result.declared) if result.declared else None
        kept = replace(free, key=self._key(result.key), declared=declared)
        with suppress(StorageError, OSError):  # the next checkout makes it itself
            self._store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for digest in {record.digest for record in result.files}:
                if not self._store.adopt(self._own.object(digest), digest):
                    return
                self._own.linked(digest)
            self._store.keep(kept)
            self._has_grown = True

    def close(self) -> None:
        """Remove what was used longest ago, if the cache has become too large and nobody else does so now."""
        if self._has_grown and extent(self._store.root).bytes > self._largest:
            with suppress(StorageError):
                trim(self._store, self._largest)

    def _is_common(self, name: str) -> bool:
        """Whether a file that was read is one of the project, or has the same path for every checkout."""
        path = Path(name)
        return not path.is_absolute() or (".." not in path.parts and any(path.is_relative_to(c) for c in self._common))

    def _key(self, key: Digest) -> Digest:
        return shared_key(key, self._settings.values())


def _is_shared(action: Action) -> bool:
    """Statements about a run are made by that run."""
    return not getattr(action.recipe, "testifies", False)
