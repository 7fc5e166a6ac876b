"""Where finished work is kept: contents by digest, and for each key the record of what an action made.

    objects/ab/abcdef…   a file's content, named by its SHA-256, read-only
    results/<key>.json   what an action with that key made, with a checksum of the record itself
    reads/<key>.json     names of files that actions read besides the declared sources, by the key of what is declared
    latest/<action>.json the key document of an action's last result, to explain what changed

Everything is written aside, flushed and renamed. A record or content that does not match its digest is dropped and
said, and the action runs again: damage costs time, never correctness.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ferrule.core.errors import StorageError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest, FileRecord, Json, to_json
from ferrule.core.safe_files import clear, open_new, read_regular
from ferrule.engine.key import Document, canonical, read_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ferrule.engine.sources import StatIndex

ASIDE: Final = ".aside-"
"""How the names of files begin that are being written; what a killed run left of them may be deleted."""

_CHUNK: Final = 1 << 20
_VERSION: Final = 1
_READS: Final = 8


@dataclass(frozen=True, slots=True)
class Result:
    """What an action made: its files, the facts it measured, and what it depended on beyond its key.

    `discovered` are digests of files and folders that were read besides the declared sources, `asked` those of the
    values of variables of the environment; None for what was not there. `declared` is the key without what was read
    besides, if anything of the project was.
    """

    key: Digest
    files: tuple[FileRecord, ...]
    facts: Mapping[str, Json] = field(default_factory=dict)
    discovered: Mapping[str, Digest | None] = field(default_factory=dict)
    seconds: float = 0.0
    asked: Mapping[str, Digest | None] = field(default_factory=dict)
    declared: Digest | None = None


def portable(result: Result) -> Result:
    """A result without what is of the machine that made it: files outside of the project, and variables."""
    inside = {name: digest for name, digest in result.discovered.items() if not name.startswith("/")}
    return replace(result, discovered=inside, asked={})


def without_settings(result: Result, settings: Mapping[str, Digest | None]) -> Result | None:
    """A result without Cargo's settings outside of the project, which are part of a shared key (`key.shared_key`).

    None if one of them was another when it was read: the result belongs to no such key then.
    """
    if any(result.discovered.get(name, digest) != digest for name, digest in settings.items()):
        return None
    return replace(result, discovered={n: d for n, d in result.discovered.items() if n not in settings})


class DamagedError(StorageError):
    """A content of the store has changed on disk; it is dropped, so that the action that made it runs again."""


class Store:
    """A folder of results. Several processes may use it at once; `notice` receives reports of damage."""

    def __init__(self, root: Path, index: StatIndex, notice: Callable[[str], None]) -> None:
        self.root = root
        # A path is made in as few steps as it can be: a thousand actions ask for ten thousand.
        self._objects, self._results, self._reads_folder = root / "objects", root / "results", root / "reads"
        self._index = index
        self.notice = notice

    def object(self, digest: Digest) -> Path:
        """Where the content with that digest is, or would be."""
        return self._objects / f"{digest.hex[:2]}/{digest.hex}"

    def find(self, key: Digest) -> Result | None:
        """The result for a key if it is there, whole and undamaged; a damaged one is dropped, with a notice."""
        result = self.record(key)
        for record in result.files if result else ():
            if not self.holds(record):
                self._drop(
                    self._record(key), f"{record.name} is damaged or missing in the cache; its action runs again"
                )
                return None
        return result

    def record(self, key: Digest) -> Result | None:
        """The record of a result, without a look at its contents; a damaged one is dropped, with a notice."""
        path = self._record(key)
        try:
            return decode(read_regular(path), key)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self._drop(path, f"a damaged cache record was dropped ({error}); its action runs again")
            return None

    def touch(self, key: Digest) -> None:
        """Note that a result is used now. Raises OSError."""
        os.utime(self._record(key))

    def check(self, record: FileRecord) -> None:
        """Read a content again that is about to be used, whatever its stat data promise. Raises DamagedError."""
        if not self.holds(record, read=True):
            raise _damaged(record)

    def holds(self, record: FileRecord, *, read: bool = False) -> bool:
        """Whether a content is there, undamaged; anything else at its path is removed.

        `read` believes no stat data: a bit that flipped unseen must not get into what is made, nor stand for it.
        """
        path = self.object(record.digest)
        if read:
            self._index.forget(path)
        try:
            if self._index.digest(path, path.lstat()) == record.digest:  # of a link it raises
                return True
        except FileNotFoundError:
            return False  # and removes nothing: another thread may be just about to put it there
        except OSError:
            pass
        _remove(path)
        return False

    def _drop(self, path: Path, text: str) -> None:
        _remove(path)
        self.notice(text)

    def put_file(self, source: Path) -> tuple[Digest, int]:
        """Take a copy of a file; returns its digest and size in bytes. Raises StorageError."""
        with storage_errors(self.root), self._aside() as (stream, aside):
            with source.open("rb") as content:
                digest, size = _copy(iter(lambda: content.read(_CHUNK), b""), stream)
            if not self.holds(FileRecord(source.name, digest, size), read=True):
                _flush(stream)
                self._settle(aside, digest)
            return digest, size

    def receive(self, pieces: Iterable[bytes], expected: FileRecord) -> bool:
        """Take a content that comes from elsewhere; False, and nothing is kept, if it is not what was expected.

        It is not flushed: what a power cut spoils can be had again. Raises StorageError, and what `pieces` raises.
        """
        with storage_errors(self.root), self._aside() as (stream, aside):
            if _copy(pieces, stream) != (expected.digest, expected.size):
                return False
            stream.flush()
            self._settle(aside, expected.digest)
        return True

    def _settle(self, aside: Path, digest: Digest) -> None:
        """Move a content that was written aside to its final path."""
        final = self.object(digest)
        aside.chmod(0o444)
        _rename(aside, final)
        self._index.remember(final, digest)

    def adopt(self, source: Path, expected: Digest) -> bool:
        """Take over a file of another folder, read once; False if its content is not the expected one.

        The file system keeps it once where it can: afterwards the file itself is read-only too. Raises StorageError.
        """
        with storage_errors(self.root), _aside_path(self._aside_folder()) as aside:
            try:
                os.link(source, aside, follow_symlinks=False)
            except OSError:  # another file system, or one without links
                shutil.copyfile(source, aside, follow_symlinks=False)
            if aside.is_symlink() or Digest.of_file(aside) != expected:
                return False
            if not self.holds(FileRecord(source.name, expected, 0), read=True):
                self._settle(aside, expected)
        return True

    def linked(self, digest: Digest) -> None:
        """Note that a link to a content, which is undamaged, was made or removed: that changes its stat data alone."""
        self._index.remember(self.object(digest), digest)

    def save(self, result: Result, action: str, document: Document, *, flush: bool = True) -> None:
        """Keep a result whose files are already in the store, as the last of its action. Raises StorageError.

        `flush` as for `keep`.
        """
        self.keep(result, flush=flush)
        latest = canonical({"key": result.key.hex, "document": document, "seconds": round(result.seconds, 3)})
        self._write(self.latest_file(action), latest, flush=flush)

    def keep(self, result: Result, *, flush: bool = False) -> None:
        """Keep a result whose files are already in the store. Raises StorageError.

        One that another machine made need not be flushed: a power cut loses what can be had again, and a record that
        is damaged is known by its checksum.
        """
        if result.declared is not None:
            read = tuple(sorted(n for n in result.discovered if not n.startswith("/")))
            reads = self._known_reads(result.declared)
            if read not in reads:
                self._write(self._reads(result.declared), canonical(to_json([read, *reads][:_READS])), flush=flush)
        self._write(self._record(result.key), encode(result), flush=flush)

    def latest(self, action: str) -> dict[str, Any] | None:
        """Key, key document and seconds of the last result of an action, or None."""
        try:
            latest = json.loads(read_regular(self.latest_file(action)))
        except (OSError, ValueError, RecursionError):
            return None
        return latest if isinstance(latest, dict) and isinstance(latest.get("document"), dict) else None

    def latest_file(self, action: str) -> Path:
        """The path of the record of the last result of an action, whether it exists or not."""
        return self.root / "latest" / f"{file_name(action)}.json"

    def reads(self, declared: Digest, action: str) -> Iterator[tuple[str, ...]]:
        """What may be read besides the declared sources, by name; looked up as far as it is asked for.

        First what was read where the key of all that is declared was the same, nothing, and what the action read last.
        """
        reads = dict.fromkeys((*self._known_reads(declared), ()))
        yield from reads
        latest = self.latest(action)
        last = read_of(latest["document"]) if latest else ()
        if last not in reads:
            yield last

    def _known_reads(self, declared: Digest) -> list[tuple[str, ...]]:
        try:
            reads = json.loads(read_regular(self._reads(declared)))
            return [tuple(map(str, names)) for names in reads]
        except (OSError, ValueError, TypeError, RecursionError):
            return []  # absent or damaged: the tools will say it again

    def _reads(self, declared: Digest) -> Path:
        return self._reads_folder / f"{declared.hex}.json"

    def _record(self, key: Digest) -> Path:
        return self._results / f"{key.hex}.json"

    def _write(self, path: Path, content: bytes, *, flush: bool = True) -> None:
        with storage_errors(self.root), self._aside() as (stream, aside):
            stream.write(content)
            if flush:
                _flush(stream)
            else:
                stream.flush()
            _rename(aside, path)

    def _aside_folder(self) -> Path:
        folder = self.root / "aside"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _aside(self) -> AbstractContextManager[tuple[BinaryIO, Path]]:
        return _aside_file(self._aside_folder())

    def sweep(self) -> None:
        """Remove what a killed run left aside; only while no other run works on this store."""
        clear(self.root / "aside")

    def copy_out(self, record: FileRecord, target: Path) -> None:
        """Write a content to a place of its own: aside, checked while copied, renamed.

        Raises StorageError, and DamagedError if that is not the content any more.
        """
        source = self.object(record.digest)
        if not source.is_file():
            raise _damaged(record)
        with storage_errors(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            with _aside_file(target.parent) as (stream, aside):
                with source.open("rb") as content:
                    digest, _ = _copy(iter(lambda: content.read(_CHUNK), b""), stream)
                if digest != record.digest:
                    self._index.forget(source)
                    _remove(source)
                    raise _damaged(record)
                _flush(stream)
                aside.chmod(0o755 if record.executable else 0o644)
                aside.replace(target)
        self._index.remember(target, record.digest)


def _damaged(record: FileRecord) -> DamagedError:
    return DamagedError(f"{record.name} is damaged or missing in the cache", hint="run the same command again")


def _remove(path: Path) -> None:
    """Remove anything at the path of a record or content."""
    if path.is_dir() and not path.is_symlink():
        clear(path)
        return
    with suppress(OSError):
        path.unlink()


@contextmanager
def _aside_path(folder: Path) -> Iterator[Path]:
    """A path at which nothing is yet; what is there disappears unless it was renamed."""
    path = folder / f"{ASIDE}{os.urandom(8).hex()}"
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink()


@contextmanager
def _aside_file(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file beside its final place that disappears unless it was renamed."""
    with _aside_path(folder) as path:
        stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
        try:
            yield stream, path
        finally:
            with suppress(OSError):
                stream.close()


