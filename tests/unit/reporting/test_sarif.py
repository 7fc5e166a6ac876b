"""Errors as SARIF: a result for each, with its place where it has one."""

from __future__ import annotations

import json

from ferrule.core.errors import ConfigError
from ferrule.reporting import sarif


def test_each_error_is_a_result_with_its_place():
    log = json.loads(
        sarif.document([ConfigError("no", hint="so", where="rust/a:b.toml:3:7"), ConfigError("n\x1bo", where="x")])
    )
    assert log["version"] == "2.1.0"
    first, second = log["runs"][0]["results"]
    assert first["message"]["text"] == "no\nhint: so"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "rust/a:b.toml"},
        "region": {"startLine": 3, "startColumn": 7},
    }
    assert second["message"]["text"] == r"n\x1bo"
    assert second["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "x"}}}]
    assert {r["ruleId"] for r in (first, second)} == {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}


def test_an_error_without_a_place_and_no_error():
    assert "locations" not in json.loads(sarif.document([ConfigError("no")]))["runs"][0]["results"][0]
    assert json.loads(sarif.document([]))["runs"][0]["results"] == []
