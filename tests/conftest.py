"""What tests of every folder may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import Demo, lay_out

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """A project of every kind, with pretended compilers."""
    return lay_out(tmp_path)
