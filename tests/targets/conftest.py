"""The workspaces of this folder for every target: built once each, judged, and put into a table at the end."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).parent

from released import HOST  # noqa: E402
from released_targets import Row, Workspace, table  # noqa: E402

from sessions import leave_out, say_at_end  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUICK = ("test_every_machine_has_its_way", f"test_a_target[{HOST}]")
"""Tests that also run with all others: they compile no standard library."""

ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of this folder, and end with its table."""
    config.addinivalue_line("markers", "targets: builds for every target, for an hour; only where it is asked for")
    config.stash[ROWS] = []
    say_at_end(config, lambda: table(config.stash[ROWS]) if config.stash[ROWS] else "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything here is for the session `targets`, which asks for it by its mark; a small part is for all tests."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.targets)
            if item.name in QUICK:
                item.add_marker(pytest.mark.integration)
    leave_out(config, items, "targets", unless=lambda item: item.get_closest_marker("integration"))


@pytest.fixture(scope="session")
def workspaces() -> Callable[[str], Workspace]:
    """The workspace of a name, laid out once a session."""
    return cache(lambda name: Workspace(name).lay_out())


@pytest.fixture(scope="session")
def rows(pytestconfig: pytest.Config) -> Iterator[list[Row]]:
    """What the table of targets is made of."""
    rows = pytestconfig.stash[ROWS]
    yield rows
    path = pytestconfig.getoption("--table")
    if path is not None:
        path.write_text(table(rows))
