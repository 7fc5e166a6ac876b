"""What was planned before an artifact: read once, found by id and by key, in the order of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.core.model import Action
from ferrule.core.planned_actions import PlannedActions, unique

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Nothing:
    """A recipe without work."""

    text: str = ""

    def make(self, context: object) -> None:
        """Make nothing."""


def action(name: str, target: str | None = None, text: str = "") -> Action:
    return Action(name, name, "kind", Nothing(text), (), target=target)


ACTIONS = (action("b", "x"), action("a", "y"), action("c", "x"), action("d"))


def of_target(one: Action) -> str | None:
    return one.target


def test_actions_are_found_in_the_order_of_the_plan() -> None:
    planned = PlannedActions(lambda: ACTIONS)
    assert tuple(planned) == ACTIONS
    assert list(planned.by_id) == ["b", "a", "c", "d"]
    assert planned.by_id["c"] is ACTIONS[2]
    assert planned.positions == {"b": 0, "a": 1, "c": 2, "d": 3}


def test_the_first_with_a_key_is_found_and_one_without_is_left_out() -> None:
    planned = PlannedActions(lambda: ACTIONS)
    assert {key: one.id for key, one in planned.first_by(of_target).items()} == {"x": "b", "y": "a"}


def test_actions_are_read_once_and_each_key_is_asked_once_an_action() -> None:
    read: list[str] = []
    asked: list[str] = []

    def actions() -> Iterator[Action]:
        read.append("read")
        yield from ACTIONS

    def key(one: Action) -> str:
        asked.append(one.id)
        return one.id

    planned = PlannedActions(actions)
    assert not read
    for one in ACTIONS:
        assert planned.by_id[one.id] is one
        assert planned.first_by(key)[one.id] is one
        assert planned.positions[one.id] < len(tuple(planned))
    assert (read, sorted(asked)) == (["read"], ["a", "b", "c", "d"])


def test_nothing_was_planned() -> None:
    assert not tuple(PlannedActions())
    assert not PlannedActions().by_id


def test_equal_actions_are_one_and_others_of_one_id_are_not() -> None:
    other = action("b", "x", "other")
    assert unique((ACTIONS[0], ACTIONS[1], action("b", "x"), other)) == (ACTIONS[0], other, ACTIONS[1])
