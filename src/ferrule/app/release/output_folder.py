"""The output folder: what belongs where in it, and making it hold exactly that."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ferrule.core.model import Digest, FileRecord, Placed
from ferrule.core.safe_files import MANIFEST, clear, own_folder, read_regular
from ferrule.engine.events import Noticed
from ferrule.engine.store import ASIDE, storage_errors, write_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import Action, Outcome, Output
    from ferrule.engine.events import Listener
    from ferrule.engine.sources import StatIndex
    from ferrule.engine.store import Store


def placed_files(outcomes: tuple[Outcome, ...], *, everything: bool) -> Iterator[Placed]:
    """Where each file of each output belongs in the output folder."""
    for outcome in outcomes:
        for output in outcome.action.outputs:
            at = output.ships or (_place_of_unshipped(outcome.action, output) if everything else None)
            if at is None:
                continue
            for record in outcome.files:
                rest = record.name.removeprefix(output.name)
                if record.name == output.name or (output.folder and rest.startswith("/")):
                    yield Placed(at + rest, outcome, output, record.digest, record.size, record.executable)


def _place_of_unshipped(action: Action, output: Output) -> str | None:
    if output.role == "layer":
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
    earlier run put there and that are no longer wanted are removed; files of other people are left alone and named.
    """
    wanted = {*beside, *(p.file for p in placed)}
    ledger = state / f"placed-{Digest.of(os.fsencode(output)).short}.json"
    before = _read_ledger(ledger)
    with storage_errors(output):
        own_folder(output)
        for name in _linked(output, {*wanted, *before}):
            clear(output / name)
            listen(Noticed(f"{output.name}/{name} led elsewhere and was taken away"))
    missing = [p for p in placed if not _stands(index, output / p.file, p)]
    outdated = {name: content for name, content in beside.items() if _read(output / name) != content}
    superfluous = sorted(name for name in before - wanted if (output / name).is_file())
    with storage_errors(output):
        leftovers = sorted(output.rglob(f"{ASIDE}*"))
    if missing or outdated or superfluous or leftovers or _read(output / MANIFEST) != manifest:
        with storage_errors(output):
            write_aside(ledger, json.dumps(sorted(before | wanted)).encode())
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
            write_aside(ledger, json.dumps(sorted(wanted)).encode())
    with storage_errors(output):
        strangers = _strangers(output, wanted)
    for name in strangers:
        listen(Noticed(f"{output.name}/{name} is not part of this release and was left alone"))


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


def _read(path: Path) -> bytes | None:
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
    return {n for n in names if isinstance(n, str) and not n.startswith("/") and ".." not in n.split("/")}


def _remove_empty(top: Path, folder: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _strangers(output: Path, wanted: set[str]) -> list[str]:
    found = (
        p.relative_to(output).as_posix() for p in output.rglob("*") if not p.is_dir() and not p.name.endswith(".aside")
    )
    return sorted(n for n in found if n not in wanted and n != MANIFEST)
