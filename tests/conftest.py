"""What tests of every folder may ask for."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import Demo, lay_out
from machine_fault import stop_at_machine_fault
from sessions import InOneWorker, closing, say_at_end

if TYPE_CHECKING:
    from collections.abc import Generator

    from xdist.remote import Producer
    from xdist.workermanage import WorkerController


# A shell's background job ignores Ctrl-C, and so would every program started from here; the tests interrupt some.
signal.signal(signal.SIGINT, signal.default_int_handler)


# What is tested is to be made by the code that is tested, and not to come from another checkout.
os.environ["FERRULE_MACHINE_CACHE"] = "off"  # noqa: TID251 - programs that tests start inherit it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-screens", action="store_true", help="write tests/golden/screens anew")
    parser.addoption("--table", type=Path, help="write the table that a session ends in to this file")
    parser.addoption("--released", type=Path, help="take this finished release instead of making one")


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """A project of every kind, with pretended compilers."""
    return lay_out(tmp_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Stop at the first test that this machine lacks a tool for."""
    report = yield
    stop_at_machine_fault(item, call, report)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what a worker has to say to the one that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["closing"] = closing(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Take what a worker had to say."""
    for text in getattr(node, "workeroutput", {}).get("closing", ()):
        say_at_end(node.config, lambda text=text: text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print it."""
    for text in closing(config):
        terminalreporter.write_line(text)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> InOneWorker | None:
    """Share out the tests by file (`--dist loadfile`), but for those of some folders."""
    return InOneWorker(config, log) if config.getoption("dist") == "loadfile" else None
