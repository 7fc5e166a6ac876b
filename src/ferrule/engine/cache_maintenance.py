"""The store as a whole: how large it is, whether it is undamaged, and what of it is of no more use."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest, FileRecord
from ferrule.core.safe_files import read_regular
from ferrule.engine.store import decode, storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.engine.store import Result, Store

_FILLED: Final = 0.9
_LATELY_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Usage:
    """A number of files, and their bytes."""

    files: int
    bytes: int


def extent(folder: Path) -> Usage:
    """Number and size of the files of a folder; links are not followed."""
    sizes = [stat.st_size for stat in _stats(folder)]
    return Usage(len(sizes), sum(sizes))


def _stats(folder: Path) -> Iterator[os.stat_result]:
    for top, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # another run may be at work
                yield os.lstat(os.path.join(top, name))  # noqa: PTH118 - a Path costs more


def check(store: Store) -> Usage:
    """Read every content and record; damaged ones are dropped, with a notice of the store.

    Returns what was read and is undamaged.
    """
    whole = [(path, stat.st_size) for path, stat in _contents(store) if _is_whole(store, path)]
    for key in _keys(store):
        store.find(key)
    return Usage(len(whole), sum(size for _, size in whole))


def _is_whole(store: Store, path: Path) -> bool:
    try:
        record = FileRecord(path.name, Digest(path.name), 0)
    except ValueError:
        return False  # what is no content is of no use, and nobody's but ours: the next prune takes it
    whole = store.holds(record, read=True)
    if not whole:
        store.notice(f"the content {record.digest.short} was damaged and is dropped; what made it runs again")
    return whole


def prune(store: Store) -> Usage:
    """Remove everything except the last result of each action; returns what was removed. Raises StorageError."""
    last = {Digest(key) for key in _last(store)}
    results = {key: result for key in last if (result := _result(store, key))}
    contents = {record.digest.hex for result in results.values() for record in result.files}
    read = {result.declared.hex for result in results.values() if result.declared}
    gone = [path for path in (store.root / "results").glob("*") if path.stem not in {key.hex for key in results}]
    gone += [path for path in (store.root / "reads").glob("*") if path.stem not in read]
    gone += [path for path, _ in _contents(store) if path.name not in contents]
    with storage_errors(store.root):
        return _delete(gone)


def bound(store: Store, largest: int) -> Usage:
    """Remove the results that were used longest ago, so that the contents of all others have 0.9 of `largest` bytes.

    Contents that came lately stay, as another run may be about to write down whose they are. Returns what was removed;
    raises StorageError.
    """
    with storage_errors(store.root):
        contents = {path.name: (path, stat) for path, stat in _contents(store)}
        latest = max((stat.st_ctime for _, stat in contents.values()), default=0.0)
        records = sorted(store.root.glob("results/*"), key=lambda path: -path.stat().st_mtime)
        used: set[str] = set()
        declared: set[str] = set()
        kept: set[Path] = set()
        left = largest * _FILLED
        for path in records:
            result = _result_in(path)
            more = {r.digest.hex for r in result.files} - used if result else set()
            size = sum(contents[name][1].st_size for name in more if name in contents)
            if result is None or size > left:
                continue
            left -= size
            used |= more
            kept.add(path)
            declared |= {result.declared.hex} if result.declared else set()
        gone = [path for path in records if path not in kept]
        gone += [path for path in store.root.glob("reads/*.json") if path.stem not in declared]
        unused = [content for name, content in contents.items() if name not in used]
        unused += [(path, path.lstat()) for path in store.root.glob("aside/*")]
        gone += [path for path, stat in unused if stat.st_ctime < latest - _LATELY_SECONDS]
        return _delete(gone)


def _delete(gone: list[Path]) -> Usage:
    size = sum(path.lstat().st_size for path in gone)
    for path in gone:
        path.unlink(missing_ok=True)
    return Usage(len(gone), size)


def _contents(store: Store) -> Iterator[tuple[Path, os.stat_result]]:
    for path in sorted((store.root / "objects").glob("*/*")):
        yield path, path.lstat()


def _keys(store: Store) -> Iterator[Digest]:
    for path in sorted((store.root / "results").glob("*.json")):
        with suppress(ValueError):
            yield Digest(path.stem)


def _last(store: Store) -> Iterator[str]:
    for path in (store.root / "latest").glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            yield Digest(json.loads(read_regular(path))["key"]).hex


def _result(store: Store, key: Digest) -> Result | None:
    """A result as it is written down, without a look at its contents."""
    return _result_in(store.root / "results" / f"{key}.json")


def _result_in(path: Path) -> Result | None:
    """The result that a file holds whose name is its key; None for anything else."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        return decode(read_regular(path), Digest(path.stem))
    return None
