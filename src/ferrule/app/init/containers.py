"""Dockerfiles and Containerfiles: named, because an image of a release is described in another way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.app.init.findings import Finding, Uncovered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.project_files import ProjectFiles

_NAME: Final = re.compile(r"(?:Dockerfile|Containerfile)(?:[.-][\w.-]+)?|[\w.-]+\.(?:Dockerfile|dockerfile)")
_FROM: Final = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE | re.MULTILINE)


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Every recipe of an image, with its base."""
    names = {n.rpartition("/")[2] for n in files.names}
    for name in files.called(*(n for n in names if _NAME.fullmatch(n))):
        text = files.source(name).decode("utf-8", "replace")
        bases = list(_FROM.finditer(text))
        line = text.count("\n", 0, bases[-1].start(1)) + 1 if bases else 1
        base = f" on {bases[-1][1]}" if bases else ""
        reason = (
            "Ferrule makes images without a Dockerfile: list its packages in a file, run ferrule lock on that, "
            "and write an artifact of kind image (docs/how-to/containers.md)"
        )
        yield Uncovered(f"{name}:{line}:1", f"the image{base}", reason)
