"""Numbers of bytes as people write and read them."""

from __future__ import annotations

import re
from typing import Final

_KIB: Final = 1024
_UNITS: Final = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": _KIB,
    "MiB": _KIB**2,
    "GiB": _KIB**3,
}
PATTERN: Final = r"^(?=[0-9.]*[1-9])(?!0+\.[0-9]+ ?B)[0-9]{1,9}(\.[0-9]{1,3})? ?(B|kB|MB|GB|KiB|MiB|GiB)$"
"""A number of bytes with its unit (IEC 80000-13: kB is 1000, KiB 1024), of which there is at least one."""


def size(count: int) -> str:
    """Bytes for people, in binary units.

    >>> size(512), size(20480), size(3 * 1024 * 1024)
    ('512 B', '20.0 KiB', '3.0 MiB')
    """
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if round(value, 1) < _KIB:
            break
        value, unit = value / _KIB, larger
    return f"{int(value)} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def parse_size(text: str) -> int:
    """The bytes that a text of PATTERN says, rounded down.

    >>> parse_size("400 kB"), parse_size("1.5MiB")
    (400000, 1572864)
    """
    number, unit = re.findall(r"[0-9.]+|[A-Za-z]+", text)
    whole, _, decimals = number.partition(".")
    return int(whole + decimals.ljust(3, "0")) * _UNITS[unit] // 1000
