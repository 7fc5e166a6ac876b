"""Lines that are longer than the terminal, broken between words so that what follows is indented.

Not `textwrap`: it counts the escape sequences of colours as columns, and puts one space where two separate columns.
"""

from __future__ import annotations

import re
from typing import Final

_STYLE: Final = re.compile(r"\x1b\[[0-9;]*m")
_COLUMN: Final = re.compile(r"(?<=\S) {2,}(?=\S)")
QUOTED: Final = "  | "
"""How a line of another program begins, which stays whole: a compiler's marks stand below what they are about."""

_WHOLE: Final = re.compile(rf"{re.escape(QUOTED)}|  command: |\s*fix: ")
"""How lines begin that stay whole: those, and what somebody is going to copy into a shell."""

_SHORT: Final = 4
"""A word that fits into no line stays behind what is shorter than this part of one."""

_MORE: Final = 4
"""Spaces by which what follows is indented further than the line, where no column stands there."""


def wrapped(text: str, width: int | None) -> str:
    r"""A text whose lines end at `width`; as it is where that is None: only a terminal has one.

    A word that is longer, such as a path, is left to the terminal, which breaks it without a character more: it can
    still be copied. What follows in a last column begins below that.

    >>> print(wrapped("ok      demo.whl: digest, role, archive, tags", 30))
    ok      demo.whl: digest,
            role, archive, tags
    """
    return text if width is None else "\n".join(_wrapped(line, width) for line in text.split("\n"))


def _wrapped(line: str, width: int) -> str:
    if _columns(line) <= width or _WHOLE.match(line):
        return line
    indent = _indent(line, width)
    first, *rest = re.findall(r" *[^ ]+", line) or [""]
    lines = [first]
    for word in rest:
        before = _columns(lines[-1])
        fits_nowhere = indent + len(word.lstrip(" ")) > width and before <= width // _SHORT
        if before + _columns(word) <= width or fits_nowhere:
            lines[-1] += word
        else:
            lines.append(" " * indent + word.lstrip(" "))
    return "\n".join(lines)


def _indent(line: str, width: int) -> int:
    """Where what follows begins: at the last column if that is in the left half and holds all that stands there."""
    plain = _STYLE.sub("", line)
    columns = [match.end() for match in _COLUMN.finditer(plain) if match.end() <= width // 2]
    if columns and max(map(len, plain[columns[-1] :].split())) <= width - columns[-1]:
        return columns[-1]
    return len(plain) - len(plain.lstrip(" ")) + _MORE


def _columns(text: str) -> int:
    return len(_STYLE.sub("", text))
