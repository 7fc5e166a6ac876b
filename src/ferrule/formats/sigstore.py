"""Signatures by a key as Sigstore bundles (sigstore/protobuf-specs, bundle v0.3), of files and of in-toto statements.

Keys are ECDSA on P-256. The nonce is derived from key and message (RFC 6979), so that signing the same bytes again
gives the same signature: that is why it is made here and not by sigstore, which signs for identities and not by keys,
or by securesystemslib, whose ECDSA takes a random nonce. No entry of a transparency log is in a bundle: whoever checks
it holds the public key.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ferrule.core.errors import ToolchainError, UsageError, VerificationError
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

SUFFIX: Final = ".sigstore.json"

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"

IN_TOTO: Final = "application/vnd.in-toto+json"
"""Payload type of in-toto statements (in-toto attestation framework, "Envelope")."""

_LARGEST: Final = 64 << 20


def private_key(pem: bytes, *, where: str) -> EllipticCurvePrivateKey:
    """Read an unencrypted ECDSA P-256 key (PEM, PKCS #8 or SEC 1); raises UsageError, which tells no byte of it."""
    hint = "make one: openssl ecparam -genkey -name prime256v1 -noout | openssl pkcs8 -topk8 -nocrypt -out key.pem"
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        hint = "decrypt it into a pipe or a file that only you can read: openssl pkcs8 -in KEY"
        raise UsageError("this key is encrypted, and nobody is there to be asked", where=where, hint=hint) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError("this is no private key in PEM", where=where, hint=hint) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UsageError("this is no key for ECDSA on P-256", where=where, hint=hint)
    return key


def public_key(pem: bytes, *, where: str) -> EllipticCurvePublicKey:
    """Read an ECDSA P-256 public key (PEM, SubjectPublicKeyInfo); raises UsageError."""
    hint = "take it from the private key: openssl pkey -in key.pem -pubout -out key.pub"
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError("this is no public key in PEM", where=where, hint=hint) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UsageError("this is no key for ECDSA on P-256", where=where, hint=hint)
    return key


def sign_blob(key: EllipticCurvePrivateKey, content: bytes) -> bytes:
    """A bundle with the signature of a file."""
    digest = bytes.fromhex(Digest.of(content).hex)
    signature = {
        "messageDigest": {"algorithm": "SHA2_256", "digest": _base64(digest)},
        "signature": _sign(key, content),
    }
    return _bundle(key, {"messageSignature": signature})


def sign_statement(key: EllipticCurvePrivateKey, statement: bytes) -> bytes:
    """A bundle with an in-toto statement in a signed envelope (DSSE v1); its payload are these very bytes."""
    signature = {"sig": _sign(key, encoded(statement))}
    envelope = {"payload": _base64(statement), "payloadType": IN_TOTO, "signatures": [signature]}
    return _bundle(key, {"dsseEnvelope": envelope})


def bundle_of_statement(name: str) -> str:
    """Name of the bundle beside a statement, which holds it once more.

    >>> bundle_of_statement("provenance.intoto.jsonl")
    'provenance.sigstore.json'
    """
    return name.removesuffix(".intoto.jsonl") + SUFFIX


def encoded(payload: bytes, payload_type: str = IN_TOTO) -> bytes:
    """What is signed of an envelope (DSSE v1.0.2, "Signature Definition", PAE).

    >>> encoded(b"{}", "a/b")
    b'DSSEv1 3 a/b 2 {}'
    """
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def _sign(key: EllipticCurvePrivateKey, message: bytes) -> str:
    try:
        return _base64(key.sign(message, ECDSA(SHA256(), deterministic_signing=True)))
    except UnsupportedAlgorithm as error:
        raise ToolchainError(
            "the OpenSSL behind Python's cryptography cannot derive nonces from the message (RFC 6979)",
            hint="install cryptography from its wheel, which brings a newer OpenSSL",
        ) from error


def _bundle(key: EllipticCurvePrivateKey, content: dict[str, Any]) -> bytes:
    document = {"mediaType": MEDIA_TYPE, "verificationMaterial": _material(key.public_key()), **content}
    return _written(document)


def key_hint(key: EllipticCurvePublicKey) -> str:
    """By what a bundle names its key: SHA-256 of the public key's DER, in base 64, as cosign does."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _base64(bytes.fromhex(Digest.of(der).hex))


def verify_blob(key: EllipticCurvePublicKey | None, bundle: bytes, content: bytes, *, where: str) -> None:
    """Raise VerificationError unless the bundle signs this file; without a key, unless it is about this file at all."""
    document = _read(bundle, "messageSignature", where)
    try:
        signed = document["messageSignature"]
        algorithm, digest = signed["messageDigest"]["algorithm"], _bytes(signed["messageDigest"]["digest"])
        signature = _bytes(signed["signature"])
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationError("this is no signature of a file", where=where) from error
    if algorithm != "SHA2_256" or digest.hex() != Digest.of(content).hex:
        raise VerificationError("this is the signature of another file", where=where)
    if key is not None:
        _check_key(key, document, where)
        _verify(key, signature, content, where)


def verify_statement(key: EllipticCurvePublicKey | None, bundle: bytes, *, where: str) -> bytes:
    """The statement in a bundle's envelope; raises VerificationError unless the key, if there is one, signed it."""
    document = _read(bundle, "dsseEnvelope", where)
    try:
        envelope = document["dsseEnvelope"]
        payload, kind = _bytes(envelope["payload"]), envelope["payloadType"]
        (signature,) = (_bytes(one["sig"]) for one in envelope["signatures"])
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationError("this is no envelope with one signature", where=where) from error
    if kind != IN_TOTO:
        raise VerificationError(f"the envelope holds {kind!r} instead of an in-toto statement", where=where)
    if key is not None:
        _check_key(key, document, where)
        _verify(key, signature, encoded(payload), where)
    return payload


def _read(bundle: bytes, content_field: str, where: str) -> dict[str, Any]:
    """The document of a bundle that is as it would be written here, so that no byte of it is overlooked."""
    try:
        document = json.loads(bundle) if len(bundle) <= _LARGEST else None
    except (ValueError, RecursionError) as error:
        raise VerificationError("this is no Sigstore bundle", where=where) from error
    if (
        not isinstance(document, dict)
        or document.keys() != {"mediaType", "verificationMaterial", content_field}
        or document["mediaType"] != MEDIA_TYPE
        or _written(document) != bundle
    ):
        raise VerificationError(f"this is no Sigstore bundle of version 0.3 with a {content_field}", where=where)
    return document


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _check_key(key: EllipticCurvePublicKey, document: dict[str, Any], where: str) -> None:
    if document["verificationMaterial"] != _material(key):
        raise VerificationError("this was signed with another key", where=where, hint="ask for the key of this release")


def _material(key: EllipticCurvePublicKey) -> dict[str, Any]:
    return {"publicKey": {"hint": key_hint(key)}, "tlogEntries": []}


def _verify(key: EllipticCurvePublicKey, signature: bytes, message: bytes, where: str) -> None:
    try:
        key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        raise VerificationError("the signature is not of this key and this file", where=where) from None


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: object) -> bytes:
    """Decode base 64 in its one canonical form (RFC 4648, section 3.5); raises ValueError."""
    if not isinstance(text, str):
        raise TypeError("not text")
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if _base64(content) != text:
        raise ValueError("not in canonical form")
    return content
