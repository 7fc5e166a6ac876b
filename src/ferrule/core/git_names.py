"""Which names Git takes for a tag or a branch (git-check-ref-format(1)), without asking Git."""

from __future__ import annotations

import re
from typing import Final

_RULES: Final = (
    (r"^-", "begins with -"),
    (r"[\x00-\x20\x7f]", "holds a space or a control character"),
    (r"[~^:?*\[\\]", "holds one of ~ ^ : ? * [ \\"),
    (r"\.\.", "holds .."),
    (r"@\{", "holds @{"),
    (r"^/|//|/$", "has a part without a name"),
    (r"(^|/)\.", "has a part that begins with a dot"),
    (r"\.lock(/|$)", "has a part that ends with .lock"),
    (r"\.$", "ends with a dot"),
    (r"^(HEAD|@)?$", "is empty, HEAD or @"),
)


def ref_problem(name: str) -> str | None:
    """Why Git has no tag and no branch of this name, in words that follow it; None for one that it can have.

    >>> ref_problem("v1.2.3"), ref_problem("v1..2"), ref_problem("a.lock/b")
    (None, 'holds ..', 'has a part that ends with .lock')
    """
    return next((words for pattern, words in _RULES if re.search(pattern, name)), None)
