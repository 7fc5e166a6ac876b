"""Files taken apart, to be compared: members of archives, sections of binaries, what is compressed, what images hold.

Nothing here judges a file: what cannot be read as what it seems to be is bytes.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.errors import VerificationError
from ferrule.formats import wasm
from ferrule.formats.ar import MAGIC as AR_MAGIC
from ferrule.formats.tar import SWELLS, Limits
from ferrule.formats.zip import check_directory

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable, Iterator, Mapping

    from ferrule.core.model import Json

StepKind = Literal["member", "section", "stream", "image"]

DEEPEST: Final = 8
"""How far inside of each other files are looked into."""
_LARGEST: Final = 1 << 31
_LIMITS: Final = Limits()
_ELF, _GZIP, _ZIP = b"\x7fELF", b"\x1f\x8b\x08", b"PK\x03\x04"
_MACHO: Final = b"\xcf\xfa\xed\xfe"
_NOBITS = 8
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
    import tarfile  # noqa: PLC0415 - only where files differ
    import zipfile  # noqa: PLC0415

    broken = (ValueError, struct.error, IndexError, KeyError, EOFError, NotImplementedError, RuntimeError, OSError)
    try:
        return reader(data)
    except (*broken, zlib.error, zipfile.BadZipFile, tarfile.TarError, VerificationError):
        return None


def reader_of(data: bytes) -> Callable[[bytes], list[Piece]] | None:
    """What takes bytes of this format apart; None for those that are only bytes."""
    readers: tuple[tuple[bytes, Callable[[bytes], list[Piece]]], ...] = (
        (_ELF, sections_of_elf),
        (_MACHO, _sections_of_macho),
        (wasm.MAGIC, _sections_of_wasm),
        (AR_MAGIC, _members_of_ar),
        (_ZIP, _members_of_zip),
        (_GZIP, _stream_of_gzip),
    )
    found = next((reader for magic, reader in readers if data.startswith(magic)), None)
    return _members_of_tar if found is None and data[257:262] == b"ustar" else found


def _member(name: str, content: bytes, at: int | None = None, **traits: object) -> Piece:
    return Piece(UnpackStep("member", name), content, at, {trait: str(value) for trait, value in traits.items()})


def _members_of_zip(data: bytes) -> list[Piece]:
    import zipfile  # noqa: PLC0415

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
    import zipfile  # noqa: PLC0415

    try:
        return archive.read(info), {}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        return b"", {DAMAGE: str(error)}


def _members_of_tar(data: bytes) -> list[Piece]:
    import tarfile  # noqa: PLC0415

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
    """Members with their index and tables of names (ar(5)); long names of GNU and of BSD are resolved."""
    parts: list[Piece] = []
    names, place = b"", len(AR_MAGIC)
    while place < len(data):
        header, start = data[place : place + 60], place + 60
        size = int(header[48:58])
        content = data[start : start + size]
        if len(content) != size or header[58:] != b"`\n":
            raise ValueError("a member is cut")
        name, skipped = header[:16].rstrip(b" "), 0
        if name == b"//":
            names = content
        elif name.startswith(b"#1/"):
            skipped = int(name[3:])
            name = content[:skipped].rstrip(b"\0")
        elif name[:1] == b"/" and name[1:].isdigit():
            name = names[int(name[1:]) :].partition(b"\n")[0]
        shown = _AR_TABLES.get(name) or name.removesuffix(b"/").decode("utf-8", "backslashreplace")
        fields = {"time": header[16:28], "owner": header[28:34], "group": header[34:40], "mode": header[40:48]}
        traits = {trait: value.decode("ascii", "replace").strip() for trait, value in fields.items()}
        parts.append(_member(shown, content[skipped:], start + skipped, **traits))
        place = start + size + size % 2
    return parts


_AR_TABLES: Final = {b"/": "(index)", b"/SYM64/": "(index)", b"//": "(names)"}


def _sections_of_wasm(data: bytes) -> list[Piece]:
    """Sections of a module or component (core specification 5.5.2); a module in a component is a section of it."""
    kind = wasm.wasm_kind(data)
    parts = [_section("(preamble)", data, 0, 8)]
    place = 8
    while place < len(data):
        number, size, start = data[place], 0, place + 1
        for shift in range(0, 35, 7):
            size |= (data[start] & 0x7F) << shift
            start += 1
            if data[start - 1] < 0x80:  # noqa: PLR2004 - the highest bit says that more follows
                break
        content = data[start : start + size]
        if len(content) != size:
            raise ValueError("a section is cut")
        name = wasm.Reader(content, None).text() if number == 0 else None
        label = wasm.section_label(kind, wasm.WasmSection(number, name, b""))
        parts.append(_section(label, data, start, start + size))
        place = start + size
    return parts


def _section(name: str, data: bytes, start: int, end: int) -> Piece:
    return Piece(UnpackStep("section", name), data[start:end], start)


def sections_of_elf(data: bytes) -> list[Piece]:
    """Sections in the order of the file, and what lies between them (System V ABI, "Object Files")."""
    if data[4:6] != b"\x02\x01":
        raise ValueError("it is not of a 64-bit little-endian machine")
    segments, table = struct.unpack_from("<QQ", data, 32)
    segment_size, segment_count, entry_size, count, strings = struct.unpack_from("<HHHHH", data, 54)
    headers = [struct.unpack_from("<LLQQQQ", data, table + number * entry_size) for number in range(count)]
    names = data[headers[strings][4] :] if headers else b""
    found = [
        (offset, offset + size, names[name : names.index(b"\0", name)].decode("utf-8", "backslashreplace"))
        for name, kind, _, _, offset, size in headers
        if kind not in (0, _NOBITS) and size
    ]
    return _covering(
        data,
        [
            (0, 64, "(ELF header)"),
            (segments, segments + segment_size * segment_count, "(program headers)"),
            (table, table + entry_size * count, "(section headers)"),
            *found,
        ],
    )


def _sections_of_macho(data: bytes) -> list[Piece]:
    """Sections in the order of the file, and of __LINKEDIT what the load commands name (mach-o/loader.h)."""
    count, total = struct.unpack_from("<LL", data, 16)
    found = [(0, 32 + total, "(load commands)")]
    place = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<LL", data, place)
        if size < 8:  # noqa: PLR2004 - kind and size themselves
            raise ValueError("a load command is too short")
        if kind == 0x19:  # noqa: PLR2004 - LC_SEGMENT_64
            (sections,) = struct.unpack_from("<L", data, place + 64)
            for number in range(sections):
                found += _macho_section(data, place + 72 + number * 80)
        elif kind == 0x2:  # noqa: PLR2004 - LC_SYMTAB: nlist_64 has 16 bytes
            symbols, symbol_count, strings, string_size = struct.unpack_from("<4L", data, place + 8)
            found += [(symbols, symbols + symbol_count * 16, "__LINKEDIT,symbols")]
            found += [(strings, strings + string_size, "__LINKEDIT,strings")]
        elif kind & 0x7FFFFFFF in _LINKEDIT:
            start, length = struct.unpack_from("<LL", data, place + 8)
            found.append((start, start + length, f"__LINKEDIT,{_LINKEDIT[kind & 0x7FFFFFFF]}"))
        elif kind & 0x7FFFFFFF == 0x22:  # noqa: PLR2004 - LC_DYLD_INFO
            pairs = struct.unpack_from("<10L", data, place + 8)
            for number, name in enumerate(("rebase", "bind", "weak bind", "lazy bind", "exports")):
                start, length = pairs[2 * number : 2 * number + 2]
                found.append((start, start + length, f"__LINKEDIT,{name}"))
        place += size
    return _covering(data, found)


_LINKEDIT: Final = {
    0x1D: "code signature",
    0x1E: "segment split info",
    0x26: "function starts",
    0x29: "data in code",
    0x33: "exports",
    0x34: "chained fixups",
}


def _macho_section(data: bytes, place: int) -> Iterator[tuple[int, int, str]]:
    names = [data[at : at + 16].rstrip(b"\0").decode("utf-8", "backslashreplace") for at in (place + 16, place)]
    size, offset = struct.unpack_from("<QL", data, place + 40)
    if offset:  # what is only reserved has none
        yield offset, offset + size, ",".join(names)


def _covering(data: bytes, found: list[tuple[int, int, str]]) -> list[Piece]:
    """The named pieces in order, and between them what nobody names."""
    parts: list[Piece] = []
    covered = 0
    for start, end, name in sorted(piece for piece in found if piece[0] < piece[1]):
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
        found: Json = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found


def _list(document: Json, key: str) -> list[Json]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, list) else []
