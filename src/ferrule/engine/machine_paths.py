"""Paths of this machine in what an action made: they tell strangers about it, and no other machine makes such bytes."""

from __future__ import annotations

import mmap
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError, VerificationError
from ferrule.formats import ar, magic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BEFORE: Final = re.compile(rb"[\w.\-/+]")
_AFTER: Final = re.compile(rb"[\w.\-+]")
_PATH: Final = re.compile(rb"[^\x00-\x20\"'`<>|:;,()\[\]{}\\\x7f]{1,200}")
_OF_TOOLS: Final = (".cargo", ".rustup", ".cache")
_STAND_INS: Final = frozenset({"workspace", "target", "cargo", "rustc", "zig", "zig-cache"})
"""Names below the root that builds write in place of folders (`tools.cargo.remapped`)."""


def machine_folders(project: Path, caches: Iterable[Path], environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Folders whose paths belong into no release: the checkout, caches, and where Rust's tools keep what they fetch.

    Not the home folder itself, whose path may be as common as `/root`.
    """
    home = environment.get("HOME")
    named = (environment[name] for name in ("CARGO_HOME", "RUSTUP_HOME") if environment.get(name))
    folders = [project, *caches, *map(Path, named), *(Path(home) / name for name in _OF_TOOLS if home)]
    real = [*folders, *(folder.resolve() for folder in folders)]
    candidates = dict.fromkeys(folder for folder in real if len(folder.parts) > 1)
    return tuple(folder for folder in candidates if folder.parts[1] not in _STAND_INS)


def refuse(folder: Path, names: Iterable[str], folders: tuple[Path, ...]) -> None:
    """Read files in a folder; raises BuildError for the first with such a path, with the member of a static library."""
    for name in names:
        path = folder / name
        if path.stat().st_size == 0:
            continue
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            hit = next(find(data, folders), None)
            if hit is None:
                continue
            offset, text = hit
            member = _member(bytes(data), offset) if data[: len(magic.AR)] == magic.AR else None
        raise BuildError(
            f"this holds a path of this machine, {text}, and was not kept",
            where=f"{name}({member})" if member else name,
            hint='find what writes it there (env!("CARGO_MANIFEST_DIR") or OUT_DIR in code, __FILE__ or debug '
            "information of C that a build script compiles by other means than the crate cc), and let it do without",
        )


def find(data: bytes | mmap.mmap, folders: Iterable[Path]) -> Iterator[tuple[int, str]]:
    """Where paths in these folders stand, and as what; those of a short folder only if it has such a file."""
    for folder in folders:
        needle = str(folder).encode()
        offset = data.find(needle)
        while offset != -1:
            if _is_path(data, offset, len(needle)):
                match = _PATH.match(data, offset)
                text = (match[0] if match else needle).decode(errors="replace")
                if len(folder.parts) > 2 or _exists(folder, text):  # noqa: PLR2004 - the root and one name
                    yield offset, text
            offset = data.find(needle, offset + 1)


def _is_path(data: bytes | mmap.mmap, offset: int, length: int) -> bool:
    before, after = data[max(0, offset - 1) : offset], data[offset + length : offset + length + 1]
    return not _BEFORE.match(before) and not _AFTER.match(after)


def _exists(folder: Path, text: str) -> bool:
    first = text.removeprefix(str(folder)).strip("/").partition("/")[0]
    return bool(first) and (folder / first).exists()


def _member(data: bytes, offset: int) -> str | None:
    with suppress(VerificationError):
        for member in ar.members(data):
            if member.offset <= offset < member.offset + len(member.content):
                return member.name
    return None
