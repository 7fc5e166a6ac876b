"""Foreign text made harmless: what a terminal or a CI log would obey instead of show is written out as an escape.

Names of files, output of programs and values of manifests can hold control characters (ECMA-48), marks that reorder a
line (Unicode TR36, "Bidirectional Text Spoofing") and lone surrogates, which no stream can encode. The runners of
GitHub and Azure take `##[…]` and `##vso[…]` for commands wherever they stand in a line (actions/runner,
ActionCommand.TryParse; Azure Pipelines, "Logging commands").
"""

from __future__ import annotations

import re
from typing import Final

_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_RESET: Final = "\x1b[0m"
_CONTROLS: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
# Compiled where they are first used, a millisecond: most commands never print what needs them.
_COMMAND: Final = r"(?:(?<!#)|(?=#(?:\[|(?i:vso)\[)))"
# One set of characters comes first, which is looked for ten times as fast as one of several alternatives.
_IN_ONE_LINE: Final = f"[#\\t\\n{_CONTROLS}]{_COMMAND}"
_IN_LINES: Final = f"[#{_CONTROLS}]{_COMMAND}"
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    r"""The text on one line, with an escape for each character that would not be shown as itself.

    >>> printable("a\nb\x1b]0;title\x07")
    'a\\nb\\x1b]0;title\\x07'
    """
    return text if text.isprintable() and text.isascii() and "##" not in text else re.sub(_IN_ONE_LINE, _escape, text)


def printable_lines(text: str) -> str:
    r"""The same for text of several lines: line feeds and tabs stay, and colours, which say nothing, are dropped.

    >>> printable_lines("\x1b[31merror\x1b[0m:\n\tx\x1b[2J")
    'error:\n\tx\\x1b[2J'
    """
    return re.sub(_IN_LINES, _escape, without_colours(text))


def without_colours(text: str) -> str:
    r"""The text without what sets colours and weights (ECMA-48, SGR).

    >>> without_colours("\x1b[31merror\x1b[0m")
    'error'
    """
    return _COLOUR.sub("", text) if "\x1b" in text else text


def coloured_lines(text: str) -> str:
    r"""As `printable_lines`, with the colours, and an end of them where some were set.

    >>> coloured_lines("\x1b[31merror\x1b[2J")
    '\x1b[31merror\\x1b[2J\x1b[0m'
    """
    colours = _COLOUR.findall(text)
    plain = [re.sub(_IN_LINES, _escape, part) for part in _COLOUR.split(text)]
    end = _RESET if colours and colours[-1] != _RESET else ""
    return plain[0] + "".join(c + p for c, p in zip(colours, plain[1:], strict=True)) + end


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}")  # noqa: PLR2004 - a byte
