"""A Dask cluster of processes on this machine: a scheduler, and workers each in a checkout of the demo project."""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - separate processes are the point
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.toolchain import Demo, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TESTS = Path(__file__).parents[1]
_QUIET = {"DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h", "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false"}


def wait_for(condition: Callable[[], object], seconds: float = 300.0) -> None:
    """Wait until something is true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@dataclass
class Fleet:
    """The processes, which find recipes in `modules` too; `close` ends all of them at once.

    The scheduler listens at `host`; `inside` is what the command of each worker begins with that runs elsewhere.
    """

    root: Path
    demos: list[Demo]
    modules: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    inside: tuple[tuple[str, ...], ...] = ()
    workers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    scheduler: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """As Dask names it."""
        return str(json.loads((self.root / "scheduler.json").read_text())["address"])

    @property
    def named(self) -> str:
        """As `--executor` names it."""
        return self.address.replace("tcp://", "dask://")

    def open(self) -> None:
        """Start the scheduler."""
        file = self.root / "scheduler.json"
        options = ("--host", self.host, "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        self.scheduler = self._start(self.demos[0], "scheduler", (), *options)
        wait_for(file.exists)

    def start(self, number: int) -> subprocess.Popen[bytes]:
        """Start a worker in a checkout."""
        demo = self.demos[number]
        options = ("--nthreads", "1", "--no-dashboard", "--no-nanny", "--memory-limit", "0")
        path = ("--local-directory", str(demo.root / "dask"))
        inside = self.inside[number] if self.inside else ()
        self.workers[number] = self._start(demo, "worker", inside, self.address, *options, *path)
        return self.workers[number]

    def _start(self, demo: Demo, kind: str, inside: Sequence[str], *options: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([demo.environment["PYTHONPATH"], str(TESTS), *map(str, self.modules)])
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(
                [*inside, sys.executable, "-m", f"distributed.cli.dask_{kind}", *options],
                cwd=demo.project,
                env={**demo.environment, **_QUIET, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, number: int) -> None:
        """End a worker by SIGKILL."""
        process = self.workers.pop(number)
        process.kill()
        process.wait()

    def close(self) -> None:
        """End everything."""
        for process in (*self.workers.values(), *([self.scheduler] if self.scheduler else [])):
            process.kill()
            process.wait()


def lay_out_fleet(root: Path, workers: int, modules: Sequence[Path] = (), **elsewhere: Any) -> Fleet:
    """Checkouts for that many workers, a scheduler, and the workers started; `elsewhere` has `host` and `inside`."""
    fleet = Fleet(root, [lay_out(root / f"worker{number}") for number in range(workers)], tuple(modules), **elsewhere)
    fleet.open()
    for number in range(workers):
        fleet.start(number)
    return fleet
