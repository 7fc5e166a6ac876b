"""The example of packaging/pyext as the project that it is: laid out beside the crates."""

from __future__ import annotations

import shutil
from pathlib import Path

from ferrule.cli.environment import host
from ferrule.tools import git

CHECKOUT = Path(__file__).resolve().parents[2]

PARTS = ("LICENSE", "rust/", "packaging/pyext/")


def lay_out(project: Path) -> Path:
    """The example's project: what it reads of this checkout, and its targets.yaml at the top."""
    names = git.listing(CHECKOUT, host(offline=True)).tracked
    for name in names:
        if name.startswith(PARTS):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, project / name, follow_symlinks=False)
    shutil.copy(project / "packaging" / "pyext" / "targets.yaml", project)
    return project
