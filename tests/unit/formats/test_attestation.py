"""What attestations are about: forms of indexes, npm and forges, and what is none."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pypi_attestations
import pytest

from fakes.sigstore_instance import PUBLISHER, Form, SigstoreInstance, attestation_of
from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.formats import attestation, intoto, keyless

if TYPE_CHECKING:
    from pathlib import Path

NAME = "demo-1.2.3-py3-none-any.whl"
DIGEST = Digest.of(b"wheel").hex


def statement(**changes: Any) -> bytes:
    document = {
        "_type": intoto.STATEMENT,
        "subject": [{"name": NAME, "digest": {"sha256": DIGEST}}],
        "predicateType": attestation.INDEX_PUBLISH,
        "predicate": None,
    }
    return json.dumps(document | changes).encode()


def provenance(*attestations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    groups = [{"publisher": PUBLISHER, "attestations": list(attestations)}]
    return {"version": 1, "attestation_bundles": groups} | changes


def test_attestations_of_an_index(tmp_path: Path) -> None:
    instance = SigstoreInstance()
    root = keyless.read_root(instance.write_root(tmp_path / "root.json"))
    (one,) = attestation.of_index(provenance(attestation_of(instance.statement_bundle(statement()))), where="x")
    assert one.publisher == PUBLISHER
    subject = attestation.Subject(NAME, "sha256", DIGEST)
    types = (attestation.INDEX_PUBLISH,)
    signer = attestation.verify(root, one.bundle, subject, keyless.Identity(), types, where="x")
    assert signer.ref == "refs/tags/v1.2.3"


def test_the_library_of_indexes_reads_the_same_bundle_of_an_attestation() -> None:
    theirs = attestation_of(SigstoreInstance().statement_bundle(statement(), Form()))
    (ours,) = attestation.of_index(provenance(theirs), where="x")
    parsed = pypi_attestations.Attestation.model_validate_json(json.dumps(theirs)).to_bundle()
    document = json.loads(parsed.to_json())
    mine = json.loads(ours.bundle)
    assert document["dsseEnvelope"] == mine["dsseEnvelope"]
    assert document["verificationMaterial"]["certificate"] == mine["verificationMaterial"]["certificate"]
    assert document["verificationMaterial"]["tlogEntries"] == mine["verificationMaterial"]["tlogEntries"]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "no provenance object"),
        ({}, "no provenance object"),
        (provenance({"version": 2}), "no provenance object"),
        (provenance({"version": 1}), "no provenance object"),
        (provenance(version=2), "provenance object of version 2"),
        ({"version": 1, "attestation_bundles": [{"publisher": 1, "attestations": []}]}, None),
        ({"version": 1, "attestation_bundles": [{"publisher": 1, "attestations": [{}]}]}, "no provenance object"),
    ],
)
def test_what_an_index_may_say(document: Any, sentence: str | None) -> None:
    if sentence is None:
        assert list(attestation.of_index(document, where="x")) == []
        return
    with pytest.raises(VerificationError, match=sentence):
        list(attestation.of_index(document, where="x"))


def test_a_package_of_npm_is_named_by_url_and_sha512() -> None:
    digest = bytes(range(64))
    integrity = "sha512-" + base64.b64encode(digest).decode()
    subject = attestation.npm_subject("@example/demo", "1.2.3", integrity)
    assert subject == attestation.Subject("pkg:npm/%40example/demo@1.2.3", "sha512", digest.hex())
    other = [
        {"name": "pkg:npm/%40example/demo@1.2.4", "digest": {"sha512": digest.hex()}},
        {"name": "pkg:npm/demo@1.2.3", "digest": {"sha512": digest.hex()}},
        {"name": "pkg:npm/%40example/demo@1.2.3", "digest": {"sha512": "0" * 128}},
        {"name": "pkg:npm/%40example/demo@1.2.3", "digest": {"sha256": DIGEST}},
        {"name": "pkg:npm/%40example/demo@1.2.3", "digest": {}},
    ]
    problems = [subject.problem(attestation.read(statement(subject=[row]), where="x")) for row in other]
    assert problems == [
        "it is about these bytes as pkg:npm/%40example/demo@1.2.4, expected pkg:npm/%40example/demo@1.2.3",
        "it is about these bytes as pkg:npm/demo@1.2.3, expected pkg:npm/%40example/demo@1.2.3",
        "it is about another pkg:npm/%40example/demo@1.2.3: sha512 000000000000…, here 000102030405…",
        "it names pkg:npm/%40example/demo@1.2.3 by sha256 only, expected sha512",
        "it names pkg:npm/%40example/demo@1.2.3 by no digest only, expected sha512",
    ]
    mine = statement(subject=[*other, {"name": subject.name, "digest": {"sha512": digest.hex()}}])
    assert subject.problem(attestation.read(mine, where="x")) is None


def test_a_digest_without_a_name() -> None:
    subject = attestation.Subject(None, "sha256", DIGEST)
    assert subject.problem(attestation.read(statement(), where="x")) is None
    other = attestation.Subject(None, "sha256", "0" * 64)
    assert other.problem(attestation.read(statement(), where="x")) == f"it is not about sha256:{'0' * 64}"


WORKFLOW = "https://github.com/example/demo/.github/workflows/release.yml"
PIPELINE = "https://gitlab.com/a/b/c//.gitlab-ci.yml"


@pytest.mark.parametrize(
    ("publisher", "workflow", "problem"),
    [
        (PUBLISHER, f"{WORKFLOW}@refs/tags/v1", None),
        (PUBLISHER, f"{WORKFLOW}@0123456", None),
        (PUBLISHER, None, f"the index says that it is of {WORKFLOW}, and it was signed by nobody"),
        ({"kind": "GitHub"}, f"{WORKFLOW}@x", "the index says that it is of https://github.com//.github/workflows/,"),
        ({"kind": "GitLab", "repository": "a/b/c", "workflow_filepath": ".gitlab-ci.yml"}, f"{PIPELINE}@x", None),
        ({"kind": "GitLab", "repository": "a/b", "workflow_filepath": ".gitlab-ci.yml"}, f"{PIPELINE}@x", "of https"),
        ({"kind": "Google", "email": "a@example.org"}, None, None),
        ({"kind": "Google", "email": "b@example.org"}, None, "of b@example.org, and it was signed by a@example.org"),
        ({"kind": "New"}, None, None),
        ({"kind": ["GitHub"]}, None, None),
        ({}, None, None),
    ],
)
def test_the_publisher_that_an_index_names(publisher: dict[str, Any], workflow: str | None, problem: str | None):
    signer = keyless.Signer("a@example.org", "https://id.example.org", workflow=workflow)
    said = attestation.publisher_problem(publisher, signer)
    assert said is None if problem is None else said is not None and problem in said


def test_lines_of_a_download() -> None:
    assert list(attestation.bundles_of_lines(b'{"a":1}\n\n{"b":2}\n', where="x")) == [b'{"a":1}', b'{"b":2}']
    with pytest.raises(VerificationError, match="there is no attestation in it"):
        list(attestation.bundles_of_lines(b"\n", where="x"))
