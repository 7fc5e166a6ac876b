"""What C and C++ headers are called, and where they are: in dist/, in an SDK, and where they are compiled."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER: Final = "include"
"""The folder of headers in an SDK and in dist/, and the name of the output where they are several."""
C_SUFFIXES: Final = (".h",)
SUFFIXES: Final = (*C_SUFFIXES, ".hpp", ".hh", ".hxx", ".h++")
"""By which names headers are compiled; what has another one is packed, and included by these."""


def lay_out(files: Mapping[str, Path], folder: Path) -> tuple[str, ...]:
    """Copy the outputs of a header action into `folder/include`, and return their names there, sorted."""
    names = {name.removeprefix(f"{FOLDER}/"): path for name, path in files.items()}
    for name, path in names.items():
        target = folder / FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return tuple(sorted(names))
