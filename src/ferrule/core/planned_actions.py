"""The actions that were planned before an artifact, with indexes: each of ten thousand targets asks for its own."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from ferrule.core.model import Action

_Key = TypeVar("_Key", bound="Hashable")


def unique(actions: Iterable[Action]) -> tuple[Action, ...]:
    """The actions without those that are equal to an earlier one; others of one id follow the first of it.

    Only those of one id are compared, which is quicker than to hash them all.
    """
    by_id: dict[str, list[Action]] = {}
    for action in actions:
        same = by_id.setdefault(action.id, [])
        if action not in same:
            same.append(action)
    return tuple(chain.from_iterable(by_id.values()))


class PlannedActions:
    """Actions in the order of the plan, which are not read before somebody asks for one."""

    def __init__(self, read: Callable[[], Iterable[Action]] = tuple) -> None:
        self._read = read
        self._indexes: dict[Callable[[Action], Hashable], Mapping[Hashable, Action]] = {}

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions)

    @cached_property
    def by_id(self) -> Mapping[str, Action]:
        """Each action by its id, in the order of the plan."""
        return {action.id: action for action in self._actions}

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Where an action stands in the plan, by its id, from 0."""
        return {action.id: position for position, action in enumerate(self._actions)}

    def first_by(self, key: Callable[[Action], _Key | None]) -> Mapping[_Key, Action]:
        """The first action for each key; those whose key is None are left out.

        The index is kept for the function `key`, which has to be the same one each time: no lambda.
        """
        if key not in self._indexes:
            pairs = ((key(action), action) for action in reversed(self._actions))
            self._indexes[key] = {value: action for value, action in pairs if value is not None}
        return cast("Mapping[_Key, Action]", self._indexes[key])

    @cached_property
    def _actions(self) -> tuple[Action, ...]:
        return tuple(self._read())
