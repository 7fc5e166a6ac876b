"""Plain lines for logs, and folded groups for GitHub Actions."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Self

from ferrule.core.model import Digest
from ferrule.core.printable import printable_lines
from ferrule.engine.events import ActionFinished, ActionStarted, Noticed, RunFinished, WorkForeseen
from ferrule.engine.state import log_file
from ferrule.reporting.report import counted, duration, expectation, verdict

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from ferrule.core.model import Outcome
    from ferrule.engine.events import Event


class Lines:
    """A line when an action starts and when it ends; with `logs`, its whole log in a fold that can be opened."""

    def __init__(self, stream: TextIO, *, logs: Path | None, quiet: bool) -> None:
        self._stream = stream
        self._logs = logs
        self._quiet = quiet

    def __call__(self, event: Event, /) -> None:
        """Write what is worth a line."""
        match event:
            case WorkForeseen(forecast):
                self._say(expectation(forecast))
            case ActionStarted(action, reason, _):
                self._say(f"  {action.id} … ({reason})")
            case ActionFinished(outcome) if outcome.state != "cached":
                self._ended(outcome)
            case Noticed(text):
                self._say(f"note: {text}")
            case RunFinished(outcomes, seconds):
                self._say(f"{counted(outcomes)}, in {duration(seconds)}")
            case _:
                pass

    def _ended(self, outcome: Outcome) -> None:
        if self._logs is None or outcome.state in {"shared", "remote"}:
            self._say(f"  {verdict(outcome)}")
            return
        self._say(f"::group::{_escaped(verdict(outcome))}")
        with suppress(OSError):
            self._show(log_file(self._logs, outcome.action.id).read_bytes())
        self._say("::endgroup::")
        if outcome.state == "failed":
            title = _escaped(outcome.action.id).replace(":", "%3A").replace(",", "%2C")
            self._say(f"::error title={title}::{_escaped(str(outcome.error or outcome.reason))}")

    def _show(self, log: bytes) -> None:
        """Write a log so that no line of it is a command to the runner, whatever programs have written.

        (GitHub Actions, "Workflow commands": stop-commands, until a word that nobody who wrote the log could know.)
        """
        word = Digest.of(log).hex
        self._say(f"::stop-commands::{word}")
        for line in log.decode("utf-8", "replace").splitlines():
            self._say(line)
        self._say(f"::{word}::")

    def _say(self, text: str) -> None:
        if not self._quiet:
            self._stream.write(printable_lines(text) + "\n")
            self._stream.flush()

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""


def _escaped(text: str) -> str:
    """Text for a workflow command (GitHub Actions, "Workflow commands": `%`, CR and LF are escaped)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
