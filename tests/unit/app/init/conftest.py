"""What the tests of init share."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from ferrule.tools.host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A machine with this one's git and nothing else."""
    path = (Path(shutil.which("git") or "git").parent,)
    return Host(
        path, {}, tmp_path / "cache", "Linux", "x86_64", is_root=False, offline=True, python=Path(sys.executable)
    )
