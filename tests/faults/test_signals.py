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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakes.toolchain import Demo

pytestmark = pytest.mark.faults

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
INTERRUPTED = 130
SOON_SECONDS = 2.0


def lost(stage: Stage, name: str, point: int) -> Iterator[str]:
    """What a signal costs that arrives when the run, or a program of its, changes a file for the `point`th time."""
    run = stage.meet(point, Fault("signal", signal=signal.Signals[name]))
    problems = [problem for problem in unexplained(run) if not problem.startswith("exit code")]
    if run.code != INTERRUPTED or "interrupted; what was finished is kept" not in run.out:
        problems.append(f"it ended with {run.code}: {run.out[-1500:]}")
    if run.gone > SOON_SECONDS:
        problems.append(f"its programs were there for {run.gone:.1f} s")
    problems += stage.lost_after(run)
    yield from (f"{name} at {point} ({run.hit}): {problem}" for problem in problems)


def survive(stage: Stage, name: str, share: list[float], record: Callable[[str, object], None]) -> None:
    stage.restore()
    number = len(stage.run(0, Fault()).calls)
    problems = [problem for part in share for problem in lost(stage, name, max(1, round(number * part)))]
    record(f"faults: points of {name}", len(share))
    record("faults: lost after a signal", len(problems))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_at_some_calls(
    stages: Callable[[str], Stage], name: str, record_property: Callable[[str, object], None]
) -> None:
    survive(stages("never_built"), name, [0.1 + 0.3 * SIGNALS.index(name)], record_property)


@pytest.mark.thorough
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_at_calls_all_over_a_run(
    stages: Callable[[str], Stage], name: str, record_property: Callable[[str, object], None]
) -> None:
    survive(stages("never_built"), name, [part / 16 for part in range(1, 17)], record_property)


def programs(demo: Demo) -> list[int]:
    """The pretended programs of a project that are running."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = place.read_bytes().split(b"\0")
            if str(demo.home).encode() in words:
                found.append(int(place.parent.name))
    return found


def wait_until(what: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.01)


def interrupted_while_programs_work(stage: Stage, name: str, *, jobs: int, stubborn: bool, later: float) -> list[str]:
    stage.restore()
    demo = stage.demo
    (demo.home / "seconds").write_text("60")
    if stubborn:
        (demo.home / "stubborn").touch()
    before = len(demo.calls)
    process = demo.start("release", "-j", str(jobs))
    wait_until(lambda: any(" rustc " in call for call in demo.calls[before:]))
    time.sleep(later)
    at_work = bool(programs(demo))
    began = time.monotonic()
    process.send_signal(signal.Signals[name])
    out = "".join(process.communicate(timeout=60))
    wait_until(lambda: not programs(demo))
    took = time.monotonic() - began
    for file in ("seconds", "stubborn"):
        (demo.home / file).unlink(missing_ok=True)
    problems = [] if at_work else ["no program was at work"]
    if process.returncode != INTERRUPTED or "Traceback" in out:
        problems.append(f"it ended with {process.returncode}: {out[-1500:]}")
    if took > SOON_SECONDS:
        problems.append(f"its programs were there for {took:.1f} s")
    if demo.dist.exists() or demo.ferrule(*stage.arguments).returncode or demo.files() != stage.expected:
        problems.append("the next run gave something else")
    return problems


@pytest.mark.parametrize("name", SIGNALS)
def test_programs_that_work_end_even_if_they_do_not_want_to(
    stages: Callable[[str], Stage], name: str, record_property: Callable[[str, object], None]
) -> None:
    stage = stages("never_built")
    problems = interrupted_while_programs_work(stage, name, jobs=2, stubborn=name == "SIGTERM", later=0.1)
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
    )


def test_a_second_signal_changes_nothing(stages: Callable[[str], Stage]) -> None:
    stage = stages("never_built")
    stage.restore()
    demo = stage.demo
    (demo.home / "seconds").write_text("60")
    (demo.home / "stubborn").touch()
    before = len(demo.calls)
    process = demo.start("release")
    wait_until(lambda: any(" rustc " in call for call in demo.calls[before:]))
    for name in ("SIGINT", "SIGINT", "SIGTERM", "SIGHUP"):
        process.send_signal(signal.Signals[name])
        time.sleep(0.2)
    _, err = process.communicate(timeout=60)
    for file in ("seconds", "stubborn"):
        (demo.home / file).unlink()
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in err
    assert not programs(demo)


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
    (demo.home / "seconds").write_text("0.6")
    before = len(demo.calls)
    process = demo.start("release", "-j", "4")
    wait_until(lambda: any(" rustc " in call for call in demo.calls[before:]))
    process.kill()
    process.communicate()
    assert programs(demo)
    done = demo.ferrule(*stage.arguments)
    (demo.home / "seconds").unlink()
    assert done.returncode == 0, done.stderr
    assert demo.files() == stage.expected
