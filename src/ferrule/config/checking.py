"""Nodes against models: pydantic judges, and its findings become mistakes with places that a person can act on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from ferrule.config.mistakes import MOST, Mark, Mistakes, listed, quote
from ferrule.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, find, plain
from ferrule.spec import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

    from ferrule.spec import KeyPath

_Model = TypeVar("_Model", bound=Section)

_WRONG_TYPE = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "nothing",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def check(
    model: type[_Model],
    node: Node,
    path: KeyPath,
    mistakes: Mistakes,
    extra: tuple[str, ...] = (),
    key: Mark | None = None,
) -> _Model | None:
    """Validate a node that stands at `path` of the document; None, and mistakes, if the model refuses it.

    `extra` are keys that are valid there too and were taken out before, `key` is the place of the node's own key.
    """
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        return model.model_validate(plain(node))
    except ValidationError as error:
        findings = [
            _finding(model, node, e, extra, key or node.mark)
            for e in error.errors(include_url=False, include_input=False)[: 2 * MOST]
        ]
    findings.sort(key=lambda f: f.mark)
    for _, same in groupby(findings, key=lambda f: f.mark):
        _tell(list(same), path, mistakes)
    return None


@dataclass(frozen=True, slots=True)
class _Finding:
    """One of pydantic's errors, placed. `expected` completes "expected …"; where it is empty, `message` says all."""

    mark: Mark
    path: KeyPath
    node: Node
    expected: str = ""
    wrong_type: bool = False
    missing: str = ""
    unknown: str = ""
    message: str = ""
    names: tuple[str, ...] = ()
    hint: str = ""


def _finding(model: type[Section], root: Node, error: Mapping[str, Any], extra: tuple[str, ...], key: Mark) -> _Finding:
    kind, context = error["type"], error.get("ctx", {})
    location = tuple(error["loc"])
    mark, node = find(root, location)
    path = tuple(_present(root, location))
    mark = mark if path else key
    fields = _fields(model, path)
    hint = _about(fields[-1] if fields else None)
    if kind == "missing":
        field = _fields(model, (*path, location[-1]))
        return _Finding(mark, path, node, missing=str(location[-1]), hint=_about(field[-1] if field else None))
    if kind == "extra_forbidden":
        names = tuple(
            dict.fromkeys(
                (*(n for m in _models(model, path[:-1]) for n in _keys(m)), *(extra if len(path) == 1 else ()))
            )
        )
        key_mark = _key_mark(root, path)
        return _Finding(key_mark, path[:-1], node, unknown=str(path[-1]), names=names)
    if location[-1:] == ("[key]",):
        mark = _key_mark(root, path)
        node = ScalarNode(mark, str(path[-1]), str(path[-1]))
    if kind in _WRONG_TYPE:
        return _Finding(mark, path, node, expected=_WRONG_TYPE[kind], wrong_type=True, hint=hint)
    if kind == "literal_error":
        names = tuple(re.findall(r"'([^']*)'", context["expected"]))
        expected = f"one of {listed(names)}" if len(names) > 1 else (names[0] if names else context["expected"])
        return _Finding(mark, path, node, expected=expected, names=names, hint=hint)
    return _Finding(mark, path, node, expected=_expected(kind, context), message=error["msg"], hint=hint)


def _expected(kind: str, context: Mapping[str, Any]) -> str:
    """What a value should have been, by pydantic's error types; empty where its own words are the best there are."""
    if kind == "string_pattern_mismatch":
        return f"text of the form {context['pattern']}"
    if kind in ("string_too_long", "too_long"):
        return f"at most {context['max_length']} {'characters' if kind == 'string_too_long' else 'entries'}"
    if kind in ("string_too_short", "too_short"):
        return f"at least {context['min_length']} {'characters' if kind == 'string_too_short' else 'entries'}"
    return ""


