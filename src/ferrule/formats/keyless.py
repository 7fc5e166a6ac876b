"""Signatures without a key: Sigstore bundles of an identity, verified offline against a trusted root.

sigstore-python judges signature, certificate, transparency log and time. What it leaves open is checked here: each
source of time has to hold by itself, the log must be one that the root names, every key must have been valid when it
was used, base 64 is what it should be, and no key of JSON stands twice. The forms are those of sigstore/protobuf-specs
(bundle v0.1 to v0.3, trusted root v0.1) and Fulcio's "OID Information" (1.3.6.1.4.1.57264.1).
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sigstore.errors import Error as SigstoreError
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.common.v1 import HashAlgorithm

from ferrule.core import strict_json
from ferrule.core.errors import UsageError, VerificationError
from ferrule.core.model import Digest
from ferrule.core.printable import printable
from ferrule.formats.sigstore import IN_TOTO, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


logging.getLogger("sigstore").addHandler(logging.NullHandler())  # its warnings would reach a terminal unasked

MEDIA_TYPES: Final = (
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
)

LARGEST: Final = 16 << 20
"""Bytes of a bundle; a statement about a thousand files has a tenth of a megabyte."""

_PUBLIC_ROOT: Final = ("https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")
"""Where sigstore-python keeps the root of the public instance that it was released with."""

_OID: Final = "1.3.6.1.4.1.57264.1."
_CLAIMS: Final = {"issuer": 8, "repository": 12, "commit": 13, "ref": 14, "workflow": 18}
_MOST_TIMESTAMPS: Final = 32
_INTOTO: Final = {"kind": "intoto", "version": "0.0.2"}

_BASE64: Final = frozenset(
    {
        *("rawBytes", "keyId", "canonicalizedBody", "signedEntryTimestamp", "rootHash", "hashes", "signedTimestamp"),
        *("payload", "sig", "signature", "digest"),
    }
)
_DAMAGE: Final = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, AssertionError),
    *(x509.ExtensionNotFound, x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType),
    *(UnsupportedAlgorithm, SigstoreError),
)
"""What the libraries raise for bundles that are damaged, or refused."""

_SENTENCES: Final = {
    "SET:": "the log's promise to take it in is not signed by the log, or is of another entry",
    "proof, with checkpoint|expected checkpoint": "its log entry has no proof, or no checkpoint of the log",
    "inclusion promise|sources of verified time": "nothing that is trusted says when it was signed",
    "no Timestamp Authorities": "the trusted root names nobody whose timestamps count",
    "chain: .*(?:expired|not valid at|validity)": "its certificate was not valid when it was signed",
    "certificate chain": "its certificate is from nobody whom the trusted root names",
    "contain a signed certificate timestamp|PrecertificateSigned": "its certificate has no timestamp of a log",
    "SCT": "the timestamp in its certificate is not signed by a log that the trusted root names",
    "[Uu]sage|leaf": "its certificate is not one for signing code",
    "wrong size": "the proof that the log has it is too short or too long",
    "contains invalid root hash:": "the proof that the log has it leads to another root, so it is of another entry",
    "invalid root hash signature": "the log's checkpoint is of another state of the log than the proof",
    "checkpoint|[Nn]ote": "the log's checkpoint is not signed by the log",
    "(?:S|invalid s)ignature|must be non-empty": "the signature is not of this content and this certificate",
    "message digest mismatch": "it is the signature of another file",
    "log entry|log entry type|hashedrekord|payload hash": "the log's entry is of another signature or content",
    "imestamp": "its timestamps cannot be read, or are too many",
}
"""Of what the library says, in Ferrule's words: the first that matches."""


