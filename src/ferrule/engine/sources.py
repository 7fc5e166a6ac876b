"""Digests of files and folders of the project, each file hashed once until its stat data change.

The index is a cache: it may be deleted, and a damaged one is ignored. An entry counts only if the file was last changed
well before it was hashed, so that a change within one tick of the file system's clock cannot hide (Git's "racy" files).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from bisect import bisect_left
from contextlib import suppress
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from ferrule.core.errors import BuildError, StorageError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.safe_files import open_new, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_VERSION: Final = 1
_RACY_NS: Final = 50_000_000


class StatIndex:
    """Digests of files by path, remembered together with their stat data between runs. Safe for many threads."""

    def __init__(self, file: Path | None, now_ns: Callable[[], int]) -> None:
        self._file = file
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._known = _read_index(file) if file else {}
        self._changed = False

    def digest(self, path: str | Path, stat: os.stat_result | None = None) -> Digest:
        """Digest of a regular file's content; raises OSError if it cannot be read or is something else.

        `stat` is what the caller knows of the file already.
        """
        name = os.fspath(path)
        stat = stat or os.stat(name)  # noqa: PTH116 - a Path costs more than the call
        if not S_ISREG(stat.st_mode):  # opening a FIFO would wait for ever
            raise OSError(errno.EINVAL, "not a regular file", name)
        signature = [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns]
        recorded = self._known.get(name)
        if recorded is not None and recorded[0] == signature:
            return Digest(recorded[1])
        started = self._now_ns()
        with open(name, "rb") as stream:  # noqa: PTH123
            hexadecimal = hashlib.file_digest(stream, "sha256").hexdigest()
        if started - max(stat.st_mtime_ns, stat.st_ctime_ns) > _RACY_NS:
            with self._lock:
                self._known[name] = (signature, hexadecimal)
                self._changed = True
        return Digest(hexadecimal)

    def remember(self, path: Path, digest: Digest) -> None:
        """Take over a digest that was computed while the file was written, so that it is not read again."""
        stat = path.stat()
        with self._lock:
            self._known[os.fspath(path)] = ([stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns], digest.hex)
            self._changed = True

    def forget(self, path: Path) -> None:
        """Forget the digest of a file, so that the next lookup reads it."""
        with self._lock:
            self._known.pop(os.fspath(path), None)
            self._changed = True

    def save(self) -> None:
        """Write the index beside its place and rename; a failure only costs time later."""
        if self._file is None or not self._changed:
            return
        aside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            aside.parent.mkdir(parents=True, exist_ok=True)
            with open_new(aside) as stream:
                stream.write(json.dumps({"version": _VERSION, "files": self._known}, separators=(",", ":")).encode())
            aside.replace(self._file)
        except OSError:
            with suppress(OSError):
                aside.unlink()
        self._changed = False


def _read_index(file: Path) -> dict[str, tuple[list[int], str]]:
    try:
        document = json.loads(read_regular(file))
        if document["version"] != _VERSION:
            return {}
        return {str(k): (list(map(int, v[0])), Digest(v[1]).hex) for k, v in document["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return {}


class Digests(Protocol):
    """Tells the digest of a regular file."""

    def digest(self, path: str | Path, stat: os.stat_result | None = None) -> Digest:
        """Of its content, or of what counts of it; raises OSError if it cannot be read."""


class SourceFile(NamedTuple):
    """A file that is a source: its name relative to the project, its absolute path, and stat data of its content."""

    name: str
    path: str
    stat: os.stat_result

    @property
    def executable(self) -> bool:
        """Whether its owner may run it."""
        return bool(self.stat.st_mode & 0o100)


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The source files of a project: keys, packages and the up-to-date stamp all go by this one list.

    `names` are those of all its files and links, relative to `root` and sorted; who made the list decided what counts.
    """

    root: Path
    names: tuple[str, ...]

    def below(self, source: str) -> Iterator[SourceFile]:
        """The source files that a file or folder of the project consists of, by their names in it.

        A file that is named itself counts whatever the list says. Links are followed to files and folders of the list;
        one that leaves the project, leads nowhere, to itself or to what is not in the list is refused, and so is
        anything that is neither file, folder nor link (a FIFO, a socket). Raises BuildError naming the path.
        """
        path = os.fspath(self.root) if source == "." else os.path.join(self.root, source)  # noqa: PTH118
        try:
            stat = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
        except (FileNotFoundError, NotADirectoryError):
            raise BuildError("this source does not exist", where=source, hint="correct its path") from None
        target = self._target(path, source) if source != "." else ""
        if S_ISREG(stat.st_mode):
            yield SourceFile(source, path, stat)
        elif not S_ISDIR(stat.st_mode):
            raise _neither(source)
        elif target and not self._range(target) and any(files for _, _, files in os.walk(path)):
            raise BuildError(
                "Git ignores every file of this source, so nothing of it would be published",
                where=source,
                hint="take it out of .gitignore, or name another folder",
            )
        else:
            yield from self._folder(target, "" if source == "." else f"{source}/", (target,))

    def covers(self, sources: Iterable[str], path: Path) -> bool:
        """Whether a path is one of the source files that these files and folders consist of, or a folder of such."""
        if not path.is_relative_to(self.root):
            return False
        name = path.relative_to(self.root).as_posix()
        if name in (named := tuple(sources)):
            return True
        inside = any(source == "." or name.startswith(f"{source}/") for source in named)
        return inside and (self._is_listed(name) or bool(self._range(name)))

    def content(self, index: Digests, path: Path) -> Digest | None:
        """Digest of a file, or of a folder (names and contents of the files below it); None where there is neither.

        Of a folder of the project its source files count, of any other folder all files. Raises OSError for what
        cannot be read.
        """
        try:
            stat = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not S_ISDIR(stat.st_mode):
            return index.digest(path, stat)
        name = path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else ".."
        listed = self.names if name == "." else self._range(name)
        files = (os.path.join(self.root, file) for file in listed) if listed else _walked(os.fspath(path))  # noqa: PTH118
        return Digest.of("".join(_lines(path, files, index)).encode("utf-8", "surrogateescape"))

    def folders(self, name: str) -> frozenset[str]:
        """All folders of a folder of the project that hold a source file, with it; absolute."""
        top = name.removeprefix(".")
        parents = {inner.rpartition("/")[0] for inner in (self._range(top) if top else self.names)}
        return frozenset(os.path.join(self.root, parent) for parent in parents)  # noqa: PTH118

    def named(self, folder: str, file: str) -> list[str]:
        """Names of all source files in a folder of the project that are called so."""
        names = self.names if folder == "." else self._range(folder)
        return [name for name in names if name == file or name.endswith(f"/{file}")]

    def _range(self, folder: str) -> tuple[str, ...]:
        """Names of the list below a folder; `0` is the character after `/`."""
        return self.names[bisect_left(self.names, f"{folder}/") : bisect_left(self.names, f"{folder}0")]

    def _is_listed(self, name: str) -> bool:
        position = bisect_left(self.names, name)
        return self.names[position : position + 1] == (name,)

    def _folder(self, folder: str, prefix: str, above: tuple[str, ...]) -> Iterator[SourceFile]:
        """Files below a folder; `above` are the real folders that the way there leads through links out of."""
        start = len(folder) + 1 if folder else 0
        for listed in self._range(folder) if folder else self.names:
            name = prefix + listed[start:]
            path = os.path.join(self.root, name)  # noqa: PTH118
            try:
                stat = os.lstat(path)
            except (FileNotFoundError, NotADirectoryError):
                if "\ufffd" in name:
                    raise _not_utf8(name) from None
                continue  # tracked, and deleted
            if S_ISREG(stat.st_mode):
                yield SourceFile(_checked(name), path, stat)
            elif S_ISLNK(stat.st_mode):
                yield from self._link(path, name, (*above, listed.rpartition("/")[0]))
            elif S_ISDIR(stat.st_mode):
                raise BuildError(
                    "this submodule is not checked out", where=name, hint="git submodule update --init --recursive"
                )
            else:
                raise _neither(name)

    def _link(self, path: str, name: str, above: tuple[str, ...]) -> Iterator[SourceFile]:
        target = self._target(path, name)
        try:
            stat = os.stat(path)  # noqa: PTH116
        except OSError:  # dangling, or a ring
            raise _misleading("this link leads nowhere", name) from None
        if S_ISREG(stat.st_mode) and self._is_listed(target):
            yield SourceFile(_checked(name), path, stat)
        elif S_ISDIR(stat.st_mode) and (not target or any(_is_within(folder, target) for folder in above)):
            raise _misleading("this link leads to a folder that holds it", name)
        elif S_ISDIR(stat.st_mode) and self._range(target):
            yield from self._folder(target, f"{name}/", (*above, target))
        elif S_ISREG(stat.st_mode) or S_ISDIR(stat.st_mode):
            raise _misleading(f"this link leads to {target}, which Git ignores", name)
        else:
            raise _neither(name)

    def _target(self, path: str, name: str) -> str:
        """Where a path really leads, relative to the project; raises BuildError if that is outside."""
        root, real = os.path.realpath(self.root), os.path.realpath(path)
        if real != root and not real.startswith(root + os.sep):
            raise _misleading("this link leads out of the project", name)
        return real[len(root) + 1 :]


