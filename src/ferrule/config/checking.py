"""Nodes against sections: all that differs from the types that a section states, with places and remedies."""

from __future__ import annotations

import json
import re
from itertools import groupby
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin

from ferrule.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, plain
from ferrule.config.problems import MOST, Position, Problems, listed, quote
from ferrule.core.frozen import dataclass
from ferrule.core.masked import masked
from ferrule.core.section import Declaration, Section, keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ferrule.kinds.base import KeyPath

_Section = TypeVar("_Section", bound=Section)
_Limits = tuple[Declaration, ...]

SEE = "docs/targets.md describes every key"
_FORMAT = "write `version: 1`; a newer Ferrule may read more"
_WHOLE_NUMBER = "a whole number"
_CHARACTERS = ("character", "characters")
_ENTRIES = ("entry", "entries")
_SCALARS: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    bool: ((bool,), "true or false"),
    int: ((int,), _WHOLE_NUMBER),
    float: ((float, int), "a number"),
}
"""Of each type of a single value: the types that its values may have, exactly, and what it is called."""


def check(
    model: type[_Section],
    node: Node,
    path: KeyPath,
    problems: Problems,
    extra: tuple[str, ...] = (),
    key: Position | None = None,
) -> _Section | None:
    """The section that a node is, which stands at `path` of the document; None, and problems, if it is none.

    `extra` are keys that are valid there too and were taken out before, `key` is the place of the node's own key.
    """
    findings: list[_Finding] = []
    section = _section(model, _Location(key or node.mark, (), node), extra, findings)
    if not findings:
        return section
    reported = [f for f in findings[: 2 * MOST] if f.location.node.mark not in problems.closed]
    reported.sort(key=lambda f: f.location.mark)
    for _, same in groupby(reported, key=lambda f: f.location.mark):
        _report(list(same), path, problems)
    return None


def sections(model: type[Section]) -> tuple[tuple[str, type[Section]], ...]:
    """The sections that a section holds, with their keys."""
    return tuple((key.name, section) for key in keys_of(model).values() for section in _sections(key.annotation))


def quote_key(name: str) -> str:
    """A key for a message: as it is if it looks like one, in quotes otherwise."""
    return name if re.fullmatch(r"[A-Za-z0-9_.*?-]{1,64}", name) else quote(name)


@dataclass(frozen=True, slots=True)
class _Location:
    """A node of the document, the keys that lead to it from the section, and what is declared of the last of them.

    `mark` is where to point: at a single value itself, at the key of a mapping or list.
    """

    mark: Position
    path: KeyPath
    node: Node
    declaration: Declaration | None = None

    def key(self, name: str, declaration: Declaration | None = None) -> _Location:
        """The name of a key of this mapping, as a text."""
        mark = self._mapping.keys[name]
        return _Location(mark, (*self.path, name), ScalarNode(mark, name, name), declaration or self.declaration)

    def value(self, name: str, declaration: Declaration | None = None) -> _Location:
        """The value of a key of this mapping."""
        node = self._mapping.values[name]
        mark = node.mark if isinstance(node, ScalarNode) and node.text else self._mapping.keys[name]
        return _Location(mark, (*self.path, name), node, declaration or self.declaration)

    def item(self, index: int, node: Node) -> _Location:
        """An item of this list."""
        return _Location(node.mark, (*self.path, index), node, self.declaration)

    @property
    def about(self) -> str:
        """What the value is for."""
        return _about(self.declaration) if self.declaration else SEE

    @property
    def _mapping(self) -> MappingNode:
        assert isinstance(self.node, MappingNode)  # noqa: S101 - who asks for a key has looked
        return self.node


@dataclass(frozen=True, slots=True)
class _Missing:
    """A key that has to be there, and what it is for."""

    location: _Location
    key: str
    about: str


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


_Finding = _Missing | _Unknown | _Wrong


def _section(
    model: type[_Section], location: _Location, extra: tuple[str, ...], findings: list[_Finding]
) -> _Section | None:
    """The section that a mapping is; None, and findings, if it is none."""
    node = location.node
    if not isinstance(node, MappingNode):
        findings.append(_Wrong(location, "a mapping", by_type=True))
        return None
    values: dict[str, Any] = {}
    keys, before = keys_of(model), len(findings)
    for attribute, key in keys.items():
        if key.name in node.values:
            limits = (key.declaration,)
            values[attribute] = _value(key.annotation, limits, location.value(key.name, key.declaration), findings)
        elif key.declaration.required:
            findings.append(_Missing(location, key.name, _about(key.declaration)))
    names = tuple(key.name for key in keys.values())
    findings += [_Unknown(location.key(name), (*names, *extra)) for name in node.values if name not in names]
    return model(**values) if len(findings) == before else None


def _value(annotation: Any, limits: _Limits, location: _Location, findings: list[_Finding]) -> Any:  # noqa: ANN401
    """The value of a node as a type expression and the limits have it; whatever there is, and findings, otherwise."""
    return _READERS[get_origin(annotation)](annotation, limits, location, findings)


def _annotated(annotation: Any, limits: _Limits, location: _Location, findings: list[_Finding]) -> Any:  # noqa: ANN401
    inner, *metadata = get_args(annotation)
    declared = (part for part in metadata if isinstance(part, Declaration))
    return _value(inner, (*limits, *declared), location, findings)


def _member(annotation: Any, limits: _Limits, location: _Location, findings: list[_Finding]) -> Any:  # noqa: ANN401
    """The value as the first member of a union that takes it; the findings of all of them if none does."""
    members, node = get_args(annotation), location.node
    if NoneType in members and isinstance(node, ScalarNode) and node.value is None:
        return None
    refusals: list[_Finding] = []
    for member in members:
        if member is not NoneType:
            own: list[_Finding] = []
            value = _value(member, limits, location, own)
            if not own:
                return value
            refusals += own
    findings += refusals
    return None