@dataclass(frozen=True, slots=True)
class Root:
    """Who is trusted: certificate authorities, logs and timestamp authorities, each for a span of time.

    `name` is what messages call it.
    """

    name: str
    document: Mapping[str, Any]
    verifier: Verifier


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, as the certificate authority found out and wrote into the certificate; None for what it left out.

    `subject` is the identity: the workflow with its ref, or an address of e-mail. `issuer` vouched for that.
    `repository`, `commit` and `ref` are those of the sources, `workflow` is the one that was started, which is not the
    one that signed where this is a reusable one.
    """

    subject: str
    issuer: str
    repository: str | None = None
    commit: str | None = None
    ref: str | None = None
    workflow: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who must have signed; None leaves something open.

    `subject` is exact; `path` is the file of the workflow that signed, in the repository.
    """

    issuer: str | None = None
    subject: str | None = None
    repository: str | None = None
    path: str | None = None
    ref: str | None = None
    commit: str | None = None

    def problem(self, signer: Signer) -> str | None:
        """How a signer is not the one who must have signed, None if it is."""
        own = f"{self.repository}/"
        for noun, expected, seen in (
            ("an identity of the issuer", self.issuer, signer.issuer),
            ("the identity", self.subject, signer.subject),
            ("the repository", self.repository, signer.repository),
            ("the commit", self.commit, signer.commit),
            ("the ref", self.ref, signer.ref),
        ):
            if expected is not None and seen != expected:
                return f"it was signed for {noun} {printable(seen or 'nobody knows')}, expected {expected}"
        signing = signer.subject.partition("@")[0]
        if self.repository is not None and not signing.startswith(own):
            return f"it was signed by {printable(signing)}, which is no workflow of {self.repository}"
        if self.path is not None and signing.removeprefix(own).removeprefix("/") != self.path:
            return f"it was signed by the workflow {printable(signing.removeprefix(own))}, expected {self.path}"
        return None


_FORGES: Final = {
    "github.com": ("https://token.actions.githubusercontent.com", r"/(?P<path>\.github/workflows/[^@/]+)"),
    "gitlab.com": ("https://gitlab.com", r"//(?P<path>[^@]+)"),
}


def identity(text: str, issuer: str | None = None) -> Identity:
    """Who must have signed, of a URL: a repository, a workflow in it, or one at a ref; anything else is exact.

    Raises UsageError for an identity of which nobody knows who vouches for it.

    >>> identity("https://github.com/example/demo/.github/workflows/release.yml").path
    '.github/workflows/release.yml'
    """
    host = text.removeprefix("https://").partition("/")[0]
    if text.startswith("https://") and host in _FORGES:
        own, path = _FORGES[host]
        owner = r"[^/@]+/[^/@]+" if host == "github.com" else r"[^/@]+(?:/[^/@]+)+"
        match = re.fullmatch(
            rf"(?P<repository>https://{re.escape(host)}/{owner})(?:{path}(?:@(?P<ref>refs/.+))?)?", text
        )
        if match is not None:
            return Identity(issuer or own, None, match["repository"], match["path"], match["ref"])
    if issuer is None:
        hint = (
            "name a repository or workflow, https://github.com/OWNER/NAME/.github/workflows/FILE, or add --issuer URL"
        )
        raise UsageError(f"nobody knows who vouches for the identity {text}", hint=hint)
    return Identity(issuer, text)


def public_root() -> Root:
    """The root of Sigstore's public instance, as the installed sigstore-python has it; no network is asked."""
    path = files("sigstore._store").joinpath(*_PUBLIC_ROOT)
    return _root(path, path.read_bytes(), "Sigstore's public instance")


def read_root(path: Path) -> Root:
    """A trusted root in a file. Raises UsageError."""
    try:
        return _root(path, path.read_bytes(), str(path))
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror or error}", where=str(path)) from error


def _root(path: object, content: bytes, name: str) -> Root:
    try:
        document = strict_json.loads(content.decode())
        for row in _windows(document):
            _window(row)
        return Root(name, document, Verifier(trusted_root=TrustedRoot.from_file(str(path))))
    except _DAMAGE as error:
        hint = "take that of your instance; for GitHub's: gh attestation trusted-root, a line of it"
        raise UsageError("this is no trusted root of Sigstore (trustedroot v0.1)", where=name, hint=hint) from error


