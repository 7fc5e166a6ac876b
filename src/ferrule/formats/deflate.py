"""The pinned compressor: DEFLATE and gzip whose bytes depend on the data alone, not on the Python that writes them.

Every build of Python brings some zlib, and each makes other bytes. zlib-ng comes as a package of one known version, is
part of every key by `COMPRESSOR`, and is fast enough to be used for everything.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Protocol, Self

from zlib_ng import zlib_ng

if TYPE_CHECKING:
    from types import TracebackType

LEVEL = 4
"""Within 2 % of the size that level 6 reaches, in two thirds of its time."""

COMPRESSOR = f"zlib-ng {zlib_ng.ZLIBNG_RUNTIME_VERSION} level {LEVEL}"
"""What belongs into the key of every action whose output is compressed."""

BEST = 9
"""What Debian asks of manual pages and changelogs (Debian Policy, 12.1), which are small."""

_BLOCK = 1 << 18


class Sink(Protocol):
    """Anything bytes can be written to: an open file, a hash in disguise, a buffer."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


class Deflater:
    """Raw DEFLATE (RFC 1951) into a sink.

    The compressor's choices depend on how the input is cut into calls, so it is always handed blocks of one size: any
    way of writing the same data gives the same bytes. `crc` (CRC-32) and `size` are those of the data written so far.
    """

    def __init__(self, sink: Sink, level: int = LEVEL) -> None:
        self.crc = 0
        self.size = 0
        self.packed = 0
        self._sink = sink
        self._pending = bytearray()
        self._compressor = zlib_ng.compressobj(level, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS)

    def write(self, data: bytes) -> None:
        """Compress `data`; what does not fill a block waits for more."""
        self.crc = zlib_ng.crc32(data, self.crc)
        self.size += len(data)
        view = memoryview(data)
        if self._pending:
            taken = min(_BLOCK - len(self._pending), len(view))
            self._pending += view[:taken]
            view = view[taken:]
            if len(self._pending) == _BLOCK:
                self._put(self._compressor.compress(self._pending))
                self._pending.clear()
        while len(view) >= _BLOCK:
            self._put(self._compressor.compress(view[:_BLOCK]))
            view = view[_BLOCK:]
        self._pending += view

    def finish(self) -> None:
        """Write what is left and end the stream; nothing may be written afterwards."""
        self._put(self._compressor.compress(self._pending))
        self._put(self._compressor.flush())
        self._pending.clear()

    def _put(self, packed: bytes) -> None:
        self.packed += len(packed)
        self._sink.write(packed)


class GzipWriter:
    """A gzip file of one member (RFC 1952) into a sink: no name, time 0, operating system 255 (unknown)."""

    def __init__(self, sink: Sink, level: int = LEVEL) -> None:
        slowest = 2 if level == BEST else 0  # XFL
        sink.write(struct.pack("<BBBBLBB", 0x1F, 0x8B, 8, 0, 0, slowest, 255))
        self._sink = sink
        self._deflater = Deflater(sink, level)

    def write(self, data: bytes) -> None:
        """Compress `data`."""
        self._deflater.write(data)

    def close(self) -> None:
        """Write what is left and the trailer; does not close the sink."""
        self._deflater.finish()
        self._sink.write(struct.pack("<LL", self._deflater.crc, self._deflater.size & 0xFFFFFFFF))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.close()


def gzip_stream(sink: Sink) -> GzipWriter:
    """A context manager with `write` that compresses into `sink` and ends the file when left without an exception."""
    return GzipWriter(sink)


def gzip_bytes(data: bytes, level: int = LEVEL) -> bytes:
    """`data` as a gzip file."""
    buffer = io.BytesIO()
    with GzipWriter(buffer, level) as stream:
        stream.write(data)
    return buffer.getvalue()
