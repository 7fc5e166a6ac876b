"""Signatures without a key: what a private instance signs is accepted, and each forgery refused with its sentence."""

from __future__ import annotations

import base64
import copy
import functools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.destinations import garblings
from fakes.sigstore_instance import (
    COMMIT,
    GITHUB,
    MEDIA_TYPES,
    MINUTES,
    NOW,
    REPOSITORY,
    YEAR,
    Form,
    SigstoreInstance,
    Tree,
    Window,
    b64,
    sign,
)
from ferrule.core.errors import UsageError, VerificationError
from ferrule.core.model import Digest
from ferrule.formats import attestation, intoto, keyless, sigstore
from ferrule.formats.keyless import Identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = b"the bytes of a wheel"
NAME = "demo-1.2.3-py3-none-any.whl"
DIGEST = Digest.of(CONTENT)
SUBJECT = attestation.Subject(NAME, "sha256", DIGEST.hex)
TYPES = (intoto.PROVENANCE,)
WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yml"
EXPECTED = replace(keyless.identity(f"{WORKFLOW}@refs/tags/v1.2.3"), commit=COMMIT)
FORMS = {
    "rekor v1": Form(),
    "bundle v0.1": Form("0.1"),
    "bundle v0.2": Form("0.2"),
    "with a timestamp": Form(stamped=True),
    "v0.1 with a timestamp": Form("0.1", stamped=True),
    "rekor v2": Form(rekor=2),
    "as npm logs it": Form(intoto=True),
}

Bundle = dict[str, Any]


@functools.cache
def instance() -> SigstoreInstance:
    return SigstoreInstance()


@functools.cache
def other() -> SigstoreInstance:
    return SigstoreInstance()


@pytest.fixture
def root(tmp_path: Path) -> keyless.Root:
    return keyless.read_root(instance().write_root(tmp_path / "root.json"))


def statement(**changes: Any) -> bytes:
    document = {
        "_type": intoto.STATEMENT,
        "subject": [{"name": NAME, "digest": {"sha256": DIGEST.hex}}],
        "predicateType": intoto.PROVENANCE,
        "predicate": {},
    }
    return json.dumps(document | changes).encode()


def of(content: bytes | None = None, form: Form | None = None, **changes: Any) -> Bundle:
    return instance().statement_bundle(content or statement(**changes), form)


def entry(bundle: Bundle) -> Bundle:
    return bundle["verificationMaterial"]["tlogEntries"][0]


def proof(bundle: Bundle) -> Bundle:
    return entry(bundle)["inclusionProof"]


def with_parts(**parts: Any) -> SigstoreInstance:
    return replace(instance(), **parts)


def altered(bundle: Bundle, change: Callable[[Bundle], object]) -> Bundle:
    bundle = copy.deepcopy(bundle)
    change(bundle)
    return bundle


def checked(root: keyless.Root, bundle: Bundle | bytes, expected: Identity = EXPECTED) -> keyless.Signer:
    content = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
    return attestation.verify(root, content, SUBJECT, expected, TYPES, where="x.json")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_an_identity_signed_is_accepted(root: keyless.Root, form: Form) -> None:
    signer = checked(root, of(form=form))
    assert (signer.subject, signer.issuer) == (f"{WORKFLOW}@refs/tags/v1.2.3", GITHUB)
    assert (signer.repository, signer.commit, signer.ref) == (REPOSITORY, COMMIT, "refs/tags/v1.2.3")
    bundle = json.dumps(instance().file_bundle(CONTENT, form)).encode()
    assert keyless.verify_file(root, bundle, DIGEST, where="x").subject == signer.subject


