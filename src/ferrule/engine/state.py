"""What lies where in a project's folder `.ferrule`, for everything that looks into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.engine.sources import StatIndex
from ferrule.engine.store import Store, file_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def open_store(
    state: Path, now_ns: Callable[[], int], notice: Callable[[str], None] = lambda _: None
) -> tuple[StatIndex, Store]:
    """The index and the store of a project; `notice` receives reports of damage."""
    index = StatIndex(state / "index.json", now_ns)
    return index, Store(state / "store", index, notice)


def work_folder(state: Path) -> Path:
    """Where actions are made; what is there after a run is swept up by the next, except the logs."""
    return state / "work"


def logs_folder(work: Path) -> Path:
    """Where programs' words are kept until the same action runs again."""
    return work / "logs"


def log_file(logs: Path, action: str) -> Path:
    """The log of an action, by its id."""
    return logs / f"{file_name(action)}.log"
