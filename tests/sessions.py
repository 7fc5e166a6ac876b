"""What a session runs, and what it says at its end.

Tests that take many minutes belong to a session of their own, which asks for them by their mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Callable

CLOSING = pytest.StashKey[list["Callable[[], str]"]]()
"""What makes the texts that a run ends with: also those that the workers of a run have sent."""


def leave_out(
    config: pytest.Config,
    items: list[pytest.Item],
    mark: str,
    unless: Callable[[pytest.Item], object] = lambda _: False,
) -> None:
    """Deselect what has a mark, unless the run asks for it by that, or the test itself is for others too."""
    if mark in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker(mark) and not unless(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def say_at_end(config: pytest.Config, text: Callable[[], str]) -> None:
    """Have a text printed at the end of the run, unless it is empty by then, whichever worker has it."""
    config.stash.setdefault(CLOSING, []).append(text)


def closing(config: pytest.Config) -> list[str]:
    """The texts as they are now, each once."""
    return list(dict.fromkeys(filter(None, (text() for text in config.stash.get(CLOSING, [])))))


class InOneWorker(LoadScopeScheduling):
    """Has one worker run the tests of a file, which share what they make, and one all that install tools."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tools" if file.startswith(("tests/integration/", "tests/targets/")) else file
