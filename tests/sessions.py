"""Tests that take many minutes: each belongs to a session of its own, which asks for it by its mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


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
