from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.formats.leb128 import decode, encode


@given(st.integers(0, (1 << 70) - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_a_number_is_read_as_it_was_written(value, before, after):
    data = encode(value)
    assert decode(before + data + after, len(before)) == (value, len(before) + len(data))


@pytest.mark.parametrize(
    ("data", "longest", "message"),
    [
        (b"", 10, "a number is cut"),
        (b"\x80", 10, "a number is cut"),
        (b"\x80" * 5 + b"\1", 5, "a number is longer than 5 bytes"),
    ],
)
def test_what_is_no_number_is_refused(data, longest, message):
    with pytest.raises(ValueError, match=message):
        decode(data, longest=longest)
