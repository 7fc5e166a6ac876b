"""Archives as somebody would make them who means harm: built byte by byte, since good writers refuse to."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MEBIBYTE = 1 << 20
ZEROS = bytes(MEBIBYTE)


# tar


def header(
    name: bytes,
    size: int = 0,
    kind: bytes = b"0",
    link: bytes = b"",
    mode: int = 0o644,
    prefix: bytes = b"",
    raw_size: bytes | None = None,
) -> bytes:
    """A header of ustar, with the field of the size as it is to stand there where that is given."""
    block = b"".join(
        (
            name[:100].ljust(100, b"\0"),
            b"%07o\0%07o\0%07o\0" % (mode, 0, 0),
            b"%011o\0" % size if raw_size is None else raw_size,
            b"%011o\0" % 0,
            b" " * 8,
            kind,
            link[:100].ljust(100, b"\0"),
            b"ustar\00000",
            bytes(64),
            b"%07o\0%07o\0" % (0, 0),
            prefix.ljust(155, b"\0"),
            bytes(12),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def member(name: bytes, content: bytes = b"", kind: bytes = b"0", link: bytes = b"", mode: int = 0o644) -> bytes:
    return header(name, len(content), kind, link, mode) + content + bytes(-len(content) % 512)


def pax(kind: bytes = b"x", **records: bytes) -> bytes:
    return member(b"pax", b"".join(record(k.replace("__", ".").encode(), v) for k, v in records.items()), kind)


def record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length += 1
    return str(length).encode() + body


END = bytes(1024)
FINE = member(b"fine", b"content")


def tars() -> dict[str, Callable[[], bytes]]:
    """Archives before they are compressed."""
    return {
        "traversal": lambda: FINE + member(b"../../escaped", b"x") + END,
        "traversal inside": lambda: member(b"a/../../escaped", b"x") + END,
        "absolute": lambda: member(b"/etc/escaped", b"x") + END,
        "drive letter": lambda: member(b"C:/escaped", b"x") + END,
        "backslashes": lambda: member(b"..\\..\\escaped", b"x") + END,
        "empty name": lambda: member(b"", b"x") + END,
        "dot": lambda: member(b".", b"x") + END,
        "NUL by pax": lambda: pax(path=b"a\0b") + FINE + END,
        "newline": lambda: member(b"a\nb", b"x") + END,
        "escape sequence": lambda: member(b"\x1b[2Jgone", b"x") + END,
        "right to left": lambda: member("fine\u202egnp.sh".encode(), b"x") + END,
        "not UTF-8": lambda: member(b"caf\xe9", b"x") + END,
        "not UTF-8 by pax": lambda: pax(path=b"\xff\xfe") + FINE + END,
        "surrogates": lambda: member(b"\xed\xa0\x80", b"x") + END,
        "link outside": lambda: member(b"out", kind=b"2", link=b"../../etc/passwd") + END,
        "link outside by pax": lambda: pax(linkpath=b"../../etc/passwd") + member(b"out", kind=b"2", link=b"in") + END,
        "file below a link": lambda: member(b"d", kind=b"2", link=b".") + member(b"d/x", b"x") + END,
        "link in place of a folder": lambda: (
            member(b"d", kind=b"5", mode=0o755) + member(b"d", kind=b"2", link=b"/etc") + member(b"d/x", b"x") + END
        ),
        "link to nothing": lambda: member(b"x", kind=b"2") + END,
        "link with a newline": lambda: member(b"x", kind=b"2", link=b"a\nb") + END,
        "link of a mebibyte": lambda: pax(linkpath=b"a/" * 500_000) + member(b"x", kind=b"2", link=b"a") + END,
        "hard link outside": lambda: member(b"x", kind=b"1", link=b"/etc/passwd") + END,
        "hard link before": lambda: member(b"x", kind=b"1", link=b"later") + member(b"later", b"x") + END,
        "hard link to itself": lambda: member(b"x", kind=b"1", link=b"x") + END,
        "duplicate": lambda: FINE + FINE + END,
        "duplicate by a dot": lambda: FINE + member(b"./fine", b"other") + END,
        "file and folder": lambda: FINE + member(b"fine/", kind=b"5", mode=0o755) + END,
        "collision of case": lambda: FINE + member(b"FINE", b"other") + END,
        "collision of composition": lambda: (
            member("caf\u00e9".encode(), b"x") + member("cafe\u0301".encode(), b"y") + END
        ),
        "collision of sharp s": lambda: member("stra\u00dfe".encode(), b"x") + member(b"STRASSE", b"y") + END,
        "character device": lambda: member(b"x", kind=b"3") + END,
        "block device": lambda: member(b"x", kind=b"4") + END,
        "FIFO": lambda: member(b"x", kind=b"6") + END,
        "contiguous": lambda: member(b"x", b"x", kind=b"7") + END,
        "set-user-ID": lambda: member(b"x", b"x", mode=0o4755) + END,
        "unknown type": lambda: member(b"x", b"x", kind=b"Z") + END,
        "sparse of GNU": lambda: header(b"x", 512, b"S") + bytes(512) + END,
        "sparse by pax": lambda: pax(GNU__sparse__major=b"1", GNU__sparse__realsize=b"99999999999") + FINE + END,
        "size by pax, huge": lambda: pax(size=b"9" * 19) + FINE + END,
        "size by pax, no number": lambda: pax(size=b"-1") + FINE + END,
        "size by pax, smaller": lambda: pax(size=b"0") + FINE + END,
        "size too large": lambda: header(b"x", 8**11 - 1) + END,
        "size in base 256": lambda: (
            header(b"x", raw_size=b"\x80" + bytes(10) + b"\x07") + b"content" + bytes(505) + END
        ),
        "size negative in base 256": lambda: header(b"x", raw_size=b"\xff" * 12) + END,
        "size no number": lambda: header(b"x", raw_size=b"12345678999\0") + END,
        "folder with content": lambda: header(b"d/", 512, b"5") + bytes(512) + END,
        "pax cut": lambda: member(b"pax", b"99 path=x\n", b"x") + FINE + END,
        "pax without equals": lambda: member(b"pax", b"9 path x\n", b"x") + FINE + END,
        "pax of length nought": lambda: member(b"pax", b"0 path=x\n", b"x") + FINE + END,
        "pax with a length of digits": lambda: member(b"pax", b"9" * 5000 + b" path=x\n", b"x") + FINE + END,
        "pax of two mebibytes": lambda: pax(comment=b"x" * 2 * MEBIBYTE) + FINE + END,
        "pax for all": lambda: pax(b"g", path=b"../escaped") + FINE + END,
        "pax for nothing": lambda: pax(path=b"x") + END,
        "ten thousand pax headers": lambda: pax(path=b"x") * 10_000 + FINE + END,
        "name of half a mebibyte": lambda: pax(path=b"a/" * 250_000 + b"x") + FINE + END,
        "long name of GNU, outside": lambda: member(b"././@LongLink", b"../escaped\0", b"L") + FINE + END,
        "long name of GNU, with more behind": lambda: member(b"././@LongLink", b"ok\0/../escaped\0", b"L") + FINE + END,
        "prefix outside": lambda: header(b"escaped", prefix=b"..") + END,
        "wrong checksum": lambda: b"X" + FINE[1:] + END,
        "truncated in a header": lambda: FINE[:300],
        "truncated in content": lambda: header(b"x", 5000) + bytes(512),
        "truncated before the end": lambda: FINE,
        "data behind the end": lambda: FINE + END + member(b"../hidden", b"x"),
        "data in the padding": lambda: header(b"x", 1) + b"x" + b"hidden".ljust(511, b"!") + END,
        "one block of zeros": lambda: FINE + bytes(512) + FINE + END,
        "bomb of one member": lambda: header(b"x", 70 * MEBIBYTE) + bytes(70 * MEBIBYTE) + END,
        "bomb behind the end": lambda: FINE + bytes(70 * MEBIBYTE),
        "bomb of members": lambda: b"".join(member(b"%d" % i) for i in range(100_001)) + END,
        "nothing": lambda: b"",
        "noise": lambda: bytes(range(256)) * 100,
    }


# What is around a tar


def streams() -> dict[str, Callable[[], bytes]]:
    """Compressed archives of which the compression is the trap."""
    packed = gzip.compress(FINE + END, mtime=0)
    return {
        "gzip cut": lambda: packed[:-9],
        "gzip with a wrong checksum": lambda: packed[:-8] + bytes(4) + packed[-4:],
        "gzip with a wrong size": lambda: packed[:-4] + b"\1\0\0\0",
        "gzip with noise behind": lambda: packed + b"noise",
        "gzip of many streams": lambda: gzip.compress(b"", mtime=0) * 20_000 + packed,
        "gzip of a gzip": lambda: gzip.compress(packed, mtime=0),
    }


def xzs() -> dict[str, Callable[[], bytes]]:
    packed = lzma.compress(FINE + END)
    large = lzma.compress(FINE + END, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}])
    return {
        "xz cut": lambda: packed[:-20],
        "xz damaged": lambda: packed[:40] + b"\xff" * 8 + packed[48:],
        "xz with noise behind": lambda: packed + b"noise",
        "xz of two streams": lambda: packed + packed,
        "xz that wants a gibibyte": lambda: large,
        "xz bomb": lambda: lzma.compress(header(b"x", 70 * MEBIBYTE) + bytes(70 * MEBIBYTE), preset=0),
        "lzma for xz": lambda: lzma.compress(FINE + END, lzma.FORMAT_ALONE),
    }


# zip


def local(
    name: bytes, data: bytes, *, flags: int = 0, method: int = 0, crc: int | None = None, size: int | None = None
) -> bytes:
    content = data if method != 8 else deflated(data)
    crc = zlib.crc32(data) if crc is None else crc
    sizes = (len(content), len(data) if size is None else size)
    return struct.pack("<LHHHHHLLLHH", 0x04034B50, 20, flags, method, 0, 33, crc, *sizes, len(name), 0) + name + content


def central(
    name: bytes,
    data: bytes,
    offset: int = 0,
    *,
    flags: int = 0,
    method: int = 0,
    crc: int | None = None,
    size: int | None = None,
    packed: int | None = None,
    mode: int = 0o100644,
    extra: bytes = b"",
) -> bytes:
    content = data if method != 8 else deflated(data)
    crc = zlib.crc32(data) if crc is None else crc
    sizes = (len(content) if packed is None else packed, len(data) if size is None else size)
    fields = (
        0x02014B50,
        3 << 8 | 20,
        20,
        flags,
        method,
        0,
        33,
        crc,
        *sizes,
        len(name),
        len(extra),
        0,
        0,
        0,
        mode << 16,
        offset,
    )
    return struct.pack("<LHHHHHHLLLHHHHHLL", *fields) + name + extra


def deflated(data: bytes) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return machine.compress(data) + machine.flush()


def end(directory: bytes, at: int, count: int = 1, comment: bytes = b"") -> bytes:
    fields = (0x06054B50, 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), at, len(comment))
    return directory + struct.pack("<LHHHHLLH", *fields) + comment


def single(
    name: bytes = b"fine", data: bytes = b"content", *, at_local: bytes | None = None, **told: int | bytes
) -> bytes:
    """One member, of which the directory says what is told."""
    flags, method = int(told.get("flags", 0)), int(told.get("method", 0))
    first = local(name if at_local is None else at_local, data, flags=flags, method=method)
    return first + end(central(name, data, **told), len(first))  # type: ignore[arg-type]


def several(*members: tuple[bytes, bytes], mode: int = 0o100644) -> bytes:
    body, directory = b"", b""
    for name, data in members:
        directory += central(name, data, len(body), mode=mode)
        body += local(name, data)
    return body + end(directory, len(body), len(members))


def overlapping(count: int) -> bytes:
    """Members that all have the same bytes (as in 42.zip's better sibling: quoted local headers)."""
    first = local(b"0000", ZEROS, method=8)
    entry = central(b"0000", ZEROS, method=8)
    return first + end(b"".join(entry[:-4] + b"%04d" % i for i in range(count)), len(first), count)


def swallowing() -> bytes:
    """Each member's content begins with the next one's header: no header twice, and yet bytes shared."""
    last = local(b"b", deflated(ZEROS), method=0)
    inner_size = len(last)
    first = local(b"a", last)
    directory = central(b"a", last) + central(b"b", deflated(ZEROS), len(first) - inner_size)
    return first + end(directory, len(first), 2)


def zip64(count: int) -> bytes:
    """A directory that claims as many members and has none."""
    record = struct.pack("<LQHHLLQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, 1 << 62, 0)
    locator = struct.pack("<LLQL", 0x07064B50, 0, 0, 1)
    return record + locator + struct.pack("<LHHHHLLH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


def nested(depth: int) -> bytes:
    """Zip in zip, ten in each, zeros at the heart."""
    inner = ZEROS * 8
    for _ in range(depth):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(10):
                archive.writestr(zipfile.ZipInfo(f"{number}.zip"), inner, zipfile.ZIP_DEFLATED)
        inner = stream.getvalue()
    return inner


def zips() -> dict[str, Callable[[], bytes]]:
    many = central(b"x", b"") * 200_000
    return {
        "traversal": lambda: single(b"../../escaped"),
        "traversal inside": lambda: single(b"a/../../escaped"),
        "absolute": lambda: single(b"/etc/escaped"),
        "drive letter": lambda: single(b"C:/escaped"),
        "backslashes": lambda: single(b"..\\..\\escaped"),
        "empty name": lambda: single(b""),
        "slash": lambda: single(b"/", b""),
        "NUL": lambda: single(b"fine\0../escaped"),
        "newline": lambda: single(b"a\nb"),
        "escape sequence": lambda: single(b"\x1b[2Jgone"),
        "right to left": lambda: single("fine\u202egnp.sh".encode(), flags=1 << 11),
        "not UTF-8": lambda: single(b"caf\xe9\xff", flags=1 << 11),
        "name of 60,000": lambda: single(b"a/" * 30_000 + b"x"),
        "link outside": lambda: single(b"out", b"../../etc/passwd", mode=0o120777),
        "link to the root": lambda: single(b"out", b"/etc/passwd", mode=0o120777),
        "link that is no text": lambda: single(b"out", b"\xff\0", mode=0o120777),
        "file below a link": lambda: (
            (first := local(b"d", b"."))
            + (second := local(b"d/x", b"x"))
            + end(central(b"d", b".", mode=0o120777) + central(b"d/x", b"x", len(first)), len(first + second), 2)
        ),
        "device": lambda: single(b"x", b"", mode=0o020644),
        "FIFO": lambda: single(b"x", b"", mode=0o010644),
        "socket": lambda: single(b"x", b"", mode=0o140644),
        "set-user-ID": lambda: single(mode=0o104755),
        "folder with content": lambda: single(b"d/", b"content"),
        "duplicate": lambda: several((b"x", b"1"), (b"x", b"2")),
        "file and folder": lambda: several((b"x", b"1"), (b"x/", b"")),
        "collision of case": lambda: several((b"readme", b"1"), (b"README", b"2")),
        "two names in local header and directory": lambda: single(b"fine", at_local=b"evil"),
        "local name longer": lambda: single(b"fine", at_local=b"fine/../../x"),
        "two methods": lambda: (
            (first := local(b"x", b"content")) + end(central(b"x", b"content", method=8, packed=7), len(first))
        ),
        "two sizes": lambda: single(size=3),
        "two packed sizes": lambda: single(packed=3),
        "two checksums": lambda: single(crc=1),
        "wrong checksum in both": lambda: (
            (first := local(b"x", b"content", crc=1)) + end(central(b"x", b"content", crc=1), len(first))
        ),
        "larger than declared": lambda: (
            (first := local(b"x", ZEROS * 64, method=8, size=10))
            + end(central(b"x", ZEROS * 64, method=8, size=10), len(first))
        ),
        "smaller than declared": lambda: (
            (first := local(b"x", b"content", method=8, size=99))
            + end(central(b"x", b"content", method=8, size=99), len(first))
        ),
        "something behind what is deflated": lambda: (
            (packed := deflated(b"content") + b"hidden")
            and (
                first := struct.pack(
                    "<LHHHHHLLLHH", 0x04034B50, 20, 0, 8, 0, 33, zlib.crc32(b"content"), len(packed), 7, 1, 0
                )
                + b"x"
                + packed
            )
            + end(central(b"x", b"content", method=8, packed=len(packed)), len(first))
        ),
        "encrypted": lambda: single(flags=1),
        "strongly encrypted": lambda: single(flags=1 << 6 | 1),
        "bzip2": lambda: single(method=12),
        "method unknown": lambda: single(method=99),
        "patched": lambda: single(flags=1 << 5),
        "another name in unicode": lambda: single(extra=struct.pack("<HHBL", 0x7075, 12, 1, 0) + b"../evil"),
        "extra cut": lambda: single(extra=struct.pack("<HH", 1, 60_000)),
        "sizes in 64 bits, cut": lambda: single(size=0xFFFFFFFF, extra=struct.pack("<HH", 1, 2) + b"\0\0"),
        "sizes in 64 bits, huge": lambda: single(size=0xFFFFFFFF, extra=struct.pack("<HHQ", 1, 8, 1 << 62)),
        "offset behind the end": lambda: (first := local(b"x", b"")) + end(central(b"x", b"", 1 << 31), len(first)),
        "offset into the directory": lambda: (
            (first := local(b"x", b"")) + end(central(b"x", b"", len(first)), len(first))
        ),
        "members that share bytes": lambda: overlapping(1000),
        "member within a member": swallowing,
        "bomb of one member": lambda: single(b"x", ZEROS * 70, method=8),
        "bomb that lies about its size": lambda: single(b"x", ZEROS * 70, method=8, size=1),
        "bomb of many": lambda: several_deflated(50),
        "two hundred thousand members": lambda: local(b"x", b"") + end(many, 31, 200_000),
        "exabytes of directory": lambda: zip64(1 << 40),
        "directory larger than the file": lambda: struct.pack("<LHHHHLLH", 0x06054B50, 0, 0, 1, 1, 1 << 30, 0, 0),
        "more than one disk": lambda: struct.pack("<LHHHHLLH", 0x06054B50, 7, 7, 1, 1, 0, 0, 0),
        "comment that is an end": lambda: single()[:-2] + struct.pack("<H", 22) + end(b"", 0, 0),
        "truncated": lambda: single()[:-10],
        "truncated in the directory": lambda: single()[:60],
        "directory noise": lambda: (first := local(b"x", b"")) + end(b"PK\1\2" + b"\xff" * 60, len(first)),
        "only an end": lambda: end(b"", 0, 0)[:21],
        "nothing": lambda: b"PK\3\4",
        "noise": lambda: b"PK\3\4" + bytes(range(256)) * 400,
    }


def several_deflated(count: int) -> bytes:
    body, directory = b"", b""
    for number in range(count):
        name, data = b"%d" % number, ZEROS * 2
        directory += central(name, data, len(body), method=8)
        body += local(name, data, method=8)
    return body + end(directory, len(body), count)


# ar


def ar_member(name: bytes, content: bytes, size: bytes | None = None) -> bytes:
    length = str(len(content)).encode() if size is None else size
    return b"%-16b%-12d%-6d%-6d%-8b%-10b`\n" % (name, 0, 0, 0, b"100644", length) + content + b"\n" * (len(content) % 2)


def ars() -> dict[str, Callable[[], bytes]]:
    start = b"!<arch>\n"
    return {
        "size larger than the file": lambda: start + ar_member(b"x/", b"x", b"9999999999"),
        "size negative": lambda: start + ar_member(b"x/", b"x", b"-1"),
        "size no number": lambda: start + ar_member(b"x/", b"x", b"1x"),
        "cut": lambda: start + ar_member(b"x/", b"content")[:-3],
        "header cut": lambda: start + ar_member(b"x/", b"")[:40],
        "name not there": lambda: start + ar_member(b"/99", b""),
        "name longer than its member": lambda: start + ar_member(b"#1/99", b"x"),
        "name not UTF-8": lambda: start + ar_member(b"\xff/", b""),
        "long names without end": lambda: start + ar_member(b"//", b"x" * 100_000) + ar_member(b"/1", b"") * 1000,
        "many long names": lambda: (
            start + ar_member(b"//", b"x" * MEBIBYTE + b"\n") + ar_member(b"/1048570", b"") * 20_000
        ),
        "many members": lambda: start + ar_member(b"x/", b"") * 100_000,
        "nothing": lambda: b"",
        "noise": lambda: start + bytes(range(256)) * 10,
    }


def packages() -> dict[str, Callable[[], bytes]]:
    """Debian packages of which the outside or the control file is the trap."""
    start, two = b"!<arch>\n", ar_member(b"debian-binary", b"2.0\n")

    def package(control: bytes, data: bytes = FINE + END) -> bytes:
        return start + two + ar_member(b"control.tar.gz", gzip.compress(control)) + ar_member(b"data.tar", data)

    def told(text: bytes) -> bytes:
        return package(member(b"./control", text) + END)

    return {
        "another format": lambda: start + ar_member(b"debian-binary", b"3.0\n"),
        "members out of order": lambda: start + ar_member(b"data.tar", END) + two,
        "compressed by zstd": lambda: (
            start + two + ar_member(b"control.tar.gz", gzip.compress(END)) + ar_member(b"data.tar.zst", b"")
        ),
        "control without fields": lambda: told(b"Package\n"),
        "control twice a field": lambda: told(b"Package: a\nPackage: b\n"),
        "control not UTF-8": lambda: told(b"Package: \xff\n"),
        "control with an escape": lambda: told(b"Pack\x1b[2Jage: x\n"),
        "control missing": lambda: package(END),
        "control a link": lambda: package(member(b"control", kind=b"2", link=b"/etc/passwd") + END),
        "control without a version": lambda: told(b"Package: a\nArchitecture: all\n"),
    }


def as_package(data: bytes) -> bytes:
    """A Debian package whose data are that archive."""
    control = member(b"./control", b"Package: x\nVersion: 1\nArchitecture: all\n") + END
    packed = ar_member(b"data.tar.gz", gzip.compress(data, 6, mtime=0))
    members = ar_member(b"control.tar.gz", gzip.compress(control, mtime=0)) + packed
    return b"!<arch>\n" + ar_member(b"debian-binary", b"2.0\n") + members


def as_package_of_xz(data: bytes) -> bytes:
    """A Debian package whose data are compressed like that already."""
    return as_package(b"").partition(b"data.tar.gz")[0] + ar_member(b"data.tar.xz", data)
