"""The tracer is judged by strace: it sees the same calls, and strace's own injections find nothing lost either."""

from __future__ import annotations

import re
import subprocess  # noqa: TID251 - strace is the judge
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from injection import Disturbed, Fault, unexplained
from judges import program, provision
from tracer import BY_DESCRIPTOR, BY_PATH, MAKING, REMOVING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from injection import Stage

pytestmark = [pytest.mark.faults, pytest.mark.thorough]

NAMES = [name for name, _ in (*BY_PATH.values(), *BY_DESCRIPTOR.values()) if name not in {"openat2", "fchmodat2"}]
OPENING = re.compile("O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")
INJECTIONS = [
    f"{call}:{fault}:when={number}"
    for call, faults in {
        "fsync": ("signal=KILL", "error=EIO", "error=ENOSPC"),
        "rename": ("signal=KILL", "error=EIO", "error=ENOSPC"),
        "mkdir": ("signal=KILL", "error=ENOSPC"),
        "chmod": ("signal=KILL", "error=EIO"),
    }.items()
    for fault in faults
    for number in (1, 2, 5, 9)
    if "KILL" not in fault or number == 1  # strace 6.1 sends a signal at the first call only
]


@pytest.fixture(scope="session")
def strace() -> str:
    provision({"strace": ("strace",)})
    return program("strace")


def under(strace: str, stage: Stage, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ferrule", *stage.arguments]
    return subprocess.run(
        [strace, "-f", "--seccomp-bpf", *options, *command],
        cwd=stage.demo.project,
        env=stage.demo.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def whole(log: str) -> Iterator[str]:
    """The calls in strace's log, each in one piece: it tells begin and end apart where threads ran side by side."""
    begun: dict[str, str] = {}
    for thread, output in re.findall(r"^(\d+) +(.*)$", log, flags=re.MULTILINE):
        if output.endswith(" <unfinished ...>"):
            begun[thread] = output.removesuffix(" <unfinished ...>")
        elif ended := re.match(r"<\.\.\. \w+ resumed>(.*)", output):
            yield begun.pop(thread) + ended[1]
        else:
            yield output


def seen(log: str, root: str, apart: str) -> Counter[str]:
    """How often each call changed something below `root`, as strace tells it."""
    counts: Counter[str] = Counter()
    for call in whole(log):
        match = re.match(r"(\w+)\((.*)\) += (-?\d+|\?)", call)
        if match is None:
            continue
        name, arguments, result = match.groups()
        paths = re.findall(r'"([^"]*)"', arguments) if name not in {n for n, _ in BY_DESCRIPTOR.values()} else []
        matches = re.findall(r"(?:\d|AT_FDCWD)<([^<>]*)>", arguments)
        path = paths[-1] if paths else (matches[0] if matches else "")
        if name == "sendfile":
            path = matches[0]
        if matches and paths and not path.startswith("/"):
            path = f"{matches[-1]}/{path}"
        if name == "openat" and not OPENING.search(arguments):
            continue
        if name in MAKING | REMOVING and result == "-1":
            continue
        if path.startswith(root) and not path.startswith(apart) and "ferrule-jobs-" not in path:
            counts[name] += 1
    return counts


@pytest.mark.parametrize("moment", ["never_built", "changed", "to_be_shipped"])
def test_it_sees_the_calls_that_strace_sees(
    strace: str, stages: Callable[[str], Stage], moment: str, tmp_path: Path
) -> None:
    stage = stages(moment)
    stage.restore()
    calls = Counter(c.name for c in stage.run(0, Fault()).calls if "ferrule-jobs-" not in c.path)
    stage.restore()
    log = tmp_path / "log"
    known = ",".join(f"?{name}" for name in NAMES)
    done = under(strace, stage, "-y", "-s", "4096", "-o", str(log), "-e", f"trace={known}", "-e", "signal=none")
    assert done.returncode == 0, done.stderr
    counts = seen(log.read_text(), f"{stage.demo.root}/", f"{stage.demo.home}/")
    assert {name: (calls[name], counts[name]) for name in {*calls, *counts} if calls[name] != counts[name]} == {}


@pytest.mark.parametrize("injection", INJECTIONS)
def test_what_strace_injects(
    strace: str,
    stages: Callable[[str], Stage],
    injection: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    stage = stages("changed")
    stage.restore()
    log, call = tmp_path / "log", injection.partition(":")[0]
    done = under(strace, stage, "-o", str(log), "-e", f"trace={call}", "-e", f"inject={injection}")
    hit = "INJECTED" in log.read_text() or "killed by SIGKILL" in log.read_text()
    run = Disturbed([], None, done.returncode, 0.0, done.stdout + done.stderr)
    problems = [] if "KILL" in injection else list(unexplained(run))
    problems += stage.lost_after(run)
    record_property(f"faults: points of strace's own {'SIGKILL' if 'KILL' in injection else 'errors'}", int(hit))
    assert hit
    assert not problems
