"""Signing a release from the command line: where the key comes from, what is refused, what stays secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from fakes.toolchain import Demo, lay_out

if TYPE_CHECKING:
    from pathlib import Path

KEY = ec.derive_private_key(0x1F2E3D4C5B6A79, ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
BUNDLES = {"SHA256SUMS.sigstore.json", "manifest.json.sigstore.json", "provenance.sigstore.json"}


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, str]:
    """A release with the key in a variable, and all that was said."""
    demo = lay_out(tmp_path_factory.mktemp("signed"))
    done = demo.ferrule("release", "--sign-key", "env://RELEASE_KEY", RELEASE_KEY=PEM)
    assert done.returncode == 0, done.stderr
    return demo, done.stdout + done.stderr


def test_signatures_are_beside_and_verified(signed: tuple[Demo, str], tmp_path: Path) -> None:
    demo, _ = signed
    assert {p.name for p in demo.dist.glob("*.sigstore.json")} == BUNDLES
    public = tmp_path / "key.pub"
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    done = demo.ferrule("verify", "--key", str(public))
    assert done.returncode == 0, done.stdout
    assert "provenance.intoto.jsonl: digest, role, provenance, signature" in done.stdout
    (demo.dist / "SHA256SUMS.sigstore.json").rename(tmp_path / "aside")
    output = demo.ferrule("verify", "--key", str(public))
    (tmp_path / "aside").rename(demo.dist / "SHA256SUMS.sigstore.json")
    assert output.returncode == 6
    assert "it is not signed: there is no SHA256SUMS.sigstore.json" in output.stdout


def test_key_is_in_no_file_and_in_no_word(signed: tuple[Demo, str]) -> None:
    demo, output = signed
    body = "".join(PEM.splitlines()[1:-1])
    pieces = [body[at : at + 24] for at in range(0, len(body) - 24, 24)]
    written = [p for p in demo.root.rglob("*") if p.is_file()]
    assert not any(piece in output for piece in pieces)
    for path in written:
        content = path.read_bytes()
        assert not any(piece.encode() in content for piece in pieces), path


def test_same_release_without_a_key_has_no_signatures(demo: Demo) -> None:
    key = demo.root / "key.pem"
    key.write_text(PEM)
    assert demo.ferrule("release", "--quiet", "--sign-key", str(key)).returncode == 0
    assert {p.name for p in demo.dist.glob("*.sigstore.json")} == BUNDLES
    assert demo.ferrule("release", "--quiet").returncode == 0
    assert not list(demo.dist.glob("*.sigstore.json"))


@pytest.mark.parametrize(
    ("named", "content", "message"),
    [
        ("nowhere.pem", None, "the key cannot be read: No such file or directory"),
        ("key.pem", "nonsense", "this is no private key in PEM"),
        ("env://NOT_SET", None, "this variable is not set, or empty"),
    ],
)
def test_unusable_key_is_told_before_anything_is_built(
    demo: Demo, named: str, content: str | None, message: str
) -> None:
    if content is not None:
        (demo.project / named).write_text(content)
    done = demo.ferrule("release", "--sign-key", named)
    assert done.returncode == 2
    assert message in done.stderr
    assert demo.calls == []
    assert not demo.dist.exists()
