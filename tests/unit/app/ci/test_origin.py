"""The record of an installation as the line for targets.yaml, and records that name nothing for other machines."""

from __future__ import annotations

import json

import pytest

from ferrule.app.ci.origin import origin

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_commit():
    record = {"url": "https://example.com/f.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    assert origin(json.dumps(record)) == f"`ferrule: {{git: https://example.com/f.git, commit: {COMMIT}}}`"


@pytest.mark.parametrize("info", [{"hashes": {"sha256": "5" * 64}}, {"hash": f"sha256={'5' * 64}"}])
def test_a_wheel_that_was_fetched(info: dict[str, object]):
    record = {"url": "https://example.com/f.whl", "archive_info": info}
    assert origin(json.dumps(record)) == f"`ferrule: {{wheel: https://example.com/f.whl, sha256: {'5' * 64}}}`"


@pytest.mark.parametrize(
    "record",
    [
        None,
        "",
        "[]",
        "{",
        "[" * 100_000,
        '{"url": 5}',
        '{"url": "file:///f.whl", "archive_info": {"hashes": {"sha256": "5"}}}',
        '{"url": "https://example.com/f.whl", "archive_info": {}}',
        '{"url": "https://example.com/f.zip", "archive_info": {"hash": "sha256=' + "5" * 64 + '"}}',
        '{"url": "https://example.com/f.git", "vcs_info": {"commit_id": "main"}}',
        '{"url": "file:///f", "dir_info": {"editable": true}}',
    ],
)
def test_what_names_nothing_that_another_machine_could_get(record: str | None):
    assert origin(record) is None
