"""One limit for everything that computes: how many threads of a cold, real build want a processor at once."""

from __future__ import annotations

import math
import os
import subprocess  # noqa: TID251 - a build is watched while it runs
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from judges import CHECKOUT, run
from test_real_targets import empty_cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.faults, pytest.mark.thorough]

EVERY_SECONDS = 0.05
BEYOND = 2  # threads that compute a moment without a token: what waits for a compiler, reads its answer, links


class Watched:
    """A process and all that it started, also what outlived its parent."""

    def __init__(self, pid: int) -> None:
        self._known = {pid: _began(pid)}

    def runnable(self) -> list[str]:
        """Names of the threads that compute or wait for a processor at this moment."""
        self._known = {pid: began for pid, began in self._known.items() if _began(pid) == began}
        for pid, parent in sorted(_parents().items()):
            if parent in self._known and pid not in self._known:
                self._known[pid] = _began(pid)
        return [name for pid in self._known for name in _runnable(pid)]


def _fields(place: str) -> list[str]:
    """Name, state, parent and so on (proc(5), "/proc/pid/stat"); nothing where nobody is any more."""
    with suppress(OSError), open(place, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123
        before, _, after = stream.read().rpartition(")")
        return [before.partition("(")[2], *after.split()]
    return []


def _began(pid: int) -> str:
    fields = _fields(f"/proc/{pid}/stat")
    return fields[20] if fields else ""


def _parents() -> dict[int, int]:
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    return {pid: int(fields[2]) for pid in pids if (fields := _fields(f"/proc/{pid}/stat"))}


def _runnable(pid: int) -> list[str]:
    threads: list[str] = []
    with suppress(OSError):
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    states = (_fields(f"/proc/{pid}/task/{thread}/stat") for thread in threads)
    return [fields[0] for fields in states if fields and fields[1] == "R"]


def samples(command: list[str], folder: Path, environment: dict[str, str], log: Path) -> tuple[int, list[list[str]]]:
    """Run a command to its end, and look at its threads every so often."""
    result: list[list[str]] = []
    with (
        log.open("w") as stream,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        ) as process,
    ):
        watched, due = Watched(process.pid), time.monotonic()
        while process.poll() is None:
            result.append(watched.runnable())
            due = max(due + EVERY_SECONDS, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
    return process.returncode, result


def test_a_cold_build_of_all_native_targets_keeps_to_the_limit(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    project, cores = tmp_path / "project", os.cpu_count() or 1
    run("git", "clone", "--quiet", CHECKOUT, project)
    environment = {
        **os.environ,  # noqa: TID251 - the machine's own, as a person has it
        "PYTHONPATH": str(CHECKOUT / "src"),
        "FERRULE_CACHE": str(empty_cache(tmp_path / "cache")),
    }
    command = [sys.executable, "-m", "ferrule", "build", "native", "--target", "all", "--offline"]
    code, result = samples(command, project, environment, tmp_path / "log")
    assert code == 0, (tmp_path / "log").read_text()[-3000:]
    counts = sorted(len(names) for names in result)
    most = counts[math.ceil(len(counts) * 0.99) - 1]
    record_property("faults: looks at the threads of a cold build", len(counts))
    record_property("faults: threads that wanted a processor, in 99 of 100 looks at most", most)
    record_property("faults: threads that wanted a processor, at most", counts[-1])
    record_property("how often how many threads wanted a processor", str(sorted(Counter(counts).items())))
    record_property("the largest crowd", str(sorted(max(result, key=len))))
    assert most <= cores + BEYOND, sorted(max(result, key=len))