def _choice(annotation: Any, _: _Limits, location: _Location, findings: list[_Finding]) -> Any:  # noqa: ANN401
    choices = get_args(annotation)
    value = location.node.value if isinstance(location.node, ScalarNode) else None
    names = tuple(choice for choice in choices if isinstance(choice, str))
    if isinstance(value, bool) and not names:
        findings.append(_Wrong(location, _WHOLE_NUMBER, by_type=True))
    elif not any(type(choice) is type(value) and choice == value for choice in choices):
        findings.append(_Wrong(location, listed(map(str, choices)).replace(" and ", " or "), names=names))
    return value


def _list(annotation: Any, limits: _Limits, location: _Location, findings: list[_Finding]) -> tuple[Any, ...]:  # noqa: ANN401
    if not isinstance(location.node, SequenceNode):
        findings.append(_Wrong(location, "a list", by_type=True))
        return ()
    of_items, before = get_args(annotation)[0], len(findings)
    items = [_value(of_items, (), location.item(i, node), findings) for i, node in enumerate(location.node.items)]
    if len(findings) == before:
        _check_length(len(items), _ENTRIES, limits, location, findings)
    return tuple(items)


def _mapping(annotation: Any, limits: _Limits, location: _Location, findings: list[_Finding]) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(location.node, MappingNode):
        findings.append(_Wrong(location, "a mapping", by_type=True))
        return {}
    (of_keys, of_values), before, values = get_args(annotation), len(findings), dict[str, Any]()
    for name in location.node.values:
        _value(of_keys, (), location.key(name), findings)
        values[name] = _value(of_values, (), location.value(name), findings)
    if len(findings) == before:
        _check_length(len(values), _ENTRIES, limits, location, findings)
    return values


def _single(annotation: Any, limits: _Limits, location: _Location, findings: list[_Finding]) -> Any:  # noqa: ANN401
    """A text, number or switch; a section of its own; or anything at all."""
    if annotation is Any:
        return plain(location.node)
    if issubclass(annotation, Section):
        return _section(annotation, location, (), findings)
    types, name = _SCALARS[annotation]
    value = location.node.value if isinstance(location.node, ScalarNode) else None
    if type(value) not in types:
        findings.append(_Wrong(location, name, by_type=True))
    elif isinstance(value, str):
        if _check_length(len(value), _CHARACTERS, limits, location, findings):
            _check_pattern(value, limits, location, findings)
    else:
        _check_size(cast("float", value), limits, location, findings)
    return value


_READERS: dict[Any, Callable[[Any, _Limits, _Location, list[_Finding]], Any]] = {
    Annotated: _annotated,
    Union: _member,
    UnionType: _member,
    Literal: _choice,
    tuple: _list,
    dict: _mapping,
    None: _single,
}
"""By what a type expression is of."""


def _check_length(
    length: int,
    words: tuple[str, str],
    limits: _Limits,
    location: _Location,
    findings: list[_Finding],
) -> bool:
    for limit in limits:
        if limit.max_length is not None and length > limit.max_length:
            findings.append(_Wrong(location, f"at most {_counted(limit.max_length, words)}"))
            return False
        if limit.min_length is not None and length < limit.min_length:
            findings.append(_Wrong(location, f"at least {_counted(limit.min_length, words)}"))
            return False
    return True


_NO_CREDENTIALS: Final = (
    "an address here has no user, password, query or fragment; credentials belong in a variable, in ~/.netrc or with "
    "the client that uses them (docs/how-to/publish.md)"
)


def _check_pattern(text: str, limits: _Limits, location: _Location, findings: list[_Finding]) -> None:
    """Patterns are written as JSON schemas have them, where `$` is the end of the text; in Python a line may end."""
    for pattern in (limit.pattern for limit in limits if limit.pattern is not None):
        if not re.fullmatch(pattern, text) or text.endswith("\n"):
            if masked(text) != text:
                findings.append(_Wrong(location, reason=_NO_CREDENTIALS))
                return
            findings.append(_Wrong(location, f"text like {quote(example(pattern, (location.declaration, *limits)))}"))
            return


def example(pattern: str, declarations: Iterable[Declaration | None]) -> str:
    """The first text among the examples and defaults of declarations that a pattern takes, or the pattern itself.

    Every key of targets.yaml has such an example: people read it, and not the regular expression.
    """
    values = (value for one in declarations if one for value in (*one.examples, one.default))
    texts = (text for value in values for text in _texts(value))
    return next((text for text in texts if re.fullmatch(pattern, text)), pattern)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - an example, of whatever type its key has
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _check_size(number: float, limits: _Limits, location: _Location, findings: list[_Finding]) -> None:
    for limit in limits:
        if limit.ge is not None and number < limit.ge:
            findings.append(_Wrong(location, reason=f"Input should be greater than or equal to {limit.ge}"))
        if limit.le is not None and number > limit.le:
            findings.append(_Wrong(location, reason=f"Input should be less than or equal to {limit.le}"))


def _counted(number: int, words: tuple[str, str]) -> str:
    return f"one {words[0]}" if number == 1 else f"{number} {words[1]}"


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


def _sections(annotation: Any) -> list[type[Section]]:  # noqa: ANN401 - a type expression
    """The sections inside a type expression: of optional ones, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]


def _about(declaration: Declaration) -> str:
    """What a key is for, with an example, as a hint."""
    text = (declaration.description or SEE).rstrip(".")
    examples = declaration.examples
    return f"{text}; for example {json.dumps(examples[0], ensure_ascii=False)}" if examples else text
