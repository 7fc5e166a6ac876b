"""What the message of a commit says (Conventional Commits 1.0.0)."""

from __future__ import annotations

import pytest

from ferrule.app.versioning.commits import Described, describe
from ferrule.tools.git import Commit


@pytest.mark.parametrize(
    ("message", "kind", "subject", "breaking"),
    [
        ("feat: a new thing", "feat", "a new thing", ""),
        ("FIX(core): it holds", "fix", "it holds", ""),
        ("feat(api)!: another order", "feat", "another order", "another order"),
        ("fix: x\n\nBREAKING CHANGE: the port is 8080", "fix", "x", "the port is 8080"),
        ("chore: x\n\nbody\n\nBREAKING-CHANGE: no more y", "chore", "x", "no more y"),
        ("A sentence", "", "A sentence", ""),
        ("A sentence\n\nBREAKING CHANGE: gone", "", "A sentence", "gone"),
        ("feat:no space", "", "feat:no space", ""),
        ("feat(): x", "", "feat(): x", ""),
        ("fix: x\n\nno BREAKING CHANGE: here", "fix", "x", ""),
        ("", "", "", ""),
        ("fix: x\n\nBREAKING CHANGE:\nthe port\nis 8080\n\nRefs: 1", "fix", "x", "the port is 8080"),
        ("fix: x\r\n\r\nBREAKING CHANGE:\r\n\r\nthe port\r\n", "fix", "x", "the port"),
        ("fix: x\n\nBREAKING CHANGE: the port\nReviewed-by: y", "fix", "x", "the port"),
        ("fix: x\n\nBREAKING CHANGE:\nReviewed-by: y", "fix", "x", "x"),
        ("fix: x\n\nBREAKING CHANGE: Note: the port", "fix", "x", "Note: the port"),
        ("fix: x\n\nBREAKING CHANGE:", "fix", "x", "x"),
        ("fix: x\n\nBREAKING CHANGES: none", "fix", "x", ""),
        ("feat!: \u202e", "feat", "", "unnamed"),
        ("fix: \x1b[31mred\x1b[0m \x07\u202ex\u2066", "fix", "red x", ""),
        ("fix: " + "x" * 200_000, "fix", "x" * 199 + "…", ""),
    ],
)
def test_a_message(message: str, kind: str, subject: str, breaking: str) -> None:
    commit = describe(Commit("a" * 40, message))
    assert commit == Described("a" * 40, kind, subject, breaking)
    assert commit.is_feature == (kind == "feat")
