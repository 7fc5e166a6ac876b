"""Ignore files (.gitignore, .npmignore) of a folder: which names they leave out, as gitignore(5) says.

The patterns are read by pathspec, the library that hatchling and mypy read them with.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pathspec import GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class IgnoreFiles:
    """Ignore files by the folder that each holds for: empty for the uppermost, else with a slash at its end."""

    specs: dict[str, GitIgnoreSpec] = field(default_factory=dict)

    def read(self, folder: str, lines: Iterable[str]) -> None:
        """Take over the lines of a folder's ignore file."""
        from pathspec import GitIgnoreSpec  # noqa: PLC0415 - 10 ms, and most projects have Git

        self.specs[folder] = GitIgnoreSpec.from_lines(lines)

    def ignore(self, name: str) -> bool:
        """Whether a file, or a folder with a slash at its end, is left out: the nearest ignore file that names it says.

        >>> files = IgnoreFiles()
        >>> files.read("", ["*.log", "/top"])
        >>> files.read("a/", ["!kept.log"])
        >>> [files.ignore(name) for name in ("a/x.log", "a/kept.log", "kept.log", "top/", "a/top/")]
        [True, False, True, True, False]
        """
        for folder in _folders(name):
            if folder in self.specs:
                verdict = self.specs[folder].check_file(name.removeprefix(folder)).include
                if verdict is not None:
                    return verdict
        return False

    def ignore_any(self, name: str) -> bool:
        """Whether a file or one of the folders it lies in is left out; what is below such a folder never comes back."""
        return any(self.ignore(folder) for folder in reversed([*_folders(name)][:-1])) or self.ignore(name)


def _folders(name: str) -> Iterator[str]:
    """The folders that hold a name, nearest first, each with its slash; the last is the uppermost, which is empty."""
    parts = name.rstrip("/").split("/")[:-1]
    return ("".join(f"{part}/" for part in parts[:end]) for end in range(len(parts), -1, -1))
