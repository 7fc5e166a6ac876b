"""How much a run has to do, and for how long by what earlier runs took: only what is known; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ferrule.core.model import Action
    from ferrule.core.toolchain import Std


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


def forecast(actions: Sequence[Action], seconds: Mapping[str, float], std: Mapping[str, Std], jobs: int) -> Forecast:
    """What running `actions`, in an order in which each follows those it needs, comes to with so many `jobs`.

    `seconds` are those of earlier runs by action, `std` where each target's standard library comes from. That of a
    target for which something was compiled before is at hand, as Cargo keeps it.
    """
    times = {action.id: seconds[action.id] for action in actions if action.id in seconds}
    compiled = {action.target for action in actions if action.id in times and _needs_std(action)}
    targets = {a.target: None for a in actions if a.target and _needs_std(a) and std.get(a.target) == "build-std"}
    return Forecast(
        actions=len(actions),
        timed=len(times),
        seconds=_duration(actions, times, jobs) if len(times) == len(actions) else None,
        std_from_source=tuple(target for target in targets if target not in compiled),
    )


def _needs_std(action: Action) -> bool:
    return f"std-{action.target}" in action.tools


def _duration(actions: Sequence[Action], times: Mapping[str, float], jobs: int) -> float:
    """The longest chain of actions that wait for each other, or the share of all for each job if that is more."""
    ends: dict[str, float] = {}
    for action in actions:
        ends[action.id] = times[action.id] + max((ends.get(need, 0.0) for need in action.needs), default=0.0)
    return max(*ends.values(), sum(times.values()) / jobs)
