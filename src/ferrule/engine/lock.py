"""One run at a time in a project: the lock of its folder for work in progress, and what a killed run left there."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ferrule.core.errors import StorageError
from ferrule.core.safe_files import clear, keep_regular, lockable, own_folder
from ferrule.engine.events import Noticed
from ferrule.engine.state import logs_folder, work_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.engine.events import Listener


class Busy(Exception):  # noqa: N818 - it is not an error
    """Another run works in this project."""


@contextmanager
def locked(state: Path, listen: Listener | None = None) -> Iterator[None]:
    """Hold the project's lock; a second run waits and reports that to `listen`, or raises Busy without one.

    Raises StorageError where the folder cannot be used.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 38 ms

    try:
        own_folder(state)
        lock = FileLock(lockable(state / "lock"), thread_local=False)  # on a worker another thread gives it back
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if listen is None:
                raise Busy from None
            listen(Noticed("another run works in this project; waiting for it to end"))
            lock.acquire()
    except OSError as error:
        raise StorageError(
            f"the folder for work in progress cannot be used: {error.strerror}",
            where=str(error.filename or state),
            hint="free some space or correct the permissions of the project's folder",
        ) from error
    try:
        yield
    finally:
        lock.release()


def sweep(state: Path) -> None:
    """Take away what a killed run left, except the logs of its actions; only while no other run is at work."""
    # Below these, programs keep what is theirs, and some of them make links.
    for folder, depth in ((state, 0), (state / "store", 2), (work_folder(state), 1), (state / "cache", 1)):
        keep_regular(folder, depth)
    for left in (*work_folder(state).glob("*"), *state.glob(".*.aside"), *state.glob("index.json.*")):
        if left.is_dir() and left != logs_folder(work_folder(state)):
            clear(left)
        elif not left.is_dir():
            with suppress(OSError):
                left.unlink()