def _is_within(folder: str, target: str) -> bool:
    return folder == target or folder.startswith(f"{target}/")


def _walked(top: str) -> Iterator[str]:
    for folder, folders, files in os.walk(top):
        folders.sort()
        yield from (os.path.join(folder, name) for name in sorted(files))  # noqa: PTH118


def _lines(top: Path, files: Iterable[str], index: Digests) -> Iterator[str]:
    """A line for each file; a link to a folder counts by the files there, anything else by its name."""
    for path in files:
        if os.path.isdir(path):  # noqa: PTH112
            yield from _lines(top, _walked(path), index)
        else:
            content = index.digest(path) if os.path.isfile(path) else None  # noqa: PTH113
            yield f"{content} {os.path.relpath(path, top)}\0"


def _checked(name: str) -> str:
    """The name itself; raises BuildError if it is not UTF-8, as no package could hold it."""
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise _not_utf8(name) from None
    return name


def _not_utf8(name: str) -> BuildError:
    where = name.encode("utf-8", "backslashreplace").decode()
    return BuildError("the name of this source is not UTF-8", where=where, hint="rename the file")


def _neither(name: str) -> BuildError:
    return BuildError("this source is neither a file nor a folder", where=name, hint="remove it, or keep it elsewhere")


def _misleading(message: str, name: str) -> BuildError:
    return BuildError(message, where=name, hint="replace the link by what it points to")


def changed_since(path: Path, began: int) -> bool:
    """Whether a file, or anything in a folder, changed after a moment of the file system's time, in nanoseconds."""
    below = path.rglob("*") if path.is_dir() else ()
    return any(p.lstat().st_ctime_ns > began for p in (path, *below) if p.exists())


def source_digests(index: StatIndex, files: SourceFiles, sources: tuple[str, ...]) -> dict[str, Digest]:
    """Digest of every file that the given files and folders hold, by name relative to the project.

    A file that may be executed has ` (executable)` behind its name, because packing it gives other bytes.
    """
    digests: dict[str, Digest] = {}
    try:
        for source in sources:
            for file in files.below(source):
                name = f"{file.name} (executable)" if file.executable else file.name
                digests[name] = index.digest(file.path, file.stat)
    except OSError as error:
        raise StorageError(f"a source cannot be read: {error.strerror}", where=str(error.filename)) from error
    return digests
