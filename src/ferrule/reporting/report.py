"""What all forms of output share: the protocol, and how sizes, times and outcomes are worded."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from ferrule.core.model import Outcome
    from ferrule.engine.events import Event
    from ferrule.engine.forecast import Forecast

_MINUTE = 60
_MOST_SECONDS = 95
_FEW = 10


class Reporter(Protocol):
    """Writes events in its form, between entering and leaving."""

    def __call__(self, event: Event, /) -> None:
        """Write an event."""

    def __enter__(self) -> Self:
        """Start the output."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the output, and restore the terminal."""


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(0.04), duration(12.34), duration(125)
    ('0.0 s', '12.3 s', '2 min 05 s')
    """
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest:02d} s"


def counted(outcomes: Iterable[Outcome]) -> str:
    """How many actions were built and how many were up to date; of other states only if there are any."""
    states = Counter(outcome.state for outcome in outcomes)
    shared = f", {states['shared']} from other checkouts" if states["shared"] else ""
    remote = f", {states['remote']} remote" if states["remote"] else ""
    bad = "".join(f", {states[state]} {state}" for state in ("failed", "skipped") if states[state])
    return f"{states['built']} built{shared}{remote}, {states['cached']} unchanged{bad}"


def about(seconds: float) -> str:
    """A duration that is only expected, no finer than it can be.

    >>> about(3.2), about(47.0), about(250.0)
    ('a few seconds', 'about 50 s', 'about 4 min')
    """
    if seconds < _FEW:
        return "a few seconds"
    return f"about {round(seconds, -1):.0f} s" if seconds < _MOST_SECONDS else f"about {round(seconds / _MINUTE)} min"


def expectation(forecast: Forecast) -> str:
    """What a run is going to do, and for how long if earlier runs tell."""
    actions = f"{forecast.actions} action{'' if forecast.actions == 1 else 's'}"
    if forecast.seconds is not None:
        words = f"up to {actions}, {about(forecast.seconds)} by earlier runs"
    elif forecast.timed:
        words = f"up to {actions}, {forecast.actions - forecast.timed} of them for the first time here"
    else:
        words = f"{actions}, all for the first time here; later runs build only what changed"
    if forecast.std_from_source:
        targets, each = ", ".join(forecast.std_from_source), " each" if len(forecast.std_from_source) > 1 else ""
        words += f"; Rust's standard library is compiled from source for {targets}, a minute or two{each}"
    return words


def verdict(outcome: Outcome) -> str:
    """One line for a finished action."""
    took = f" in {duration(outcome.seconds)}" if outcome.state in {"built", "failed"} else ""
    reason = f": {outcome.reason}" if outcome.state in {"failed", "skipped"} and outcome.reason else ""
    return f"{outcome.action.id} {outcome.state}{took}{reason}"
