"""Checks a JSON value by the words of JSON Schema (2020-12) that the published schemas of Ferrule use.

Home-made, because `jsonschema` takes longer to import than `ferrule verify` to read a small release; tests compare its
judgement with that of `jsonschema`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string", "minLength": 1}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
NAMES: Final[Schema] = {"type": "array", "items": {"type": "string"}}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
DIGEST: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def strict_object(**properties: Schema) -> Schema:
    """The schema of an object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def map_of(values: Schema) -> Schema:
    """The schema of an object with any keys and such values."""
    return {"type": "object", "additionalProperties": values}


def or_null(schema: Schema) -> Schema:
    """The schema of a value that may be null instead."""
    return {**schema, "type": [schema["type"], "null"]}


def problems(
    value: Any,  # noqa: ANN401 - any JSON
    schema: Mapping[str, Any],
    path: str = "",
    definitions: Mapping[str, Schema] | None = None,
) -> Iterator[str]:
    """What of a JSON value is not as a schema says, each with its path; `definitions` are what `$ref` may name.

    >>> list(problems({"a": "1"}, {"type": "object", "properties": {"a": {"type": "integer"}}}))
    ['a: expected integer, found "1"']
    """
    definitions = definitions if definitions is not None else schema.get("$defs", {})
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if "if" in schema and not any(problems(value, schema["if"], path, definitions)):
        yield from problems(value, schema["then"], path, definitions)
        return
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else types
    if allowed is not None:
        if not any(type(value) is type(each) and value == each for each in allowed):
            yield f"{path}: expected {' or '.join(map(str, allowed))}, found {_shown(value)}"
    elif names and not any(_is(value, name) for name in names):
        yield f"{path or 'the document'}: expected {' or '.join(names)}, found {_shown(value)}"
    elif isinstance(value, dict):
        yield from _object_problems(value, schema, f"{path}." if path else "", definitions)
    elif isinstance(value, list):
        yield from _array_problems(value, schema.get("items", {}), path, definitions)
    else:
        yield from _scalar_problems(value, schema, path)


def _scalar_problems(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0) or not _matches(schema.get("pattern", ""), value):
            yield f"{path}: {_shown(value)} is not allowed here"
    elif value is not None and value < schema.get("minimum", value):
        yield f"{path}: {value} is too small"


def _array_problems(value: list[Any], items: Schema, path: str, definitions: Mapping[str, Schema]) -> Iterator[str]:
    if items == NAMES["items"] and all(type(item) is str for item in value):
        return  # the quick way: a library may export tens of thousands of names
    for number, item in enumerate(value):
        yield from problems(item, items, f"{path}[{number}]", definitions)


def _object_problems(
    value: Mapping[str, Any], schema: Mapping[str, Any], prefix: str, definitions: Mapping[str, Schema]
) -> Iterator[str]:
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    dependent = schema.get("dependentRequired", {})
    required = dict.fromkeys((*schema.get("required", ()), *(n for key in value for n in dependent.get(key, ()))))
    yield from (f"{prefix}{name}: missing" for name in required if name not in value)
    for name, inner in value.items():
        if name in properties:
            yield from problems(inner, properties[name], f"{prefix}{name}", definitions)
        elif more is False:
            yield f"{prefix}{name}: unknown key"
        else:
            yield from problems(inner, more, f"{prefix}{name}", definitions)


def _matches(pattern: str, value: str) -> bool:
    """Whether a pattern of JSON Schema matches: `$` is the end, and to Python alone also before a last line end."""
    return re.search(f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern, value) is not None


def _is(value: object, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - one line
