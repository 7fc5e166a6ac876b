"""The example of packaging/pyext as the project that it is: laid out beside the crates, for one machine."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import standin
from judges import CHECKOUT
from released import HOST

from ferrule.engine.sources import files_below

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("LICENSE", "rust", "packaging/pyext")


def lay_out(project: Path) -> Path:
    """The example's project: what it reads of this checkout, and its targets.yaml at the top."""
    for part in PARTS:
        for name, path in files_below(CHECKOUT, part):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, project / name)
    shutil.copy(project / "packaging" / "pyext" / "targets.yaml", project)
    return project


def narrow(project: Path, image: str | None) -> Path:
    """Leave this machine's target, with the stand-in and its floor where there is one."""
    path = project / "targets.yaml"
    text = re.sub(rf"^  (?!{HOST})\w+-\w+-[\w-]+: .*\n", "", path.read_text(), flags=re.MULTILINE)
    if image:
        text = text.replace('glibc: "2.17"', f'glibc: "{standin.GLIBC}"')
        text = text.replace("reads: [rust]", f'reads: [rust], image: "{image}"')
    path.write_text(text)
    return project
