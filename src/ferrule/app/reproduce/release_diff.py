"""The difference of two releases: every file, and the inputs that they do not share."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.errors import VerificationError
from ferrule.core.manifest import read_manifest
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST, STATE
from ferrule.engine.key import difference as key_changes
from ferrule.engine.sources import StatIndex
from ferrule.engine.store import Store, storage_errors
from ferrule.formats.compare import Difference, first_difference, first_difference_of_layouts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.manifest import Manifest
    from ferrule.core.model import Json

Verdict = Literal["equal", "different", "only in the first", "only in the second"]

_CHANGES: Final = 5
_FOLLOWING: Final = ("needs ", "facts ")  # what an action is made of that others made: told of those


@dataclass(frozen=True, slots=True)
class Compared:
    """One file of both releases.

    `same_inputs` tells whether the actions that made it had one key on both sides (None where no manifest says), so
    that a difference is either one of what went in or one of how it was made.
    """

    file: str
    verdict: Verdict
    first: Digest | None
    second: Digest | None
    same_inputs: bool | None = None
    difference: Difference | None = None

    @property
    def depth(self) -> tuple[bool, bool]:
        """What sorts a difference within a section before one within an archive, and lists of digests last."""
        steps = self.difference.path if self.difference else ()
        return not any(step.kind == "section" for step in steps), not steps

    def document(self) -> Json:
        """All of it as JSON."""
        difference = self.difference
        return {
            "file": self.file,
            "verdict": self.verdict,
            "first": self.first.hex if self.first else None,
            "second": self.second.hex if self.second else None,
            "same_inputs": self.same_inputs,
            "difference": {
                "location": difference.location,
                "path": [{"kind": step.kind, "name": step.name} for step in difference.path],
                "reason": difference.reason,
                "offset": difference.offset,
                "at": difference.at,
                "first": difference.first,
                "second": difference.second,
                "also": list(difference.also),
            }
            if difference
            else None,
        }


def compare(first: Path, second: Path) -> Iterator[Compared]:
    """Every file of two releases, by name, the manifest last because it follows from the others. Raises StorageError.

    The page about a release tells times and is no part of it.
    """
    with storage_errors(first):
        ours, theirs = _files(first), _files(second)
        keys = _keys(first), _keys(second)
        layouts = _layouts(ours, theirs)
        for name in sorted({*ours, *theirs}, key=lambda n: (n == MANIFEST, n)):
            inputs = keys[0][name] == keys[1][name] if name in keys[0] and name in keys[1] else None
            pair = ours.get(name), theirs.get(name)
            digests = [Digest.of_file(path) if path else None for path in pair]
            verdict = _verdict(pair, digests)
            difference = None
            if verdict != "equal":
                difference = _difference(name, pair, layouts, first, second)
            yield Compared(name, verdict, digests[0], digests[1], inputs, difference)


def _files(folder: Path) -> dict[str, Path]:
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() or p.is_symlink()}


def _verdict(pair: tuple[Path | None, Path | None], digests: list[Digest | None]) -> Verdict:
    one, two = pair
    if one is None or two is None:
        return "only in the first" if one else "only in the second"
    modes = [path.lstat().st_mode for path in (one, two)]
    kinds = {(stat.S_IFMT(mode), mode & stat.S_IXUSR) for mode in modes}
    return "equal" if digests[0] == digests[1] and len(kinds) == 1 else "different"


def _difference(
    name: str, pair: tuple[Path | None, Path | None], layouts: Mapping[str, str], first: Path, second: Path
) -> Difference | None:
    layout = layouts.get(name)
    if layout is not None:
        # Blobs are called by their digests: what differs in an image is told once, by its index.
        sides = [{n: (top / layout / n).read_bytes() for n in _files(top / layout)} for top in (first, second)]
        return first_difference_of_layouts(*sides) if name == f"{layout}/index.json" else None
    one, two = pair
    if one is None or two is None:
        return None
    difference = first_difference(one.read_bytes(), two.read_bytes())
    return difference or Difference((), "one of them may be executed, or is a link, and the other is not")


def _layouts(ours: Mapping[str, Path], theirs: Mapping[str, Path]) -> dict[str, str]:
    """For each file of an image layout that both sides have, the layout's folder."""
    folders = [n.removesuffix("/oci-layout") for n in ours if n.endswith("/oci-layout") and n in theirs]
    return {n: folder for n in {*ours, *theirs} for folder in folders if n.startswith(f"{folder}/")}


def _manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None where there is none that can be read, for any two folders can be compared."""
    try:
        return read_manifest(folder, any_names=True)
    except VerificationError:
        return None


def _keys(folder: Path) -> dict[str, Digest | None]:
    manifest = _manifest(folder)
    return {file.path: file.key for file in manifest.shipped} if manifest else {}


def differing_inputs(first: Path, second: Path, states: tuple[Path, Path]) -> tuple[str, ...]:
    """Sentences about the inputs in which two releases differ: commit, tools, and inputs of actions by their keys.

    `states` are the projects whose stores may still have the key documents of what was made.
    """
    ours, theirs = _manifest(first), _manifest(second)
    sentences = key_changes(_origin(ours), _origin(theirs))
    stores = [Store(state / STATE / "store", StatIndex(None, lambda: 0), lambda _: None) for state in states]
    for action, keys in sorted(_actions(ours, theirs)):
        latest = [store.latest(action) for store in stores]
        if latest[0] and latest[1] and [record["key"] for record in latest if record] == list(keys):
            inputs = [
                c for c in key_changes(latest[0]["document"], latest[1]["document"]) if not c.startswith(_FOLLOWING)
            ]
            sentences += [f"{action}: {change}" for change in inputs[:_CHANGES]]
            sentences += [f"{action}: and {len(inputs) - _CHANGES} more"] if len(inputs) > _CHANGES else []
    return tuple(sentences)


def _origin(manifest: Manifest | None) -> dict[str, Json]:
    """What a manifest says of all of a release."""
    document = manifest.document() if manifest else {}
    return {name: document.get(name) for name in ("project", "release", "source", "toolchain")}


def _actions(ours: Manifest | None, theirs: Manifest | None) -> Iterable[tuple[str, tuple[str, str]]]:
    """Ids of actions whose keys differ between both sides, with those keys."""
    first, second = (
        {file.action: file.key.hex for file in (manifest.files if manifest else ()) if file.key}
        for manifest in (ours, theirs)
    )
    return ((n, (first[n], second[n])) for n in first.keys() & second.keys() if first[n] != second[n])
