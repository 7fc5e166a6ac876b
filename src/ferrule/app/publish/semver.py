"""Which of two versions is newer (SemVer 2.0.0, section 11), so that names that move go forward only."""

from __future__ import annotations

import re
from typing import Final

_VERSION: Final = re.compile(r"v?(\d{1,18})\.(\d{1,18})\.(\d{1,18})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def is_newer(one: str, other: str) -> bool:
    """Whether `one` is a later version than `other`; what is not a version is never newer.

    >>> [is_newer(v, "1.2.3") for v in ("1.10.0", "1.2.3", "1.2.3-rc.1", "1.2.4-rc.1", "nightly")]
    [True, False, False, True, False]
    """
    first, second = _VERSION.fullmatch(one), _VERSION.fullmatch(other)
    return first is not None and second is not None and _key(first) > _key(second)


def is_version(text: str) -> bool:
    """Whether a text is a version that can be compared."""
    return _VERSION.fullmatch(text) is not None


def _key(match: re.Match[str]) -> tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...]]:
    numbers = tuple(int(match[i]) for i in (1, 2, 3))
    words = match[4].split(".") if match[4] else []
    # Numbers are older than words, and a release newer than all that comes before it.
    return numbers, not words, tuple((0, int(w), "") if w.isdigit() else (1, 0, w) for w in words)
