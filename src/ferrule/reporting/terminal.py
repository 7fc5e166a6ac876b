"""The live display of a terminal: a line for each running action, and how far the whole has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from ferrule.engine.events import ActionFinished, ActionProgress, ActionStarted, Noticed, RunFinished, RunStarted
from ferrule.reporting.report import duration, verdict

if TYPE_CHECKING:
    from typing import TextIO

    from ferrule.engine.events import Event
    from ferrule.model import Outcome

_MARKS = {"built": "[green]✓[/]", "cached": "[dim]·[/]", "failed": "[red]✗[/]", "skipped": "[yellow]-[/]"}


class Terminal:
    """Shows running actions with what they do, and keeps a line of each that ended."""

    def __init__(self, stream: TextIO, *, colour: bool, width: int | None, quiet: bool) -> None:
        self._console = Console(file=stream, no_color=not colour, width=width, highlight=False, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[status]}", style="dim", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._whole: TaskID | None = None
        self._left: dict[str, float] = {}
        self._jobs = 1

    def __call__(self, event: Event, /) -> None:
        """Show one event."""
        match event:
            case RunStarted(actions, jobs):
                self._jobs = jobs
                self._whole = self._progress.add_task("all", total=actions, status="")
            case ActionStarted(action, reason, expected):
                self._left[action.id] = expected or 0.0
                self._tasks[action.id] = self._progress.add_task(action.id, total=expected, status=reason)
            case ActionProgress(action, text):
                if action.id in self._tasks:
                    self._progress.update(self._tasks[action.id], status=text)
            case ActionFinished(outcome):
                self._ended(outcome)
            case Noticed(text):
                self._console.print(f"note: {text}", style="yellow", markup=False)
            case RunFinished(outcomes, seconds):
                built = sum(o.state == "built" for o in outcomes)
                cached = sum(o.state == "cached" for o in outcomes)
                self._console.print(f"{built} built, {cached} unchanged, in {duration(seconds)}", markup=False)

    def _ended(self, outcome: Outcome) -> None:
        task = self._tasks.pop(outcome.action.id, None)
        if task is not None:
            self._progress.remove_task(task)
        if self._whole is not None:
            self._progress.advance(self._whole)
        if outcome.state != "cached":
            self._console.print(_MARKS[outcome.state], end=" ")
            self._console.print(verdict(outcome), markup=False)

    def __enter__(self) -> Self:
        """Start the display."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the display away, so that the prompt stands where it should."""
        self._progress.stop()
