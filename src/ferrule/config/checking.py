"""Nodes against models: pydantic judges, and its findings become problems with places that a person can act on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import ValidationError

from ferrule.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, find, plain
from ferrule.config.problems import MOST, Position, Problems, listed, quote
from ferrule.kinds.base import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

    from ferrule.kinds.base import KeyPath

_Model = TypeVar("_Model", bound=Section)

SEE = "docs/targets.md describes every key"
_FORMAT = "write `version: 1`; a newer Ferrule may read more"

_WRONG_TYPE = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def check(
    model: type[_Model],
    node: Node,
    path: KeyPath,
    problems: Problems,
    extra: tuple[str, ...] = (),
    key: Position | None = None,
) -> _Model | None:
    """Validate a node that stands at `path` of the document; None, and problems, if the model refuses it.

    `extra` are keys that are valid there too and were taken out before, `key` is the place of the node's own key.
    """
    try:
        return model.model_validate(plain(node))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)[: 2 * MOST]
    findings = [_finding(_Location.of(model, node, e, key or node.mark), e, extra) for e in errors]
    reported = [f for f in findings if f.location.node.mark not in problems.closed and not _is_consequence(f)]
    reported.sort(key=lambda f: f.location.mark)
    for _, same in groupby(reported, key=lambda f: f.location.mark):
        _report(list(same), path, problems)
    return None


def sections(model: type[Section]) -> tuple[tuple[str, type[Section]], ...]:
    """The sections that a section holds, with their keys."""
    fields = model.model_fields.items()
    return tuple((info.alias or name, section) for name, info in fields for section in _sections(info.annotation))


def quote_key(name: str) -> str:
    """A key for a message: as it is if it looks like one, in quotes otherwise."""
    return name if re.fullmatch(r"[A-Za-z0-9_.*?-]{1,64}", name) else quote(name)


@dataclass(frozen=True, slots=True)
class _Location:
    """Where one of pydantic's errors is: place, keys, node, the fields they lead through, and the models around it."""

    mark: Position
    path: KeyPath
    node: Node
    fields: tuple[FieldInfo, ...]
    scope: tuple[type[Section], ...]

    @classmethod
    def of(cls, model: type[Section], root: Node, error: Mapping[str, Any], key: Position) -> _Location:
        """Place an error; one about a key is placed at the key."""
        path = tuple(_present(root, error["loc"]))
        mark, node = find(root, path)
        if error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",):
            _, parent = find(root, path[:-1])
            mark = parent.keys[str(path[-1])] if isinstance(parent, MappingNode) else parent.mark
            node = ScalarNode(mark, str(path[-1]), str(path[-1]))
        return cls(mark if path else key, path, node, *_fields_along(model, path))

    @property
    def about(self) -> str:
        """What the value is for."""
        return _about(self.fields[-1]) if self.fields else SEE

    @property
    def example(self) -> str | None:
        """A text that would do."""
        examples = self.fields[-1].examples or () if self.fields else ()
        return next((e for e in examples if isinstance(e, str)), None)


@dataclass(frozen=True, slots=True)
class _Missing:
    """A key that has to be there."""

    location: _Location
    key: str

    @property
    def about(self) -> str:
        """What the key is for."""
        fields = (i for m in self.location.scope for n, i in m.model_fields.items() if self.key == (i.alias or n))
        return next(_about(field) for field in fields)


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A key that may not be there, and those that may."""

    location: _Location
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A value that is not as expected: `expected` completes a sentence, `names` are those it might have meant.

    Where nothing can be said to be expected, `reason` says why the value is refused.
    """

    location: _Location
    expected: str = ""
    reason: str = ""
    by_type: bool = False
    names: tuple[str, ...] = ()
    least: int = 0


_Finding = _Missing | _Unknown | _Wrong


def _finding(location: _Location, error: Mapping[str, Any], extra: tuple[str, ...]) -> _Finding:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return _Missing(location, str(error["loc"][-1]))
    if kind == "extra_forbidden":
        names = [info.alias or name for model in location.scope for name, info in model.model_fields.items()]
        return _Unknown(location, tuple(dict.fromkeys((*names, *(extra if len(location.path) == 1 else ())))))
    if kind in _WRONG_TYPE:
        return _Wrong(location, _WRONG_TYPE[kind], by_type=True)
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", context["expected"])
        return _Wrong(location, _either(names) if names else context["expected"], names=tuple(names))
    if kind == "value_error":
        return _Wrong(location, reason=str(context["error"]))
    least = context["min_length"] if kind == "too_short" else 0
    return _Wrong(location, _expected(location, kind, context), error["msg"], least=least)


