"""Measures calls of sealed-box by the wheel that is on the path of modules; prints nanoseconds and memory, as JSON."""

from __future__ import annotations

from ferrule_sealed_box import Algorithm, SealedBox
from measure import ASSOCIATED, LARGE, MESSAGE, tell

if __name__ == "__main__":
    with (
        SealedBox() as box,
        box.generate_key(Algorithm.XCHACHA20_POLY1305, id=1) as key,
        box.generate_key(Algorithm.HMAC_SHA256, id=1) as hashing,
    ):
        sealed = box.seal(key, MESSAGE, associated=ASSOCIATED)
        tell(
            {
                "seal": (lambda: box.seal(key, MESSAGE, associated=ASSOCIATED), 1),
                "open": (lambda: box.open(key, sealed, associated=ASSOCIATED), 1),
                "hash": (lambda: box.hash(hashing, MESSAGE), 1),
                "large": (lambda: box.seal(key, LARGE, associated=ASSOCIATED), 1),
            }
        )
