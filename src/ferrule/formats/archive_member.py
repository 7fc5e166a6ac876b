"""What goes into an archive: named files, folders and links, checked once and put into one order."""

from __future__ import annotations

import fnmatch
import io
import os
import posixpath
import stat
import unicodedata
from typing import TYPE_CHECKING, BinaryIO

from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

CHUNK = 1 << 20
"""Bytes read at a time from a file that is packed."""

_LONGEST_NAME = 4096  # limits.h, PATH_MAX of Linux
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive.

    `name` is a relative POSIX path. `source` is the content, in memory or a file that is read when the archive is
    written. `link` makes it a symbolic link to that target, `folder` a folder. `mode` are permission bits; without it
    files have 0644, or 0755 when `executable`, folders 0755 and links 0777, whatever the umask of the machine was.

    Raises VerificationError for a name that `checked_name` refuses.
    """

    name: str
    source: bytes | Path = b""
    executable: bool = False
    link: str | None = None
    folder: bool = False
    mode: int | None = None

    def __post_init__(self) -> None:
        checked_name(self.name)
        if self.folder and self.link is not None:
            raise ValueError(f"{self.name!r} cannot be a folder and a link")
        if self.mode is not None and not 0 <= self.mode <= 0o7777:  # noqa: PLR2004 - the permission bits of POSIX
            raise ValueError(f"{self.name!r} cannot have the mode {self.mode:o}")

    @property
    def regular(self) -> bool:
        """Whether this is a file with content."""
        return not self.folder and self.link is None

    @property
    def permissions(self) -> int:
        """The permission bits that are written."""
        if self.mode is not None:
            return self.mode
        if self.link is not None:
            return 0o777
        return 0o755 if self.folder or self.executable else 0o644

    @property
    def size(self) -> int:
        """Length of the content in bytes; 0 for folders and links. Raises OSError if a source file is missing."""
        if not self.regular:
            return 0
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def open(self) -> BinaryIO:
        """The content as a stream; raises OSError if a source file cannot be read."""
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")

    def read(self) -> bytes:
        """The whole content; raises OSError if a source file cannot be read."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces, together exactly as long as `size` was at the start.

        Raises BuildError if the file grows or shrinks while it is read: the header before it would be a lie.
        """
        if isinstance(self.source, bytes):
            if self.regular and self.source:
                yield self.source
            return
        expected, seen = self.size, 0
        with self.source.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                seen += len(chunk)
                if seen > expected:
                    break
                yield chunk
        if seen != expected:
            raise BuildError(
                f"{self.name} changed while it was packed", where=str(self.source), hint="run the command again"
            )


def checked_name(name: str) -> str:
    """Return `name` if every unpacker puts such a member below the folder it unpacks into; raise VerificationError.

    Refused are absolute names, `..`, `.` and empty parts, backslashes (a separator on Windows), drive letters,
    characters that are not printable (NUL, controls, line and paragraph separators, bidirectional overrides), and names
    that are longer than file systems take.
    """
    reason = _fault(name)
    if reason:
        raise VerificationError(f"{shortened(name)} cannot be the name of an archive member: {reason}")
    return name


def shortened(name: str) -> str:
    """A name as it is shown in a message, whatever is in it and however long it is."""
    shown = repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…")
    return shown if len(shown) <= 2 * _SHOWN else f"{shown[: 2 * _SHOWN]}…'"


def _fault(name: str) -> str | None:
    if len(name) > _LONGEST_NAME:
        return "it is longer than file systems take"
    parts = name.split("/")
    faults = (
        (not name, "it is empty"),
        (name.startswith("/"), "it is absolute"),
        ("\\" in name, "it contains a backslash"),
        (not name.isprintable(), "it contains characters that cannot be printed"),
        (".." in parts, "it leaves the folder it is unpacked into"),
        ("" in parts or "." in parts, "it has an empty part"),
        (name[1:2] == ":" and name[0].isalpha(), "it begins with a drive letter"),
    )
    return next((text for wrong, text in faults if wrong), None)


def link_path(name: str, target: str) -> str | None:
    """Where the link `name` leads, as a path below the archive's root, or None if it leaves it.

    An absolute target is taken as starting at the root, as it does once the archive is the root of a container.
    The empty string is the root itself.
    """
    joined = target.lstrip("/") if target.startswith("/") else posixpath.join(posixpath.dirname(name), target)
    path = posixpath.normpath(joined) if joined else "."
    if path == ".":
        return ""
    return None if path == ".." or path.startswith("../") else path


def in_order(entries: Iterable[Member]) -> tuple[Member, ...]:
    """The entries sorted by name, so that the order in which they were collected never reaches an archive.

    Raises BuildError for two entries of one name, and for an entry below another that is not a folder.
    """
    ordered = tuple(sorted(entries, key=lambda entry: entry.name))
    seen: dict[str, Member] = {}
    for entry in ordered:
        if entry.name in seen:
            raise BuildError(f"two files would be packed as {entry.name}")
        seen[entry.name] = entry
        for parent in parents(entry.name):
            if parent in seen and not seen[parent].folder:
                raise BuildError(_below_a_file(entry.name, parent))
    return ordered


def parents(name: str) -> Iterator[str]:
    """The folders above a member, the outermost first: `a/b/c` gives `a` and `a/b`."""
    parts = name.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def folded(name: str) -> str:
    """The name as file systems know it to which case and the composition of letters are one, as those of macOS.

    >>> folded("README") == folded("readme")
    True
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def check_folded(entries: Iterable[Member]) -> None:
    """Raise BuildError for two entries that would be one file where case does not count."""
    seen: dict[str, str] = {}
    for entry in entries:
        other = seen.setdefault(folded(entry.name), entry.name)
        if other != entry.name:
            raise BuildError(_one_file(entry.name, other), hint="give one of them another name")


