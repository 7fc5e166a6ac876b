"""Where a project keeps what Ferrule reads and writes: names that many rooms share."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ferrule.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "targets.yaml"

STATE: Final = ".ferrule"
"""Folder of the project for everything that may be deleted: results, work in progress, Cargo's target folders."""

MANIFEST: Final = "manifest.json"

REPORT: Final = "report.html"
"""The page about a release. It tells times, so it is no part of the release: neither manifest nor checksums name it."""


def find_project(start: Path) -> Path:
    """The nearest folder, from `start` upwards, that holds targets.yaml; raises ConfigError."""
    folder = start.absolute()
    for candidate in (folder, *folder.parents):
        with suppress(OSError):  # a folder that may not be looked into holds nothing for us
            if (candidate / FILE).exists():
                return candidate
    raise ConfigError(
        f"there is no {FILE} here or in any folder above",
        where=str(start),
        hint=f"write a {FILE} at the root of the project; docs/targets.md has a first example",
    )
