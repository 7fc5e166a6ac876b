"""A plain folder, such as one that a web server serves: the release below its name and version.

A file is written aside, flushed, and linked to its name, which fails where anything has the name already (link(2)):
of two publishers one creates it. The manifest comes last, so that nobody takes half a release for one.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.app.publish.base import Destination
from ferrule.app.publish.items import ABSENT, SAME, Item, UploadFailed, compared, manifest_last, other
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.safe_files import STATE, open_regular
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ferrule.app.publish.base import Problem, PublishContext, Withdrawal
    from ferrule.app.publish.items import Release, State

_INCOMING: Final = ".incoming"
_CHUNK: Final = 1 << 20


class FolderSection(Section):
    """A folder of this machine."""

    to: Literal["folder"] = Field(description="The destination.")
    path: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")] = Field(
        description="The folder, absolute or relative to the project; in it the release gets one of its own, named by "
        "its name and version.",
        examples=["/srv/releases"],
    )


@dataclass(frozen=True, slots=True)
class FolderPublisher:
    """The folder `target` of one release below the folder `base`."""

    base: Path
    target: Path
    items: tuple[Item, ...]
    whole: bool = True

    @property
    def title(self) -> str:
        """The folder."""
        return str(self.target)

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether the folder above is there, may be written, and has room."""
        if not self.base.is_dir():
            yield f"there is no folder {self.base}", "create it, or correct `path` in targets.yaml"
            return
        if not os.access(self.target if self.target.is_dir() else self.base, os.W_OK | os.X_OK):
            yield f"you may not write to {self.base}", "change its permissions, or publish as somebody who may"
        size = sum(item.size for item in pending)
        if shutil.disk_usage(self.base).free < size:
            yield f"{self.base} has no room for {size} bytes", "make room there"

    def look(self, item: Item) -> State:
        """Compare the bytes of a file; the release is visible once nothing is written aside any more."""
        path = self.target / item.name
        try:
            for above in path.relative_to(self.base).parents:
                if (self.base / above).is_symlink():
                    return other(f"{self.base / above} is a link", "replace it by a folder")
            with open_regular(path) as stream:
                state = compared(_digest(stream), item)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        except OSError as error:
            return other(f"what is there cannot be read as a file: {error.strerror}", "see what it is")
        return ABSENT if state is SAME and item.phase != "upload" and (self.target / _INCOMING).exists() else state

    def upload(self, item: Item) -> None:
        """Write a file aside and link it. Raises UploadFailed."""
        path = self.target / item.name
        # New each time: one that a killed run left, or that is of the same bytes, may have a published name already.
        aside = self.target / _INCOMING / f"{item.digest.hex}.{secrets.token_hex(8)}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.parent.mkdir(exist_ok=True)
            if not os.path.lexists(path):
                _write(item, aside)
                with suppress(FileExistsError):
                    path.hardlink_to(aside)
                _flush(path.parent)
                aside.unlink()
            if item.phase != "upload":
                shutil.rmtree(aside.parent)
        except FileNotFoundError as error:
            raise UploadFailed("somebody else publishes there at this moment", wait=0) from error
        except OSError as error:
            raise UploadFailed(f"it cannot be written: {error.strerror}", hint="see what is wrong there") from error

    def call(self, item: Item) -> str:
        """A copy."""
        return f"copy {item.source} to {self.target / item.name}"

    def fetch(self, item: Item, folder: Path) -> Path:
        """Copy a file. Raises UploadFailed."""
        path = folder / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(self.target / item.name, path)
        except OSError as error:
            raise UploadFailed(f"it cannot be read: {error.strerror}") from error
        return path

    def withdrawals(self, _reason: str) -> Iterator[Withdrawal]:
        """Files are files: nothing marks them."""
        yield from ()


def _write(item: Item, aside: Path) -> None:
    """Bring the bytes of an item to a new file beside the others."""
    assert item.source is not None  # noqa: S101 - every item of a folder is a file
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "w+b") as target, open_regular(item.source, follow=True) as source:
        shutil.copyfileobj(source, target, _CHUNK)
        target.flush()
        os.fsync(target.fileno())
        target.seek(0)
        if _digest(target) != item.digest:
            raise UploadFailed("the file changed while it was copied", hint="make the release again")


def _digest(stream: Any) -> Digest:  # noqa: ANN401 - a file open for reading
    return Digest(hashlib.file_digest(stream, "sha256").hexdigest())


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _row_problems(
    section: FolderSection, root: Path, before: Mapping[str, FolderSection]
) -> Iterator[tuple[str, str, str]]:
    """A folder that Ferrule itself fills and clears, and one that two rows name."""

    def resolved(path: str) -> Path:
        return Path(os.path.realpath(root / path))

    base, away = resolved(section.path), "name a folder outside of the project, or one of its own in it"
    if base == resolved("."):
        yield "path", "this is the project itself, and the release would lie among its sources", away
    for name in ("dist", STATE):
        if base.is_relative_to(resolved(name)):
            yield "path", f"this is {name}/ or lies in it, which Ferrule fills and clears itself", away
    for name, other_row in before.items():
        if base == resolved(other_row.path):
            yield "path", f"the row {name} has the same folder", "leave one of the two out"


def _opened(section: FolderSection, release: Release, context: PublishContext) -> FolderPublisher:
    base = (context.project / section.path).resolve()
    target = base / str(PurePosixPath(f"{release.project}-{release.version}"))
    return FolderPublisher(base, target, manifest_last(release.files))


DESTINATION: Final = Destination(
    name="folder",
    title="a folder",
    summary="copies all files of the release to a folder",
    section=FolderSection,
    row_problems=_row_problems,
    opened=_opened,
)
