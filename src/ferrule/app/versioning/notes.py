"""Release notes: what changed, what to download, where it runs, and how to check what was downloaded. Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.one_line import one_line
from ferrule.core.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ferrule.core.manifest import Manifest, ManifestFile
    from ferrule.core.model import Target

_DESCRIBING: Final = frozenset({"checksums", "provenance", "sbom"})


def notes(manifest: Manifest, changes: str, targets: Iterable[Target], *, signed: bool) -> str:
    """The notes of a finished release; `changes` is its section of the changelog."""
    parts = [changes.strip(), _downloads(manifest), _floors(targets), _checking(manifest, signed=signed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _downloads(manifest: Manifest) -> str:
    """A table of what users download as one file; images, folders and what only describes others are left out."""
    rows = [_row(file) for file in manifest.shipped if file.kind not in _DESCRIBING and "/" not in file.path]
    if not rows:
        return ""
    return "\n".join(["## Downloads", "", "| file | for | bytes | sha256 |", "| --- | --- | ---: | --- |", *rows])


def _row(file: ManifestFile) -> str:
    cells = (f"`{file.path}`", file.target or "every machine", f"{file.size:,}", f"`{file.digest.hex}`")
    return f"| {' | '.join(one_line(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _floors(targets: Iterable[Target]) -> str:
    lines = [
        f"- `{target.triple}`: {platform.floor_name} {floor} or newer"
        for target in targets
        if (platform := PLATFORMS.get(target.triple)) and (floor := target.floor(platform.floor_name))
    ]
    return "\n".join(["## Where it runs", "", *lines]) if lines else ""


def _checking(manifest: Manifest, *, signed: bool) -> str:
    return "\n".join(["## Checking a download", "", *_commands(manifest, signed=signed)])


def _commands(manifest: Manifest, *, signed: bool) -> Iterator[str]:
    yield "Beside what you downloaded:"
    yield ""
    for file in manifest.shipped:
        if file.role == "checksums":
            yield f"    sha256sum --check --ignore-missing {file.path}"
    yield f"    ferrule verify{' --key release.pub' if signed else ''} FOLDER"
