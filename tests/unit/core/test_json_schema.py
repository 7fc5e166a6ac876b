"""The words of JSON Schema that the published schemas use, judged as `jsonschema` judges them."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ferrule.core.json_schema import COUNT, DIGEST, NAMES, TEXT, TEXTS, Schema, map_of, or_null, problems, strict_object

FILE: Schema = {
    "$defs": {"file": strict_object(format=TEXT)},
    "type": "object",
    "properties": {"one": {"$ref": "#/$defs/file"}},
    "additionalProperties": {"if": {"type": "object", "required": ["format"]}, "then": {"$ref": "#/$defs/file"}},
}
TOGETHER: Schema = {"type": "object", "dependentRequired": {"a": ["b", "c"]}}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("x", TEXT, []),
        ("", TEXT, [': "" is not allowed here']),
        (None, or_null(TEXT), []),
        (7, or_null(TEXT), ["the document: expected string or null, found 7"]),
        (0, COUNT, []),
        (-1, COUNT, [": -1 is too small"]),
        (True, COUNT, ["the document: expected integer, found true"]),
        ("a" * 64, DIGEST, []),
        ("A" * 64, DIGEST, [f': "{"A" * 56}… is not allowed here']),
        (["", "a"], NAMES, []),
        (["a", None, 7], NAMES, ["[1]: expected string, found null", "[2]: expected string, found 7"]),
        (["a", ""], TEXTS, ['[1]: "" is not allowed here']),
        ({"a": 1, "b": -1}, map_of(COUNT), ["b: -1 is too small"]),
        ({"a": "x"}, strict_object(a=TEXT), []),
        ({"b": 1}, strict_object(a=TEXT), ["a: missing", "b: unknown key"]),
        (2, {"enum": [1, "2"]}, [": expected 1 or 2, found 2"]),
        (True, {"const": 1}, [": expected 1, found true"]),
        ({"one": {"format": "elf"}, "two": 7, "three": {}, "four": {"format": "elf"}}, FILE, []),
        ({"one": {}}, FILE, ["one.format: missing"]),
        ({"two": {"format": ""}}, FILE, ['two.format: "" is not allowed here']),
        ({"b": 1}, TOGETHER, []),
        ({"a": 1, "b": 1}, TOGETHER, ["c: missing"]),
    ],
)
def test_each_word(value: Any, schema: Schema, expected: list[str]) -> None:
    assert list(problems(value, schema)) == expected
    assert Draft202012Validator(schema).is_valid(value) == (not expected)


def test_a_line_end_is_no_end() -> None:
    """To Python `$` matches before it, to JSON Schema (ECMA-262) it does not."""
    assert list(problems("a" * 64 + "\n", DIGEST)) == [f': "{"a" * 56}… is not allowed here']
