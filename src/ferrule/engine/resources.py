"""What the engine works with in one run: the store, the folders, the limits, and who helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ferrule.engine.context import BuildContext
    from ferrule.engine.events import Listener
    from ferrule.engine.executor import Executor
    from ferrule.engine.machine_cache import MachineCache
    from ferrule.engine.recipe_code import RecipeCode
    from ferrule.engine.remote import Remote
    from ferrule.engine.sources import StatIndex
    from ferrule.engine.store import Store


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything a run needs besides the plan. `monotonic` is a clock in seconds, used for durations only.

    At most `jobs` threads compute on this machine. Actions that the `executor` takes run on other machines in addition,
    and those whose results other checkouts on this `machine` or the `remote` cache have do not run at all. `code` tells
    what recipes are made of.
    """

    site: BuildContext
    store: Store
    index: StatIndex
    work: Path
    jobs: int
    listen: Listener
    monotonic: Callable[[], float]
    code: RecipeCode
    executor: Executor | None = None
    remote: Remote | None = None
    machine: MachineCache | None = None
