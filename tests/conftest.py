"""What tests of every folder may ask for."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import Demo, lay_out

if TYPE_CHECKING:
    from pathlib import Path


# A shell's background job ignores Ctrl-C, and so would every program started from here; the tests interrupt some.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """A project of every kind, with pretended compilers."""
    return lay_out(tmp_path)
