"""What a terminal shows while a command works without actions: what it is at, and for how long already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ferrule.core.printable import printable

if TYPE_CHECKING:
    from typing import TextIO

    from rich.progress import Progress


class Waiting:
    """A moving line on a terminal, with the seconds of the present step; elsewhere nothing.

    `step` names what is being done, for example `cbindgen: cargo install`.
    """

    def __init__(self, stream: TextIO, *, interactive: bool, colour: bool = True) -> None:
        self._stream = stream
        self._colour = colour
        self._interactive = interactive
        self._progress: Progress | None = None

    def step(self, text: str) -> None:
        """Show another step; its time starts at zero."""
        if self._progress is not None:
            for task in self._progress.task_ids:
                self._progress.remove_task(task)
            self._progress.add_task(printable(text), total=None)

    def __enter__(self) -> Self:
        """Start the line, where there is a terminal."""
        if self._interactive:
            # Imported here: 40 ms, which commands whose output is no terminal do not wait for.
            from rich.console import Console  # noqa: PLC0415 - 40 ms
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - 40 ms

            self._progress = Progress(
                SpinnerColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),
                console=Console(file=self._stream, no_color=not self._colour, highlight=False),
                transient=True,
            )
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        if self._progress is not None:
            self._progress.stop()
