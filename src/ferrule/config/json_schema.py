"""The JSON schema (draft 2020-12) of a section, from the types of its keys and what is declared of them."""

from __future__ import annotations

from inspect import cleandoc
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from ferrule.core.section import Declaration, Key, Section, keys_of

if TYPE_CHECKING:
    from collections.abc import Callable

_Limits = tuple[Declaration, ...]
_TYPES: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}
_LIMITS = {
    "string": {"pattern": "pattern", "min_length": "minLength", "max_length": "maxLength"},
    "integer": {"ge": "minimum", "le": "maximum"},
    "number": {"ge": "minimum", "le": "maximum"},
    "array": {"min_length": "minItems", "max_length": "maxItems"},
    "object": {"min_length": "minProperties", "max_length": "maxProperties"},
}
"""What each type of JSON calls the limits that a declaration may set."""


def schema_of(model: type[Section]) -> dict[str, Any]:
    """A section's schema, with the sections that it holds written out: every definition is a section of the file."""
    keys = keys_of(model).values()
    required = [key.name for key in keys if key.declaration.required]
    return {
        "additionalProperties": False,
        "description": cleandoc(model.__doc__ or ""),
        "properties": {key.name: _property(key) for key in keys},
        **({"required": required} if required else {}),
        "type": "object",
    }


def _property(key: Key) -> dict[str, Any]:
    declaration = key.declaration
    described = {
        "default": _default(declaration),
        "description": declaration.description,
        "examples": list(declaration.examples) or None,
    }
    has_default = not declaration.required and declaration.default_factory is None
    kept = {name: v for name, v in described.items() if v is not None or (name == "default" and has_default)}
    return _sorted({**_of(key.annotation, (declaration,)), **kept})


def _default(declaration: Declaration) -> Any:  # noqa: ANN401 - of whatever type the key has
    """The default as JSON has it; None where it is none, or made anew each time."""
    if declaration.required or declaration.default_factory is not None:
        return None
    return list(declaration.default) if isinstance(declaration.default, tuple) else declaration.default


def _of(annotation: Any, limits: _Limits = ()) -> dict[str, Any]:  # noqa: ANN401 - a type expression
    """The schema of a type expression, within the limits that are declared."""
    return _WRITERS[get_origin(annotation)](annotation, limits)


def _annotated(annotation: Any, limits: _Limits) -> dict[str, Any]:  # noqa: ANN401
    inner, *metadata = get_args(annotation)
    return _of(inner, (*limits, *(part for part in metadata if isinstance(part, Declaration))))


def _union(annotation: Any, limits: _Limits) -> dict[str, Any]:  # noqa: ANN401
    return {"anyOf": [_of(member, limits) for member in get_args(annotation)]}


def _choice(annotation: Any, _: _Limits) -> dict[str, Any]:  # noqa: ANN401
    choices = get_args(annotation)
    values = {"const": choices[0]} if len(choices) == 1 else {"enum": list(choices)}
    return {**values, "type": _TYPES[type(choices[0])]}


def _list(annotation: Any, limits: _Limits) -> dict[str, Any]:  # noqa: ANN401
    return _limited({"items": _of(get_args(annotation)[0]), "type": "array"}, limits)


def _mapping(annotation: Any, limits: _Limits) -> dict[str, Any]:  # noqa: ANN401
    names, values = map(_of, get_args(annotation))
    pattern = names.pop("pattern", None)
    content = {"additionalProperties": values or True} if pattern is None else {"patternProperties": {pattern: values}}
    of_names = {word: limit for word, limit in names.items() if word != "type"}
    return _limited({**content, **({"propertyNames": of_names} if of_names else {}), "type": "object"}, limits)


def _single(annotation: Any, limits: _Limits) -> dict[str, Any]:  # noqa: ANN401
    """A text, number or switch; a section of its own; or anything at all."""
    if annotation is Any:
        return {}
    if annotation not in _TYPES:
        return schema_of(annotation)
    return _limited({"type": _TYPES[annotation]}, limits)


_WRITERS: dict[Any, Callable[[Any, _Limits], dict[str, Any]]] = {
    Annotated: _annotated,
    Union: _union,
    UnionType: _union,
    Literal: _choice,
    tuple: _list,
    dict: _mapping,
    None: _single,
}
"""By what a type expression is of."""


def _limited(schema: dict[str, Any], declarations: _Limits) -> dict[str, Any]:
    names = _LIMITS.get(schema["type"], {})
    limits = {
        word: limit
        for declaration in declarations
        for name, word in names.items()
        if (limit := getattr(declaration, name)) is not None
    }
    return _sorted({**schema, **limits})


def _sorted(schema: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(schema.items()))
