"""A small release as destinations take it, and a destination in memory that fails as it is asked to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ferrule.app.publish.items import ABSENT, Item, Release, ReleaseFile, UploadFailed, compared, item_of
from ferrule.core.manifest import Manifest, ManifestFile
from ferrule.core.model import Digest
from ferrule.formats.sums import format_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ferrule.app.publish.base import Withdrawal
    from ferrule.app.publish.items import State

CANARY = "s3cret-canary-0123456789"


def release_of(folder: Path, files: Mapping[str, tuple[str, bytes]], version: str = "1.2.3") -> Release:
    """A release whose files, by path, have a kind and a content; laid out in the folder, with sums and a manifest."""
    contents = {path: content for path, (_, content) in files.items()}
    contents["SHA256SUMS"] = format_sums({p: Digest.of(c) for p, c in contents.items()}).encode()
    kinds = {path: kind for path, (kind, _) in files.items()} | {"SHA256SUMS": "checksums"}
    rows = [
        ManifestFile(
            kinds[path].partition(":")[0],
            kinds[path].partition(":")[0],
            None,
            path,
            len(content),
            Digest.of(content),
            None,
            "file",
        )
        for path, content in contents.items()
    ]
    manifest = Manifest("demo", version, None, None, None, tuple(rows), {})
    contents["manifest.json"] = repr(manifest.document()).encode()
    out = []
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        out.append(ReleaseFile(folder / path, path, Digest.of(content), len(content)))
    page = tuple(sorted((f for f in out if "/" not in f.path), key=lambda f: f.path))
    return Release(manifest, f"v{version}", folder, tuple(out), page)


@dataclass
class Shelf:
    """A destination in memory that several publishers share: it creates a name once, and counts what happens."""

    files: dict[str, Digest] = field(default_factory=dict)
    created: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def create(self, name: str, digest: Digest) -> bool:
        if name in self.files:
            self.refused[name] += 1
            return False
        self.created[name] += 1
        self.files[name] = digest
        return True


@dataclass(eq=False)
class ShelfPublisher:
    """One publisher of a release to a shelf; `fault` is called at every request with what it would do."""

    shelf: Shelf
    items: tuple[Item, ...]
    fault: Callable[[str, Item, Callable[[], None]], None] = lambda _, __, act: act()
    title: str = "the shelf"
    whole: bool = False
    refuses: tuple[tuple[str, str], ...] = ()
    calls: list[str] = field(default_factory=list)
    offers: Callable[[str], tuple[Withdrawal, ...]] = lambda _: ()

    def preflight(self, pending):
        assert pending
        yield from self.refuses

    def look(self, item: Item) -> State:
        state: list[State] = []
        self.calls.append(f"look {item.name}")
        self.fault("look", item, lambda: state.append(self._look(item)))
        return state[0]

    def _look(self, item: Item) -> State:
        theirs = self.shelf.files.get(item.name)
        return ABSENT if theirs is None else compared(theirs, item)

    def upload(self, item: Item) -> None:
        self.calls.append(f"upload {item.name}")

        def act() -> None:
            if not self.shelf.create(item.name, item.digest):
                raise UploadFailed("it exists already (409)")

        self.fault("upload", item, act)

    def call(self, item: Item) -> str:
        return f"put {item.name}"

    def fetch(self, item: Item, folder: Path) -> Path | None:
        if item.source is None:
            return None
        path = folder / item.name
        if item.name not in self.shelf.files:
            raise UploadFailed("it is not there")
        same = self.shelf.files[item.name] == item.digest
        path.write_bytes(item.source.read_bytes() if same else b"other")
        return path

    def withdrawals(self, reason: str):
        yield from self.offers(reason)


def items_of(release: Release) -> tuple[Item, ...]:
    """All its files, the manifest as what makes them visible."""
    return tuple(item_of(f, phase="publish" if f.path == "manifest.json" else "upload") for f in release.files)
