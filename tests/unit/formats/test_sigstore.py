"""Sigstore bundles: signed here, judged by OpenSSL."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess  # noqa: TID251 - OpenSSL judges
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ferrule.core.errors import ToolchainError, UsageError, VerificationError
from ferrule.formats import sigstore

if TYPE_CHECKING:
    from pathlib import Path

KEY = ec.derive_private_key(0x1F2E3D4C5B6A79, ec.SECP256R1())
OTHER = ec.derive_private_key(0x1F2E3D4C5B6A7A, ec.SECP256R1())
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def pem(key: object, encryption: object = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def openssl_agrees(folder: Path, signature: str, message: bytes) -> bool:
    for name, content in (("key", PUBLIC), ("signature", base64.b64decode(signature)), ("message", message)):
        (folder / name).write_bytes(content)
    program = shutil.which("openssl")
    assert program is not None
    argv = [program, "dgst", "-sha256", "-verify", "key", "-signature", "signature", "message"]
    return subprocess.run(argv, cwd=folder, capture_output=True, check=False).returncode == 0


def test_signature_of_a_file_is_one_that_openssl_accepts(tmp_path: Path) -> None:
    bundle = json.loads(sigstore.sign_blob(KEY, b"content"))
    assert openssl_agrees(tmp_path, bundle["messageSignature"]["signature"], b"content")
    assert not openssl_agrees(tmp_path, bundle["messageSignature"]["signature"], b"other")


def test_signature_of_a_statement_is_one_of_its_encoding(tmp_path: Path) -> None:
    envelope = json.loads(sigstore.sign_statement(KEY, b"{}\n"))["dsseEnvelope"]
    message = b"DSSEv1 28 application/vnd.in-toto+json 3 {}\n"
    assert openssl_agrees(tmp_path, envelope["signatures"][0]["sig"], message)
    assert base64.b64decode(envelope["payload"]) == b"{}\n"


def test_bundle_has_the_fields_of_version_0_3() -> None:
    bundle = json.loads(sigstore.sign_blob(KEY, b"content"))
    assert bundle.keys() == {"mediaType", "verificationMaterial", "messageSignature"}
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert bundle["messageSignature"]["messageDigest"]["algorithm"] == "SHA2_256"
    assert len(base64.b64decode(bundle["verificationMaterial"]["publicKey"]["hint"])) == 32


def test_same_bytes_give_the_same_bundle() -> None:
    assert sigstore.sign_blob(KEY, b"content") == sigstore.sign_blob(KEY, b"content")
    assert sigstore.sign_statement(KEY, b"{}") == sigstore.sign_statement(KEY, b"{}")


def test_what_was_signed_is_believed() -> None:
    key = sigstore.public_key(PUBLIC, where="key")
    sigstore.verify_blob(key, sigstore.sign_blob(KEY, b"content"), b"content", where="x")
    assert sigstore.verify_statement(key, sigstore.sign_statement(KEY, b"{}"), where="x") == b"{}"


@pytest.mark.parametrize("kind", ["blob", "statement"])
def test_no_byte_of_a_bundle_may_be_another(kind: str) -> None:
    key = KEY.public_key()
    sign, check = {
        "blob": (sigstore.sign_blob, lambda b: sigstore.verify_blob(key, b, b"content", where="x")),
        "statement": (sigstore.sign_statement, lambda b: sigstore.verify_statement(key, b, where="x")),
    }[kind]
    bundle = sign(KEY, b"content")
    for path in range(0, len(bundle), 3):
        edited = bytearray(bundle)
        edited[path] ^= 1
        with pytest.raises(VerificationError):
            check(bytes(edited))


def test_other_key_and_other_content_are_told() -> None:
    bundle = sigstore.sign_blob(OTHER, b"content")
    with pytest.raises(VerificationError, match="another key"):
        sigstore.verify_blob(KEY.public_key(), bundle, b"content", where="x")
    with pytest.raises(VerificationError, match="another file"):
        sigstore.verify_blob(OTHER.public_key(), bundle, b"other", where="x")
    with pytest.raises(VerificationError, match="another file"):
        sigstore.verify_blob(None, bundle, b"other", where="x")
    sigstore.verify_blob(None, bundle, b"content", where="x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nonsense", "no private key"),
        (pem(rsa.generate_private_key(65537, 2048)), "P-256"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (pem(KEY, BestAvailableEncryption(b"secret")), "encrypted"),
    ],
    ids=["nonsense", "rsa", "p384", "encrypted"],
)
def test_unfit_private_keys_are_refused_and_not_shown(content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        sigstore.private_key(content, where="key.pem")
    assert caught.value.where == "key.pem"
    assert not any(line in str(caught.value) for line in content.decode().splitlines()[1:])


@pytest.mark.parametrize("content", [b"", pem(KEY), PUBLIC[:-40]])
def test_unfit_public_keys_are_refused(content: bytes) -> None:
    with pytest.raises(UsageError):
        sigstore.public_key(content, where="key.pub")


def test_only_keys_of_one_curve_are_taken() -> None:
    assert sigstore.private_key(pem(KEY), where="key.pem").private_numbers() == KEY.private_numbers()
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(UsageError, match="P-256") as caught:
        sigstore.public_key(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), where="key.pub")
    assert caught.value.where == "key.pub"


def test_an_openssl_that_is_too_old_is_named() -> None:
    class Old:
        def public_key(self) -> object:
            return KEY.public_key()

        def sign(self, *_: object) -> bytes:
            raise UnsupportedAlgorithm("deterministic")

    with pytest.raises(ToolchainError, match="cannot derive nonces"):
        sigstore.sign_blob(Old(), b"content")  # type: ignore[arg-type]


def test_a_signature_that_is_no_text_is_refused() -> None:
    bundle = json.loads(sigstore.sign_blob(KEY, b"content"))
    bundle["messageSignature"]["signature"] = 7
    with pytest.raises(VerificationError):
        sigstore.verify_blob(KEY.public_key(), json.dumps(bundle).encode(), b"content", where="x")


def test_what_is_no_text_is_no_base_64() -> None:
    with pytest.raises(TypeError):
        sigstore._bytes(7)
