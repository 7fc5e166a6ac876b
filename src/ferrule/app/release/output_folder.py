"""Makes the output folder contain exactly the files of a release."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from ferrule.app.release.release_folder import bundles, read_release
from ferrule.core.errors import StorageError, VerificationError
from ferrule.core.model import Digest, FileRecord, Placed
from ferrule.core.printable import printable
from ferrule.core.safe_files import MANIFEST, clear, own_folder, read_regular
from ferrule.engine.events import Noticed
from ferrule.engine.store import ASIDE, storage_errors, write_aside
from ferrule.kinds.base import BINDINGS, BINDINGS_TYPES, LEFT_TO_AUTHOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import Action, Outcome, Output
    from ferrule.engine.events import Listener
    from ferrule.engine.sources import StatIndex
    from ferrule.engine.store import Store


_INNER: Final = frozenset({"layer", BINDINGS, BINDINGS_TYPES, LEFT_TO_AUTHOR})
"""Roles of what is of use in what packs it alone; `ferrule bindings` puts bindings where they belong."""


def placed_files(outcomes: tuple[Outcome, ...], *, everything: bool) -> Iterator[Placed]:
    """Where each file of each output belongs in the output folder."""
    for outcome in outcomes:
        for output in outcome.action.outputs:
            at = output.ships or (_path_of_unshipped(outcome.action, output) if everything else None)
            if at is None:
                continue
            for record in outcome.files:
                rest = record.name.removeprefix(output.name)
                if record.name == output.name or (output.folder and rest.startswith("/")):
                    yield Placed(at + rest, outcome, output, record.digest, record.size, record.executable)


def _path_of_unshipped(action: Action, output: Output) -> str | None:
    if output.role in _INNER:
        return None
    return f"{action.artifact}/{action.target}/{output.name}" if action.target else f"{action.artifact}/{output.name}"


def ship(
    store: Store,
    index: StatIndex,
    placed: tuple[Placed, ...],
    manifest: bytes,
    output: Path,
    state: Path,
    listen: Listener,
    beside: Mapping[str, bytes],
) -> None:
    """Make the output folder hold exactly these files and the manifest, which is taken away first and comes last.

    So a folder with a manifest is whole. `beside` are files of ours that the manifest does not name. Files that an
    earlier run put there, as the ledger in `state` or the folder's own manifest says, and that are no longer wanted are
    removed; files of other people are left alone and named. Raises StorageError for one of theirs where ours belongs.
    """
    names = {*beside, *(p.file for p in placed)}
    ledger = state / f"placed-{Digest.of(os.fsencode(output)).short}.json"
    with storage_errors(output):
        own_folder(output)
    before = _read_ledger(ledger) | _named_by_manifest(output)
    with storage_errors(output):
        for name in _linked(output, {*names, *before}):
            clear(output / name)
            listen(Noticed(f"{output.name}/{name} was a link to elsewhere and was removed"))
    missing = [p for p in placed if not _stands(index, output / p.file, p)]
    outdated = {name: content for name, content in beside.items() if read_if_any(output / name) != content}
    superfluous = sorted(name for name in before - names if (output / name).is_file())
    with storage_errors(output):
        leftovers = sorted(output.rglob(f"{ASIDE}*"))
    if missing or outdated or superfluous or leftovers or read_if_any(output / MANIFEST) != manifest:
        _refuse_foreign(output, ({p.file for p in missing} | outdated.keys()) - before, previous=bool(before))
        with storage_errors(output):
            write_aside(ledger, json.dumps(sorted(before | names)).encode())
            (output / MANIFEST).unlink(missing_ok=True)
            for path in leftovers:
                clear(path)
            for p in missing:
                store.copy_out(FileRecord(p.file, p.digest, p.size, p.executable), output / p.file)
            for name in superfluous:
                (output / name).unlink()
                _remove_empty(output, (output / name).parent)
            for name, content in outdated.items():
                write_aside(output / name, content)
            write_aside(output / MANIFEST, manifest)
            write_aside(ledger, json.dumps(sorted(names)).encode())
    with storage_errors(output):
        strangers = _foreign_files(output, names)
    for name in strangers:
        listen(Noticed(f"{output.name}/{printable(name)} is not part of this release and is kept"))


def _refuse_foreign(output: Path, names: set[str], *, previous: bool) -> None:
    """Raise StorageError where a file that Ferrule did not write has the name of one of the release.

    Links, FIFOs and sockets hold nothing that would be lost, and are taken away.
    """
    foreign = [name for name in sorted(names) if _is_regular(output / name)]
    if not previous and _is_regular(output / MANIFEST):
        foreign.append(MANIFEST)
    if foreign:
        more = f", and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise StorageError(
            f"this was not put there by ferrule, and nothing was changed{more}",
            where=str(output / foreign[0]),
            hint="remove or rename it, or choose another folder with --output",
        )


def _is_regular(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _named_by_manifest(output: Path) -> set[str]:
    """Files of an earlier release, as the manifest in its folder names them, and the bundles that signed it.

    With this the ledger may be lost, as everything in `.ferrule` may.
    """
    try:
        release = read_release(output)
    except VerificationError:
        return set()
    return {name for name in (*release.files, *bundles(release)) if _is_below(name)}


def _is_below(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/") and name.isprintable()


def _linked(output: Path, names: set[str]) -> list[str]:
    """Folders of files of ours that are links, or no folders: what is written into them would be elsewhere."""
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents} - {"."}
    return [
        n for n in sorted(folders) if (output / n).is_symlink() or ((output / n).exists() and not (output / n).is_dir())
    ]


def _stands(index: StatIndex, path: Path, placed: Placed) -> bool:
    try:
        executable = bool(path.stat().st_mode & 0o100)
        return not path.is_symlink() and executable == placed.executable and index.digest(path) == placed.digest
    except OSError:
        return False


def read_if_any(path: Path) -> bytes | None:
    """The content of a regular file; None where there is none that can be read."""
    with suppress(OSError):
        return read_regular(path)
    return None


def _read_ledger(path: Path) -> set[str]:
    try:
        names = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError):
        return set()
    if not isinstance(names, list):
        return set()
    return {n for n in names if isinstance(n, str) and _is_below(n)}


def _remove_empty(top: Path, folder: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _foreign_files(output: Path, names: set[str]) -> list[str]:
    files = (
        p.relative_to(output).as_posix() for p in output.rglob("*") if not p.is_dir() and not p.name.endswith(".aside")
    )
    return sorted(n for n in files if n not in names and n != MANIFEST)
