"""What is wrong with a file that its reader could not follow to the end."""

from __future__ import annotations

import struct
from typing import Final

_BEYOND: Final = (struct.error, UnicodeError, LookupError, AttributeError, TypeError, OverflowError)


def damage(error: Exception) -> str:
    """What ails the file, by what its reader raised: Python's own words are of buffers, lists and attributes.

    >>> damage(struct.error("unpack_from requires a buffer of at least 8 bytes"))
    'it is cut, or not as its format has it'
    """
    return "it is cut, or not as its format has it" if isinstance(error, _BEYOND) else str(error)