def _windows(document: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    for key in ("tlogs", "ctlogs"):
        yield from (row["publicKey"] for row in document[key])
    for key in ("certificateAuthorities", "timestampAuthorities"):
        yield from document.get(key, ())


def _window(row: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """From when to when something is trusted."""
    window = row.get("validFor", {})
    start, end = window.get("start", "1970-01-01T00:00:00Z"), window.get("end", "9999-12-31T00:00:00Z")
    return datetime.fromisoformat(start), datetime.fromisoformat(end)


def is_keyless(bundle: bytes) -> bool:
    """Whether a bundle names who signed by a certificate, and not by a key."""
    try:
        material = json.loads(bundle)["verificationMaterial"].keys()
    except _DAMAGE:
        return False
    return not material.isdisjoint({"certificate", "x509CertificateChain"})


def verify_file(root: Root, bundle: bytes, digest: Digest, *, where: str) -> Signer:
    """Who signed the file of a digest; raises VerificationError unless somebody did."""
    document = _read(bundle, "messageSignature", where)
    hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest.hex))
    return _signer(root, document, where, lambda parsed: root.verifier.verify_artifact(hashed, parsed, _Anybody()))


def verify_statement(root: Root, bundle: bytes, *, where: str) -> tuple[bytes, Signer]:
    """The in-toto statement in a bundle and who signed it; raises VerificationError unless somebody did."""
    document = _read(bundle, "dsseEnvelope", where)
    try:
        envelope = document["dsseEnvelope"]
        kind, count = envelope["payloadType"], len(envelope["signatures"])
        payload = base64.b64decode(envelope["payload"])
        is_intoto = document["verificationMaterial"]["tlogEntries"][0].get("kindVersion") == _INTOTO
    except _DAMAGE as error:
        raise VerificationError("this is no envelope with a signature and an entry of a log", where=where) from error
    if kind != IN_TOTO:
        seen = printable(str(kind))
        raise VerificationError(f"the envelope holds {seen!r} instead of an in-toto statement", where=where)
    if count != 1:
        raise VerificationError(f"the envelope has {count} signatures, expected one", where=where)
    if is_intoto:
        return payload, _signer(root, _as_dsse(document), where, lambda parsed: _judge_intoto(root, document, parsed))
    return payload, _signer(root, document, where, lambda parsed: root.verifier.verify_dsse(parsed, _Anybody()))


def _as_dsse(document: dict[str, Any]) -> dict[str, Any]:
    """The bundle with its entry called by a kind that the library knows; nothing that is signed says the kind."""
    material = document["verificationMaterial"]
    entry = {**material["tlogEntries"][0], "kindVersion": {"kind": "dsse", "version": "0.0.1"}}
    return {**document, "verificationMaterial": {**material, "tlogEntries": [entry]}}