def test_signers_of_other_kinds(root: keyless.Root) -> None:
    mail = Form().of(subject="a@example.org", repository=None, commit=None, ref=None, issuer="https://id.example.org")
    signer = checked(root, of(form=mail), keyless.identity("a@example.org", "https://id.example.org"))
    assert (signer.subject, signer.repository) == ("a@example.org", None)
    old = of(form=Form().of(old_issuer=True))
    assert checked(root, old, Identity(GITHUB)) == keyless.Signer(f"{WORKFLOW}@refs/tags/v1.2.3", GITHUB)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REPOSITORY, Identity(GITHUB, None, REPOSITORY)),
        (WORKFLOW, Identity(GITHUB, None, REPOSITORY, ".github/workflows/release.yml")),
        (
            f"{WORKFLOW}@refs/tags/v1",
            Identity(GITHUB, None, REPOSITORY, ".github/workflows/release.yml", "refs/tags/v1"),
        ),
        ("https://gitlab.com/a/b/c", Identity("https://gitlab.com", None, "https://gitlab.com/a/b/c")),
        (
            "https://gitlab.com/a/b//ci/x.yml",
            Identity("https://gitlab.com", None, "https://gitlab.com/a/b", "ci/x.yml"),
        ),
    ],
)
def test_identities(text: str, expected: Identity) -> None:
    assert keyless.identity(text) == expected


@pytest.mark.parametrize(
    "text", ["a@example.org", "https://github.com/a", "https://example.org/a/b", "http://github.com/a/b"]
)
def test_an_identity_needs_somebody_who_vouches_for_it(text: str) -> None:
    with pytest.raises(UsageError, match="nobody knows who vouches"):
        keyless.identity(text)
    assert keyless.identity(text, "https://id.example.org") == Identity("https://id.example.org", text)


def test_who_signs_for_gitlab(root: keyless.Root) -> None:
    here = "https://gitlab.com/group/demo"
    form = Form().of(subject=f"{here}//.gitlab-ci.yml@refs/tags/v1", repository=here, issuer="https://gitlab.com")
    checked(root, of(form=form), keyless.identity(f"{here}//.gitlab-ci.yml"))
    with pytest.raises(VerificationError, match=r"expected other\.yml"):
        checked(root, of(form=form), keyless.identity(f"{here}//other.yml"))


def _foreign_proof(bundle: Bundle) -> None:
    proof(bundle).update(proof(of(predicate={"another": 1})))


def _of_another_size(bundle: Bundle) -> None:
    # The fourth of five leaves has a proof of three hashes, as the fourth of seven.
    leaf = base64.b64decode(entry(bundle)["canonicalizedBody"])
    tree = Tree((b"0", b"1", b"2", leaf, b"4", b"5"))
    proof(bundle).update(
        hashes=[b64(h) for h in tree.proof(3)],
        rootHash=b64(tree.root()),
        checkpoint={"envelope": instance().checkpoint(tree)},
    )


def _in_another_tree(bundle: Bundle) -> None:
    proof(bundle)["checkpoint"]["envelope"] = instance().checkpoint(Tree(tuple(b"%d" % n for n in range(7))))


def _two_entries(bundle: Bundle) -> None:
    bundle["verificationMaterial"]["tlogEntries"] *= 2


def _stamp(bundle: Bundle, stamp: bytes) -> None:
    bundle["verificationMaterial"]["timestampVerificationData"] = {
        "rfc3161Timestamps": [{"signedTimestamp": b64(stamp)}]
    }


def _signature(bundle: Bundle) -> bytes:
    return base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"])


def _payload(bundle: Bundle, content: bytes) -> None:
    bundle["dsseEnvelope"]["payload"] = b64(content)


def _self_signed() -> Bundle:
    form = Form()
    own = replace(instance(), fulcio=replace(instance().fulcio, key=form.key))
    return own.statement_bundle(statement(), form)


def _borrowed_entry(bundle: Bundle) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = of()["verificationMaterial"]["tlogEntries"]


def _certificate_swapped(bundle: Bundle) -> None:
    bundle["verificationMaterial"]["certificate"] = of()["verificationMaterial"]["certificate"]


def _of_authority(bundle: Bundle) -> None:
    raw = instance().fulcio.certificate.public_bytes(Encoding.DER)
    bundle["verificationMaterial"]["certificate"] = {"rawBytes": b64(raw)}


def _sha(algorithm: str, digest: str) -> Bundle:
    return of(subject=[{"name": NAME, "digest": {algorithm: digest}}])


def _other_pem() -> str:
    return b64(instance().fulcio.certificate.public_bytes(Encoding.PEM))


def _logged_otherwise(change: Callable[[Bundle], object]) -> Bundle:
    """A bundle whose entry, genuinely in the log, is of something else."""
    bundle = of(form=Form(intoto=True))
    body = json.loads(base64.b64decode(entry(bundle)["canonicalizedBody"]))
    change(body["spec"]["content"])
    bundle["verificationMaterial"]["tlogEntries"] = [instance().entry("intoto", "0.0.2", body)]
    return bundle


