"""A private Sigstore: an authority for certificates, a log of these, a transparency log and a timestamp authority.

It signs as the public instance does (Fulcio, CT log, Rekor v1 and v2, RFC 3161) and writes the trusted root by which
others judge that. Every part can be replaced by one of another instance, which is how forgeries are made.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from ferrule.formats import sigstore

if TYPE_CHECKING:
    from pathlib import Path

UTC = dt.UTC
NOW = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MINUTES = dt.timedelta(minutes=1)
YEAR = dt.timedelta(days=365)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "https://github.com/example/demo"
GITHUB = "https://token.actions.githubusercontent.com"
MEDIA_TYPES = {
    "0.1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "0.2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "0.3": sigstore.MEDIA_TYPE,
}


@dataclass(frozen=True)
class Claims:
    """What the authority writes into a certificate; None leaves a claim out."""

    repository: str | None = REPOSITORY
    path: str = ".github/workflows/release.yml"
    ref: str | None = "refs/tags/v1.2.3"
    commit: str | None = COMMIT
    issuer: str = GITHUB
    subject: str | None = None
    old_issuer: bool = False

    def name(self) -> x509.GeneralName:
        if self.subject is not None and "@" in self.subject and "/" not in self.subject:
            return x509.RFC822Name(self.subject)
        return x509.UniformResourceIdentifier(self.subject or f"{self.repository}/{self.path}@{self.ref}")

    def extensions(self) -> list[x509.UnrecognizedExtension]:
        values = {8: self.issuer, 12: self.repository, 13: self.commit, 14: self.ref}
        if self.repository:
            values[18] = f"{self.repository}/{self.path}@{self.ref}"
        if self.old_issuer:
            values = {}
        texts = [(n, der(0x0C, v.encode())) for n, v in values.items() if v is not None]
        return [
            x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{n}"), content)
            for n, content in [(1, self.issuer.encode()), *texts]
        ]


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def der(tag: int, *parts: bytes) -> bytes:
    """A value in DER (X.690, section 8.1)."""
    content = b"".join(parts)
    size = len(content)
    length = size.to_bytes(max(1, (size.bit_length() + 7) // 8), "big")
    return bytes([tag]) + (length if size < 128 else bytes([0x80 | len(length)]) + length) + content


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytes([40 * first + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return der(0x06, content)


def integer(number: int) -> bytes:
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(spki(key)).digest()


def sign(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    return key.sign(content, ec.ECDSA(SHA256()))


@dataclass(frozen=True)
class Authority:
    """A certificate with its key, and the one that issued it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    issuer: x509.Certificate


def authority(name: str, *, timestamps: bool = False) -> Authority:
    """A root, and below it what issues certificates or signs timestamps."""
    top_key, key = new_key(), new_key()
    top = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} root")])
    below = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = {"digital_signature": timestamps, "content_commitment": False, "key_encipherment": False}
    usage |= {"data_encipherment": False, "key_agreement": False, "encipher_only": False, "decipher_only": False}
    signs = usage | {"digital_signature": False, "key_cert_sign": True, "crl_sign": True}

    def builder(subject: x509.Name, own: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        start = x509.CertificateBuilder().subject_name(subject).issuer_name(top).public_key(own.public_key())
        start = start.serial_number(x509.random_serial_number())
        start = start.not_valid_before(NOW - 5 * YEAR).not_valid_after(NOW + 20 * YEAR)
        start = start.add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        return start.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(top_key.public_key()), critical=False
        )

    root = builder(top, top_key).add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    root = root.add_extension(x509.KeyUsage(**signs), critical=True)
    mine = builder(below, key)
    if timestamps:
        mine = mine.add_extension(x509.KeyUsage(**usage, key_cert_sign=False, crl_sign=False), critical=True)
        mine = mine.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    else:
        mine = mine.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        mine = mine.add_extension(x509.KeyUsage(**signs), critical=True)
    return Authority(key, mine.sign(top_key, SHA256()), root.sign(top_key, SHA256()))


@dataclass(frozen=True)
class Window:
    start: str = "2020-01-01T00:00:00Z"
    end: str | None = None

    def document(self) -> dict[str, str]:
        return {"start": self.start, **({"end": self.end} if self.end else {})}


