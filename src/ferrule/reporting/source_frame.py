"""The line of a file that a message is about, with a mark below the column."""

from __future__ import annotations

import re
from typing import Final

from ferrule.core.masked import masked
from ferrule.core.printable import printable

POSITION: Final = re.compile(r"(?P<file>.+?):(?P<line>[1-9][0-9]{0,6}):(?P<column>[1-9][0-9]{0,6})")
"""A position as messages have it: a file, and a line and a column that count from 1."""

_BEFORE: Final = 40
"""Columns that are shown before the mark where a line is too long."""


def frame(text: str, line: int, column: int, width: int) -> list[str]:
    r"""Two lines that show a line of a text and where in it the column is; none if the text does not have it.

    Secrets in addresses are masked.

    >>> frame("a: 1\nb: x\n", 2, 4, 80)
    ['  2 | b: x', '    |    ^']
    """
    lines = text.split("\n")
    if line > len(lines) or column > len(lines[line - 1]) + 1:
        return []
    source = masked(lines[line - 1]).rstrip("\r").replace("\t", " ")
    number = f"  {line} | "
    space = max(width - len(number), _BEFORE)
    start = 0 if len(source) <= space else max(column - 1 - _BEFORE, 0)
    shown, before = source[start : start + space], source[start : column - 1]
    return [f"{number}{printable(shown)}".rstrip(), f"{' ' * (len(number) - 2)}| {' ' * len(printable(before))}^"]
