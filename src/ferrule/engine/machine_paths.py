"""Paths of this machine in what an action made: they tell strangers about it, and no other machine makes such bytes."""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError, VerificationError
from ferrule.formats import ar, elf, magic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BEFORE: Final = re.compile(rb"[\w.\-/+]")
_AFTER: Final = re.compile(rb"[\w.\-+]")
_PATH: Final = re.compile(rb"[^\x00-\x20\"'`<>|:;,()\[\]{}\\\x7f]{1,200}")
_OF_TOOLS: Final = (".cargo", ".rustup", ".cache")
_STAND_INS: Final = frozenset({"workspace", "project", "packages", "target", "cargo", "rustc", "zig", "zig-cache"})
"""Names below the root that builds write in place of folders (`tools.cargo.remapped`)."""

_CERTAIN: Final = 10
"""Length of a folder's path that no other text has by chance, so that it counts wherever it stands."""

_ZIG: Final = "/ziglang-"
_OF_ZIG: Final = (
    'it is in debug information of zig\'s own runtime: write strip = "debuginfo" in the profile of Cargo.toml'
)
_OF_CODE: Final = (
    'find what writes it there (env!("CARGO_MANIFEST_DIR") or OUT_DIR in code, __FILE__ or debug information of C that '
    "a build script compiles by other means than the crate cc), and let it do without"
)
_OF_TEXT: Final = (
    "find what writes it into this text: what a program prints, or a build script writes, may name the home folder, "
    "the folder that it works in or its own; let it write that without the path"
)
_ZLIB: Final = 1
_LARGEST_SECTION: Final = 1 << 30
_BEGINNING: Final = 1 << 13
_WINDOW: Final = 1 << 20
_OF_SYSTEM: Final = "/usr"


def machine_folders(project: Path, caches: Iterable[Path], environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Folders whose paths belong into no release: checkout, caches, where Rust's tools keep what they fetch, and home.

    A home folder may be as common as `/root`: one so short counts only where something of that path is there (`find`).
    """
    home = environment.get("HOME")
    named = (environment[name] for name in ("CARGO_HOME", "RUSTUP_HOME") if environment.get(name))
    folders = [project, *caches, *map(Path, named), *(Path(home) / name for name in (*_OF_TOOLS, ".") if home)]
    real = [*folders, *(folder.resolve() for folder in folders)]
    candidates = dict.fromkeys(folder for folder in real if len(folder.parts) > 1)
    return tuple(folder for folder in candidates if folder.parts[1] not in _STAND_INS)


def foreign_packages(read: Iterable[Path], folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Folders of the crates among what was read that are in none of the folders, nor the distribution's."""
    packages = dict.fromkeys(path.parent for path in read if path.name == "Cargo.toml" and path.is_absolute())
    return tuple(
        package
        for package in packages
        if len(package.parts) > 2  # noqa: PLR2004 - the root and one name
        and not package.is_relative_to(_OF_SYSTEM)
        and not any(package.is_relative_to(folder) for folder in folders)
    )


def refuse(folder: Path, names: Iterable[str], folders: tuple[Path, ...]) -> None:
    """Read files in a folder; raises BuildError for the first with such a path, with the member of a static library.

    Compressed debug information is read too.
    """
    for name in names:
        path = folder / name
        if path.stat().st_size == 0:
            continue
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            hit = _first(data, folders)
            if hit is None:
                continue
            text, member = hit
            hint = _OF_TEXT if _is_text(data) else _OF_ZIG if _ZIG in text else _OF_CODE
        raise BuildError(
            f"this holds a path of this machine, {text}, and was not kept",
            where=f"{name}({member})" if member else name,
            hint=hint,
        )


def _is_text(data: mmap.mmap) -> bool:
    """Whether people may read a file, as no compiled one, by its beginning."""
    return data[: len(magic.AR)] != magic.AR and data.find(b"\0", 0, _BEGINNING) == -1


def _first(data: mmap.mmap, folders: tuple[Path, ...]) -> tuple[str, str | None] | None:
    """The first path in a file, and the object of a static library that it is in."""
    for offset, text in find(data, folders):
        return text, _member(data, offset) if data[: len(magic.AR)] == magic.AR else None
    return next(_compressed_hits(data, folders), None)


def _compressed_hits(data: mmap.mmap, folders: tuple[Path, ...]) -> Iterator[tuple[str, str | None]]:
    """Paths in compressed sections of an ELF file, or of an object in a static library, with that object's name."""
    for name, content in _objects(data):
        for section in _decompressed(content) if content[: len(magic.ELF)] == magic.ELF else ():
            for _, text in find(section, folders):
                yield text, name


def _objects(data: mmap.mmap) -> Iterator[tuple[str | None, bytes | mmap.mmap]]:
    """The objects of a static library, one in memory at a time, or the file itself."""
    if data[: len(magic.AR)] != magic.AR:
        yield None, data
        return
    with suppress(VerificationError):  # what it truly is, is measured by its recipe
        for name, content in ar.read_ar(data):
            yield name, bytes(content)


def _decompressed(data: bytes | mmap.mmap) -> Iterator[bytes]:
    """What compressed sections hold; raises BuildError for a compression that cannot be read."""
    with suppress(struct.error, ValueError):
        for kind, content in elf.compressed_sections(data):
            if kind != _ZLIB:
                raise BuildError(
                    "debug information that is not compressed by zlib cannot be searched for paths of this machine",
                    hint="compile without -gz=zstd",
                )
            with suppress(zlib.error):
                yield zlib.decompressobj().decompress(content, _LARGEST_SECTION)


def find(data: bytes | mmap.mmap, folders: Iterable[Path]) -> Iterator[tuple[int, str]]:
    """Where paths in these folders stand, and as what; those of a short folder only if it has such a file.

    Texts of Rust have no end of their own: a path may stand right behind another text, and one right behind it. Of a
    file, a window at a time is looked through for all folders, and in memory.
    """
    needles = [(folder, str(folder).encode()) for folder in folders]
    for start in range(0, len(data), _WINDOW):
        for folder, needle in needles:
            yield from _find_from(data, start, folder, needle)
        if isinstance(data, mmap.mmap):
            data.madvise(mmap.MADV_DONTNEED, start, min(_WINDOW, len(data) - start))


def _find_from(data: bytes | mmap.mmap, start: int, folder: Path, needle: bytes) -> Iterator[tuple[int, str]]:
    """What `find` finds of a folder that begins in one window."""
    end = start + _WINDOW + len(needle) - 1
    offset = data.find(needle, start, end)
    while offset != -1:
        certain = len(needle) >= _CERTAIN
        if certain or _is_path(data, offset, len(needle)):
            match = _PATH.match(data, offset)
            text = (match[0] if match else needle).decode(errors="replace")
            if certain or len(folder.parts) > 2 or _exists(folder, text):  # noqa: PLR2004 - the root and one name
                yield offset, text
        offset = data.find(needle, offset + 1, end)


def _is_path(data: bytes | mmap.mmap, offset: int, length: int) -> bool:
    before, after = data[max(0, offset - 1) : offset], data[offset + length : offset + length + 1]
    return not _BEFORE.match(before) and not _AFTER.match(after)


def _exists(folder: Path, text: str) -> bool:
    first = text.removeprefix(str(folder)).strip("/").partition("/")[0]
    return bool(first) and (folder / first).exists()


def _member(data: mmap.mmap, offset: int) -> str | None:
    with suppress(VerificationError):
        for member in ar.members(data):
            if member.offset <= offset < member.offset + len(member.content):
                return member.name
    return None
