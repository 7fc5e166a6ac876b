"""One limit for everything that computes: GNU make's jobserver over a named pipe.

Cargo and rustc take a token for each thread beyond their first, and the scheduler takes one for each action, so the
whole run never has more than `jobs` runnable threads (GNU make manual, "POSIX Jobserver Interaction").
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event
    from types import TracebackType

_POLL_SECONDS: Final = 0.05
_CLOSED: Final = -1


class Jobserver:
    """A pipe with `jobs` tokens, and the environment by which children find it."""

    def __init__(self, jobs: int, work: Path | None = None) -> None:
        """Make the pipe in the folder for work in progress, where the next run sweeps; raises OSError.

        A path that make could read in another way is not used: then it lies in the folder for temporary files.
        """
        self.jobs = jobs
        parent = work if work and work.is_dir() and re.fullmatch(r"[A-Za-z0-9/._+-]+", os.fspath(work)) else None
        if parent is None and " " in tempfile.gettempdir():
            parent = Path("/tmp")  # noqa: S108 - mkdtemp makes a private folder
        self._folder = Path(tempfile.mkdtemp(prefix="ferrule-jobs-", dir=parent))
        self._pipe = self._folder / "tokens"
        os.mkfifo(self._pipe, 0o600)
        self._descriptor = os.open(self._pipe, os.O_RDWR | os.O_NONBLOCK)
        os.write(self._descriptor, b"+" * jobs)

    @property
    def environment(self) -> dict[str, str]:
        """What Cargo, rustc and make look for."""
        flags = f"-j --jobserver-auth=fifo:{self._pipe}"
        return {"CARGO_MAKEFLAGS": flags, "MAKEFLAGS": flags}

    def acquire(self) -> bool:
        """Take a token if one is free."""
        if self._descriptor == _CLOSED:
            return False
        try:
            return os.read(self._descriptor, 1) != b""
        except BlockingIOError:
            return False

    def release(self) -> None:
        """Give a token back."""
        if self._descriptor != _CLOSED:
            os.write(self._descriptor, b"+")

    @contextmanager
    def borrowed(self, over: Event) -> Iterator[bool]:
        """Wait for a token until `over`, for work that may as well be left; yields whether there is one."""
        while not (mine := self.acquire()) and not over.wait(_POLL_SECONDS):
            pass
        try:
            yield mine
        finally:
            if mine:
                self.release()

    def refill(self) -> None:
        """Make it `jobs` tokens again, which children that were killed took along; only while no child runs."""
        while self.acquire():
            pass
        os.write(self._descriptor, b"+" * self.jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        descriptor, self._descriptor = self._descriptor, _CLOSED
        with suppress(OSError):
            os.close(descriptor)
        shutil.rmtree(self._folder, ignore_errors=True)