@dataclass(frozen=True)
class SigstoreInstance:
    """All keys of an instance."""

    fulcio: Authority = field(default_factory=lambda: authority("fulcio"))
    tsa: Authority = field(default_factory=lambda: authority("tsa", timestamps=True))
    ct: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    rekor: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    origin: str = "rekor.example.org - 1"

    def trusted_root(self, **windows: Window) -> dict[str, Any]:
        """The root (trustedroot v0.1); `windows` say from when to when a part is trusted."""

        def log(key: ec.EllipticCurvePrivateKey, name: str) -> dict[str, Any]:
            window = windows.get(name, Window()).document()
            public = {"rawBytes": b64(spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": window}
            base = {"baseUrl": f"https://{name}.example.org", "hashAlgorithm": "SHA2_256"}
            return {**base, "publicKey": public, "logId": {"keyId": b64(key_id(key))}}

        def ca(one: Authority, name: str) -> dict[str, Any]:
            chain = [{"rawBytes": b64(c.public_bytes(Encoding.DER))} for c in (one.certificate, one.issuer)]
            subject = {"organization": "example", "commonName": name}
            window = windows.get(name, Window()).document()
            return {"subject": subject, "uri": "https://example.org", "certChain": {"certificates": chain}} | {
                "validFor": window
            }

        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.rekor, "rekor")],
            "certificateAuthorities": [ca(self.fulcio, "fulcio")],
            "ctlogs": [log(self.ct, "ct")],
            "timestampAuthorities": [ca(self.tsa, "tsa")],
        }

    def write_root(self, path: Path, **windows: Window) -> Path:
        path.write_text(json.dumps(self.trusted_root(**windows)))
        return path

    def certificate(
        self, key: ec.EllipticCurvePrivateKey, claims: Claims, *, start: dt.datetime = NOW, sct: bool = True
    ) -> x509.Certificate:
        """A certificate for ten minutes, with the promise of the log of certificates (RFC 6962, section 3.3)."""
        usage = {"digital_signature": True, "content_commitment": False, "key_encipherment": False}
        usage |= {"data_encipherment": False, "key_agreement": False, "encipher_only": False, "decipher_only": False}
        builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(self.fulcio.certificate.subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(start + 10 * MINUTES)
        issuer = self.fulcio.key.public_key()
        for extension, critical in (
            (x509.KeyUsage(**usage, key_cert_sign=False, crl_sign=False), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False),
            (x509.SubjectAlternativeName([claims.name()]), True),
            *((extension, False) for extension in claims.extensions()),
        ):
            builder = builder.add_extension(extension, critical=critical)
        if not sct:
            return builder.sign(self.fulcio.key, SHA256())
        draft = builder.add_extension(
            x509.UnrecognizedExtension(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, der(0x04, b"\0\0")),
            critical=False,
        ).sign(self.fulcio.key, SHA256())
        listed = self._sct(draft.tbs_precertificate_bytes, start)
        builder = builder.add_extension(
            x509.UnrecognizedExtension(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, der(0x04, listed)),
            critical=False,
        )
        return builder.sign(self.fulcio.key, SHA256())

    def _sct(self, tbs: bytes, moment: dt.datetime) -> bytes:
        millis = int(moment.timestamp() * 1000)
        size = len(tbs).to_bytes(3, "big")
        entry = struct.pack("!BBQH", 0, 0, millis, 1) + key_id(self.fulcio.key) + size + tbs + b"\0\0"
        signature = sign(self.ct, entry)
        one = b"\0" + key_id(self.ct) + struct.pack("!Q", millis) + b"\0\0" + b"\4\3"
        one += struct.pack("!H", len(signature)) + signature
        return struct.pack("!HH", len(one) + 2, len(one)) + one

    def timestamp(self, signature: bytes, moment: dt.datetime = NOW + MINUTES) -> bytes:
        """A timestamp response (RFC 3161, section 2.4.2) with its certificate."""
        sha256 = der(0x30, oid("2.16.840.1.101.3.4.2.1"))
        imprint = der(0x30, sha256, der(0x04, hashlib.sha256(signature).digest()))
        time = der(0x18, f"{moment:%Y%m%d%H%M%SZ}".encode())
        info = der(0x30, integer(1), oid("1.2.3.4"), imprint, integer(7), time)
        own = self.tsa.certificate
        certificate = own.public_bytes(Encoding.DER)
        kind = oid("1.2.840.113549.1.9.16.1.4")

        def attribute(name: str, value: bytes) -> bytes:
            return der(0x30, oid(name), der(0x31, value))

        named = der(0x30, der(0x30, der(0x30, der(0x04, hashlib.sha256(certificate).digest()))))
        attributes = b"".join(
            sorted(
                (
                    attribute("1.2.840.113549.1.9.3", kind),
                    attribute("1.2.840.113549.1.9.4", der(0x04, hashlib.sha256(info).digest())),
                    attribute("1.2.840.113549.1.9.16.2.47", named),
                )
            )
        )
        signed = sign(self.tsa.key, der(0x31, attributes))
        serial = der(0x30, own.issuer.public_bytes(), integer(own.serial_number))
        ecdsa = der(0x30, oid("1.2.840.10045.4.3.2"))
        signer = der(0x30, integer(1), serial, sha256, der(0xA0, attributes), ecdsa, der(0x04, signed))
        inner = der(0x30, kind, der(0xA0, der(0x04, info)))
        content = der(0x30, integer(3), der(0x31, sha256), inner, der(0xA0, certificate), der(0x31, signer))
        return der(0x30, der(0x30, integer(0)), der(0x30, oid("1.2.840.113549.1.7.2"), der(0xA0, content)))

    def entry(
        self, kind: str, version: str, body: dict[str, Any], moment: dt.datetime = NOW + MINUTES
    ) -> dict[str, Any]:
        """An entry of the transparency log, fourth among seven, with proof, checkpoint and (version 1) a promise."""
        leaf = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
        tree = Tree((*(b"%d" % n for n in range(3)), leaf, *(b"%d" % n for n in range(4, 7))))
        entry: dict[str, Any] = {
            "logIndex": "1003",
            "logId": {"keyId": b64(key_id(self.rekor))},
            "kindVersion": {"kind": kind, "version": version},
            "canonicalizedBody": b64(leaf),
            "inclusionProof": {
                "logIndex": "3",
                "rootHash": b64(tree.root()),
                "treeSize": str(len(tree.leaves)),
                "hashes": [b64(h) for h in tree.proof(3)],
                "checkpoint": {"envelope": self.checkpoint(tree)},
            },
        }
        if version == "0.0.1" or kind == "intoto":
            at = int(moment.timestamp())
            promise = {"body": b64(leaf), "integratedTime": at, "logID": key_id(self.rekor).hex(), "logIndex": 1003}
            text = json.dumps(promise, separators=(",", ":"), sort_keys=True).encode()
            entry["integratedTime"] = str(at)
            entry["inclusionPromise"] = {"signedEntryTimestamp": b64(sign(self.rekor, text))}
        return entry

    def checkpoint(self, tree: Tree) -> str:
        """The state of the log, as a signed note (C2SP, "tlog-checkpoint")."""
        text = f"{self.origin}\n{len(tree.leaves)}\n{b64(tree.root())}\n"
        signature = key_id(self.rekor)[:4] + sign(self.rekor, text.encode())
        return f"{text}\n\u2014 {self.origin.partition(' ')[0]} {b64(signature)}\n"

    def statement_bundle(self, statement: bytes, form: Form | None = None) -> dict[str, Any]:
        """A bundle with a signed in-toto statement."""
        form = form or Form()
        pae = sigstore.encoded(statement)
        signature = sign(form.key, pae)
        envelope = {
            "payload": b64(statement),
            "payloadType": sigstore.IN_TOTO,
            "signatures": [{"sig": b64(signature)}],
        }
        certificate = self._certificate(form)
        if form.rekor == 2:
            entry = self.entry("hashedrekord", "0.0.2", _second(pae, signature, certificate), form.moment)
        elif form.intoto:
            entry = self.entry("intoto", "0.0.2", intoto_body(statement, signature, certificate), form.moment)
        else:
            pem = b64(certificate.public_bytes(Encoding.PEM))
            spec = {
                "envelopeHash": {"algorithm": "sha256", "value": "00" * 32},
                "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(statement).hexdigest()},
                "signatures": [{"signature": b64(signature), "verifier": pem}],
            }
            body = {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}
            entry = self.entry("dsse", "0.0.1", body, form.moment)
        return self._bundle(form, certificate, entry, signature) | {"dsseEnvelope": envelope}

    def file_bundle(self, content: bytes, form: Form | None = None) -> dict[str, Any]:
        """A bundle with the signature of a file."""
        form = form or Form()
        digest, signature = hashlib.sha256(content), sign(form.key, content)
        certificate = self._certificate(form)
        if form.rekor == 2:
            entry = self.entry("hashedrekord", "0.0.2", _second(content, signature, certificate), form.moment)
        else:
            pem = b64(certificate.public_bytes(Encoding.PEM))
            data = {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}}
            spec = {"data": data, "signature": {"content": b64(signature), "publicKey": {"content": pem}}}
            body = {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}
            entry = self.entry("hashedrekord", "0.0.1", body, form.moment)
        message = {"messageDigest": {"algorithm": "SHA2_256", "digest": b64(digest.digest())}}
        message["signature"] = b64(signature)
        return self._bundle(form, certificate, entry, signature) | {"messageSignature": message}

    def _certificate(self, form: Form) -> x509.Certificate:
        return self.certificate(form.key, form.claims, start=form.start, sct=form.sct)

    def _bundle(
        self, form: Form, certificate: x509.Certificate, entry: dict[str, Any], signature: bytes
    ) -> dict[str, Any]:
        raw = {"rawBytes": b64(certificate.public_bytes(Encoding.DER))}
        named = {"certificate": raw} if form.version == "0.3" else {"x509CertificateChain": {"certificates": [raw]}}
        material: dict[str, Any] = {**named, "tlogEntries": [entry]}
        if form.stamped or form.rekor == 2:
            stamp = {"signedTimestamp": b64(self.timestamp(signature, form.moment))}
            material["timestampVerificationData"] = {"rfc3161Timestamps": [stamp]}
        return {"mediaType": MEDIA_TYPES[form.version], "verificationMaterial": material}


