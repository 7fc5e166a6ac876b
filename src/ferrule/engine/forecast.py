"""How much a run has to do, and for how long by what earlier runs took: only what is known; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ferrule.core.model import Action


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known when the first action is about to start.

    `actions` will run at most: one whose inputs come out as they were is not made again. `timed` of these ran here
    before; `seconds` is about what a run of all of them takes, None unless all did. For the targets
    `std_from_source` the standard library is compiled too.
    """

    actions: int
    timed: int
    seconds: float | None
    std_from_source: tuple[str, ...] = ()


def forecast(
    actions: Sequence[Action], seconds: Mapping[str, float], std_from_source: Collection[str], jobs: int
) -> Forecast:
    """What running `actions`, in an order in which each follows those it needs, comes to with so many `jobs`.

    `seconds` are those of earlier runs by action; for the targets `std_from_source` the standard library would have to
    be compiled.
    """
    times = {action.id: seconds[action.id] for action in actions if action.id in seconds}
    targets = dict.fromkeys(a.target for a in actions if a.target and f"std-{a.target}" in a.tools)
    return Forecast(
        actions=len(actions),
        timed=len(times),
        seconds=_duration(actions, times, jobs) if len(times) == len(actions) else None,
        std_from_source=tuple(target for target in targets if target in std_from_source),
    )


def _duration(actions: Sequence[Action], times: Mapping[str, float], jobs: int) -> float:
    """The longest chain of actions that wait for each other, or the share of all for each job if that is more."""
    ends: dict[str, float] = {}
    for action in actions:
        ends[action.id] = times[action.id] + max((ends.get(need, 0.0) for need in action.needs), default=0.0)
    return max(*ends.values(), sum(times.values()) / jobs)
