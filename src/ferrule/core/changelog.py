"""The parts of a changelog in Markdown."""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r" {0,3}(```+|~~~+)")
_HEADING: Final = re.compile(r"(#{1,6}) (.*)")


def span(text: str, title: str) -> tuple[int, int] | None:
    r"""Where the text below a heading begins and ends: up to the next heading that is not below it; None without one.

    A heading is a line that begins with `#` outside of fenced code (CommonMark 0.31, "ATX headings", "Fenced code
    blocks"); `title` is a pattern that is looked for in it.

    >>> text = "# 2.0\n\nNew.\n\n# 1.0\n"
    >>> text[slice(*span(text, "2"))]
    '\nNew.\n\n'
    """
    level, begin, offset, fence = 0, 0, 0, ""
    for line in text.splitlines(keepends=True):
        if mark := _FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        heading = None if fence else _HEADING.match(line.rstrip("\r\n"))
        if heading and level and len(heading[1]) <= level:
            return begin, offset
        offset += len(line)
        if heading and not level and re.search(title, heading[2], re.IGNORECASE):
            level, begin = len(heading[1]), offset
    return (begin, offset) if level else None


def section(text: str, version: str) -> str | None:
    r"""What stands below the heading of a version, up to the next heading that is not below it; None without one.

    It is of a version if it has it as a word, with or without a `v`: 1.2.3 is neither 1.2.30 nor 1.2.3-rc.1.

    >>> section("# 2.0\n\nNew.\n\n# [1.2.3] - today\n\n## Fixed\n\nOld.\n", "1.2.3")
    '## Fixed\n\nOld.'
    """
    part = span(text, rf"(?<![\w.])v?{re.escape(version)}(?![\w.+-])")
    return text[slice(*part)].strip() if part else None
