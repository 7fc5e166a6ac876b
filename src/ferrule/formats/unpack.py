"""Files taken apart, to be compared: members of archives, sections of binaries, what is compressed, what images hold.

Nothing here judges a file: what cannot be read as what it seems to be is bytes. Zip and tar are read by the standard
library and not by `formats.zip` and `formats.tar`, which refuse much of what a difference has to show: dates, owners,
duplicate names, damaged members.
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.errors import VerificationError
from ferrule.formats import ar, elf, macho, magic, wasm
from ferrule.formats.decompress import SWELLS, Limits
from ferrule.formats.zip import check_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ferrule.core.model import Json

StepKind = Literal["member", "section", "stream", "image"]

DEEPEST: Final = 8
"""How far inside of each other files are looked into."""
_LARGEST: Final = 1 << 31
_LIMITS: Final = Limits()
DAMAGE: Final = "damage"
"""The trait of a member that cannot be read."""


@dataclass(frozen=True, slots=True)
class UnpackStep:
    """One step into a file: a member of an archive, a section of a binary, what is compressed, a part of an image."""

    kind: StepKind
    name: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file: its content, `at` which byte it stands there as it is, and what else is said about it."""

    step: UnpackStep
    content: bytes
    at: int | None = None
    traits: Mapping[str, str] = field(default_factory=dict)


def parts_of(reader: Callable[[bytes], list[Piece]], data: bytes) -> list[Piece] | None:
    """What a reader finds; None if the bytes are not what they seem to be."""
    broken = (ValueError, struct.error, IndexError, KeyError, EOFError, NotImplementedError, RuntimeError, OSError)
    try:
        return reader(data)
    except (*broken, zlib.error, zipfile.BadZipFile, tarfile.TarError, VerificationError):
        return None


def reader_of(data: bytes) -> Callable[[bytes], list[Piece]] | None:
    """What takes bytes of this format apart; None for those that are only bytes."""
    readers: tuple[tuple[bytes, Callable[[bytes], list[Piece]]], ...] = (
        (magic.ELF, sections_of_elf),
        (magic.MACHO, _sections_of_macho),
        (magic.WASM, _sections_of_wasm),
        (magic.AR, _members_of_ar),
        (magic.ZIP, _members_of_zip),
        (magic.GZIP, _stream_of_gzip),
    )
    reader = next((reader for start, reader in readers if data.startswith(start)), None)
    return _members_of_tar if reader is None and data[257:262] == b"ustar" else reader


def _member(name: str, content: bytes, at: int | None = None, **traits: object) -> Piece:
    return Piece(UnpackStep("member", name), content, at, {trait: str(value) for trait, value in traits.items()})


def _members_of_zip(data: bytes) -> list[Piece]:
    check_directory(io.BytesIO(data))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        _bounded(sum(info.file_size for info in infos))
        if _LIMITS.swells(len(data), sum(info.file_size for info in infos)):
            raise ValueError(SWELLS)
        return [_member_of_zip(archive, info) for info in infos]


def _member_of_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Piece:
    content, damage = _content(archive, info)
    part = _member(
        info.filename,
        content,
        time="{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*info.date_time),
        mode=f"{info.external_attr >> 16:o}",
        method=info.compress_type,
        flags=f"{info.flag_bits:#x}",
        system=info.create_system,
        version=info.create_version,
        extra=info.extra.hex(),
    )
    return replace(part, traits={**part.traits, **damage})


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[bytes, dict[str, str]]:
    """A member's content, and what is wrong with it."""
    try:
        return archive.read(info), {}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        return b"", {DAMAGE: str(error)}


def _members_of_tar(data: bytes) -> list[Piece]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        return [
            _member(
                info.name,
                data[info.offset_data : info.offset_data + info.size] if info.isreg() else b"",
                info.offset_data if info.isreg() else None,
                time=info.mtime,
                mode=f"{info.mode:o}",
                owner=f"{info.uid} {info.uname}".strip(),
                group=f"{info.gid} {info.gname}".strip(),
                type=info.type.decode("ascii", "replace"),
                link=info.linkname,
                headers=json.dumps(info.pax_headers, sort_keys=True),
            )
            for info in archive
        ]


