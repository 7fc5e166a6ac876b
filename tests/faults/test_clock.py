"""A clock that is ten years off, in either direction: the same bytes, and changes are seen as ever."""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - the command line is what is tested
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from injection import Stage

    from fakes.toolchain import Demo

pytestmark = pytest.mark.faults

TEN_YEARS = 10 * 365 * 86_400
SOURCE = Path("packaging") / "python" / "src" / "demo" / "__init__.py"


@pytest.mark.parametrize("seconds", [-TEN_YEARS, TEN_YEARS])
def test_files_from_the_past_and_from_the_future(
    stages: Callable[[str], Stage], seconds: int, record_property: Callable[[str, object], None]
) -> None:
    stage = stages("never_built")
    stage.restore()
    demo, then = stage.demo, time.time() + seconds  # noqa: TID251 - it is what is turned
    for path in demo.project.rglob("*"):
        os.utime(path, (then, then))
    assert demo.ferrule("release", "--quiet").returncode == 0
    assert demo.files() == stage.expected
    source = demo.project / SOURCE
    source.write_text(source.read_text() + "# changed\n")
    os.utime(source, (then, then))
    assert demo.ferrule("release", "--quiet").returncode == 0
    assert demo.files() != stage.expected
    record_property("faults: runs with a clock ten years off", 2)


@pytest.fixture(scope="session")
def faketime() -> str:
    """A program that turns the clock for another one; installed where that is allowed."""
    from judges import program, provision  # noqa: PLC0415

    provision({"faketime": ("faketime",)})
    return program("faketime")


def at(faketime: str, demo: Demo, offset: str, *, files_too: bool) -> subprocess.CompletedProcess[str]:
    """A release under another clock, which files share, or, as over a network, do not."""
    environment = demo.environment | ({} if files_too else {"NO_FAKE_STAT": "1"})
    command = [faketime, "-f", offset, sys.executable, "-m", "ferrule", "release"]
    return subprocess.run(
        command, cwd=demo.project, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.thorough
@pytest.mark.parametrize("files_too", [True, False])
@pytest.mark.parametrize("offset", ["+10y", "-10y"])
def test_the_clock_is_turned_between_runs(
    stages: Callable[[str], Stage],
    faketime: str,
    offset: str,
    files_too: bool,
    record_property: Callable[[str, object], None],
) -> None:
    stage = stages("never_built")
    stage.restore()
    demo = stage.demo
    source = demo.project / SOURCE
    text = source.read_text()
    runs = 0
    for moment in (offset, "+0", offset, {"+10y": "-10y"}.get(offset, "+10y")):
        for content in (text, f"{text}# changed\n", text):
            source.write_text(content)
            done = at(faketime, demo, moment, files_too=files_too)
            assert done.returncode == 0, done.stderr
            assert (demo.files() == stage.expected) == (content == text)
            runs += 1
    shutil.rmtree(demo.dist)
    assert at(faketime, demo, offset, files_too=files_too).returncode == 0
    assert demo.files() == stage.expected
    record_property("faults: runs with a clock ten years off", runs + 1)
