"""A build backend that builds nothing: it gives the one finished wheel that lies beside it (PEP 517)."""

from __future__ import annotations

import shutil
from pathlib import Path

HERE = Path(__file__).parent


def build_wheel(wheel_directory: str, _settings: object = None, _metadata: object = None) -> str:
    """Copy the wheel as it is."""
    (wheel,) = HERE.glob("*.whl")
    shutil.copy(wheel, wheel_directory)
    return wheel.name
