"""The live display of a terminal: a line for each running action, and the progress of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress_bar import ProgressBar
from rich.text import Text

from ferrule.core.printable import printable, printable_lines
from ferrule.engine.events import ActionFinished, ActionProgress, ActionStarted, Noticed, RunFinished, RunStarted
from ferrule.reporting.report import counted, duration, verdict

if TYPE_CHECKING:
    from typing import TextIO

    from ferrule.core.model import Outcome
    from ferrule.engine.events import Event

_MARKS = {
    "built": ("✓", "green"),
    "cached": ("·", "dim"),
    "remote": ("↓", "cyan"),
    "failed": ("✗", "red"),
    "skipped": ("-", "yellow"),
}
_NEARLY = 0.98


class _Bar(BarColumn):
    """Progress of an action by its duration in an earlier run; that of the run by its finished actions."""

    def render(self, task: Task) -> ProgressBar:
        if not task.fields.get("timed") or task.total is None:
            return super().render(task)
        done = min(task.elapsed or 0.0, _NEARLY * task.total)
        return ProgressBar(total=task.total, completed=done, width=self.bar_width)


class _Remaining(ProgressColumn):
    """Remaining time of an action, if an earlier run timed it; for the run, the number of finished actions."""

    def render(self, task: Task) -> Text:
        if not task.fields.get("timed"):
            return Text(f"{task.completed:.0f} of {task.total or 0:.0f} done", style="dim")
        remaining = (task.total or 0.0) - (task.elapsed or 0.0)
        return Text(f"about {duration(remaining)} left" if remaining > 0 else "", style="dim")


class Terminal:
    """Shows running actions and their status, and keeps a line for each finished one."""

    def __init__(self, stream: TextIO, *, colour: bool, width: int | None, quiet: bool) -> None:
        self._console = Console(file=stream, no_color=not colour, width=width, highlight=False, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            _Bar(bar_width=24),
            TextColumn("{task.fields[status]}", style="dim", markup=False),
            TimeElapsedColumn(),
            _Remaining(),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._whole: TaskID | None = None

    def __call__(self, event: Event, /) -> None:
        """Show one event."""
        match event:
            case RunStarted(actions, _):
                self._whole = self._progress.add_task("all actions", total=actions, status="")
            case ActionStarted(action, reason, expected):
                task = self._progress.add_task(
                    printable(action.id), total=expected, status=printable(reason), timed=True
                )
                self._tasks[action.id] = task
            case ActionProgress(action, text):
                if action.id in self._tasks:
                    self._progress.update(self._tasks[action.id], status=printable(text))
            case ActionFinished(outcome):
                self._ended(outcome)
            case Noticed(text):
                self._console.print(f"note: {printable_lines(text)}", style="yellow", markup=False)
            case RunFinished(outcomes, seconds):
                self._console.print(f"{counted(outcomes)}, in {duration(seconds)}", markup=False)

    def _ended(self, outcome: Outcome) -> None:
        task = self._tasks.pop(outcome.action.id, None)
        if task is not None:
            self._progress.remove_task(task)
        if self._whole is not None:
            self._progress.advance(self._whole)
        if outcome.state != "cached":
            mark, style = _MARKS[outcome.state]
            self._console.print(Text.assemble((mark, style), " ", printable_lines(verdict(outcome))))

    def __enter__(self) -> Self:
        """Start the display."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the display, so that the prompt is where it should be."""
        self._progress.stop()
