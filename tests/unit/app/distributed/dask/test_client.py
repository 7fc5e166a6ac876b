"""Answers of workers, as they are told here."""

from __future__ import annotations

from pathlib import Path

from ferrule.app.distributed.dask.client import _at_home
from ferrule.app.distributed.dask.worker import WorkerAnswer
from ferrule.core.errors import BuildError
from ferrule.tools.run import Captured, ToolFailed

HERE, THERE = Path("/here/log"), "/there/log"


def failed(log: Path | None) -> ToolFailed:
    return ToolFailed("it fails", command="x", code=1, captured=Captured("", ""), log=log)


def test_a_log_of_a_worker_is_where_it_lies_here() -> None:
    error = failed(Path(THERE))
    assert _at_home(WorkerAnswer(error=error, log_at=THERE), HERE) is error
    assert error.log == HERE
    assert error.hint == f"all of it, and the command, is in {HERE}"


def test_a_failure_without_a_log_gets_none() -> None:
    error = failed(None)
    assert _at_home(WorkerAnswer(error=error, log_at=THERE), HERE) is error
    assert error.log is None
    other = BuildError("it fails")
    assert _at_home(WorkerAnswer(error=other, log_at=THERE), HERE) is other
    assert not hasattr(other, "log")
