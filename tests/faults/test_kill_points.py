"""Killed at any change to a file: the next run ends with the same bytes, and a release with a manifest is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from injection import Call, Disturbed, Fault, Stage, unexplained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.faults

KILLS = (Fault("kill"), Fault("kill-all"))
SIGKILL = -9
PARTS = 12
MOMENTS = ("never_built", "changed", "to_be_shipped")


def lost(stage: Stage, point: int) -> Iterator[str]:
    """What a kill at a point costs; the process that calls is killed, or all of them, turn by turn."""
    fault = KILLS[point % 2]
    run = stage.meet(point, fault)
    problems = [*ended_wrongly(run, fault), *stage.lost_after(run)]
    yield from (f"{stage.name}, {fault} at {point} ({run.hit}): {problem}" for problem in problems)


def ended_wrongly(run: Disturbed, fault: Fault) -> Iterator[str]:
    if fault.do == "kill-all" or (run.hit and run.hit.ours):
        if run.code != SIGKILL:
            yield f"it lived on and ended with {run.code}"
    elif run.code == 0:
        yield "nobody noticed that a program was killed"
    else:
        yield from unexplained(run)


def survive(stage: Stage, points: list[int], record: Callable[[str, object], None]) -> None:
    problems = [problem for point in points for problem in lost(stage, point)]
    record("faults: points of SIGKILL", len(points))
    record("faults: lost after SIGKILL", len(problems))
    assert not problems, "\n".join(problems)


def calls(stage: Stage) -> list[Call]:
    stage.restore()
    return stage.run(0, Fault()).calls


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_some_calls(
    stages: Callable[[str], Stage], moment: str, record_property: Callable[[str, object], None]
) -> None:
    stage = stages(moment)
    number = len(calls(stage))
    survive(stage, [number * k // 7 or 1 for k in range(1, 8)], record_property)


@pytest.mark.thorough
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_every_call(
    stages: Callable[[str], Stage], moment: str, part: int, record_property: Callable[[str, object], None]
) -> None:
    stage = stages(moment)
    survive(stage, list(range(part + 1, len(calls(stage)) + 1, PARTS)), record_property)


@pytest.mark.thorough
def test_killed_while_the_tools_are_looked_for(
    stages: Callable[[str], Stage], record_property: Callable[[str, object], None]
) -> None:
    stage = stages("new_machine")
    points = [n for n, call in enumerate(calls(stage), 1) if not call.path.startswith("project/")]
    survive(stage, points, record_property)


@pytest.mark.thorough
def test_killed_where_nothing_is_to_be_done(
    stages: Callable[[str], Stage], record_property: Callable[[str, object], None]
) -> None:
    stage = stages("standing")
    survive(stage, list(range(1, len(calls(stage)) + 1)), record_property)