def _expected(location: _Location, kind: str, context: Mapping[str, Any]) -> str:
    """What a value should have been, by pydantic's error types; empty where its own words are the best there are."""
    if kind == "string_pattern_mismatch":
        return f"text like {quote(location.example)}" if location.example else f"text of the form {context['pattern']}"
    if kind in ("string_too_long", "too_long"):
        return "at most " + _counted(context["max_length"], kind)
    if kind in ("string_too_short", "too_short"):
        return "at least " + _counted(context["min_length"], kind)
    return ""


def _counted(number: int, kind: str) -> str:
    one, many = ("character", "characters") if kind.startswith("string") else ("entry", "entries")
    return f"one {one}" if number == 1 else f"{number} {many}"


def _either(names: list[str]) -> str:
    return listed(names).replace(" and ", " or ")


def _is_consequence(finding: _Finding) -> bool:
    """Whether a list is only too short because pydantic did not count its wrong items."""
    node = finding.location.node
    return isinstance(finding, _Wrong) and isinstance(node, SequenceNode) and 0 < finding.least <= len(node.items)


def _report(findings: list[_Finding], path: KeyPath, problems: Problems) -> None:
    """Report the findings at one position, where each member of a union may have one."""
    if missing := [f for f in findings if isinstance(f, _Missing)]:
        _report_missing({f.key: f for f in missing}, path, problems)
    elif unknown := [f for f in findings if isinstance(f, _Unknown)]:
        first = unknown[0]
        key = str(first.location.path[-1])
        hint = problems.suggestion(key, first.names, f"the keys here are {listed(first.names, 24)}")
        problems.close(
            first.location.mark, f"{_dotted((*path, *first.location.path[:-1]))}unknown key {quote(key)}", hint
        )
    else:
        _report_wrong([f for f in findings if isinstance(f, _Wrong)], path, problems)


def _report_missing(missing: dict[str, _Missing], path: KeyPath, problems: Problems) -> None:
    location = next(iter(missing.values())).location
    several = len(missing) > 1
    what = f"the keys {listed(missing)} are missing" if several else f"the key {listed(missing)} is missing"
    hint = "; ".join(f"{key}: {f.about}" if several else f.about for key, f in missing.items())
    problems.add(location.mark, f"{_dotted((*path, *location.path))}{what}", hint)


def _report_wrong(wrong: list[_Wrong], path: KeyPath, problems: Problems) -> None:
    """Report what was expected: by the members of a union whose type matched, or else by all."""
    counted = [f for f in wrong if not f.by_type] or wrong
    location = counted[0].location
    expected = " or ".join(dict.fromkeys(f.expected for f in counted if f.expected))
    shown = _shown(location.node)
    message = f"expected {expected}, found {shown}" if expected else f"{shown} is refused: {counted[0].reason}"
    if (
        (*path, *location.path) == ("version",)
        and isinstance(location.node, ScalarNode)
        and isinstance(location.node.value, int | float)
        and not isinstance(location.node.value, bool)
    ):
        problems.add(
            location.mark, f"unsupported format version {location.node.text[:20]} (expected {expected})", _FORMAT
        )
        return
    problems.add(location.mark, _dotted((*path, *location.path)) + message, _remedy(counted[0], problems))


def _remedy(wrong: _Wrong, problems: Problems) -> str:
    """What to write instead, as far as it can be known."""
    node = wrong.location.node
    if isinstance(node, ScalarNode) and node.text:
        if wrong.names:
            return problems.suggestion(node.text, wrong.names, wrong.location.about)
        if wrong.expected == "text":
            return f"write it in quotes: {quote(node.text)}"
        if wrong.expected == "a list":
            return f"write it as a list: [{quote_key(node.text)}]"
    return wrong.location.about


def _fields_along(model: type[Section], path: KeyPath) -> tuple[tuple[FieldInfo, ...], tuple[type[Section], ...]]:
    """The fields that a path leads through, and the models that the mapping at its end, or around it, may be of."""
    models, fields = [model], list[Any]()
    for part in path:
        matching = [info for m in models for name, info in m.model_fields.items() if part == (info.alias or name)]
        if matching:
            fields.append(matching[0])
            models = _sections(matching[0].annotation)
    return tuple(fields), tuple(models)


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


def _present(node: Node, location: tuple[str | int, ...]) -> Iterator[str | int]:
    """The parts of a location that the document has; the others are names that pydantic gives to members of a union."""
    for part in location:
        if isinstance(node, MappingNode) and isinstance(part, str) and part in node.values:
            node = node.values[part]
            yield part
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            yield part


def _sections(annotation: Any) -> list[type[Section]]:  # noqa: ANN401 - a type expression
    """The sections inside a type expression: of optional ones, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]


def _about(field: FieldInfo) -> str:
    """What a field is for, with an example, as a hint."""
    text = (field.description or SEE).rstrip(".")
    return f"{text}; for example {json.dumps(field.examples[0], ensure_ascii=False)}" if field.examples else text
