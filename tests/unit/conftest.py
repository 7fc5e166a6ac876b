"""What unit tests of several rooms share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with pretended programs, in a folder of the test's own."""
    return Machine(tmp_path)