def _one_file(name: str, other: str) -> str:
    return f"{name} and {other} would be one file on macOS and Windows"


@dataclass(frozen=True, slots=True)
class NameClash:
    """Two names of files that cannot be in one archive, in the order that they were given in, and why."""

    first: str
    second: str
    reason: str


def name_clash(names: Iterable[str]) -> NameClash | None:
    """The first two of the names that no archive can hold as files, whether case counts or not.

    >>> name_clash(["a", "b", "A/c"]).reason
    'A/c cannot be packed below a, which is not a folder'
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        key = folded(name)
        if (other := files.get(key)) is not None:
            same = f"two files of the archive would be called {name}"
            return NameClash(other, name, same if other == name else _one_file(name, other))
        if (other := folders.get(key)) is not None:
            return NameClash(other, name, _below_a_file(other, name))
        above = [files[parent] for parent in parents(key) if parent in files]
        if above:
            return NameClash(above[0], name, _below_a_file(name, above[0]))
        files[key] = name
        folders |= dict.fromkeys(parents(key), name)
    return None


def _below_a_file(name: str, above: str) -> str:
    return f"{name} cannot be packed below {above}, which is not a folder"


def with_folders(entries: Iterable[Member]) -> tuple[Member, ...]:
    """The entries and every folder above them that they lack (0755), in order.

    A layer needs them: an engine that has to invent a folder chooses its mode and time itself.
    """
    members = in_order(entries)
    names = {entry.name for entry in members}
    missing = {parent for entry in members for parent in parents(entry.name)} - names
    return in_order((*members, *(Member(name, folder=True) for name in missing)))


def below(prefix: str, entries: Iterable[Member]) -> tuple[Member, ...]:
    """The same entries inside the folder `prefix`."""
    return tuple(
        Member(f"{prefix}/{e.name}", e.source, executable=e.executable, link=e.link, folder=e.folder, mode=e.mode)
        for e in entries
    )


def entries_of_folder(root: Path, prefix: str = "", *, exclude: Sequence[str] = ()) -> tuple[Member, ...]:
    """Every file and link below `root`, named relative to it and put under `prefix`, sorted.

    `exclude` are shell patterns, each compared with a member's own name and with its path relative to `root`; an
    excluded folder is not entered. A link is kept as a link when it is relative and stays below `root`. Empty folders
    are left out, since version control does not keep them either and two checkouts must give equal bytes.

    Raises BuildError for links that leave `root`, for anything that is not a file, folder or link, and if `root` is
    not a folder; VerificationError for names that an archive cannot hold.
    """
    if not root.is_dir():
        raise BuildError("this is not a folder", where=str(root))
    return in_order(_walk(root, "", prefix, tuple(exclude)))


def _walk(root: Path, relative: str, prefix: str, exclude: tuple[str, ...]) -> Iterator[Member]:
    with os.scandir(root / relative) as scan:
        names = sorted(item.name for item in scan)
    for name in names:
        inner = f"{relative}/{name}" if relative else name
        if any(fnmatch.fnmatchcase(name, p) or fnmatch.fnmatchcase(inner, p) for p in exclude):
            continue
        path = root / inner
        kind = path.lstat().st_mode
        if stat.S_ISDIR(kind):
            yield from _walk(root, inner, prefix, exclude)
        else:
            yield _entry(path, inner, prefix, kind)


def _entry(path: Path, inner: str, prefix: str, kind: int) -> Member:
    name = f"{prefix}/{inner}" if prefix else inner
    if stat.S_ISREG(kind):
        return Member(name, path, executable=bool(kind & stat.S_IXUSR))
    if not stat.S_ISLNK(kind):
        raise BuildError("only files, folders and links can be packed", where=str(path))
    target = str(path.readlink())
    if target.startswith("/") or link_path(inner, target) is None:
        raise BuildError(
            f"the link leads to {target}, outside of the folder that is packed",
            where=str(path),
            hint="replace the link by the file, or by a relative link within the folder",
        )
    return Member(name, link=target)