def _judge_intoto(root: Root, document: Mapping[str, Any], parsed: Bundle) -> None:
    """Judge an envelope whose entry is of Rekor's type intoto 0.0.2, as npm makes them.

    The library refuses the type. Certificate, proof, checkpoint, promise and time it judges all the same; here follow
    the signature and the body of the entry. Raises VerificationError, and what the libraries raise.
    """
    root.verifier._verify_common_signing_cert(parsed, _Anybody())  # noqa: SLF001 - what its public methods begin with
    certificate, envelope = parsed.signing_certificate, document["dsseEnvelope"]
    payload, signature = (base64.b64decode(text) for text in (envelope["payload"], envelope["signatures"][0]["sig"]))
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 - taken for damage, as everything that is raised
    try:
        key.verify(signature, encoded(payload, envelope["payloadType"]), ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise ValueError("invalid signature") from error
    body = strict_json.loads(
        base64.b64decode(document["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"]).decode()
    )
    content = body["spec"]["content"]
    (logged,) = content["envelope"]["signatures"]
    if (
        {"kind": body["kind"], "version": body["apiVersion"]} != _INTOTO
        or content["envelope"]["payloadType"] != envelope["payloadType"]
        or content["payloadHash"] != {"algorithm": "sha256", "value": Digest.of(payload).hex}
        or base64.b64decode(base64.b64decode(logged["sig"])) != signature  # encoded twice
        or x509.load_pem_x509_certificate(base64.b64decode(logged["publicKey"])) != certificate
    ):
        raise ValueError("log entry")


class _Anybody:
    """The library's policy for signers: who it is, `Identity` compares, with words of its own."""

    def verify(self, cert: x509.Certificate) -> None:
        """Accept a certificate."""


def _read(bundle: bytes, content: str, where: str) -> dict[str, Any]:
    """The document of a bundle whose form can be judged: one entry of a log, and base 64 where that belongs."""
    if len(bundle) > LARGEST:
        raise VerificationError(f"this is no Sigstore bundle: it has {len(bundle)} bytes", where=where)
    try:
        document = strict_json.loads(bundle.decode())
        problem = _base64_problem(document)
        kind, material = document["mediaType"], document["verificationMaterial"]
        entries = len(material.get("tlogEntries", ()))
    except _DAMAGE as error:
        problem = str(error) if isinstance(error, ValueError) else "it has another form"
        raise VerificationError(f"this is no Sigstore bundle: {printable(problem)}", where=where) from error
    if kind not in MEDIA_TYPES:
        raise VerificationError(f"this is a bundle of an unknown type: {printable(str(kind))}", where=where)
    if problem:
        raise VerificationError(f"the bundle is damaged: {problem} is no base 64", where=where)
    if content not in document:
        raise VerificationError(f"this bundle has no {content}", where=where)
    if entries != 1:
        hint = "bundles of GitHub's for private repositories have none, and are checked by gh attestation verify"
        message = f"it has {entries} entries of a transparency log, expected one"
        raise VerificationError(message, where=where, hint=None if entries else hint)
    return dict(document)


def _base64_problem(value: Any, key: str = "") -> str | None:  # noqa: ANN401 - any JSON
    """A key whose text is not base 64 in its canonical form (RFC 4648, section 3.5), where it has to be."""
    if isinstance(value, str) and key in _BASE64:
        try:
            return None if base64.b64encode(base64.b64decode(value, validate=True)).decode() == value else key
        except binascii.Error:
            return key
    inner = value.items() if isinstance(value, dict) else ((key, v) for v in value) if isinstance(value, list) else ()
    return next((problem for name, one in inner if (problem := _base64_problem(one, name))), None)


def _signer(root: Root, document: dict[str, Any], where: str, judge: Callable[[Bundle], object]) -> Signer:
    """Judge a bundle once for each source of time in it, and the keys by these times."""
    try:
        moments = []
        for one in _by_time(document):
            parsed = Bundle.from_json(json.dumps(one))
            judge(parsed)
            moments.append(_moment(one, parsed))
        certificate = parsed.signing_certificate
        problem = _log_problem(root, document, moments) or _certificate_problem(root, certificate, moments)
        signer = _signer_of(certificate)
    except _DAMAGE as error:
        raise VerificationError(_in_words(str(error)), where=where) from error
    if problem:
        raise VerificationError(problem, where=where)
    return signer


def _by_time(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The bundle with each source of time alone: the library lets one pass that does not hold beside another."""
    material = document["verificationMaterial"]
    (entry,) = material["tlogEntries"]
    data = material.get("timestampVerificationData") or {}
    stamps = data.get("rfc3161Timestamps") or []
    if len(stamps) > _MOST_TIMESTAMPS:
        raise ValueError("too many signed timestamps")
    if not stamps:
        yield document
    bare = {key: value for key, value in material.items() if key != "timestampVerificationData"}
    if stamps and entry.get("inclusionPromise") is not None:
        yield {**document, "verificationMaterial": bare}
    unpromised = {key: value for key, value in entry.items() if key != "inclusionPromise"}
    # Only version 0.1 needs the promise.
    kind = document["mediaType"].replace("=0.1", "=0.2")
    for stamp in stamps:
        alone = {"timestampVerificationData": {"rfc3161Timestamps": [stamp]}, "tlogEntries": [unpromised]}
        yield {**document, "mediaType": kind, "verificationMaterial": bare | alone}


def _moment(document: Mapping[str, Any], parsed: Bundle) -> datetime:
    """When it was signed, by the one source of time that there is."""
    stamps = parsed.verification_material.timestamp_verification_data
    if stamps is not None:
        moment: datetime = stamps.rfc3161_timestamps[0].tst_info.gen_time
        return moment
    return datetime.fromtimestamp(int(document["verificationMaterial"]["tlogEntries"][0]["integratedTime"]), UTC)


def _log_problem(root: Root, document: Mapping[str, Any], moments: list[datetime]) -> str | None:
    """What is wrong with the log, whose key the library would replace by any other, and with the size of its tree."""
    (entry,) = document["verificationMaterial"]["tlogEntries"]
    rows = [row for row in root.document["tlogs"] if row["logId"]["keyId"] == entry["logId"]["keyId"]]
    if not rows:
        return f"its entry is in a log that {root.name} does not name"
    outside = _outside([row["publicKey"] for row in rows], moments)
    if outside:
        return f"the key of its log was not in use on {outside}"
    proof = entry["inclusionProof"]
    size, signed = int(proof["treeSize"]), int(proof["checkpoint"]["envelope"].split("\n")[1])
    if size != signed or int(proof["logIndex"]) >= size:
        return f"the proof is of entry {proof['logIndex']} among {size}, the log's checkpoint of {signed}"
    return None


def _certificate_problem(root: Root, certificate: x509.Certificate, moments: list[datetime]) -> str | None:
    """What is wrong with the log that has the certificate, and with the authority that made it."""
    timestamps = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    for one in timestamps:
        key = base64.b64encode(one.log_id).decode()
        rows = [row["publicKey"] for row in root.document["ctlogs"] if row["logId"]["keyId"] == key]
        if not rows:
            return f"its certificate is in a log that {root.name} does not name"
        outside = _outside(rows, [one.timestamp.replace(tzinfo=UTC)])
        if outside:
            return f"the key of the log of its certificate was not in use on {outside}"
    rows = [row for row in root.document["certificateAuthorities"] if _issued(row, certificate)]
    outside = _outside(rows, moments)
    return f"the authority of its certificate was not trusted on {outside}" if outside else None


def _issued(row: Mapping[str, Any], certificate: x509.Certificate) -> bool:
    """Whether the first certificate of an authority is the one that issued another."""
    issuer = x509.load_der_x509_certificate(base64.b64decode(row["certChain"]["certificates"][0]["rawBytes"]))
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _outside(rows: list[Mapping[str, Any]], moments: list[datetime]) -> str | None:
    """The day of a moment at which none of these was trusted."""
    windows = [_window(row) for row in rows]
    return next((f"{m:%Y-%m-%d}" for m in moments if not any(start <= m <= end for start, end in windows)), None)


def _signer_of(certificate: x509.Certificate) -> Signer:
    """What a certificate says of its holder; raises ValueError for one that names nobody, or several."""
    (name,) = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    claims = {claim: _claim(certificate, number) for claim, number in _CLAIMS.items()}
    subject = asn1.decode_der(str, name.value) if isinstance(name, x509.OtherName) else str(name.value)
    return Signer(subject, claims.pop("issuer") or _first_issuer(certificate), **claims)


def _claim(certificate: x509.Certificate, number: int) -> str | None:
    try:
        extension = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(f"{_OID}{number}"))
    except x509.ExtensionNotFound:
        return None
    return asn1.decode_der(str, extension.value.public_bytes())


def _first_issuer(certificate: x509.Certificate) -> str:
    """The issuer as certificates named it before 2023, without an encoding of its own."""
    extension = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(f"{_OID}1"))
    return extension.value.public_bytes().decode()


def _in_words(message: str) -> str:
    misformed = re.search(r"validation errors? for \w+\n(\S+)\n  (.+?) \[type", message)
    if misformed is not None:
        return f"the bundle is damaged: {printable(misformed[1])}: {printable(misformed[2])}"
    sentence = next((words for pattern, words in _SENTENCES.items() if re.search(pattern, message)), None)
    return sentence or f"it does not verify: {printable(message)[:200]}"
