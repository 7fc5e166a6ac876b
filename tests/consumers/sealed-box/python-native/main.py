"""Answers every vector of sealed-box by the installed wheel: `main.py PATH/sealed-box.json`, a line of JSON for each.

A line is the status, and what came of it in hexadecimal digits.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferrule_sealed_box import Algorithm, Key, Policy, RejectedError, SealedBox, SealedBoxError

if TYPE_CHECKING:
    from collections.abc import Callable

ALGORITHMS = {
    "AES-256-GCM": Algorithm.AES256_GCM,
    "ChaCha20-Poly1305": Algorithm.CHACHA20_POLY1305,
    "XChaCha20-Poly1305": Algorithm.XCHACHA20_POLY1305,
    "AES-256-GCM-SIV": Algorithm.AES256_GCM_SIV,
    "HMAC-SHA-256": Algorithm.HMAC_SHA256,
    "HMAC-SHA-512": Algorithm.HMAC_SHA512,
    "HKDF-SHA-256": Algorithm.HKDF_SHA256,
    "Ed25519": Algorithm.ED25519,
    "X25519": Algorithm.X25519,
}
Vector = dict[str, Any]


def seal(box: SealedBox, key: Key, vector: Vector) -> list[bytes]:
    """The message, and what it is sealed to again."""
    nonce, associated, message = (vector[name] for name in ("nonce", "associated", "message"))
    opened = box.decrypt(key, nonce, vector["sealed"], associated=associated)
    return [opened, box.encrypt(key, nonce, message, associated=associated)]


def hashed(box: SealedBox, key: Key, vector: Vector) -> list[bytes]:
    """The tag, or as much of it as the vector has: the library itself accepts no part of one."""
    whole, tag = box.hash(key, vector["message"]), vector["tag"]
    if len(whole) == len(tag):
        box.check_hash(key, vector["message"], tag)
    elif not whole.startswith(tag):
        raise RejectedError
    return [whole[: len(tag)]]


def derive(box: SealedBox, key: Key, vector: Vector) -> list[bytes]:
    """The bytes that are derived."""
    return [box.derive(key, vector["length"], salt=vector["salt"], info=vector["info"])]


def verify(box: SealedBox, key: Key, vector: Vector) -> list[bytes]:
    """Nothing but that it is genuine."""
    box.verify(key, vector["message"], vector["signature"])
    return []


def agree(box: SealedBox, key: Key, vector: Vector) -> list[bytes]:
    """The shared key."""
    with box.agree(key, vector["public"]) as shared:
        return [box.export_key(shared)]


WORK: dict[str, Callable[[SealedBox, Key, Vector], list[bytes]]] = {
    **dict.fromkeys(list(ALGORITHMS)[:4], seal),
    "HMAC-SHA-256": hashed,
    "HMAC-SHA-512": hashed,
    "HKDF-SHA-256": derive,
    "Ed25519": verify,
    "X25519": agree,
}


def answer(box: SealedBox, row: dict[str, Any]) -> list[object]:
    """What a vector comes to."""
    name = row["algorithm"]
    texts = {key: bytes.fromhex(value) for key, value in row.items() if isinstance(value, str) and key != "algorithm"}
    vector = {**row, **texts}
    public = WORK[name] is verify
    take = box.import_public_key if public else box.import_key
    try:
        with take(ALGORITHMS[name], vector["public" if public else "key"], id=row["number"]) as key:
            return [0, *(data.hex() for data in WORK[name](box, key, vector))]
    except SealedBoxError as error:
        return [int(error.status)]


def main(path: str) -> None:
    """Print the answers; one box serves them all."""
    policy = Policy(tuple(ALGORITHMS.values()), allow_caller_nonces=True, allow_export=True)
    with SealedBox(policy) as box:
        for row in json.loads(Path(path).read_text(encoding="utf-8")):
            sys.stdout.write(json.dumps(answer(box, row), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
