"""Packages for rpm and dpkg by the few bytes that their formats ask for, right or wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
from typing import TYPE_CHECKING

from ferrule.formats.archive_member import Member
from ferrule.formats.tar import write_tar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Entry = tuple[str, int, bytes]

FIELDS: Mapping[int, str | tuple[str, ...]] = {
    1000: "demo",
    1001: "1.2.3",
    1002: "1",
    1014: "MIT",
    1022: "x86_64",
    1125: "gzip",
    1049: ("glibc", "sh"),
    1050: ("2.17", ""),
}
FILES: tuple[Entry, ...] = (("./usr/bin", 0o040755, b""), ("./usr/bin/demo", 0o100755, b"program"))


def cpio(*entries: Entry) -> bytes:
    """An archive in the new format (cpio(5), "New ASCII Format")."""
    data = b""
    for name, mode, content in (*entries, ("TRAILER!!!", 0, b"")):
        path = name.encode() + b"\0"
        numbers = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0]
        head = b"070701" + b"".join(b"%08X" % number for number in numbers) + path
        data += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return data


def header(values: Mapping[int, str | tuple[str, ...]]) -> bytes:
    """A header (rpm, "RPM V4 Package format"); after the texts comes a number, which readers of texts pass over."""
    index, store = b"", b""
    for tag, value in values.items():
        texts = (value,) if isinstance(value, str) else value
        index += struct.pack(">LLLL", tag, 6 if isinstance(value, str) else 8, len(store), len(texts))
        store += b"".join(text.encode() + b"\0" for text in texts)
    index += struct.pack(">LLLL", 1009, 4, len(store), 1)
    store += bytes(4)
    return b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">LL", len(values) + 1, len(store)) + index + store


def rpm_bytes(
    fields: Mapping[int, str | tuple[str, ...]] = FIELDS,
    entries: Iterable[Entry] = FILES,
    *,
    payload: bytes | None = None,
    signature: Mapping[int, str | tuple[str, ...]] | None = None,
) -> bytes:
    """A package; `payload` stands for the compressed data of the entries."""
    packed = gzip.compress(cpio(*entries)) if payload is None else payload
    main = header({5092: (hashlib.sha256(packed).hexdigest(),), **fields})
    signed = header({273: hashlib.sha256(main).hexdigest()} if signature is None else signature)
    return b"\xed\xab\xee\xdb" + bytes(92) + signed + bytes(-(96 + len(signed)) % 8) + main + packed


def deb_bytes(control: str, contents: Mapping[str, bytes]) -> bytes:
    """A package of the older format, deb(5)."""
    parts = {"debian-binary": b"2.0\n"}
    for name, members in {"control": {"control": control.encode()}, "data": contents}.items():
        buffer = io.BytesIO()
        write_tar(buffer, [Member(path, content) for path, content in members.items()], 0)
        parts[f"{name}.tar.gz"] = gzip.compress(buffer.getvalue())
    data = b"!<arch>\n"
    for name, content in parts.items():
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}".encode() + b"`\n"
        data += content + b"\n" * (len(content) % 2)
    return data
