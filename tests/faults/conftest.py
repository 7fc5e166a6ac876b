"""Stages that the tests of a worker share, what is run only where it is asked for, and the counts at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import injection
import pytest

from sessions import leave_out

if TYPE_CHECKING:
    from collections.abc import Callable


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long tests are for the session `faults`, which asks for them by their mark."""
    leave_out(config, items, "thorough")


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], injection.Stage]:
    """A stage by its name, made once."""
    result: dict[str, injection.Stage] = {}

    def get(name: str) -> injection.Stage:
        if name not in result:
            result[name] = injection.stage(tmp_path_factory.mktemp(name), name)
        return result[name]

    return get


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was injected, and how often something was lost."""
    counts: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, number in getattr(report, "user_properties", ()):
                if getattr(report, "when", "") == "call" and name.startswith("faults: "):
                    counts[name.removeprefix("faults: ")] += number
    if counts:
        terminalreporter.section("faults")
        for name, number in counts.items():
            terminalreporter.write_line(f"{number:7} {name}")
