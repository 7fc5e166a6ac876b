"""In-toto statements with SLSA provenance, as one line of JSON: what was made, from what, how and by whom.

Followed are the in-toto attestation framework ("Statement" v1, "ResourceDescriptor" v1) and SLSA v1.0 ("Provenance").
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest, Json

if TYPE_CHECKING:
    from collections.abc import Mapping

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PROVENANCE: Final = "https://slsa.dev/provenance/v1"


def write_statement(subjects: Mapping[str, Digest], predicate_type: str, predicate: Json) -> bytes:
    """One line: subjects sorted by name, keys sorted."""
    named: list[Json] = [{"name": name, "digest": {"sha256": digest.hex}} for name, digest in sorted(subjects.items())]
    document: Json = {"_type": STATEMENT, "subject": named, "predicateType": predicate_type, "predicate": predicate}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def read_statement(content: bytes, *, where: str) -> tuple[dict[str, Digest], dict[str, Any]]:
    """Subjects and predicate of a statement with SLSA provenance; raises VerificationError for anything else."""
    try:
        document = json.loads(content)
        types = document["_type"], document["predicateType"]
        named = [(str(s["name"]), Digest(s["digest"]["sha256"])) for s in document["subject"]]
        predicate = document["predicate"]
        whole = isinstance(predicate, dict) and {"buildDefinition", "runDetails"} <= predicate.keys()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise VerificationError(f"this is no statement of provenance: {error}", where=where) from error
    if types != (STATEMENT, PROVENANCE) or not whole or content.count(b"\n") != 1 or not content.endswith(b"\n"):
        raise VerificationError("this is no statement of provenance on one line", where=where)
    if len(dict(named)) != len(named):
        raise VerificationError("the statement names a subject twice", where=where)
    return dict(named), predicate
