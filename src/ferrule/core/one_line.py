"""Text that stands in one line of a file of another format: one function, so that no line of it becomes a new field."""

from __future__ import annotations

import re
from typing import Final

# Control characters (C0, DEL, C1) and the separators that readers of text take for line ends (Unicode, UAX #14).
_CONTROLS: Final = re.compile("[\\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    r"""The text with every run of white space, line ends and control characters as one space.

    >>> one_line("Adds.\r\n\nLibs: nothing\0 at all.\n")
    'Adds. Libs: nothing at all.'
    """
    return _CONTROLS.sub(" ", text).strip()


def is_one_line(text: str) -> bool:
    r"""Whether a text holds no line end and no other control character.

    >>> [is_one_line(text) for text in ("a b", "a\tb", "a\nb")]
    [True, False, False]
    """
    return not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)