def _stream_of_gzip(data: bytes) -> list[Piece]:
    """Header and content (RFC 1952); what is behind the first stream counts as its own part."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    content = inflater.decompress(data, min(_LARGEST, max(_LIMITS.free, _LIMITS.ratio * len(data))))
    if not inflater.eof:
        raise ValueError("the stream is cut, or too long to look into")
    parts = [Piece(UnpackStep("stream", "inside gzip"), content, None, {"header": data[:10].hex(" ")})]
    if inflater.unused_data:
        parts.append(Piece(UnpackStep("stream", "behind gzip"), inflater.unused_data))
    return parts


def _members_of_ar(data: bytes) -> list[Piece]:
    """Members, with their index and tables of names."""
    return [
        _member(
            f"({member.table})" if member.table else member.name,
            bytes(member.content),
            member.offset,
            time=member.time,
            owner=member.owner,
            group=member.group,
            mode=member.mode,
        )
        for member in ar.members(data)
    ]


def _sections_of_wasm(data: bytes) -> list[Piece]:
    """Sections of a module or component; a module in a component is a section of it."""
    kind = wasm.wasm_kind(data)
    sections = wasm.sections_of(data)
    return [
        _section("(preamble)", data, 0, 8),
        *(_section(wasm.section_label(kind, s), data, s.start, s.end) for s in sections),
    ]


def _section(name: str, data: bytes, start: int, end: int) -> Piece:
    return Piece(UnpackStep("section", name), data[start:end], start)


def sections_of_elf(data: bytes) -> list[Piece]:
    """Sections in the order of the file, and what lies between them (System V ABI, "Object Files")."""
    tables = elf.read_tables(data)
    headers = list(tables.sections(data))
    names = data[headers[tables.names].offset :] if headers else b""
    return _covering(
        data,
        [
            (0, tables.form.header_size, "(ELF header)"),
            (tables.segments_start, tables.segments_end, "(program headers)"),
            (tables.sections_start, tables.sections_end, "(section headers)"),
            *(
                (
                    s.offset,
                    s.offset + s.size,
                    _until_nul(names, s.name),
                )
                for s in headers
                if s.in_file and s.size
            ),
        ],
    )


def _until_nul(names: bytes, start: int) -> str:
    return names[start : names.index(b"\0", start)].decode("utf-8", "backslashreplace")


def _sections_of_macho(data: bytes) -> list[Piece]:
    """Sections in the order of the file, and of __LINKEDIT what the load commands name (mach-o/loader.h)."""
    extents = [(0, macho.commands_end(data), "(load commands)")]
    for kind, offset in macho.load_commands(data):
        if kind == macho.SEGMENT_64:
            (sections,) = struct.unpack_from("<L", data, offset + 64)
            for number in range(sections):
                extents += _macho_section(data, offset + 72 + number * 80)
        elif kind == 0x2:  # noqa: PLR2004 - LC_SYMTAB: nlist_64 has 16 bytes
            symbols, symbol_count, strings, string_size = struct.unpack_from("<4L", data, offset + 8)
            extents += [(symbols, symbols + symbol_count * 16, "__LINKEDIT,symbols")]
            extents += [(strings, strings + string_size, "__LINKEDIT,strings")]
        elif kind & 0x7FFFFFFF in _LINKEDIT:
            start, length = struct.unpack_from("<LL", data, offset + 8)
            extents.append((start, start + length, f"__LINKEDIT,{_LINKEDIT[kind & 0x7FFFFFFF]}"))
        elif kind & 0x7FFFFFFF == 0x22:  # noqa: PLR2004 - LC_DYLD_INFO
            pairs = struct.unpack_from("<10L", data, offset + 8)
            for number, name in enumerate(("rebase", "bind", "weak bind", "lazy bind", "exports")):
                start, length = pairs[2 * number : 2 * number + 2]
                extents.append((start, start + length, f"__LINKEDIT,{name}"))
    return _covering(data, extents)


_LINKEDIT: Final = {
    0x1D: "code signature",
    0x1E: "segment split info",
    0x26: "function starts",
    0x29: "data in code",
    0x33: "exports",
    0x34: "chained fixups",
}


def _macho_section(data: bytes, header: int) -> Iterator[tuple[int, int, str]]:
    names = [data[at : at + 16].rstrip(b"\0").decode("utf-8", "backslashreplace") for at in (header + 16, header)]
    size, offset = struct.unpack_from("<QL", data, header + 40)
    if offset:  # what is only reserved has none
        yield offset, offset + size, ",".join(names)


def _covering(data: bytes, extents: list[tuple[int, int, str]]) -> list[Piece]:
    """The named pieces in order, and between them what nobody names."""
    parts: list[Piece] = []
    covered = 0
    for start, end, name in sorted(piece for piece in extents if piece[0] < piece[1]):
        if end > len(data):
            raise ValueError("a section is cut")
        if start > covered:
            parts.append(_section(f"(before {name})", data, covered, start))
        parts.append(_section(name, data, start, end))
        covered = max(covered, end)
    if covered < len(data):
        parts.append(_section("(end of the file)", data, covered, len(data)))
    return parts


def _bounded(size: int) -> None:
    if size > _LARGEST:
        raise ValueError("it is too large to look into")


OUTSIDE: Final[Mapping[Callable[[bytes], list[Piece]], str]] = {
    _members_of_zip: "every member is the same, but compressed or listed in another way",
    _members_of_tar: "every member is the same, but its header or padding is written in another way",
    _stream_of_gzip: "the content is the same, but compressed in another way",
    _members_of_ar: "every member is the same, but its padding differs",
    _sections_of_wasm: "every section is the same, but its size is written in another way",
}
"""What differs where two files of a format do and none of their parts does."""


# Images


def parts_of_layout(files: Mapping[str, bytes]) -> list[Piece]:
    """What an image consists of, from the layers up to the index; what cannot be followed is left to the files."""
    index = _json(files.get("index.json", b""))
    return [part for entry in _list(index, "manifests") for part in _described(files, entry, "")]


def _described(files: Mapping[str, bytes], entry: Json, above: str, depth: int = 0) -> Iterator[Piece]:
    blob = _blob(files, entry)
    if blob is None or depth > DEEPEST:
        return
    document, name = _json(blob), _platform(entry) or above
    for inner in _list(document, "manifests"):
        yield from _described(files, inner, name, depth + 1)
    for number, layer in enumerate(_list(document, "layers"), 1):
        content = _blob(files, layer)
        if content is not None:
            yield Piece(UnpackStep("image", f"{name} layer {number}".strip()), content)
    if isinstance(document, dict) and "config" in document:
        config = _blob(files, document["config"])
        if config is not None:
            yield Piece(UnpackStep("image", f"{name} config".strip()), config)
        yield Piece(UnpackStep("image", f"{name} manifest".strip()), blob)
    else:
        yield Piece(UnpackStep("image", f"{name} index".strip()), blob)


def _platform(entry: Json) -> str:
    platform = entry.get("platform") if isinstance(entry, dict) else None
    if not isinstance(platform, dict):
        return ""
    return "/".join(str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key))


def _blob(files: Mapping[str, bytes], entry: Json) -> bytes | None:
    digest = entry.get("digest") if isinstance(entry, dict) else None
    return files.get(f"blobs/{digest.replace(':', '/', 1)}") if isinstance(digest, str) else None


def _json(data: bytes) -> Json:
    try:
        document: Json = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document


def _list(document: Json, key: str) -> list[Json]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, list) else []
