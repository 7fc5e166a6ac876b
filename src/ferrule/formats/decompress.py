"""Decompression of what nobody vouches for: a bounded piece at a time, and no more than an archive may hold.

By zlib-ng, as what it is compressed by (`deflate`): it takes two thirds of the time of the zlib of most Pythons.
"""

from __future__ import annotations

from typing import Final, Protocol, cast

from zlib_ng import zlib_ng

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.formats.archive_member import CHUNK

INFLATE_ERROR: Final = cast("type[Exception]", zlib_ng.error)
"""What zlib-ng raises for damaged data; its type hints take it for an instance."""


class Source(Protocol):
    """Anything bytes can be read from in order; it need not be seekable."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold before it counts as a bomb.

    `members` is their number, `member_bytes` the size of one, `total_bytes` of the whole archive after decompression.
    What is `free` bytes large or larger may be at most `ratio` times as large as what it was decompressed from.
    """

    members: int = 100_000
    member_bytes: int = 1 << 30
    total_bytes: int = 4 << 30
    free: int = 64 << 20
    ratio: int = 200

    def swells(self, packed: int, unpacked: int) -> bool:
        """Whether decompression gives more than anything that is worth packing does."""
        return unpacked > self.free and unpacked > self.ratio * packed


LIMITS: Final = Limits()
"""What an archive may hold where nothing else is said."""

SWELLS: Final = "decompression gives far more than anything worth packing would"


class Gunzip:
    """Decompresses a gzip file of any number of members (RFC 1952) as it is read, a bounded piece at a time."""

    def __init__(self, stream: Source, where: str | None = None, limits: Limits = LIMITS) -> None:
        self._stream = stream
        self._where = where
        self._limits = limits
        self._counts = [0, 0]
        self._packed = b""
        self._unpacked = b""
        self._place = 0
        self._inside = True
        self._machine = zlib_ng.decompressobj(wbits=31)

    def read(self, size: int) -> bytes:
        """At most `size` bytes; raises VerificationError if the file is damaged, cut or a bomb."""
        if self._place == len(self._unpacked):
            self._unpacked, self._place = self._more(), 0
        piece = self._unpacked[self._place : self._place + size]
        self._place += len(piece)
        return piece

    def _more(self) -> bytes:
        out = b""
        while not out:
            data = self._packed
            if not data:
                data = self._stream.read(CHUNK)
                self._counts[0] += len(data)
            if not data:
                if self._inside:
                    raise VerificationError("the gzip data ends too early", where=self._where)
                break
            self._inside = True
            try:
                out = self._machine.decompress(data, CHUNK)
            except INFLATE_ERROR as error:
                raise VerificationError(f"the gzip data is damaged: {error}", where=self._where) from error
            self._counts[1] += len(out)
            if self._limits.swells(*self._counts):
                raise VerificationError(SWELLS, where=self._where)
            self._packed = self._machine.unconsumed_tail
            if self._machine.eof:
                self._packed = self._machine.unused_data
                self._machine = zlib_ng.decompressobj(wbits=31)
                self._inside = False
        return out
