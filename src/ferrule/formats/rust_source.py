"""Source files of Rust as the compiler reads them: without comments and layout.

Home-made, because the only lexers of Rust for Python are a grammar for highlighting, which does not nest comments, and
a parser of 3 MB in C. The Rust Reference, chapters Comments, Tokens and Whitespace, is what it follows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.model import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE: Final = re.compile(
    r"""
      (?P<line> //[^\n]* )
    | (?P<block> /\* )
    | (?P<literal>
          (?<!')\b(?:br|cr|r)(?P<hashes>\#*)".*?"(?P=hashes)
        | "(?:[^"\\]|\\.)*"
        | '(?:[^'\\\n]|\\[^u]|\\x[0-9a-fA-F]{2}|\\u\{[0-9a-fA-F_]+\})'
      )
    | (?P<open> (?<!')\b(?:br|cr|r)\#*" | " )
    """,
    re.DOTALL | re.VERBOSE,
)
_MARK: Final = re.compile(r"/\*|\*/")
_SPACE: Final = re.compile(r"\s+")


def code_digest(content: bytes) -> Digest:
    """Digest of the code of a file: equal for two that differ in comments and white space alone.

    Comments for documentation are attributes, which macros see, and count; so does all that is within a literal. Lines
    may end as on Windows. Of what is not UTF-8, or ends within a comment or a literal, all counts.

    >>> code_digest(b"fn a() {} // one") == code_digest(b"/* two */ fn a()  {}")
    True
    """
    try:
        code = "".join(_code(content.decode().replace("\r\n", "\n")))  # as the compiler reads it
    except ValueError:
        return Digest.of(content)
    return Digest.of(code.strip().encode())


def _code(text: str) -> Iterator[str]:
    """The pieces of the text that count, a space for each stretch of others. Raises ValueError where it ends early."""
    at, blank = 0, False
    while at < len(text):
        match = _PIECE.search(text, at)
        end = match.start() if match else len(text)
        between = text[at:end]
        blank = blank or between[:1].isspace()
        if stripped := between.strip():
            yield " " if blank else ""
            yield _SPACE.sub(" ", stripped)
            blank = between[-1].isspace()
        elif between:
            blank = True
        if match is None:
            return
        at = match.end()
        if match["open"]:
            raise ValueError("a literal that does not end")
        if match["block"]:
            at = _end_of_block(text, match.start())
        piece = text[match.start() : at]
        if match["literal"] or _is_documentation(piece):
            yield " " if blank else ""
            yield f"{piece}\n" if match["line"] else piece
            blank = False
        else:
            blank = True


def _end_of_block(text: str, start: int) -> int:
    """Where a comment ends, which may hold others. Raises ValueError if it does not."""
    depth = 0
    for mark in _MARK.finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise ValueError("a comment that does not end")


def _is_documentation(comment: str) -> bool:
    """Whether a comment is one for documentation (Rust Reference, Comments)."""
    if comment.startswith(("//!", "/*!")):
        return True
    outer = comment.startswith("///") and not comment.startswith("////")
    return outer or (comment.startswith("/**") and not comment.startswith("/***") and comment != "/**/")
