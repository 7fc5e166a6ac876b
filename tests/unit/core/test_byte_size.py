"""Numbers of bytes as people write and read them."""

from __future__ import annotations

import re

import pytest

from ferrule.core.byte_size import PATTERN, parse_size, size


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("12B", 12),
        ("400 kB", 400_000),
        ("1.5 MiB", 1_572_864),
        ("2GB", 2_000_000_000),
        ("1 GiB", 1 << 30),
        ("0.001 KiB", 1),
        ("10.0 B", 10),
        ("0100 B", 100),
        ("3 MB", 3_000_000),
    ],
)
def test_sizes_are_read_in_both_kinds_of_units(text: str, count: int) -> None:
    assert re.fullmatch(PATTERN, text)
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["0 B", "0 kB", "0.0 MiB", "0.5 B", "00.9B"])
def test_less_than_one_byte_is_no_size(text: str) -> None:
    assert not re.fullmatch(PATTERN, text)


@pytest.mark.parametrize("text", ["", "12", "12 kb", "1e3 B", "-1 B", "1,5 MB", ".5 MB", "1 TB", "1  B"])
def test_other_texts_are_none(text: str) -> None:
    assert not re.fullmatch(PATTERN, text)


def test_sizes_are_shown_in_binary_units() -> None:
    assert [size(count) for count in (0, 1023, 1024, 5 << 20, 7 << 40)] == [
        *("0 B", "1023 B", "1.0 KiB", "5.0 MiB", "7168.0 GiB")
    ]
