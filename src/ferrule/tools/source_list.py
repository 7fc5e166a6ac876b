"""Which files of a project are sources: those that Git would publish, or, without Git, those that no .gitignore names.

Git is asked once for a whole project; without Git the ignore files are read, as hatchling and npm do.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError
from ferrule.core.ignore_files import IgnoreFiles
from ferrule.core.safe_files import FILE, MANIFEST, STATE, open_regular
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
_LARGEST_ATTRIBUTES: Final = 1 << 20
_STAND_INS: Final = {
    b"filter=lfs": (b"version https://git-lfs.github.com/spec/", "git lfs install && git lfs pull"),
    b"filter=git-crypt": (b"\0GITCRYPT\0", "git-crypt unlock"),
}
"""What begins a file that stands for another, by the filter of .gitattributes that leaves it there, and what helps."""
_CACHE_TAG: Final = "CACHEDIR.TAG"
"""Marks a folder that can be made again (Cache Directory Tagging Specification), such as Cargo's target folders."""


def source_names(root: Path, host: Host) -> tuple[str, ...]:
    """Names, relative to the project, of all source files and links, sorted.

    A project that Git does not know, or that lies in a folder which Git ignores, is read as one without Git. The name
    of a submodule that is not checked out is listed too. Raises BuildError where a file of the commit is not there, or
    something else stands for it.
    """
    listed = git.listing(root, host)
    if FILE not in listed.tracked and FILE not in listed.untracked:
        listed = git.Listing((), tuple(_walked(root)))
    _refuse_absent(root, listed)
    _refuse_stand_ins(root, listed)
    return _sources(listed)


def _refuse_absent(root: Path, listed: git.Listing) -> None:
    """Refuse a sparse checkout that leaves files of the project out: they would be missing in what is released."""
    for name in listed.unwatched:
        if not os.path.lexists(os.path.join(root, name)):  # noqa: PTH118 - a Path costs more than the call
            raise BuildError(
                "this file of the commit is not checked out, so a release would lack it",
                where=name,
                hint="git sparse-checkout disable",
            )


def _refuse_stand_ins(root: Path, listed: git.Listing) -> None:
    """Refuse files whose content is elsewhere, or is encrypted: what ships would be a stand-in for it."""
    attributes = (name for name in listed.tracked if name.rpartition("/")[2] == ".gitattributes")
    text = b"".join(_beginning(root, name, _LARGEST_ATTRIBUTES) for name in attributes)
    signs = {sign: hint for filter_, (sign, hint) in _STAND_INS.items() if filter_ in text}
    for name in listed.tracked if signs else ():
        beginning = _beginning(root, name, max(map(len, signs)))
        for sign, hint in signs.items():
            if beginning.startswith(sign):
                raise BuildError("this is not the file itself, but what Git keeps in its place", where=name, hint=hint)


def _beginning(root: Path, name: str, size: int) -> bytes:
    try:
        with open_regular(root / name) as stream:
            return stream.read(size)
    except OSError:  # deleted, a link, or a submodule
        return b""


def has_untracked(root: Path, host: Host, sources: Iterable[str]) -> bool:
    """Whether one of these sources, or a file below one, may be in no commit.

    Git does not track it, or was asked not to look whether it changed. Of files that Git ignores only those count that
    are named themselves, such as a lock file, and Rust: what else lies there is seldom compiled. A project in a folder
    that Git ignores is in no commit at all, and Git fails to list it (2.39, `ls-files --directory` in such a folder).
    """
    listed = git.listing(root, host)
    if not listed.tracked and not listed.untracked:
        return True
    names = (set(_sources(listed)) - set(listed.tracked)) | set(listed.unwatched)
    folders = {source.rstrip("/") for source in sources}
    generated = _generated_folders(listed)
    for name in git.ignored(root, host):
        # Git names the highest folder that it ignores as a whole, which may be above the source.
        if name in folders or (name.endswith("/") and any(folder.startswith(name) for folder in folders)):
            return True
        # Any file in a folder: the names of folders above decide.
        if not _is_generated(f"{name}x", generated) and _holds_rust(root, name):
            names.add(name)
    whole = bool(folders & {"", "."})
    return any(whole or name in folders or any(name.startswith(f"{folder}/") for folder in folders) for name in names)


def _holds_rust(root: Path, name: str) -> bool:
    """Whether a file, or one below a folder, which has a slash at its end, is Rust."""
    return name.endswith(".rs") or (name.endswith("/") and next((root / name).rglob("*.rs"), None) is not None)


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
    """All files and links that no .gitignore of the project names."""
    for _, names in _walk(root):
        yield from names


def _walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder with its files and links, by names relative to the project. What is ignored is not entered."""
    ignored = IgnoreFiles()
    for folder, folders, files in os.walk(root):
        prefix = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if prefix == "." else f"{prefix}/"
        if _CACHE_TAG in files:
            folders.clear()
            yield folder, []
            continue
        if ".gitignore" in files and not os.path.islink(f"{folder}/.gitignore"):  # noqa: PTH114 - Git reads no link
            with open(f"{folder}/.gitignore", encoding="utf-8", errors="surrogateescape") as stream:  # noqa: PTH123
                ignored.read(prefix, stream)
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114 - a Path costs more
        never = {*_NEVER, *_LEFT_BEHIND, *links}
        folders[:] = [name for name in folders if name not in never and not ignored.ignore(f"{prefix}{name}/")]
        yield folder, [f"{prefix}{name}" for name in (*files, *links) if not ignored.ignore(f"{prefix}{name}")]


def listed_folders(root: Path, host: Host) -> tuple[str, ...] | None:
    """Folders where a new file, or another rule, would change `source_names`; absolute. None for a repository within.

    As long as these folders hold what they hold, and the rules in them are as they are, so is the list of names.
    Raises FerruleError and OSError.
    """
    listed = git.listing(root, host)
    if FILE not in listed.tracked and FILE not in listed.untracked:
        return tuple(folder for folder, _ in _walk(root))
    folders, level = [os.fspath(root)], [""]
    while level:
        below = [f"{prefix}{name}" for prefix in level for name in _subfolders(root, prefix)]
        ignored = git.ignored_folders(root, below, host)
        level = [f"{name}/" for name in below if name not in ignored]
        folders += (os.path.join(root, name[:-1]) for name in level)  # noqa: PTH118 - a Path costs more
        if any(os.path.lexists(os.path.join(root, name, ".git")) for name in level):  # noqa: PTH118
            return None
    return tuple(folders)


def _subfolders(root: Path, prefix: str) -> list[str]:
    with os.scandir(os.path.join(root, prefix)) as entries:  # noqa: PTH118
        return [entry.name for entry in entries if entry.name not in _NEVER and entry.is_dir(follow_symlinks=False)]
