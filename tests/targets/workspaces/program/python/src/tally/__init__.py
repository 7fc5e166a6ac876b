"""Counts words."""

import ctypes
from pathlib import Path

from tally import _native

_library = ctypes.CDLL(str(Path(_native.__file__).parent / _native.LIBRARY))


def words(text: str) -> int:
    """The number of different words."""
    data = text.encode()
    return int(_library.tally_words(data, ctypes.c_size_t(len(data))))
