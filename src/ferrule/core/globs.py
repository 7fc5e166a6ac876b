"""Globs over paths, as minimatch (npm) and globset (Cargo) match them: a path, never what is below it.

pathspec, which reads ignore files, matches everything below a matching folder as well, and knows no braces.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

MOST_PATTERNS: Final = 1000
"""Most patterns that one with braces may stand for."""

_BRACES: Final = re.compile(r"(?<!\\)\{([^{}]*,[^{}]*)\}")
_TOKENS: Final = re.compile(r"\\.|\*+|\?|\[[!^]?(?:\][^\]/]*|[^\]/]+)\]", re.DOTALL)
_NOTHING: Final = "(?!)"


def expanded(pattern: str) -> list[str]:
    """The patterns that one with braces stands for; more than MOST_PATTERNS where it stands for too many.

    >>> sorted(expanded("a/*.{js,d.ts}"))
    ['a/*.d.ts', 'a/*.js']
    """
    waiting, done = [pattern], list[str]()
    while waiting and len(done) + len(waiting) <= MOST_PATTERNS:
        text = waiting.pop()
        match = _BRACES.search(text)
        if match is None:
            done.append(text)
        else:
            waiting += [f"{text[: match.start()]}{word}{text[match.end() :]}" for word in match[1].split(",")]
    return done + waiting


def is_valid(pattern: str) -> bool:
    """Whether every class of a pattern has its ranges in order, which Cargo asks for.

    >>> is_valid("a[b-d]"), is_valid("a[d-b]")
    (True, False)
    """
    return _NOTHING not in _expression(pattern, False).pattern


def matches(parts: tuple[str, ...], path: tuple[str, ...], *, partial: bool = False, fold_case: bool = False) -> bool:
    """Whether a pattern, by its parts between slashes, matches a path; with `partial` also what may be below it.

    >>> matches(("src", "**", "*.rs"), ("src", "a", "b.rs")), matches(("src",), ("src", "a"))
    (True, False)
    """
    if not path:
        return partial or all(part == "**" for part in parts)
    if not parts:
        return False
    if parts[0] == "**":
        return matches(parts[1:], path, partial=partial, fold_case=fold_case) or matches(
            parts, path[1:], partial=partial, fold_case=fold_case
        )
    return _expression(parts[0], fold_case).fullmatch(path[0]) is not None and matches(
        parts[1:], path[1:], partial=partial, fold_case=fold_case
    )


@lru_cache(maxsize=1024)
def _expression(part: str, fold_case: bool) -> re.Pattern[str]:
    """A part of a pattern as a regular expression; a class such as [z-a] takes nothing, as in minimatch."""
    pieces, end = [], 0
    for token in _TOKENS.finditer(part):
        pieces.append(re.escape(part[end : token.start()]))
        end = token.end()
        if token[0].startswith("["):
            negated = token[0][1] in "!^"
            members = re.sub(r"([\[\]\\&~|^])", r"\\\1", token[0][1 + negated : -1])
            pieces.append(_class(f"[{'^' if negated else ''}{members}]"))
        elif token[0].startswith("\\"):
            pieces.append(re.escape(token[0][1]))
        else:
            pieces.append("[^/]" if token[0] == "?" else "[^/]*")
    return re.compile("".join(pieces) + re.escape(part[end:]), re.DOTALL | (re.IGNORECASE if fold_case else 0))


def _class(text: str) -> str:
    try:
        re.compile(text)
    except re.error:
        return _NOTHING
    return text
