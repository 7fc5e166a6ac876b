"""What attestations are about: in-toto statements of indexes and forges, bound to a file by name and digest.

Forms: PEP 740 (attestations of package indexes), npm's provenance (subjects are package URLs with a SHA-512), and
statements of GitHub's attest action. Signatures are judged by `keyless`; here is read what was signed.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from typing import TYPE_CHECKING, Any, Final

from ferrule.core import strict_json
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.printable import printable
from ferrule.formats import intoto, keyless, sigstore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

INDEX_PUBLISH: Final = "https://docs.pypi.org/attestations/publish/v1"
"""Predicate type of PEP 740's publish attestation: that a trusted publisher uploaded the file."""

OLD_PROVENANCE: Final = "https://slsa.dev/provenance/v0.2"
"""Predicate type of SLSA provenance before version 1, which npm made until 2023."""

_STATEMENTS: Final = (intoto.STATEMENT, "https://in-toto.io/Statement/v0.1")
_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_WORKFLOWS: Final = {
    "GitHub": "https://github.com/{repository}/.github/workflows/{workflow}",
    "GitLab": "https://gitlab.com/{repository}//{workflow_filepath}",
}
_DAMAGE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto statement: its predicate's type, and of each subject the name with digests by algorithm."""

    predicate_type: str
    subjects: tuple[tuple[str, Mapping[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an attestation has to be about: a name, None where any will do, and a digest in hexadecimal digits."""

    name: str | None
    algorithm: str
    digest: str

    def problem(self, statement: Statement) -> str | None:
        """How a statement is not about this, None if it is."""
        named = [digests for name, digests in statement.subjects if self.name in {None, name}]
        if any(digests.get(self.algorithm) == self.digest for digests in named):
            return None
        same = [name for name, digests in statement.subjects if digests.get(self.algorithm) == self.digest]
        if same:
            return f"it is about these bytes as {printable(same[0])}, expected {self.name}"
        about = self.name or f"{self.algorithm}:{self.digest}"
        stated = next((digests for digests in named if self.name), None)
        if stated is None:
            return f"it is not about {about}"
        if self.algorithm not in stated:
            return f"it names {about} by {printable(', '.join(stated) or 'no digest')} only, expected {self.algorithm}"
        seen = printable(stated[self.algorithm])[:12]
        return f"it is about another {about}: {self.algorithm} {seen}…, here {self.digest[:12]}…"


def read(content: bytes, *, where: str) -> Statement:
    """Read a statement. Raises VerificationError for anything else."""
    try:
        document = strict_json.loads(content.decode())
        kind, predicate_type = document["_type"], document["predicateType"]
        rows = [(row.get("name", ""), row["digest"]) for row in document["subject"]]
        whole = all(isinstance(name, str) and _are_digests(digests) for name, digests in rows)
    except _DAMAGE as error:
        raise VerificationError("what was signed is no in-toto statement", where=where) from error
    if kind not in _STATEMENTS or not isinstance(predicate_type, str) or not rows or not whole:
        raise VerificationError("what was signed is no in-toto statement with subjects", where=where)
    return Statement(predicate_type, tuple(rows))


def verify(
    root: keyless.Root,
    bundle: bytes,
    subject: Subject,
    identity: keyless.Identity,
    types: Collection[str],
    *,
    where: str,
) -> keyless.Signer:
    """Who attested one of these types of a subject; raises VerificationError unless the right identity did."""
    payload, signer = keyless.verify_statement(root, bundle, where=where)
    statement = read(payload, where=where)
    problem = identity.problem(signer) or type_problem(statement, types) or subject.problem(statement)
    if problem:
        raise VerificationError(problem, where=where)
    return signer


def _are_digests(digests: dict[Any, Any]) -> bool:
    return all(
        isinstance(value, str) and (key not in _LENGTHS or re.fullmatch(rf"[0-9a-f]{{{_LENGTHS[key]}}}", value))
        for key, value in digests.items()
    )


def type_problem(statement: Statement, expected: Collection[str]) -> str | None:
    """Whether a statement says something else than expected."""
    if statement.predicate_type in expected:
        return None
    return f"it says {printable(statement.predicate_type)}, expected {' or '.join(expected)}"


def npm_subject(name: str, version: str, integrity: str) -> Subject:
    """What an attestation of a package of npm's is about: its package URL (purl-spec, "npm") and SHA-512.

    `integrity` is as registries state it (W3C, Subresource Integrity).

    >>> npm_subject("@example/demo", "1.2.3", "sha512-AAAA").name
    'pkg:npm/%40example/demo@1.2.3'
    """
    digest = base64.b64decode(integrity.removeprefix("sha512-")).hex()
    return Subject(f"pkg:npm/{urllib.parse.quote(name)}@{version}", "sha512", digest)


@dataclass(frozen=True, slots=True)
class IndexAttestation:
    """An attestation of an index: the publisher that the index says it is of, and the bundle that it stands for."""

    publisher: Mapping[str, Any]
    bundle: bytes


def of_index(document: Any, *, where: str) -> Iterator[IndexAttestation]:  # noqa: ANN401 - any JSON
    """All attestations in a provenance object (PEP 740, "Provenance objects"). Raises VerificationError."""
    try:
        version = document["version"]
        groups = [(group["publisher"], group["attestations"]) for group in document["attestation_bundles"]]
        listed = [(dict(publisher), _bundle(one)) for publisher, attestations in groups for one in attestations]
    except _DAMAGE as error:
        raise VerificationError("this is no provenance object of an index (PEP 740)", where=where) from error
    if version != 1:
        raise VerificationError(f"this is a provenance object of version {printable(str(version))}", where=where)
    yield from (IndexAttestation(publisher, bundle) for publisher, bundle in listed)


def _bundle(attestation: Any) -> bytes:  # noqa: ANN401 - any JSON
    """The Sigstore bundle that an attestation object of version 1 stands for (PEP 740, "Attestation objects")."""
    if attestation["version"] != 1:
        raise ValueError("not version 1")
    material, envelope = attestation["verification_material"], attestation["envelope"]
    document = {
        "mediaType": sigstore.MEDIA_TYPE,
        "verificationMaterial": {
            "certificate": {"rawBytes": material["certificate"]},
            "tlogEntries": material["transparency_entries"],
        },
        "dsseEnvelope": {
            "payload": envelope["statement"],
            "payloadType": sigstore.IN_TOTO,
            "signatures": [{"sig": envelope["signature"]}],
        },
    }
    return json.dumps(document).encode()


def publisher_problem(publisher: Mapping[str, Any], signer: keyless.Signer) -> str | None:
    """How the publisher that an index names is not who signed; of kinds that are not known, nothing is said.

    Forges start a workflow for a ref or a commit, which the index does not name (PEP 740, "publisher").
    """
    kind = str(publisher.get("kind"))
    if kind == "Google":
        expected, seen = str(publisher.get("email")), signer.subject
    elif kind in _WORKFLOWS:
        expected = _WORKFLOWS[kind].format_map(
            {"workflow": "", "workflow_filepath": "", "repository": ""} | dict(publisher)
        )
        seen = (signer.workflow or "").partition("@")[0]
    else:
        return None
    if seen == expected:
        return None
    return f"the index says that it is of {printable(expected)}, and it was signed by {printable(seen or 'nobody')}"


def bundles_of_lines(content: bytes, *, where: str) -> Iterator[bytes]:
    """The bundles in a file of `gh attestation download`: one a line. Raises VerificationError for an empty file."""
    lines = [line for line in content.splitlines() if line.strip()]
    if not lines:
        raise VerificationError("there is no attestation in it", where=where)
    yield from lines
