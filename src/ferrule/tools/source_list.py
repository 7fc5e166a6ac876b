"""Which files of a project are sources: those that Git would publish, or, without Git, those that no .gitignore names.

Git is asked once for a whole project; without Git the ignore files are read, as hatchling and npm do.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Final

from ferrule.core.ignore_files import IgnoreFiles
from ferrule.core.safe_files import FILE, MANIFEST, STATE
from ferrule.tools import git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ferrule.tools.host import Host

# Never a source, even if somebody added it: version control, and our own results.
_NEVER: Final = frozenset({".git", ".hg", ".jj", ".svn", STATE})
# What checkers, test runners and virtual environments leave behind: no source unless it is tracked.
_LEFT_BEHIND: Final = frozenset(
    {".nox", ".tox", ".venv", "__pycache__", ".DS_Store"}
    | {".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
_OUTPUT: Final = "dist"
_CACHE_TAG: Final = "CACHEDIR.TAG"
"""Marks a folder that can be made again (Cache Directory Tagging Specification), such as Cargo's target folders."""


def source_names(root: Path, host: Host) -> tuple[str, ...]:
    """Names, relative to the project, of all source files and links, sorted.

    A project that Git does not know, or that lies in a folder which Git ignores, is read as one without Git. The name
    of a submodule that is not checked out is listed too.
    """
    listed = git.listing(root, host)
    if FILE not in listed.tracked and FILE not in listed.untracked:
        listed = git.Listing((), tuple(_walked(root)))
    return _sources(listed)


def has_untracked(root: Path, host: Host, sources: Iterable[str]) -> bool:
    """Whether one of these sources, or a file below one, is in no commit: Git neither tracks nor ignores it."""
    listed = git.listing(root, host)
    names = set(_sources(listed)) - set(listed.tracked)
    folders = {source.rstrip("/") for source in sources}
    whole = bool(folders & {"", "."})
    return any(whole or name in folders or any(name.startswith(f"{folder}/") for folder in folders) for name in names)


def _sources(listed: git.Listing) -> tuple[str, ...]:
    generated = _generated_folders(listed)
    written = (name for name in listed.untracked if not _is_generated(name, generated))
    return tuple(sorted(name for name in {*listed.tracked, *written} if _NEVER.isdisjoint(name.split("/"))))


def _generated_folders(listed: git.Listing) -> frozenset[str]:
    """Folders whose untracked files are results: caches, Cargo's target folder beside a lock file, and releases."""
    untracked = frozenset(listed.untracked)
    generated = {_OUTPUT}
    for name in (*listed.tracked, *untracked):
        folder, _, file = name.rpartition("/")
        if file == "Cargo.lock":
            generated.add(posixpath.join(folder, "target"))
        elif name in untracked and (
            file == _CACHE_TAG or (file == MANIFEST and posixpath.join(folder, "SHA256SUMS") in untracked)
        ):
            generated.add(folder)
    return frozenset(generated - {""})


def _is_generated(name: str, generated: frozenset[str]) -> bool:
    parts = name.split("/")
    folders = ("/".join(parts[:end]) for end in range(1, len(parts)))
    return _is_secret(parts[-1]) or not _LEFT_BEHIND.isdisjoint(parts) or not generated.isdisjoint(folders)


def _is_secret(file: str) -> bool:
    """Whether a file holds settings of one machine by convention, secrets among them; `.env.example` is for everybody.

    >>> [_is_secret(name) for name in (".env", ".env.local", ".env.example", "env")]
    [True, True, False, False]
    """
    return file == ".env" or (file.startswith(".env.") and not file.endswith((".example", ".sample", ".template")))


def _walked(root: Path) -> Iterator[str]:
    """All files and links that no .gitignore of the project names. Folders that are ignored are not entered."""
    ignored = IgnoreFiles()
    for folder, folders, files in os.walk(root):
        prefix = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if prefix == "." else f"{prefix}/"
        if _CACHE_TAG in files:
            folders.clear()
            continue
        if ".gitignore" in files and not os.path.islink(f"{folder}/.gitignore"):  # noqa: PTH114 - Git reads no link
            with open(f"{folder}/.gitignore", encoding="utf-8", errors="surrogateescape") as stream:  # noqa: PTH123
                ignored.read(prefix, stream)
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114 - a Path costs more
        never = {*_NEVER, *_LEFT_BEHIND, *links}
        folders[:] = [name for name in folders if name not in never and not ignored.ignore(f"{prefix}{name}/")]
        yield from (f"{prefix}{name}" for name in (*files, *links) if not ignored.ignore(f"{prefix}{name}"))
