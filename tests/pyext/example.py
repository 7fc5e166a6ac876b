"""The example of packaging/pyext as the project that it is: laid out beside the crates."""

from __future__ import annotations

import shutil
from pathlib import Path

from ferrule.engine.sources import files_below

CHECKOUT = Path(__file__).resolve().parents[2]

PARTS = ("LICENSE", "rust", "packaging/pyext")


def lay_out(project: Path) -> Path:
    """The example's project: what it reads of this checkout, and its targets.yaml at the top."""
    for part in PARTS:
        for name, path in files_below(CHECKOUT, part):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, project / name)
    shutil.copy(project / "packaging" / "pyext" / "targets.yaml", project)
    return project
