"""Ctrl-C, a terminal that closes, a machine that shuts down: all programs end, and the next run goes on from there."""

from __future__ import annotations

import signal
import subprocess  # noqa: TID251 - a run in front of which a shell stands
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from injection import Fault, Stage, unexplained

from fakes.toolchain import PATIENCE_SECONDS, hear_signals, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakes.toolchain import Demo

pytestmark = pytest.mark.faults

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
INTERRUPTED = 130
SOON_SECONDS = 2.0
SLOWER = 3  # a machine that does much else besides; the session measures what is promised


def lost(stage: Stage, name: str, point: int, soon: float) -> Iterator[str]:
    """What a signal costs that arrives when the run, or a program of its, changes a file for the `point`th time."""
    run = stage.meet(point, Fault("signal", signal=signal.Signals[name]))
    problems = [problem for problem in unexplained(run) if not problem.startswith("exit code")]
    if run.code != INTERRUPTED or "interrupted; what was finished is kept" not in run.out:
        problems.append(f"it ended with {run.code}: {run.out[-1500:]}")
    if run.gone > soon:
        problems.append(f"its programs were there for {run.gone:.1f} s")
    problems += stage.lost_after(run)
    yield from (f"{name} at {point} ({run.hit}): {problem}" for problem in problems)


def survive(
    stage: Stage, name: str, share: list[float], record: Callable[[str, object], None], *, soon: float = SOON_SECONDS
) -> None:
    stage.restore()
    number = len(stage.run(0, Fault()).calls)
    problems = [problem for part in share for problem in lost(stage, name, max(1, round(number * part)), soon)]
    record(f"faults: points of {name}", len(share))
    record("faults: lost after a signal", len(problems))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_at_some_calls(
    stages: Callable[[str], Stage], name: str, record_property: Callable[[str, object], None]
) -> None:
    share = [0.1 + 0.3 * SIGNALS.index(name)]
    survive(stages("never_built"), name, share, record_property, soon=SLOWER * SOON_SECONDS)


@pytest.mark.thorough
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_at_calls_all_over_a_run(
    stages: Callable[[str], Stage], name: str, record_property: Callable[[str, object], None]
) -> None:
    survive(stages("never_built"), name, [part / 16 for part in range(1, 17)], record_property)


def programs(demo: Demo) -> list[int]:
    """The pretended programs of a project that are running."""
    result = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if str(demo.home).encode() in words:
                result.append(int(path.parent.name))
    return result


def interrupted_while_programs_work(
    stage: Stage, name: str, *, jobs: int, stubborn: bool, later: float = 0.0, soon: float = SOON_SECONDS
) -> list[str]:
    stage.restore()
    demo = stage.demo
    if stubborn:
        (demo.home / "stubborn").touch()
    before = len(demo.calls)
    with demo.held():
        process = demo.start("release", "-j", str(jobs))
        demo.await_call(" rustc ", before)
        time.sleep(later)
        at_work = bool(programs(demo))
        began = time.monotonic()
        process.send_signal(signal.Signals[name])
        out = "".join(process.communicate(timeout=PATIENCE_SECONDS))
        wait_until(lambda: not programs(demo), "programs to end")
        took = time.monotonic() - began
    (demo.home / "stubborn").unlink(missing_ok=True)
    problems = [] if at_work else ["no program was at work"]
    if process.returncode != INTERRUPTED or "Traceback" in out:
        problems.append(f"it ended with {process.returncode}: {out[-1500:]}")
    if took > soon:
        problems.append(f"its programs were there for {took:.1f} s")
    if demo.dist.exists() or demo.ferrule(*stage.arguments).returncode or demo.files() != stage.expected:
        problems.append("the next run gave something else")
    return problems


@pytest.mark.parametrize("name", SIGNALS)
def test_programs_that_work_end_even_if_they_do_not_want_to(
    stages: Callable[[str], Stage], name: str, record_property: Callable[[str, object], None]
) -> None:
    stage = stages("never_built")
    stubborn = name == "SIGTERM"
    problems = interrupted_while_programs_work(stage, name, jobs=2, stubborn=stubborn, soon=SLOWER * SOON_SECONDS)
    record_property(f"faults: points of {name}", 1)
    assert not problems


