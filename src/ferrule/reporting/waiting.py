"""What a terminal shows while a command works without actions: what it is at, and for how long already."""

from __future__ import annotations

import sys
from threading import Lock, Timer
from typing import TYPE_CHECKING, Final, Self

from ferrule.core.printable import printable

if TYPE_CHECKING:
    from typing import TextIO

    from rich.progress import Progress

PATIENCE_SECONDS: Final = 1.0
"""After this long the line appears: what is quicker would only flicker."""


class Waiting:
    """A moving line on a terminal, with the seconds of the present step; elsewhere nothing.

    `step` names what is being done, for example `cbindgen: cargo install`.
    """

    def __init__(
        self, stream: TextIO, *, interactive: bool, colour: bool = True, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._stream = stream
        self._colour = colour
        self._lock = Lock()
        self._text = ""
        self._progress: Progress | None = None
        self._timer = Timer(patience, self._show) if interactive else None

    def step(self, text: str) -> None:
        """Name another step; its time starts at zero."""
        with self._lock:
            self._text = printable(text)
            self._replace()

    def _replace(self) -> None:
        if self._progress is not None:
            for task in self._progress.task_ids:
                self._progress.remove_task(task)
            self._progress.add_task(self._text, total=None)

    def _show(self) -> None:
        # Imported here: 40 ms, which commands that end before it or whose output is no terminal do not wait for.
        from rich.console import Console  # noqa: PLC0415 - 40 ms
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - 40 ms

        with self._lock:
            if self._timer is None:
                return  # the command has ended meanwhile
            self._progress = Progress(
                SpinnerColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),
                console=Console(file=self._stream, no_color=not self._colour, highlight=False),
                transient=True,
                redirect_stdout=sys.stdout.isatty(),  # else what goes into a file would come here
            )
            self._replace()
            self._progress.start()

    def __enter__(self) -> Self:
        """Begin to wait, where there is a terminal."""
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._timer = None
            if self._progress is not None:
                self._progress.stop()
