"""Digests of files and folders of the project, each file hashed once until its stat data change.

The index is a cache: it may be deleted, and a damaged one is ignored. An entry counts only if the file was last changed
well before it was hashed, so that a change within one tick of the file system's clock cannot hide (Git's "racy" files).
"""

from __future__ import annotations

import errno
import json
import os
import threading
from contextlib import suppress
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError, StorageError
from ferrule.core.model import Digest
from ferrule.core.safe_files import open_new, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_VERSION: Final = 1
_RACY_NS: Final = 50_000_000

# Never a source: version control, what builds and checkers leave behind, and ourselves.
IGNORED: Final = frozenset(
    {".git", ".hg", ".jj", ".ferrule", ".nox", ".venv", "target", "node_modules", "__pycache__", ".DS_Store", ".cache"}
    | {".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox"}
)


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
        known = self._known.get(name)
        if known is not None and known[0] == signature:
            return Digest(known[1])
        started = self._now_ns()
        with open(name, "rb") as stream:  # noqa: PTH123
            import hashlib  # noqa: PLC0415

            hexadecimal = hashlib.file_digest(stream, "sha256").hexdigest()
        if started - max(stat.st_mtime_ns, stat.st_ctime_ns) > _RACY_NS:
            with self._lock:
                self._known[name] = (signature, hexadecimal)
                self._changed = True
        return Digest(hexadecimal)

    def content(self, path: Path) -> Digest | None:
        """Digest of a file, or of a folder (names and contents of all files below it); None where there is neither.

        Raises OSError for what cannot be read.
        """
        try:
            stat = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Digest.of("".join(self._lines(path)).encode()) if S_ISDIR(stat.st_mode) else self.digest(path, stat)

    def _lines(self, top: Path) -> Iterator[str]:
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if name not in IGNORED)
            for name in sorted(files):
                path = os.path.join(folder, name)  # noqa: PTH118 - a Path costs more
                content = self.digest(path) if os.path.isfile(path) else None  # noqa: PTH113
                yield f"{content} {os.path.relpath(path, top)}\0"

    def remember(self, path: Path, digest: Digest) -> None:
        """Take over a digest that was computed while the file was written, so that it is not read again."""
        stat = path.stat()
        with self._lock:
            self._known[os.fspath(path)] = ([stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns], digest.hex)
            self._changed = True

    def forget(self, path: Path) -> None:
        """Believe nothing of a file any more: the next look reads it."""
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


def files_below(root: Path, name: str, ignored: frozenset[str] = IGNORED) -> Iterator[tuple[str, str]]:
    """Yield (name relative to `root`, absolute path) of a file, or of all files below a folder, sorted by name.

    Links are followed when they lead to a file and refused when they lead to a folder or out of `root`; anything that
    is neither file, folder nor link (a FIFO, a socket) is refused. Raises BuildError naming the path.
    """
    absolute = os.path.join(root, name) if name != "." else os.fspath(root)  # noqa: PTH118
    real = os.path.realpath(root)
    try:
        mode = os.stat(absolute).st_mode  # noqa: PTH116
        if name != ".":
            _check_inside(real, absolute, name)
        if S_ISDIR(mode):
            yield from _walk(real, absolute, "" if name == "." else f"{name}/", ignored)
        elif S_ISREG(mode):
            yield name, absolute
        else:
            raise _neither(name)
    except (FileNotFoundError, NotADirectoryError):
        raise BuildError("this source does not exist", where=name, hint="correct its path in targets.yaml") from None


def _walk(root: str, folder: str, prefix: str, ignored: frozenset[str]) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name in ignored:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(root, entry.path, f"{prefix}{entry.name}/", ignored)
            elif entry.is_file(follow_symlinks=False):
                yield f"{prefix}{entry.name}", entry.path
            elif entry.is_symlink():
                yield f"{prefix}{entry.name}", _checked_link(root, entry.path, f"{prefix}{entry.name}")
            else:
                raise _neither(f"{prefix}{entry.name}")


def _neither(name: str) -> BuildError:
    return BuildError("this source is neither a file nor a folder", where=name, hint="remove it, or keep it elsewhere")


def _check_inside(root: str, path: str, name: str) -> str:
    real = os.path.realpath(path)
    if not real.startswith(root + os.sep):
        raise BuildError("this link leads out of the project", where=name, hint="replace it by what it points to")
    return real


def _checked_link(root: str, path: str, name: str) -> str:
    if not os.path.isfile(_check_inside(root, path, name)):  # noqa: PTH113
        raise BuildError("this link does not lead to a file", where=name, hint="replace it by what it points to")
    return path


def changed_since(path: Path, began: int) -> bool:
    """Whether a file, or anything in a folder, changed after a moment of the file system's time, in nanoseconds."""
    below = path.rglob("*") if path.is_dir() else ()
    return any(p.lstat().st_ctime_ns > began for p in (path, *below) if p.exists())


def source_digests(index: StatIndex, root: Path, names: tuple[str, ...]) -> dict[str, Digest]:
    """Digest of every file that the given files and folders hold, by name relative to `root`.

    A file that may be executed has ` (executable)` behind its name, because packing it gives other bytes.
    """
    digests: dict[str, Digest] = {}
    try:
        for source in names:
            for name, path in files_below(root, source):
                stat = os.stat(path)  # noqa: PTH116
                digests[f"{name} (executable)" if stat.st_mode & 0o100 else name] = index.digest(path, stat)
    except OSError as error:
        raise StorageError(f"a source cannot be read: {error.strerror}", where=str(error.filename)) from error
    return digests