@dataclass(frozen=True)
class Form:
    """How a bundle is made: version, log, key and what the certificate says, and when."""

    version: str = "0.3"
    rekor: int = 1
    intoto: bool = False
    stamped: bool = False
    sct: bool = True
    claims: Claims = field(default_factory=Claims)
    start: dt.datetime = NOW
    moment: dt.datetime = NOW + MINUTES
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def of(self, **claims: Any) -> Form:
        return replace(self, claims=replace(self.claims, **claims))


def intoto_body(statement: bytes, signature: bytes, certificate: x509.Certificate) -> dict[str, Any]:
    """The body of an entry of the type by which npm logs its statements (rekor, types/intoto v0.0.2)."""
    pem = certificate.public_bytes(Encoding.PEM).strip()
    logged = {"publicKey": b64(pem), "sig": b64(b64(signature).encode())}
    content = {
        "envelope": {"payloadType": sigstore.IN_TOTO, "signatures": [logged]},
        "hash": {"algorithm": "sha256", "value": "00" * 32},
        "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(statement).hexdigest()},
    }
    return {"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": content}}


def _second(content: bytes, signature: bytes, certificate: x509.Certificate) -> dict[str, Any]:
    raw = {"rawBytes": b64(certificate.public_bytes(Encoding.DER))}
    verifier = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": raw}
    record = {
        "data": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(content).digest())},
        "signature": {"content": b64(signature), "verifier": verifier},
    }
    return {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}}


