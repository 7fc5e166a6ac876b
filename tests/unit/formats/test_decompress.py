"""Decompression a bounded piece at a time: any number of members, no more than the limits, damage refused."""

from __future__ import annotations

import gzip
import io

import pytest

from ferrule.core.errors import VerificationError
from ferrule.formats.decompress import LIMITS, Gunzip, Limits


def test_files_of_several_members_are_one_file_in_pieces():
    reader = Gunzip(io.BytesIO(gzip.compress(bytes(3 << 20)) + gzip.compress(b"", mtime=0) + gzip.compress(b"end")))
    pieces = [*iter(lambda: reader.read(1 << 19), b"")]
    assert b"".join(pieces) == bytes(3 << 20) + b"end"
    assert max(map(len, pieces)) <= 1 << 19
    assert reader.read(5) == b""


def read_all(data: bytes, limits: Limits = LIMITS) -> bytes:
    reader = Gunzip(io.BytesIO(data), "a.gz", limits)
    return b"".join(iter(lambda: reader.read(1 << 16), b""))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (gzip.compress(b"x" * 9, mtime=0)[:-4], "the gzip data ends too early"),
        (b"\x1f\x8b" + bytes(30), "the gzip data is damaged"),
        (gzip.compress(bytes(1 << 20)), "decompression gives far more than anything worth packing would"),
    ],
)
def test_what_is_cut_damaged_or_a_bomb_is_refused(data: bytes, message: str):
    with pytest.raises(VerificationError, match=message) as refused:
        read_all(data, Limits(free=1 << 10))
    assert refused.value.where == "a.gz"


def test_what_swells_is_more_than_the_ratio_and_more_than_is_free():
    limits = Limits(free=100, ratio=2)
    assert not limits.swells(10, 100)
    assert not limits.swells(51, 102)
    assert limits.swells(50, 101)
