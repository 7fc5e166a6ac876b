"""Everything that happens while a plan runs, as values; reporting only listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferrule.core.model import Action, Outcome
    from ferrule.engine.forecast import Forecast


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run began: how many actions there are and how many may work at once."""

    actions: int
    jobs: int


@dataclass(frozen=True, slots=True)
class WorkForeseen:
    """Something has to run, and this much is known of it; before the first action starts, and only then."""

    forecast: Forecast


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """An action was not in the store and its recipe began; `expected` are its seconds in an earlier run."""

    action: Action
    reason: str
    expected: float | None


@dataclass(frozen=True, slots=True)
class ActionProgress:
    """One short line about what a running action does."""

    action: Action
    text: str


@dataclass(frozen=True, slots=True)
class ActionFinished:
    """An action ended, in whatever state."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Noticed:
    """A notice that is not a failure: a damaged cache entry made again, a wait for a lock."""

    text: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ended after `seconds` of wall time."""

    outcomes: tuple[Outcome, ...]
    seconds: float


Event = RunStarted | WorkForeseen | ActionStarted | ActionProgress | ActionFinished | Noticed | RunFinished


class Listener(Protocol):
    """Receives events; called from one thread at a time."""

    def __call__(self, event: Event, /) -> None:
        """Take notice of an event."""


def notice_to(listen: Listener) -> Callable[[str], None]:
    """A function that reports a sentence as an event."""
    return lambda text: listen(Noticed(text))
