from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for machine.py, which tests of the doctor and of faults use too

from machine import Machine


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)