FORGERIES: dict[str, tuple[Callable[[], Bundle | bytes], str]] = {
    # who
    "another repository of the same name": (
        lambda: of(form=Form().of(repository="https://github.com/mallory/demo")),
        "for the repository https://github.com/mallory/demo, expected https://github.com/example/demo",
    ),
    "a repository whose name begins the same": (
        lambda: of(form=Form().of(repository=f"{REPOSITORY}-2")),
        "for the repository https://github.com/example/demo-2",
    ),
    "a workflow of another repository": (
        lambda: of(
            form=Form().of(subject="https://github.com/mallory/demo/.github/workflows/release.yml@refs/tags/v1.2.3")
        ),
        "which is no workflow of https://github.com/example/demo",
    ),
    "another issuer": (lambda: of(form=Form().of(issuer="https://id.example.org")), "issuer https://id.example.org"),
    "another workflow": (
        lambda: of(form=Form().of(path=".github/workflows/ci.yml")),
        "the workflow .github/workflows/ci.yml",
    ),
    "another tag": (lambda: of(form=Form().of(ref="refs/tags/v1.2.4")), "the ref refs/tags/v1.2.4"),
    "a branch": (lambda: of(form=Form().of(ref="refs/heads/v1.2.3")), "the ref refs/heads/v1.2.3"),
    "another commit": (lambda: of(form=Form().of(commit="f" * 40)), f"the commit {'f' * 40}"),
    "no claim about the repository": (
        lambda: of(form=Form().of(subject=f"{WORKFLOW}@refs/tags/v1.2.3", repository=None)),
        "the repository nobody knows",
    ),
    "a signature by a key": (
        lambda: sigstore.sign_statement(instance().rekor, statement()),
        "it has 0 entries of a transparency log",
    ),
    # certificate
    "signed before the certificate": (lambda: of(form=Form(moment=NOW - MINUTES)), "was not valid when it was signed"),
    "signed after the certificate": (
        lambda: of(form=Form(moment=NOW + 11 * MINUTES)),
        "was not valid when it was signed",
    ),
    "a timestamp after the certificate": (
        lambda: of(form=Form(rekor=2, moment=NOW + 11 * MINUTES)),
        "was not valid when it was signed",
    ),
    "self-signed certificate": (_self_signed, "its certificate is from nobody whom the trusted root names"),
    "certificate of another authority": (
        lambda: with_parts(fulcio=other().fulcio).statement_bundle(statement()),
        "its certificate is from nobody whom the trusted root names",
    ),
    "certificate of the authority itself": (lambda: altered(of(), _of_authority), "from nobody whom"),
    "certificate of another signature": (
        lambda: altered(of(), _certificate_swapped),
        "signature is not of this content",
    ),
    "no timestamp in the certificate": (lambda: of(form=Form(sct=False)), "its certificate has no timestamp of a log"),
    "certificate in another log": (
        lambda: with_parts(ct=other().ct).statement_bundle(statement()),
        "the timestamp in its certificate is not signed by a log",
    ),
    # log
    "no entry": (
        lambda: altered(of(), lambda b: b["verificationMaterial"].update(tlogEntries=[])),
        "it has 0 entries of a transparency log, expected one",
    ),
    "two entries": (lambda: altered(of(), _two_entries), "it has 2 entries of a transparency log, expected one"),
    "entry of another bundle": (lambda: altered(of(), _borrowed_entry), "the log's entry is of another signature"),
    "entry in another log": (
        lambda: with_parts(rekor=other().rekor).statement_bundle(statement()),
        "the log's checkpoint is not signed by the log",
    ),
    "the name of another log": (
        lambda: altered(of(), lambda b: entry(b)["logId"].update(keyId=b64(bytes(32)))),
        "the log's checkpoint is not signed by the log",
    ),
    "no proof": (lambda: altered(of(), lambda b: entry(b).pop("inclusionProof")), "inclusionProof: Field required"),
    "no checkpoint": (lambda: altered(of(), lambda b: proof(b).pop("checkpoint")), "no proof, or no checkpoint"),
    "proof of another leaf": (lambda: altered(of(), _foreign_proof), "leads to another root"),
    "a hash too few": (lambda: altered(of(), lambda b: proof(b)["hashes"].pop()), "too short or too long"),
    "a hash too many": (
        lambda: altered(of(), lambda b: proof(b)["hashes"].append(b64(bytes(32)))),
        "too short or too long",
    ),
    "another root hash": (
        lambda: altered(of(), lambda b: proof(b).update(rootHash=b64(bytes(32)))),
        "leads to another root",
    ),
    "another index": (lambda: altered(of(), lambda b: proof(b).update(logIndex="2")), "leads to another root"),
    "proof of another size": (
        lambda: altered(of(), _of_another_size),
        "is of entry 3 among 7, the log's checkpoint of 6",
    ),
    "checkpoint of another tree": (
        lambda: altered(of(), _in_another_tree),
        "of another state of the log than the proof",
    ),
    "checkpoint by another key": (
        lambda: altered(
            of(), lambda b: proof(b).update(proof(with_parts(rekor=other().rekor).statement_bundle(statement())))
        ),
        "leads to another root",
    ),
    "checkpoint with a changed size": (
        lambda: altered(
            of(),
            lambda b: proof(b)["checkpoint"].update(
                envelope=proof(b)["checkpoint"]["envelope"].replace("\n7\n", "\n8\n")
            ),
        ),
        "the log's checkpoint is not signed by the log",
    ),
    "checkpoint that is none": (
        lambda: altered(of(), lambda b: proof(b)["checkpoint"].update(envelope="state of the log")),
        "the log's checkpoint is not signed by the log",
    ),
    "promise by another key": (
        lambda: altered(
            of(), lambda b: entry(b)["inclusionPromise"].update(signedEntryTimestamp=b64(sign(other().rekor, b"x")))
        ),
        "the log's promise",
    ),
    "promise for another time": (
        lambda: altered(of(), lambda b: entry(b).update(integratedTime=str(int(entry(b)["integratedTime"]) + 1))),
        "the log's promise",
    ),
    "no source of time": (
        lambda: altered(of(), lambda b: entry(b).pop("inclusionPromise")),
        "nothing that is trusted says when it was signed",
    ),
    "no promise in version 0.1": (
        lambda: altered(of(form=Form("0.1")), lambda b: entry(b).pop("inclusionPromise")),
        "nothing that is trusted says when it was signed",
    ),
    # timestamps
    "timestamp by another authority": (
        lambda: with_parts(tsa=other().tsa).statement_bundle(statement(), Form(rekor=2)),
        "nothing that is trusted says when it was signed",
    ),
    "timestamp by another authority beside a promise": (
        lambda: with_parts(tsa=other().tsa).statement_bundle(statement(), Form(stamped=True)),
        "nothing that is trusted says when it was signed",
    ),
    "timestamp of another signature": (
        lambda: altered(of(form=Form(rekor=2)), lambda b: _stamp(b, instance().timestamp(b"another"))),
        "nothing that is trusted says when it was signed",
    ),
    "timestamp that is none": (
        lambda: altered(of(form=Form(rekor=2)), lambda b: _stamp(b, b"now")),
        "its timestamps cannot be read",
    ),
    "a hundred timestamps": (
        lambda: altered(
            of(form=Form(rekor=2)),
            lambda b: b["verificationMaterial"]["timestampVerificationData"].update(
                rfc3161Timestamps=b["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] * 100
            ),
        ),
        "too many",
    ),
    # envelope
    "changed payload": (
        lambda: altered(of(), lambda b: _payload(b, statement(predicate={"x": 1}))),
        "signature is not of this content",
    ),
    "changed payload, rekor v2": (
        lambda: altered(of(form=Form(rekor=2)), lambda b: _payload(b, statement(predicate={"x": 1}))),
        "signature is not of this content",
    ),
    "another payload type": (
        lambda: altered(of(), lambda b: b["dsseEnvelope"].update(payloadType="application/json")),
        "holds 'application/json' instead of an in-toto statement",
    ),
    "two signatures": (
        lambda: altered(of(), lambda b: b["dsseEnvelope"].update(signatures=b["dsseEnvelope"]["signatures"] * 2)),
        "the envelope has 2 signatures, expected one",
    ),
    "no signature": (lambda: altered(of(), lambda b: b["dsseEnvelope"].update(signatures=[])), "has 0 signatures"),
    "empty signature": (
        lambda: altered(of(), lambda b: b["dsseEnvelope"]["signatures"][0].update(sig="")),
        "signature is not of this content",
    ),
    "no envelope": (lambda: instance().file_bundle(CONTENT), "this bundle has no dsseEnvelope"),
    "an envelope that is none": (
        lambda: altered(of(), lambda b: b.update(dsseEnvelope=[])),
        "no envelope with a signature",
    ),
    # entries as npm makes them
    "changed payload, npm": (
        lambda: altered(of(form=Form(intoto=True)), lambda b: _payload(b, statement(predicate={"x": 1}))),
        "signature is not of this content",
    ),
    "entry of another payload, npm": (
        lambda: _logged_otherwise(lambda c: c["payloadHash"].update(value="0" * 64)),
        "the log's entry is of another",
    ),
    "entry of another algorithm, npm": (
        lambda: _logged_otherwise(lambda c: c["payloadHash"].update(algorithm="sha1")),
        "the log's entry is of another",
    ),
    "entry of another payload type, npm": (
        lambda: _logged_otherwise(lambda c: c["envelope"].update(payloadType="x/y")),
        "the log's entry is of another",
    ),
    "entry of another signature, npm": (
        lambda: _logged_otherwise(lambda c: c["envelope"]["signatures"][0].update(sig=b64(b64(b"x").encode()))),
        "the log's entry is of another",
    ),
    "entry of another certificate, npm": (
        lambda: _logged_otherwise(lambda c: c["envelope"]["signatures"][0].update(publicKey=_other_pem())),
        "the log's entry is of another",
    ),
    "entry with two signatures, npm": (
        lambda: _logged_otherwise(lambda c: c["envelope"].update(signatures=c["envelope"]["signatures"] * 2)),
        "it does not verify: too many values",
    ),
    "entry of another kind, npm": (
        lambda: altered(of(), lambda b: entry(b).update(kindVersion={"kind": "intoto", "version": "0.0.2"})),
        "it does not verify",
    ),
    "entry of npm's kind under another": (
        lambda: altered(
            of(form=Form(intoto=True)), lambda b: entry(b).update(kindVersion={"kind": "dsse", "version": "0.0.1"})
        ),
        "the log's entry is of another|it does not verify|the bundle is damaged",
    ),
    "promise by another key, npm": (
        lambda: altered(
            of(form=Form(intoto=True)),
            lambda b: entry(b)["inclusionPromise"].update(signedEntryTimestamp=b64(sign(other().rekor, b"x"))),
        ),
        "the log's promise",
    ),
    # statement
    "no statement": (lambda: of(b"[]"), "no in-toto statement"),
    "another type of statement": (
        lambda: of(_type="https://in-toto.io/Statement/v9"),
        "no in-toto statement with subjects",
    ),
    "another predicate": (
        lambda: of(predicateType="https://slsa.dev/verification_summary/v1"),
        "it says https://slsa.dev/verification_summary/v1, expected https://slsa.dev/provenance/v1",
    ),
    "other bytes": (
        lambda: of(subject=[{"name": NAME, "digest": {"sha256": "0" * 64}}]),
        f"it is about another {NAME}",
    ),
    "another file of the project": (
        lambda: of(subject=[{"name": "demo-1.2.3.tar.gz", "digest": {"sha256": "0" * 64}}]),
        f"it is not about {NAME}",
    ),
    "these bytes under another name": (
        lambda: of(subject=[{"name": "demo-9.9.9-py3-none-any.whl", "digest": {"sha256": DIGEST.hex}}]),
        f"these bytes as demo-9.9.9-py3-none-any.whl, expected {NAME}",
    ),
    "SHA-1 only": (lambda: _sha("sha1", "0" * 40), f"names {NAME} by sha1 only, expected sha256"),
    "MD5 only": (lambda: _sha("md5", "0" * 32), f"names {NAME} by md5 only, expected sha256"),
    "no subject": (lambda: of(subject=[]), "no in-toto statement with subjects"),
    "a digest that is none": (lambda: _sha("sha256", DIGEST.hex.upper()), "no in-toto statement with subjects"),
    # form
    "an unknown type of bundle": (
        lambda: of() | {"mediaType": "application/vnd.dev.sigstore.bundle.v9+json"},
        "of an unknown type: application/vnd.dev.sigstore.bundle.v9",
    ),
    "a key of JSON twice": (
        lambda: json.dumps(of()).encode().replace(b"{", b'{"mediaType": "x", ', 1),
        "a key occurs twice",
    ),
    "base 64 with a stranger": (
        lambda: altered(of(), lambda b: entry(b).update(canonicalizedBody="*" + entry(b)["canonicalizedBody"])),
        "the bundle is damaged: canonicalizedBody is no base 64",
    ),
    "base 64 with bits too many": (
        lambda: altered(of(), lambda b: entry(b)["logId"].update(keyId=entry(b)["logId"]["keyId"][:-2] + "/=")),
        "the bundle is damaged: keyId is no base 64",
    ),
    "cut off": (lambda: json.dumps(of()).encode()[:-2], "this is no Sigstore bundle"),
    "not text": (lambda: b"\xff\xfe", "this is no Sigstore bundle"),
    "not an object": (lambda: b"[]", "this is no Sigstore bundle"),
    "nested without end": (lambda: b"[" * 100_000, "this is no Sigstore bundle"),
    "a huge file": (lambda: b" " * (keyless.LARGEST + 1), "this is no Sigstore bundle: it has 16777217 bytes"),
    "a key of the form that nobody knows": (lambda: of() | {"more": 1}, "the bundle is damaged: more: Extra inputs"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused(root: keyless.Root, name: str) -> None:
    make, sentence = FORGERIES[name]
    with pytest.raises(VerificationError, match=sentence) as refused:
        checked(root, make())
    assert refused.value.where == "x.json"
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 320


OF_FILES: dict[str, tuple[Callable[[], Bundle], str]] = {
    "other bytes": (lambda: instance().file_bundle(b"other"), "it is the signature of another file"),
    "other bytes under the right digest": (
        lambda: altered(
            instance().file_bundle(b"other"),
            lambda b: b["messageSignature"]["messageDigest"].update(digest=b64(bytes.fromhex(DIGEST.hex))),
        ),
        "the signature is not of this content",
    ),
    "other bytes, rekor v2": (
        lambda: instance().file_bundle(b"other", Form(rekor=2)),
        "it is the signature of another file",
    ),
    "entry of another": (
        lambda: altered(instance().file_bundle(CONTENT), lambda b: _borrow(b, instance().file_bundle(CONTENT))),
        "the log's entry is of another",
    ),
    "entry of a statement": (
        lambda: altered(instance().file_bundle(CONTENT), _borrowed_entry),
        "the log's entry is of another",
    ),
    "a statement": (of, "this bundle has no messageSignature"),
}


def _borrow(bundle: Bundle, lender: Bundle) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = lender["verificationMaterial"]["tlogEntries"]


@pytest.mark.parametrize("name", OF_FILES)
def test_a_forged_signature_of_a_file_is_refused(root: keyless.Root, name: str) -> None:
    make, sentence = OF_FILES[name]
    with pytest.raises(VerificationError, match=sentence):
        keyless.verify_file(root, json.dumps(make()).encode(), DIGEST, where="x")


PAST = Window(end="2025-01-01T00:00:00Z")
FUTURE = Window(start="2026-06-01T00:00:00Z")


@pytest.mark.parametrize("window", [PAST, FUTURE], ids=["rotated before", "in use later"])
@pytest.mark.parametrize(
    ("part", "form", "sentence"),
    [
        ("rekor", Form(), "the key of its log was not in use on 2026-03-04"),
        ("rekor", Form(rekor=2), "the key of its log was not in use on 2026-03-04"),
        ("ct", Form(), "the key of the log of its certificate was not in use on 2026-03-04"),
        ("fulcio", Form(), "the authority of its certificate was not trusted on 2026-03-04"),
        ("tsa", Form(rekor=2), "nothing that is trusted says when it was signed"),
    ],
)
def test_a_key_counts_only_while_it_is_trusted(
    tmp_path: Path, window: Window, part: str, form: Form, sentence: str
) -> None:
    root = keyless.read_root(instance().write_root(tmp_path / "root.json", **{part: window}))
    with pytest.raises(VerificationError, match=sentence):
        checked(root, of(form=form))


def test_no_key_stands_in_for_that_of_another_log(tmp_path: Path) -> None:
    """The library tries all keys where it knows none of a name."""
    document = instance().trusted_root()
    document["tlogs"][0]["logId"]["keyId"] = b64(bytes(32))
    (tmp_path / "root.json").write_text(json.dumps(document))
    with pytest.raises(VerificationError, match=r"its entry is in a log that .*root\.json does not name"):
        checked(keyless.read_root(tmp_path / "root.json"), of())
    document = instance().trusted_root()
    document["ctlogs"][0]["logId"]["keyId"] = b64(bytes(32))
    (tmp_path / "root.json").write_text(json.dumps(document))
    with pytest.raises(VerificationError, match="its certificate is in a log that"):
        checked(keyless.read_root(tmp_path / "root.json"), of())


def test_a_root_with_several_authorities(tmp_path: Path) -> None:
    document = instance().trusted_root()
    for key in ("certificateAuthorities", "tlogs", "ctlogs", "timestampAuthorities"):
        document[key] = [*other().trusted_root()[key], *document[key]]
    (tmp_path / "root.json").write_text(json.dumps(document))
    root = keyless.read_root(tmp_path / "root.json")
    for form in FORMS.values():
        checked(root, of(form=form))
    checked(root, other().statement_bundle(statement()))


def test_a_root_without_timestamps(tmp_path: Path) -> None:
    document = instance().trusted_root()
    del document["timestampAuthorities"]
    (tmp_path / "root.json").write_text(json.dumps(document))
    with pytest.raises(VerificationError, match="names nobody whose timestamps count"):
        checked(keyless.read_root(tmp_path / "root.json"), of(form=Form(rekor=2)))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"tlogs": 1}', "\ud800", "null"])
def test_a_root_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "root.json").write_text(content, errors="surrogatepass")
    with pytest.raises(UsageError, match="no trusted root of Sigstore"):
        keyless.read_root(tmp_path / "root.json")


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it cannot be read: No such file"):
        keyless.read_root(tmp_path / "root.json")


def test_the_public_root_knows_no_private_instance() -> None:
    public = keyless.public_root()
    assert {row["baseUrl"].rpartition(".")[2] for row in public.document["tlogs"]} == {"dev"}
    with pytest.raises(VerificationError, match="from nobody whom the trusted root names"):
        checked(public, of())


@pytest.mark.parametrize("form", [Form(stamped=True), Form(intoto=True)], ids=["stamped", "npm"])
def test_whatever_stands_in_a_bundle_is_a_sentence(root: keyless.Root, form: Form) -> None:
    """Each value replaced by each of some others: accepted only where nothing that counts was changed."""
    bundle = of(form=form)
    accepted = set()
    for garble in garblings(bundle):
        forged = garble(copy.deepcopy(bundle))
        try:
            checked(root, json.dumps(forged).encode())
        except VerificationError:
            continue
        material = forged["verificationMaterial"]
        # What is as if it were absent, of one of two sources of time.
        stamped = (material.get("timestampVerificationData") or {}).get("rfc3161Timestamps")
        accepted.add((bool(material["tlogEntries"][0].get("inclusionPromise")), bool(stamped)))
    assert accepted == ({(True, False), (False, True)} if form.stamped else set())


@pytest.mark.parametrize(
    ("bundle", "answer"),
    [
        (json.dumps({"verificationMaterial": {"certificate": {}}}).encode(), True),
        (json.dumps({"verificationMaterial": {"x509CertificateChain": {}}}).encode(), True),
        (sigstore.sign_blob(instance().rekor, b""), False),
        (b"{}", False),
        (b"\xff", False),
    ],
    ids=["certificate", "chain", "key", "object", "bytes"],
)
def test_whether_a_bundle_is_of_an_identity(bundle: bytes, answer: bool) -> None:
    assert keyless.is_keyless(bundle) is answer


def test_versions_of_bundles_are_all_known() -> None:
    assert set(MEDIA_TYPES.values()) < set(keyless.MEDIA_TYPES)
    assert NOW + YEAR > NOW
