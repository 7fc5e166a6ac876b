"""Many actions on many workers: the simulation, what is drawn, and what counts as made again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

import scale
from simulated import Costs, drawn, makespan

NOTHING = Costs(plan=0.0, client=0.0, scheduler=0.0, size=0.0, rate=1.0, delay=0.0)


def test_what_costs_nothing_is_as_quick_as_the_bound() -> None:
    assert makespan([1.0] * 8, 4, NOTHING) == NOTHING.alone([1.0] * 8, 4)["work"] == 2.0


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 10 * 1.2 + 0.2), (1, 10.4)])
def test_the_way_to_a_worker_counts_once_where_an_order_waits_there(ahead: int, seconds: float) -> None:
    costs = Costs(plan=0.0, client=0.0, scheduler=0.0, size=0.0, rate=1.0, delay=0.1)
    assert makespan([1.0] * 10, 1, costs, ahead) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("costs", "part", "seconds"),
    [
        (Costs(plan=1.0, client=0.01, scheduler=0.0, size=0.0, rate=1.0, delay=0.0), "client", 11.0),
        (Costs(plan=0.0, client=0.0, scheduler=0.02, size=0.0, rate=1.0, delay=0.0), "scheduler", 20.0),
        (Costs(plan=0.0, client=0.0, scheduler=0.0, size=3.0, rate=100.0, delay=0.0), "link", 30.0),
    ],
)
def test_the_dearest_part_limits(costs: Costs, part: str, seconds: float) -> None:
    durations = [0.1] * 1000
    alone = costs.alone(durations, 100)
    assert max(alone, key=lambda name: alone[name]) == part
    assert alone[part] == pytest.approx(seconds)
    assert seconds <= makespan(durations, 100, costs) < seconds + 0.2


def test_durations_have_their_mean_and_are_always_the_same() -> None:
    durations = drawn(10_000, 30.0)
    assert sum(durations) / len(durations) == pytest.approx(30.0, rel=0.02)
    assert durations == drawn(10_000, 30.0)


def test_equal_numbers_are_equal_contents() -> None:
    recipes = [action.recipe for action in scale.libraries(50, 10, Path("journal"))]
    assert len({recipe.number for recipe in recipes}) == len({(r.number, r.size) for r in recipes}) == 10
    assert len({recipe.turn for recipe in recipes}) == 50


def test_what_runs_again_belongs_to_the_killed_or_to_others() -> None:
    journal = [("a", 1), ("b", 2), ("c", 1), ("a", 3), ("b", 3)]
    assert scale.repeated(journal, {1}) == {"own": 1, "others": 1}
    assert scale.repeated(journal, {1, 2}) == {"own": 2, "others": 0}
    assert scale.repeated([("a", 1)], {1}) == {"own": 0, "others": 0}
