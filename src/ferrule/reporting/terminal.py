"""The live display of a terminal: a line for each running action, and the progress of the run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from ferrule.core.printable import printable, printable_lines
from ferrule.engine.events import (
    ActionFinished,
    ActionProgress,
    ActionStarted,
    Noticed,
    RunFinished,
    RunStarted,
    WorkForeseen,
)
from ferrule.reporting.report import about, counted, duration, expectation, verdict
from ferrule.reporting.wrapping import wrapped

if TYPE_CHECKING:
    from typing import TextIO

    from ferrule.core.model import Outcome
    from ferrule.engine.events import Event

_MARKS = {
    "built": ("✓", "green"),
    "cached": ("·", "dim"),
    "shared": ("↓", "cyan"),
    "remote": ("↓", "cyan"),
    "failed": ("✗", "red"),
    "skipped": ("-", "yellow"),
}
_NEARLY = 0.98


_WIDE = 100
"""Columns from which on a bar has room too."""


class _Words(ProgressColumn):
    """What runs, and what it is at: as much of it as there is room for."""

    def render(self, task: Task) -> Text:
        status = task.fields["status"]
        if not task.fields["timed"] and task.total is not None:
            status = f"{task.completed:.0f} of {task.total:.0f} done"
        return Text.assemble(task.description, (f"  {status}" if status else "", "dim"))


class _Bar(BarColumn):
    """Progress of an action by its duration in an earlier run; that of the run by its finished actions."""

    def render(self, task: Task) -> ProgressBar:
        if not task.fields["timed"] or task.total is None:
            return super().render(task)
        done = min(task.elapsed or 0.0, _NEARLY * task.total)
        return ProgressBar(total=task.total, completed=done, width=self.bar_width)


class _Time(ProgressColumn):
    """The time that is left, if earlier runs tell it, else the time so far."""

    def render(self, task: Task) -> Text:
        elapsed = task.elapsed or 0.0
        expected = task.total if task.fields["timed"] else task.fields["seconds"]
        if expected is not None and expected > elapsed:
            return Text(f"{about(expected - elapsed)} left", style="dim")
        return Text(str(timedelta(seconds=int(elapsed))), style="dim")


class Terminal:
    """Shows running actions and their status, and keeps a line for each finished one."""

    def __init__(self, stream: TextIO, *, colour: bool, width: int | None, quiet: bool) -> None:
        self._console = Console(file=stream, no_color=not colour, width=width, highlight=False, quiet=quiet)
        bar = [_Bar(bar_width=24)] if self._console.width >= _WIDE else []
        self._progress = Progress(
            SpinnerColumn(),
            _Words(table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            *bar,
            _Time(table_column=Column(no_wrap=True, justify="right")),
            console=self._console,
            transient=True,
            expand=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._whole = self._row("looking for tools", None)

    def __call__(self, event: Event, /) -> None:
        """Show one event."""
        match event:
            case RunStarted(actions, _):
                self._go_on("all actions", actions)
            case WorkForeseen(forecast):
                self._progress.update(self._whole, seconds=forecast.seconds)
                self._print(expectation(forecast))
            case ActionStarted(action, reason, expected):
                self._tasks[action.id] = self._row(printable(action.id), expected, printable(reason), timed=True)
            case ActionProgress(action, text):
                if action.id in self._tasks:
                    self._progress.update(self._tasks[action.id], status=printable(text))
            case ActionFinished(outcome):
                self._ended(outcome)
            case Noticed(text):
                self._print(f"note: {printable_lines(text)}", style="yellow")
            case RunFinished(outcomes, seconds):
                self._print(f"{counted(outcomes)}, in {duration(seconds)}")
                self._go_on("putting files in place", None)

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(wrapped(text, self._console.width), style=style, markup=False, soft_wrap=True)

    def _go_on(self, text: str, total: int | None) -> None:
        """Let the last line be about another part of the run."""
        self._progress.remove_task(self._whole)
        self._whole = self._row(text, total)

    def _row(self, text: str, total: float | None, status: str = "", *, timed: bool = False) -> TaskID:
        return self._progress.add_task(text, total=total, status=status, timed=timed, seconds=None)

    def _ended(self, outcome: Outcome) -> None:
        task = self._tasks.pop(outcome.action.id, None)
        if task is not None:
            self._progress.remove_task(task)
        self._progress.advance(self._whole)
        if outcome.state != "cached":
            mark, style = _MARKS[outcome.state]
            line = wrapped(f"{mark} {printable_lines(verdict(outcome))}", self._console.width)
            self._console.print(Text.assemble((mark, style), line.removeprefix(mark)), soft_wrap=True)

    def __enter__(self) -> Self:
        """Start the display."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the display, so that the prompt is where it should be."""
        self._progress.stop()
