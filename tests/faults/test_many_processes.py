"""Eight runs at once in one tree, while somebody touches and edits its sources."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest
from injection import untrue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from injection import Stage

    from fakes.toolchain import Demo

pytestmark = pytest.mark.faults

PROCESSES = 8
EDITED = ("rust/demo-ffi/src/lib.rs", "packaging/python/src/demo/__init__.py")
CHANGED_MEANWHILE = "a source changed while this was built"


class Hand:
    """Somebody at the keyboard: touches all sources, and in some rounds saves other contents."""

    def __init__(self, demo: Demo, texts: list[dict[str, str]]) -> None:
        self.demo = demo
        self.texts = texts
        self.saved = 0
        self._done = threading.Event()

    def save(self, version: int) -> None:
        """As an editor does: written aside and renamed."""
        self.saved = version
        for name, text in self.texts[version].items():
            path = self.demo.project / name
            aside = self.demo.root / f"{path.name}.saved"
            aside.write_text(text)
            aside.replace(path)

    def work(self, *, edits: bool) -> None:
        count = 0
        while not self._done.wait(0.02):
            count += 1
            for path in (self.demo.project / "rust").rglob("*.rs"):
                os.utime(path)
            if edits and count % 12 == 0:
                self.save(1 - self.saved)

    def at_work(self, *, edits: bool) -> threading.Thread:
        self._done.clear()
        thread = threading.Thread(target=self.work, kwargs={"edits": edits})
        thread.start()
        return thread

    def stop(self, thread: threading.Thread) -> None:
        self._done.set()
        thread.join()


def versions(demo: Demo) -> list[dict[str, str]]:
    first = {name: (demo.project / name).read_text() for name in EDITED}
    more = {".rs": "fn another() {}\n", ".py": "# another\n"}
    return [first, {name: text + more[name[-3:]] for name, text in first.items()}]


def crowd(demo: Demo) -> list[str]:
    """Eight runs at once: each is a success, or says that a source changed meanwhile."""
    runs = [demo.start("release") for _ in range(PROCESSES)]
    ends = [(run.communicate(timeout=300), run.returncode) for run in runs]
    return [
        f"ended with {code}: {(out + err)[-1500:]}"
        for (out, err), code in ends
        if "Traceback" in err or not (code == 0 or (code == 5 and CHANGED_MEANWHILE in out + err))
    ]


def survive(stage: Stage, rounds: int, record: Callable[[str, object], None]) -> None:
    stage.restore()
    demo = stage.demo
    hand = Hand(demo, versions(demo))
    expected = []
    for version in (0, 1):
        hand.save(version)
        assert demo.ferrule("release", "--quiet").returncode == 0
        expected.append(demo.files())
    assert expected[0] != expected[1]
    problems: list[str] = []
    for number in range(rounds):
        thread = hand.at_work(edits=number % 2 == 1)
        try:
            problems += crowd(demo)
        finally:
            hand.stop(thread)
        files = demo.files()
        if "manifest.json" in files:
            problems += untrue(files)
        if demo.ferrule("release", "--quiet").returncode or demo.files() != expected[hand.saved]:
            problems.append(f"round {number}: the run after it did not give what is saved")
    record("faults: rounds of eight runs at once", rounds)
    record("faults: lost to a crowd", len(problems))
    assert not problems, "\n".join(problems)


def test_some_rounds(stages: Callable[[str], Stage], record_property: Callable[[str, object], None]) -> None:
    survive(stages("standing"), 4, record_property)


@pytest.mark.thorough
def test_fifty_rounds(stages: Callable[[str], Stage], record_property: Callable[[str, object], None]) -> None:
    survive(stages("standing"), 50, record_property)


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_a_change_while_a_run_ends_is_built_by_the_next_one(stages: Callable[[str], Stage], delay: float) -> None:
    """Between the last look at the sources and the record of what stands: that change was never built."""
    stage = stages("never_built")
    stage.restore()
    demo = stage.demo
    process = demo.start("release", "--quiet")
    manifest = demo.dist / "manifest.json"
    until = time.monotonic() + 60
    while not manifest.exists() and time.monotonic() < until:
        time.sleep(0.0005)
    time.sleep(delay)
    append(demo.project / EDITED[1], "# changed at the last moment\n")
    process.communicate()
    before = demo.files()
    assert demo.ferrule("release", "--quiet").returncode == 0
    changed = {name for name, content in demo.files().items() if before[name] != content}
    assert any(name.endswith(".whl") for name in changed)


def append(path: Path, text: str) -> None:
    with path.open("a") as stream:
        stream.write(text)
