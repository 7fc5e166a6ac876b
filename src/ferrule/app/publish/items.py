"""What is published, and what one can say of it at a destination: absent, the same bytes, others, or unknown."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.manifest import Manifest
    from ferrule.core.model import Digest

Presence = Literal["absent", "same", "other", "unknown"]
Phase = Literal["upload", "publish", "move"]


@dataclass(frozen=True, slots=True)
class State:
    """What a destination has of an item: nothing, the same bytes, others, or it cannot be told.

    `detail` says of the last two what is there, and of what is right why it is, where that is not plain; `hint` says
    what to do; `wait` are seconds after which to ask again, None where asking again changes nothing.
    """

    presence: Presence
    detail: str = ""
    hint: str = ""
    wait: float | None = None


ABSENT: Final = State("absent")
SAME: Final = State("same")


def other(detail: str, hint: str = "a published file is never replaced: release a new version") -> State:
    """Something else is there under this name."""
    return State("other", detail, hint)


def unknown(detail: str, hint: str = "run the same command again", wait: float | None = None) -> State:
    """It cannot be told what is there."""
    return State("unknown", detail, hint, wait)


def compared(theirs: Digest, item: Item) -> State:
    """The state of something of which the digest is known."""
    if theirs == item.digest:
        return SAME
    return other(f"it has other bytes there: sha256 {theirs.hex[:12]}…, here {item.digest.hex[:12]}…")


class UploadFailed(Exception):  # noqa: N818 - whether it is an error, what is there then decides
    """An upload was refused, or nobody knows whether it took effect.

    `wait` are the seconds after which another attempt makes sense, None where none does. `hint` says what to do.
    """

    def __init__(self, message: str, hint: str = "run the same command again", wait: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.wait = wait


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of a release: where it is, its path in the release (`/` between folders), digest and size in bytes."""

    source: Path
    path: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """A release that verified.

    `files` are those of dist/, `page` those of a copy without folders (`extract all`) where a destination takes that.
    """

    manifest: Manifest
    tag: str
    folder: Path
    files: tuple[ReleaseFile, ...]
    page: tuple[ReleaseFile, ...]

    @property
    def project(self) -> str:
        """Its name."""
        return self.manifest.project

    @property
    def version(self) -> str:
        """Its version."""
        return self.manifest.release

    @property
    def is_prerelease(self) -> bool:
        """Whether the version is one before a release (SemVer 2.0.0, section 9)."""
        return "-" in self.version.partition("+")[0]

    def of_kinds(self, *kinds: str) -> Iterator[ReleaseFile]:
        """The files of artifacts of some kinds, in the order of the manifest."""
        by_path = {file.path: file for file in self.files}
        return (by_path[file.path] for file in self.manifest.shipped if file.kind in kinds)


@dataclass(frozen=True, slots=True)
class Item:
    """Something that a destination is to have, under the name by which it shows it.

    `upload` brings bytes, `publish` makes visible what was uploaded, `move` lets a name that moves point at it; these
    come last, in this order. `source` is the file whose bytes it is; without one `digest` is what the name stands for.
    """

    name: str
    digest: Digest
    source: Path | None = None
    size: int = 0
    phase: Phase = "upload"


def item_of(file: ReleaseFile, name: str | None = None, phase: Phase = "upload") -> Item:
    """The item that a file of the release is."""
    return Item(name or file.path, file.digest, file.source, file.size, phase)


def manifest_last(files: Iterable[ReleaseFile]) -> tuple[Item, ...]:
    """Files in their order, and the manifest at the end, which makes them visible: without one nothing is a release."""
    ordered = sorted(files, key=lambda file: file.path == MANIFEST)
    return tuple(item_of(file, phase="publish" if file.path == MANIFEST else "upload") for file in ordered)


def needed_first(needs: Mapping[str, Iterable[str]], subject: str) -> tuple[str, ...]:
    """Names, each after those that it needs; `subject` is what they are, in the plural.

    Raises VerificationError for some that need each other.
    """
    try:
        return tuple(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())
    except CycleError as error:
        raise VerificationError(f"these {subject} need each other: {', '.join(error.args[1])}") from error
