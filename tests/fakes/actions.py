"""Recipes that are quick, for plans of many actions: workers of a cluster import them by name."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.core.errors import BuildError
from ferrule.core.model import Action, Output
from ferrule.tools.command import Command

if TYPE_CHECKING:
    from ferrule.engine.context import ActionContext

_SLEEPS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
TARGET = "x86_64-unknown-linux-gnu"


@dataclass(frozen=True, slots=True)
class Compile:
    """A line that names its source, and what it needed; notes in a folder beside that it ran, and where."""

    text: str
    journal: str
    stuck: bool = False

    def make(self, context: ActionContext) -> None:
        """Write it; what is `stuck` does not come to that when it runs for the first time."""
        context.report_progress(f"compiling {self.text}")
        note = Path(self.journal, context.action.id)
        first = not note.exists()
        with note.open("a") as journal:
            journal.write(f"{context.project}\n")
        if first and self.stuck:
            time.sleep(600)
        needed = [path.read_text() for files in context.needed.values() for path in files.values()]
        context.output("file").write_text("\n".join([f"compiled {self.text}", *needed]))


@dataclass(frozen=True, slots=True)
class Hold:
    """Begins, which it notes in a folder beside, and goes on once a file `go` of its name is there."""

    journal: str

    def make(self, context: ActionContext) -> None:
        """Wait for the file."""
        note = Path(self.journal, context.action.id)
        note.touch()
        while not note.with_suffix(".go").exists():
            time.sleep(0.02)
        context.output("file").write_text("released")


@dataclass(frozen=True, slots=True)
class Sleep:
    """Starts a program that tells its number and sleeps; or, where it `fails`, one that does not."""

    fails: bool = False

    def make(self, context: ActionContext) -> None:
        """Wait for the program."""
        program = "print('no such type'); exit(1)" if self.fails else _SLEEPS
        context.run(Command((sys.executable, "-c", program)), on_line=context.report_progress)
        raise BuildError("it slept to the end")


def action(name: str, recipe: Compile | Hold | Sleep, *needs: str) -> Action:
    """An action without sources."""
    return Action(name, name, "test", recipe, (Output("out.txt", "file"),), TARGET, needs)
