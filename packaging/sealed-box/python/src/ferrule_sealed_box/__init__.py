"""Sealing, keyed hashing, key derivation, signatures and key agreement, with keys that never show.

>>> from ferrule_sealed_box import Algorithm, SealedBox
>>> with SealedBox() as box, box.generate_key(Algorithm.XCHACHA20_POLY1305, id=1) as key:
...     sealed = box.seal(key, b"the message", associated=b"to whom")
...     box.open(key, sealed, associated=b"to whom")
b'the message'

The work is done by a native library that the wheel carries. Importing this package loads it, and raises LibraryError
(an ImportError) if it is missing, cannot be loaded here, or has another interface than this package was made for.
"""

from __future__ import annotations

from typing import Any

from ferrule_sealed_box import _errors
from ferrule_sealed_box._bindings import BUILD_INFO, VERSION, Algorithm, Key, Operation, Status, Stream
from ferrule_sealed_box._box import Call, KeyUse, Policy, SealedBox
from ferrule_sealed_box._errors import *  # noqa: F403 - every exception, by their list

__version__ = VERSION
__all__ = [
    "Algorithm",
    "Call",
    "Key",
    "KeyUse",
    "Operation",
    "Policy",
    "SealedBox",
    "Status",
    "Stream",
    "__version__",
    "build_info",
]
__all__ += _errors.__all__


def build_info() -> dict[str, Any]:
    """What the loaded native library is: its version, commit, fingerprints, target, compiler, cryptographic crates."""
    return dict(BUILD_INFO)
