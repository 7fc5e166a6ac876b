"""The vectors that hold for every language: the same bytes by this road too."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from ferrule_email_validator import EmailValidationConfig, Lookups, UnknownEmailTypeError, Validator, is_valid_email

if TYPE_CHECKING:
    from conftest import Vector


def lookups(vector: Vector) -> Lookups:
    return Lookups(
        **{
            function: vector.overrides[name].__contains__
            for function, name in {
                "is_free_email": "free",
                "is_disposable_email": "disposable",
                "has_mx_records": "mx",
                "has_gravatar": "gravatar",
            }.items()
        }
    )


def answer(vector: Vector) -> dict[str, str]:
    try:
        decision = is_valid_email(vector.candidate, EmailValidationConfig(**vector.options), lookups(vector))
    except UnknownEmailTypeError as error:
        return {"err": str(error)}
    assert decision.allowed == (decision.json == '{"decision":"Allowed"}') == bool(decision)
    return {"ok": decision.json}


def test_every_vector_gives_the_same_bytes(vectors):
    assert len(vectors) > 500
    wrong = [(v.name, v.expected, got) for v in vectors if (got := answer(v)) != v.expected]
    assert wrong == []


def test_batches_give_the_same_bytes(vectors):
    groups: dict[str, list[Vector]] = defaultdict(list)
    for vector in vectors:
        if "ok" in vector.expected:
            groups[repr((vector.options, vector.overrides))].append(vector)
    for group in groups.values():
        with Validator(EmailValidationConfig(**group[0].options), lookups(group[0])) as validator:
            decisions = validator.check_batch(v.candidate for v in group)
        assert [d.json for d in decisions] == [v.expected["ok"] for v in group]


def test_a_wrong_vector_would_be_noticed(vectors):
    changed = next(v for v in vectors if "ok" in v.expected)
    with pytest.raises(AssertionError):
        assert answer(changed) == {"ok": changed.expected["ok"] + " "}
