"""JSON that means one thing: no key twice in an object, no number that JSON does not have, none without end.

Readers differ in what they make of these (RFC 8259, sections 4 and 6), so a document with one could be judged as
something else than what others read in it.
"""

from __future__ import annotations

import json
from typing import Any, Final

_LONGEST_NUMBER: Final = 20
"""Digits of the largest number of 64 bits."""


def loads(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Read a document. Raises ValueError, and RecursionError for one that is too deep."""
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number, parse_int=_integer)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return document


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)