def _rename(source: Path, target: Path) -> None:
    """Put a file in its place, in a folder that is nearly always there. Raises OSError."""
    try:
        source.replace(target)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)


def _copy(pieces: Iterable[bytes], stream: Any) -> tuple[Digest, int]:  # noqa: ANN401 - a binary stream
    """Write pieces of a content; returns its digest and size."""
    sha, size = hashlib.sha256(), 0
    for piece in pieces:
        sha.update(piece)
        stream.write(piece)
        size += len(piece)
    return Digest(sha.hexdigest()), size


def _flush(stream: Any) -> None:  # noqa: ANN401 - a binary stream
    stream.flush()
    os.fsync(stream.fileno())


class storage_errors:  # noqa: N801 - reads as a verb where it is used
    """Turns what the operating system says about a full disk or missing rights into an error with a fix."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError):
            raise StorageError(
                f"cannot write: {error.strerror or error}",
                where=str(error.filename or self._path),
                hint="free some space or correct the permissions, then run the same command again; nothing is lost",
            ) from error


def write_aside(path: Path, content: bytes) -> None:
    """Make a file hold exactly that, readable by all: written beside its place, flushed, renamed. Raises StorageError.

    Two processes must not do so for one path at once.
    """
    aside = path.with_name(f".{path.name}.aside")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open_new(aside) as stream:
                stream.write(content)
                _flush(stream)
            aside.chmod(0o644)  # whatever the umask
            aside.replace(path)
        except BaseException:
            with suppress(OSError):
                aside.unlink()
            raise


def file_name(action: str) -> str:
    """An action's id as a file name; two ids never have the same.

    >>> file_name("native@x86_64-unknown-linux-gnu"), file_name("image:base")
    ('native@x86_64-unknown-linux-gnu', 'image%3a~base')
    """
    return re.sub(r"[^A-Za-z0-9@._+-]|^\.", lambda match: f"%{ord(match[0]):x}~", action)


def is_inside(name: str) -> bool:
    """Whether a name is one of a file below some folder, and of nothing that could lead out of it.

    >>> is_inside("lib/a.so"), is_inside("../a.so"), is_inside("/a.so")
    (True, False, False)
    """
    parts = name.split("/")
    return "\\" not in name and "\0" not in name and all(parts) and "." not in parts and ".." not in parts


def encode(result: Result) -> bytes:
    """The record of a result: JSON that carries its own checksum."""
    body: Json = {
        "version": _VERSION,
        "key": result.key.hex,
        "files": [[r.name, r.digest.hex, r.size, r.executable] for r in result.files],
        "facts": dict(result.facts),
        "discovered": {name: digest.hex if digest else None for name, digest in sorted(result.discovered.items())},
        "asked": {name: digest.hex if digest else None for name, digest in sorted(result.asked.items())},
        "seconds": round(result.seconds, 3),
        "declared": result.declared.hex if result.declared else None,
    }
    return canonical({"body": body, "sha256": Digest.of(canonical(body)).hex})


def decode(data: bytes, key: Digest) -> Result:
    """The result in a record; raises ValueError, KeyError or TypeError where it is damaged or not of that key."""
    return decode_document(json.loads(data), key)


def decode_document(document: Any, key: Digest) -> Result:  # noqa: ANN401 - JSON of somebody else's
    """The same of a record that was parsed."""
    body = document["body"]
    if Digest.of(canonical(body)).hex != document["sha256"]:
        raise ValueError("its checksum does not match")
    if body["version"] != _VERSION or body["key"] != key.hex:
        raise ValueError("it is of another version or key")
    return Result(
        key=key,
        files=tuple(FileRecord(str(n), Digest(d), int(s), bool(x)) for n, d, s, x in body["files"]),
        facts=body["facts"],
        discovered={str(n): Digest(d) if d else None for n, d in body["discovered"].items()},
        asked={str(n): Digest(d) if d else None for n, d in body.get("asked", {}).items()},
        seconds=float(body["seconds"]),
        declared=Digest(body["declared"]) if body.get("declared") else None,
    )
