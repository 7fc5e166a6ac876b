"""Boxes: what is allowed, and all that is done with keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ferrule_sealed_box import _bindings
from ferrule_sealed_box._bindings import Algorithm, Key, Operation, Status, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Bytes = Any
"""What has Python's buffer protocol, such as bytes, bytearray and memoryview; it is borrowed and not copied."""


@dataclass(frozen=True)
class Policy:
    """What is allowed; by default XChaCha20-Poly1305, HMAC-SHA-256, HKDF-SHA-256, Ed25519 and X25519, and nothing else.

    `allow_caller_nonces` is for `encrypt` and `decrypt`: whoever uses a nonce twice loses the key. `allow_export` lets
    keys and derived bytes leave the library, by `export_key` and `derive`.
    """

    algorithms: tuple[Algorithm, ...] | None = None
    allow_caller_nonces: bool = False
    allow_export: bool = False


class KeyUse(NamedTuple):
    """A use of a key, also one that was refused. Nothing of it is secret."""

    operation: Operation
    algorithm: Algorithm
    key_id: int
    status: Status


class Call(NamedTuple):
    """A call of the library that has ended."""

    function: str
    nanoseconds: int
    status: Status


_DEFAULT = Policy()


class SealedBox(_bindings.Closing):
    """A policy, and who is told of what happens; any number of threads may use one at once.

    `audit` is told of each use of a key, `observe` of each call. What they raise is raised to the caller when the call
    has ended, which it has with its effect. Keys and streams stay usable after the box was closed, in other boxes.
    """

    def __init__(
        self,
        policy: Policy = _DEFAULT,
        *,
        audit: Callable[[KeyUse], object] | None = None,
        observe: Callable[[Call], object] | None = None,
    ) -> None:
        self.policy = policy
        options = _bindings.Options.of(
            allow_caller_nonces=policy.allow_caller_nonces,
            allow_export=policy.allow_export,
            algorithms=policy.algorithms,
        )
        callbacks = None
        if audit is not None or observe is not None:
            callbacks = _bindings.Callbacks.of(audit=_audit(audit), observe=_observe(observe))
        self._library = _bindings.SealedBox(options, callbacks)
        self._handle = self._library._handle  # noqa: SLF001 - what closes one closes the other

    def import_key(self, algorithm: Algorithm, data: Bytes, *, id: int = 0) -> Key:  # noqa: A002 - the library's word
        """Make a key from its bytes. `id` is the caller's number for it: envelopes and the audit hold it.

        Raises InvalidKeyError and NotAllowedError; so does all that makes a key.
        """
        return self._library.key_import(algorithm, id, data)

    def import_public_key(self, algorithm: Algorithm, data: Bytes, *, id: int = 0) -> Key:  # noqa: A002 - as above
        """Make a key that verifies, from the public half of somebody's Ed25519 pair."""
        return self._library.key_import_public(algorithm, id, data)

    def generate_key(self, algorithm: Algorithm, *, id: int = 0) -> Key:  # noqa: A002 - as above
        """Make a new key of random bytes."""
        return self._library.key_generate(algorithm, id)

    def export_key(self, key: Key) -> bytes:
        """The bytes of a key, if the policy allows that; Python cannot overwrite them."""
        return self._library.key_export(key)

    def seal(self, key: Key, message: Bytes, *, associated: Bytes = b"") -> bytes:
        """Seal a message into an envelope. What is associated is authenticated, and is not in the envelope."""
        return self._library.seal(key, associated, message)

    def open(self, key: Key, sealed: Bytes, *, associated: Bytes = b"") -> bytes:
        """Open an envelope. Raises RejectedError for one that is not genuine, MalformedError for what is none."""
        return self._library.open(key, associated, sealed)

    def encrypt(self, key: Key, nonce: Bytes, message: Bytes, *, associated: Bytes = b"") -> bytes:
        """Seal with the caller's nonce, if the policy allows that: text and tag, without an envelope."""
        return self._library.encrypt(key, nonce, associated, message)

    def decrypt(self, key: Key, nonce: Bytes, sealed: Bytes, *, associated: Bytes = b"") -> bytes:
        """Open what `encrypt` made. Raises RejectedError."""
        return self._library.decrypt(key, nonce, associated, sealed)

    def hash(self, key: Key, message: Bytes) -> bytes:
        """A keyed hash."""
        return self._library.hash(key, message)

    def check_hash(self, key: Key, message: Bytes, tag: Bytes) -> None:
        """Compare a keyed hash in constant time. Raises RejectedError for another."""
        self._library.hash_check(key, message, tag)

    def derive(self, key: Key, length: int, *, salt: Bytes = b"", info: Bytes = b"") -> bytes:
        """Bytes that depend on the key, if the policy allows that. Raises InvalidLengthError."""
        return self._library.derive(key, salt, info, length)

    def derive_key(
        self,
        key: Key,
        algorithm: Algorithm,
        *,
        salt: Bytes = b"",
        info: Bytes = b"",
        id: int = 0,  # noqa: A002 - as above
    ) -> Key:
        """A key that is derived from another; its bytes never leave the library."""
        return self._library.derive_key(key, salt, info, algorithm, id)

    def sign(self, key: Key, message: Bytes) -> bytes:
        """A signature of 64 bytes."""
        return self._library.sign(key, message)

    def verify(self, key: Key, message: Bytes, signature: Bytes) -> None:
        """Verify a signature. Raises RejectedError for one that is not genuine."""
        self._library.verify(key, message, signature)

    def agree(self, key: Key, peer: Bytes, *, id: int = 0) -> Key:  # noqa: A002 - as above
        """The key that two parties agree on, for HKDF-SHA-256; `peer` is the other's public half."""
        return self._library.agree(key, peer, id)

    def hash_pieces(self, key: Key, pieces: Iterable[Bytes]) -> bytes:
        """A keyed hash of a message that comes in pieces."""
        return b"".join(_through(self._library.stream_hash(key), pieces))

    def seal_pieces(self, key: Key, pieces: Iterable[Bytes], *, associated: Bytes = b"") -> Iterator[bytes]:
        """Seal a message of any length as its pieces come; all of the output belongs to the envelope."""
        return _through(self._library.stream_seal(key, associated), pieces)

    def open_pieces(self, key: Key, pieces: Iterable[Bytes], *, associated: Bytes = b"") -> Iterator[bytes]:
        """Open such an envelope as its pieces come.

        What is given is genuine, but only the end tells that nothing was cut off: RejectedError says that it was.
        """
        return _through(self._library.stream_open(key, associated), pieces)


def _through(stream: Stream, pieces: Iterable[Bytes]) -> Iterator[bytes]:
    with stream:
        for piece in pieces:
            if came := stream.push(piece):
                yield came
        if came := stream.finish():
            yield came


def _audit(audit: Callable[[KeyUse], object] | None) -> Callable[[_bindings.KeyUse], object] | None:
    if audit is None:
        return None
    return lambda use: audit(KeyUse(Operation(use.operation), Algorithm(use.algorithm), use.key_id, Status(use.status)))


def _observe(observe: Callable[[Call], object] | None) -> Callable[[str, int, Status], object] | None:
    if observe is None:
        return None
    return lambda function, nanoseconds, status: observe(Call(function, nanoseconds, status))
