"""A full disk, a broken one, too many open files, met at any call: said in a sentence, and the next run is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from injection import Call, Fault, Stage, errors_of, unexplained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.faults

PARTS = 12
MOMENTS = ("never_built", "changed", "to_be_shipped")


def lost(stage: Stage, point: int, fault: Fault, *, reads: bool) -> Iterator[str]:
    run = stage.meet(point, fault, reads=reads)
    problems = [*unexplained(run), *stage.lost_after(run)]
    yield from (f"{stage.name}, {fault} at {point} ({run.hit}): {problem}" for problem in problems)


def survive(
    stage: Stage, chosen: list[tuple[int, Fault]], record: Callable[[str, object], None], *, reads: bool = False
) -> None:
    problems = [problem for point, fault in chosen for problem in lost(stage, point, fault, reads=reads)]
    record("faults: points of ENOSPC, EIO and EMFILE", len(chosen))
    record("faults: lost after ENOSPC, EIO and EMFILE", len(problems))
    assert not problems, "\n".join(problems)


def calls(stage: Stage, *, reads: bool = False) -> list[Call]:
    stage.restore()
    return stage.run(0, Fault(), reads=reads).calls


def faults(stage: Stage) -> list[tuple[int, Fault]]:
    """An error for each call; calls of one kind meet each of their errors, turn by turn."""
    chosen: list[tuple[int, Fault]] = []
    seen: dict[str, int] = {}
    for point, call in enumerate(calls(stage), 1):
        errors = errors_of(call)
        turn = seen[call.name] = seen.get(call.name, -1) + 1
        chosen.append((point, errors[turn % len(errors)]))
    return chosen


def test_errors_at_some_calls(stages: Callable[[str], Stage], record_property: Callable[[str, object], None]) -> None:
    stage = stages("to_be_shipped")
    chosen = faults(stage)
    survive(stage, [chosen[len(chosen) * k // 7 - 1] for k in range(1, 8)], record_property)


@pytest.mark.thorough
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("moment", MOMENTS)
def test_errors_at_every_call(
    stages: Callable[[str], Stage], moment: str, part: int, record_property: Callable[[str, object], None]
) -> None:
    stage = stages(moment)
    survive(stage, faults(stage)[part::PARTS], record_property)


@pytest.mark.thorough
def test_errors_while_the_tools_are_looked_for(
    stages: Callable[[str], Stage], record_property: Callable[[str, object], None]
) -> None:
    stage = stages("new_machine")
    result = calls(stage)
    chosen = [(n, fault) for n, fault in faults(stage) if not result[n - 1].path.startswith("project/")]
    survive(stage, chosen, record_property)


@pytest.mark.thorough
def test_errors_where_nothing_is_to_be_done(
    stages: Callable[[str], Stage], record_property: Callable[[str, object], None]
) -> None:
    stage = stages("standing")
    survive(stage, faults(stage), record_property)


@pytest.mark.thorough
def test_no_descriptor_is_left_for_reading_and_starting_programs(
    stages: Callable[[str], Stage], record_property: Callable[[str, object], None]
) -> None:
    stage = stages("never_built")
    takers = {"openat", "open", "pipe2", "epoll_create1"}
    result = [n for n, call in enumerate(calls(stage, reads=True), 1) if call.name in takers]
    few = result[:: max(1, len(result) // 100)]
    survive(stage, [(n, Fault("fail", 24)) for n in few], record_property, reads=True)
