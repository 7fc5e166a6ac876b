"""Statements of provenance: written, read back, refused."""

from __future__ import annotations

import json

import pytest

from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.formats.intoto import PROVENANCE, read_statement, write_statement

SUBJECTS = {"b.whl": Digest.of(b"b"), "a.tar.gz": Digest.of(b"a")}
PREDICATE = {"buildDefinition": {}, "runDetails": {}}
WRITTEN = write_statement(SUBJECTS, PROVENANCE, PREDICATE)


def test_one_line_with_subjects_by_name() -> None:
    assert WRITTEN.count(b"\n") == 1
    assert [s["name"] for s in json.loads(WRITTEN)["subject"]] == ["a.tar.gz", "b.whl"]
    assert read_statement(WRITTEN, where="x") == (SUBJECTS, PREDICATE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]\n",
        WRITTEN[:-1],
        WRITTEN + WRITTEN,
        WRITTEN.replace(b"Statement/v1", b"Statement/v2"),
        WRITTEN.replace(b"slsa.dev/provenance/v1", b"example.org/x"),
        WRITTEN.replace(b'"runDetails"', b'"runDetailz"'),
        WRITTEN.replace(b'"sha256"', b'"sha512"', 1),
        WRITTEN.replace(b"a.tar.gz", b"b.whl"),
        WRITTEN.replace(b'"subject":[', b'"subject":[7,'),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(VerificationError):
        read_statement(content, where="x")