@dataclass(frozen=True)
class Tree:
    """A Merkle tree (RFC 6962, section 2.1)."""

    leaves: tuple[bytes, ...]

    @cached_property
    def _split(self) -> int:
        return 1 << ((len(self.leaves) - 1).bit_length() - 1)

    def root(self) -> bytes:
        if len(self.leaves) == 1:
            return hashlib.sha256(b"\0" + self.leaves[0]).digest()
        left, right = Tree(self.leaves[: self._split]), Tree(self.leaves[self._split :])
        return hashlib.sha256(b"\1" + left.root() + right.root()).digest()

    def proof(self, index: int) -> list[bytes]:
        if len(self.leaves) == 1:
            return []
        left, right = Tree(self.leaves[: self._split]), Tree(self.leaves[self._split :])
        if index < self._split:
            return [*left.proof(index), right.root()]
        return [*right.proof(index - self._split), left.root()]


PUBLISHER = {"kind": "GitHub", "repository": "example/demo", "workflow": "release.yml", "environment": None}


def attestation_of(bundle: dict[str, Any]) -> dict[str, Any]:
    """The attestation object that an index keeps of a bundle (PEP 740)."""
    material, envelope = bundle["verificationMaterial"], bundle["dsseEnvelope"]
    return {
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    }


def provenance_of(bundle: dict[str, Any], publisher: dict[str, Any] | None = None) -> dict[str, Any]:
    """What an index serves as provenance of a file with one attestation."""
    group = {"publisher": publisher or PUBLISHER, "attestations": [attestation_of(bundle)]}
    return {"version": 1, "attestation_bundles": [group]}
