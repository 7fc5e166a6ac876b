"""The part of a changelog in Markdown that tells of one version."""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r" {0,3}(```+|~~~+)")
_HEADING: Final = re.compile(r"(#{1,6}) (.*)")


def section(text: str, version: str) -> str | None:
    r"""What stands below the heading of a version, up to the next heading that is not below it; None without one.

    A heading is a line that begins with `#` outside of fenced code (CommonMark 0.31, "ATX headings", "Fenced code
    blocks"), and is of a version if it has it as a word, with or without a `v`: 1.2.3 is neither 1.2.30 nor 1.2.3-rc.1.

    >>> section("# 2.0\n\nNew.\n\n# [1.2.3] - today\n\n## Fixed\n\nOld.\n", "1.2.3")
    '## Fixed\n\nOld.'
    """
    own = re.compile(rf"(?<![\w.])v?{re.escape(version)}(?![\w.+-])")
    level, lines, fence = 0, list[str](), ""
    for line in text.splitlines():
        if mark := _FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        heading = None if fence else _HEADING.match(line)
        if heading and level and len(heading[1]) <= level:
            break
        if level:
            lines.append(line)
        elif heading and own.search(heading[2]):
            level = len(heading[1])
    return "\n".join(lines).strip() if level else None
