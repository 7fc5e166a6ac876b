"""What a plain scalar of YAML is, and which ones two versions of YAML read differently.

The core schema of YAML 1.2.2 (section 10.3) decides, less everything that YAML 1.1 (and so PyYAML, and many editors)
reads as something else: `no`, `0o17`, `0777`, `1_000`, `12:30:45`, `2026-11-21`. Those are refused, so that a file
means the same to everyone who reads it.
"""

from __future__ import annotations

import re

from ferrule.core.frozen import dataclass

Value = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class AmbiguousScalar:
    """A plain scalar that must not be used: `reading` says what some readers take it for."""

    reading: str


_CONSTANTS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_OLD_TRUE = frozenset({"y", "yes", "on"})
_OLD_FALSE = frozenset({"n", "no", "off"})
_LONGEST_WORD = 5

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,15})\.[0-9]{1,16}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t]|\Z)")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_NUMBER = re.compile(
    r"[-+]?(?:0[bB][01_]+|0o[0-7_]+|0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*)?\.?[0-9_]*(?:[eE][-+]?[0-9]+)?)"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_LONGEST_NUMBER = 64
_OF_NUMBERS = frozenset("0123456789+-._:eE")
_FIRST_OF_NUMBERS = frozenset("0123456789+-.")


def resolve(text: str) -> Value | AmbiguousScalar:
    """The value of a plain (unquoted) scalar, or why it has none that all readers agree on.

    >>> resolve("1.10"), resolve("1.10.0"), resolve("no")
    (1.1, '1.10.0', AmbiguousScalar(reading='false'))
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in _FIRST_OF_NUMBERS:
        return _number(text)
    word = text.lower() if len(text) <= _LONGEST_WORD else text
    if word in _OLD_TRUE:
        return AmbiguousScalar("true")
    if word in _OLD_FALSE:
        return AmbiguousScalar("false")
    if text in ("=", "<<"):
        return AmbiguousScalar("an instruction")
    return text


def _number(text: str) -> Value | AmbiguousScalar:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _DATE.match(text):
        return AmbiguousScalar("a date")
    if len(text) <= _LONGEST_NUMBER and _SEXAGESIMAL.fullmatch(text):
        return AmbiguousScalar("a number in base 60")
    return AmbiguousScalar("a number") if _looks_like_number(text) else text


def _looks_like_number(text: str) -> bool:
    if len(text) > _LONGEST_NUMBER:
        return set(text) <= _OF_NUMBERS
    return _NUMBER.fullmatch(text) is not None and any(c.isdigit() or c.isalpha() for c in text)
