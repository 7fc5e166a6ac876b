from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrule.formats.deflate import BEST, COMPRESSOR, LEVEL, Deflater, gzip_bytes, gzip_stream

DATA = b"".join(random.Random(number).randbytes(7) * 40 for number in range(4000))


def packed(data, sizes):
    buffer = io.BytesIO()
    deflater = Deflater(buffer)
    path = 0
    for size in sizes:
        deflater.write(data[path : path + size])
        path += size
    deflater.write(data[path:])
    deflater.finish()
    assert deflater.size == len(data)
    assert deflater.crc == zlib.crc32(data)
    assert deflater.packed == len(buffer.getvalue())
    return buffer.getvalue()


def test_the_compressor_has_a_name_for_keys():
    assert COMPRESSOR.startswith("zlib-ng ")
    assert COMPRESSOR.endswith(f"level {LEVEL}")
    assert COMPRESSOR.split()[1][0].isdigit()


@pytest.mark.parametrize("size", [0, 1, 1 << 18, (1 << 18) - 1, (1 << 18) + 1, 700_001, len(DATA)])
def test_what_is_packed_is_read_by_zlib(size):
    data = DATA[:size]
    assert zlib.decompress(packed(data, []), wbits=-15) == data
    assert gzip.decompress(gzip_bytes(data)) == data


@pytest.mark.parametrize("step", [1000, 4096, 262_143, 262_144, 262_145, 1_000_003])
def test_bytes_do_not_depend_on_how_they_were_written(step):
    assert packed(DATA, [step] * (len(DATA) // step)) == packed(DATA, [])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=300_000), max_size=8))
def test_bytes_do_not_depend_on_any_cut(sizes):
    assert packed(DATA, sizes) == packed(DATA, [])


def test_the_same_bytes_everywhere():
    """The digest was made by zlib-ng 2.3.3 and stands for every machine: if it moves, so does every release."""
    assert hashlib.sha256(gzip_bytes(DATA)).hexdigest() == (
        "f2c848c7100b5b0e222ce946befabba154b272f5fe986760ae6eec916da36685"
    )


def test_the_header_says_nothing_about_time_or_machine():
    assert gzip_bytes(b"x")[:10] == bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])


def test_a_file_left_by_an_exception_is_not_ended():
    buffer = io.BytesIO()
    with contextlib.suppress(RuntimeError), gzip_stream(buffer) as stream:
        stream.write(b"x")
        raise RuntimeError
    assert len(buffer.getvalue()) == 10


def test_the_best_level_is_in_the_header():
    data = b"abcabcabc" * 1000
    packed = gzip_bytes(data, BEST)
    assert gzip.decompress(packed) == data
    assert (packed[8], gzip_bytes(data)[8]) == (2, 0)