def _tell(findings: list[_Finding], path: KeyPath, mistakes: Mistakes) -> None:
    """Tell what was found at one place: of what the members of a union say, the most specific."""
    if missing := [f for f in findings if f.missing]:
        names = list(dict.fromkeys(f.missing for f in missing))
        keys = f"the key {names[0]} is missing" if len(names) == 1 else f"the keys {listed(names)} are missing"
        hint = missing[0].hint if len(names) == 1 else "; ".join(f"{f.missing}: {f.hint}" for f in missing)
        mistakes.add(missing[0].mark, f"{_dotted((*path, *missing[0].path))}{keys}", hint)
        return
    if findings[0].unknown:
        first = findings[0]
        names_there = f"the keys here are {listed(first.names, 24)}"
        message = f"{_dotted((*path, *first.path))}unknown key {quote(first.unknown)}"
        mistakes.close(first.mark, message, mistakes.suggestion(first.unknown, first.names, names_there))
        return
    specific = [f for f in findings if not f.wrong_type] or findings
    first = specific[0]
    place = _dotted((*path, *first.path))
    expected = " or ".join(dict.fromkeys(f.expected for f in specific if f.expected))
    if not expected:
        mistakes.add(first.mark, f"{place}{_shown(first.node)}: {first.message}", first.hint)
        return
    hint = first.hint
    if isinstance(first.node, ScalarNode):
        if first.names:
            hint = mistakes.suggestion(first.node.text, first.names, hint)
        elif first.wrong_type and not isinstance(first.node.value, str) and first.node.text and "text" in expected:
            hint = f"write it in quotes: {quote(first.node.text)}"
        elif first.wrong_type and "a list" in expected:
            hint = f"write it as a list: [{first.node.text[:40]}]" if first.node.text else hint
    mistakes.add(first.mark, f"{place}expected {expected}, found {_shown(first.node)}", hint)


def _shown(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping" if node.values else "an empty mapping"
    if isinstance(node, SequenceNode):
        return "a list" if node.items else "an empty list"
    if node.value is None:
        return "nothing"
    return {bool: "the switch ", int: "the number ", float: "the number "}.get(type(node.value), "") + quote(node.text)


def _dotted(path: KeyPath) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{quote_key(p)}" for p in path).lstrip(".")
    return f"{text}: " if text else ""


def quote_key(name: str) -> str:
    """A key for a message: as it is if it looks like one, in quotes otherwise."""
    return name if re.fullmatch(r"[A-Za-z0-9_.*?-]{1,64}", name) else quote(name)


def _present(node: Node, location: tuple[str | int, ...]) -> Iterator[str | int]:
    """The parts of a location that the document has; the others are names that pydantic gives to members of a union."""
    for part in location:
        if isinstance(node, MappingNode) and isinstance(part, str) and part in node.values:
            node = node.values[part]
            yield part
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            yield part


def _key_mark(root: Node, path: KeyPath) -> Mark:
    _, parent = find(root, path[:-1])
    return parent.keys[str(path[-1])] if isinstance(parent, MappingNode) else parent.mark


def _keys(model: type[Section]) -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in model.model_fields.items())


def _fields(model: type[Section], path: KeyPath) -> list[FieldInfo]:
    """The fields that a path leads through."""
    models, found = [model], list[Any]()
    for part in path:
        matching = [i for m in models for n, i in m.model_fields.items() if part == (i.alias or n)]
        if matching:
            found.append(matching[0])
            models = _sections(matching[0].annotation)
    return found


def _models(model: type[Section], path: KeyPath) -> list[type[Section]]:
    """The models that a mapping at this path may be of."""
    fields = _fields(model, path)
    return _sections(fields[-1].annotation) if fields else [model]


def sections(model: type[Section]) -> tuple[tuple[str, type[Section]], ...]:
    """The sections that a section holds, with their keys."""
    fields = model.model_fields.items()
    return tuple((info.alias or name, held) for name, info in fields for held in _sections(info.annotation))


def _sections(annotation: Any) -> list[type[Section]]:  # noqa: ANN401 - a type expression
    """The sections inside a type expression: of optional ones, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]


def _about(field: FieldInfo | None) -> str:
    """What a field is for, with an example, as a hint."""
    if field is None:
        return "docs/targets.md describes every key"
    examples = next((m.examples for m in [field] if m.examples), None)
    text = field.description or "docs/targets.md describes every key"
    return f"{text.rstrip('.')}; for example {_example(examples[0])}" if examples else text.rstrip(".")


def _example(value: Any) -> str:  # noqa: ANN401 - an example in a model
    import json  # noqa: PLC0415

    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {v}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
