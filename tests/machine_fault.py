"""Something that this machine lacks: it stops the tests once, with what to do, instead of failing each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


class MachineFaultError(Exception):
    """A tool that tests need is not on this machine; the message names it and what brings it."""


def stop_at_machine_fault(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Make the report of a test that met such a fault its sentence, and run no other test."""
    if call.excinfo is not None and isinstance(call.excinfo.value, MachineFaultError):
        report.longrepr = str(call.excinfo.value)
        item.session.shouldfail = "this machine lacks what these tests need"
