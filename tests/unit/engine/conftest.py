"""A project, a store and a clock in a folder of the test's own, and the engine over them."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ferrule.core.model import Action, Outcome, Plan
from ferrule.engine.context import BuildContext
from ferrule.engine.events import ActionFinished, ActionStarted, Noticed, notice_to
from ferrule.engine.recipe_code import RecipeCode
from ferrule.engine.scheduler import Engine
from ferrule.engine.sources import SourceFiles, StatIndex
from ferrule.engine.store import Store
from ferrule.tools.host import Host
from ferrule.tools.source_list import source_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferrule.core.toolchain import Toolchain
    from ferrule.engine.events import Event

LATER_NS = 3_600_000_000_000


def later_ns() -> int:
    """An hour from now, so that no file of the test counts as just written."""
    return time.time_ns() + LATER_NS


@dataclass
class Lab:
    """What a run needs, and everything that was heard of the runs so far."""

    root: Path
    events: list[Event] = field(default_factory=list)
    monotonic: Callable[[], float] = time.monotonic
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def host(self) -> Host:
        return Host(
            path=(Path("/usr/bin"), Path("/bin")),
            environment={"HOME": str(self.root), **self.variables},
            cache=self.root / "cache",
            system="Linux",
            machine="x86_64",
            is_root=False,
            offline=True,
            python=Path(sys.executable),
        )

    def source(self, name: str, text: str = "content") -> Path:
        return self.write(self.project / name, text)

    def write(self, path: Path, text: str) -> Path:
        """A file whose time differs from the one it had: the index believes all times, and a clock ticks slowly."""
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_text(text)
        if path.stat().st_mtime_ns <= before:
            os.utime(path, ns=(before + 1_000, before + 1_000))
        return path

    def sources(self) -> SourceFiles:
        return SourceFiles(self.project, source_names(self.project, self.host))

    def index(self) -> StatIndex:
        return StatIndex(self.state / "index.json", later_ns)

    def store(self) -> Store:
        return Store(self.state / "store", self.index(), notice_to(self.events.append))

    def engine(self, *, jobs: int = 2, toolchain: Toolchain | None = None) -> Engine:
        index = self.index()
        store = Store(self.state / "store", index, notice_to(self.events.append))
        from_source = [t for t, std in toolchain.std.items() if std == "build-std"] if toolchain else ()
        site = BuildContext(
            self.sources(),
            self.state / "cache",
            self.host,
            self.host.children,
            toolchain,
            std_from_source=from_source,
        )
        code = RecipeCode(index)
        return Engine(site, store, index, self.state / "work", jobs, self.events.append, self.monotonic, code)

    def run(self, *actions: Action, jobs: int = 2, toolchain: Toolchain | None = None) -> dict[str, Outcome]:
        """Run the actions; what was heard in earlier runs is forgotten."""
        self.events.clear()
        outcomes = self.engine(jobs=jobs, toolchain=toolchain).execute(Plan("p", "1.0.0", actions))
        return {outcome.action.id: outcome for outcome in outcomes}

    def reasons(self, *actions: Action) -> dict[str, str]:
        return self.engine().reasons(Plan("p", "1.0.0", actions))

    @property
    def started(self) -> list[str]:
        return [e.action.id for e in self.events if isinstance(e, ActionStarted)]

    @property
    def finished(self) -> list[str]:
        return [e.outcome.action.id for e in self.events if isinstance(e, ActionFinished)]

    @property
    def notices(self) -> list[str]:
        return [e.text for e in self.events if isinstance(e, Noticed)]

    def content(self, outcome: Outcome) -> dict[str, bytes]:
        store = self.store()
        return {record.name: store.object(record.digest).read_bytes() for record in outcome.files}

    def everything(self) -> dict[str, tuple[int, int, int]]:
        """Every file of the state folder with inode, time of change and size: equal means nothing was written."""
        return {
            str(p): (s.st_ino, s.st_ctime_ns, s.st_size)
            for p in sorted(self.state.rglob("*"))
            if p.is_file() and (s := p.stat())
        }


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    (tmp_path / "project").mkdir()
    return Lab(tmp_path)