@pytest.mark.thorough
@pytest.mark.parametrize("name", SIGNALS)
def test_programs_that_work_end_at_any_moment(
    stages: Callable[[str], Stage], name: str, record_property: Callable[[str, object], None]
) -> None:
    stage = stages("never_built")
    cases = [(1, False, 0.0), (4, True, 0.0), (1, True, 0.3), (4, False, 0.6)]
    problems = [
        problem
        for jobs, stubborn, later in cases
        for problem in interrupted_while_programs_work(stage, name, jobs=jobs, stubborn=stubborn, later=later)
    ]
    record_property(f"faults: points of {name}", len(cases))
    record_property("faults: lost after a signal", len(problems))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_while_the_program_is_still_being_loaded(stages: Callable[[str], Stage], name: str) -> None:
    stage = stages("never_built")
    stage.restore()
    hook = (
        "import os, signal, sys\n"
        "class Find:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == 'click': os.kill(os.getpid(), signal.{name})\n"
        "sys.meta_path.insert(0, Find())\n"
        "from ferrule.__main__ import main\n"
        "main()\n"
    )
    done = started_with(stage.demo, hook)
    assert done.returncode == INTERRUPTED
    assert done.stderr.strip() == "interrupted; what was finished is kept, and the next run goes on from there"


def started_with(demo: Demo, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, "release"],
        cwd=demo.project,
        env=demo.environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=hear_signals,
    )


def test_a_second_signal_changes_nothing(stages: Callable[[str], Stage]) -> None:
    stage = stages("never_built")
    stage.restore()
    demo = stage.demo
    (demo.home / "stubborn").touch()
    before = len(demo.calls)
    with demo.held():
        process = demo.start("release")
        demo.await_call(" rustc ", before)
        for name in ("SIGINT", "SIGINT", "SIGTERM", "SIGHUP"):
            process.send_signal(signal.Signals[name])
            time.sleep(0.2)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
        wait_until(lambda: not programs(demo), "programs to end")
    (demo.home / "stubborn").unlink()
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in err


def test_a_second_signal_while_the_program_leaves_changes_nothing(stages: Callable[[str], Stage]) -> None:
    """Python gives signals their defaults back when it ends, and what it clears away last may take a while."""
    stage = stages("never_built")
    stage.restore()
    late = (
        "import os, signal, sys\n"
        "class Last:\n"
        "    def __init__(self): self.kill, self.me = os.kill, os.getpid()\n"
        "    def __del__(self): self.kill(self.me, 2)\n"
        "class Find:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Find())\n"
        "sys.last_thing = Last()\n"
        "from ferrule.__main__ import main\n"
        "main()\n"
    )
    assert started_with(stage.demo, late).returncode == INTERRUPTED


def test_what_nohup_ignores_stays_ignored(stages: Callable[[str], Stage]) -> None:
    stage = stages("to_be_shipped")
    stage.restore()
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'trap "" HUP; echo ignored; exec "$0" -m ferrule release', sys.executable],
        cwd=stage.demo.project,
        env=stage.demo.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ignored\n"  # a signal before this one kills the shell, as it should
    for _ in range(20):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.02)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert stage.demo.files() == stage.expected


def test_programs_that_outlive_a_killed_run_harm_nothing(stages: Callable[[str], Stage]) -> None:
    """The run is killed and its compilers are not: they go on writing while the next run works."""
    stage = stages("never_built")
    stage.restore()
    demo = stage.demo
    before = len(demo.calls)
    with demo.held():
        process = demo.start("release", "-j", "4")
        demo.await_call(" rustc ", before)
        process.kill()
        process.communicate()
        assert programs(demo)
        before = len(demo.calls)
        again = demo.start(*stage.arguments)
        demo.await_call(" rustc ", before)
    _, err = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 0, err
    assert demo.files() == stage.expected
