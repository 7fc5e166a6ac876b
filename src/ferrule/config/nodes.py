"""Bytes of a YAML file to a tree of nodes that know their places, with every limit that keeps a hostile file cheap.

PyYAML supplies the events; the tree is built here, because a tree that PyYAML composed could only be checked after
aliases, depth and size have cost their memory. Refused on purpose, each with its place: anchors, aliases, merge keys,
tags, directives, several documents, duplicate keys, keys that are not text, and characters that a reader cannot see.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Any

import yaml

from ferrule.config.problems import Position, Problems, quote
from ferrule.config.scalars import AmbiguousScalar, Value, resolve
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST = 1 << 20
"""Most bytes of a document."""
DEEPEST = 16
"""Most levels of mappings and lists inside each other."""
MOST_NODES = 20_000
"""Most mappings, lists, keys and values together."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser: libyaml where PyYAML was built with it, which is ten times as fast as the one in Python."""

_JOINERS = "\u200c\u200d"  # invisible, but part of the spelling of several languages
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value: `text` as written (with escapes resolved), `value` what it means."""

    mark: Position
    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    mark: Position
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping; `keys` holds the places of its keys, in the order of the file."""

    mark: Position
    keys: Mapping[str, Position]
    values: Mapping[str, Node]

    def without(self, *names: str) -> MappingNode:
        """The same mapping less some keys."""
        return MappingNode(
            self.mark,
            {k: m for k, m in self.keys.items() if k not in names},
            {k: v for k, v in self.values.items() if k not in names},
        )

    def merged(self, other: MappingNode) -> MappingNode:
        """This mapping with the keys of another added or put in their place; each keeps its own mark."""
        return MappingNode(self.mark, {**self.keys, **other.keys}, {**self.values, **other.values})


Node = ScalarNode | SequenceNode | MappingNode


def plain(node: Node) -> Any:  # noqa: ANN401 - whatever the document says
    """The node as Python values: mappings as dicts, lists as tuples."""
    if isinstance(node, MappingNode):
        return {name: plain(value) for name, value in node.values.items()}
    if isinstance(node, SequenceNode):
        return tuple(plain(item) for item in node.items)
    return node.value


def find(node: Node, path: tuple[str | int, ...]) -> tuple[Position, Node]:
    """The place to point at for a path of keys and indexes, and the node there.

    Parts of the path that the document does not have are passed over. A single value is pointed at itself, a mapping or
    list at the key that names it.
    """
    mark = node.mark
    for part in path:
        if isinstance(node, MappingNode) and isinstance(part, str) and part in node.values:
            mark, node = node.keys[part], node.values[part]
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            mark = node.mark
    return (node.mark if isinstance(node, ScalarNode) and node.text else mark), node


def read(data: bytes, problems: Problems, loader: Any = None) -> Node:  # noqa: ANN401 - PyYAML has no types for loaders
    """Read a document; its problems are added to `problems`. Raises ConfigErrors where reading cannot go on."""
    text = _decoded(data, problems)
    builder = _Builder(problems)
    try:
        for event in _events(text, loader or LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        _explain(error, text, problems)
    if builder.root is None:
        problems.fatal(
            Position(1, 1), "the file is empty", "begin with `version: 1`; docs/targets.md has a first example"
        )
    return builder.root


def _events(text: str, loader: Any) -> Iterator[Any]:  # noqa: ANN401
    parser = loader(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _decoded(data: bytes, problems: Problems) -> str:
    start = Position(1, 1)
    if len(data) > LARGEST:
        problems.fatal(
            start, f"the file is larger than {LARGEST >> 20} MiB", "a matrix has a few hundred lines at most"
        )
    if data.startswith(_BOM):
        problems.fatal(start, "the file begins with a byte order mark", "save it as UTF-8 without BOM")
    if data.startswith(_OTHER_ENCODINGS):
        problems.fatal(start, "the file is encoded as UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        problems.fatal(
            _mark_at(before, len(before)), f"the byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        )
    _refuse_characters(text, problems)
    return text


def _refuse_characters(text: str, problems: Problems) -> None:
    for character in _invisible(text, "\n\t"):
        hint = "save it with plain line feeds" if character == "\r" else "remove it"
        mark = _mark_at(text, text.index(character))
        problems.add(mark, f"the file contains the character {_code(character)}, which cannot be seen", hint)
    if directive := _DIRECTIVE.search(text):
        mark = _mark_at(text, directive.start())
        problems.add(mark, "YAML directives (%…) are not supported", "remove this line")
    problems.check()


def _invisible(text: str, allowed: str = "") -> list[str]:
    """Characters, in the order of their first use, that a reader cannot see or that reorder what is seen.

    Those are all that Unicode calls control, format, surrogate, private or unassigned, and separators but the space.
    """
    for character in allowed + _JOINERS:
        text = text.replace(character, "")
    return [] if text.isprintable() else [c for c in dict.fromkeys(text) if not c.isprintable()]


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _mark_at(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1)


def _explain(error: yaml.YAMLError, text: str, problems: Problems) -> None:
    yaml_mark = getattr(error, "problem_mark", None)
    mark = _mark(yaml_mark) if yaml_mark is not None else Position(1, 1)
    line = text.split("\n")[mark.line - 1] if mark.line <= text.count("\n") + 1 else ""
    if line[mark.column - 1 : mark.column] == "\t":
        problems.fatal(mark, "a tab cannot indent or begin anything", "indent with spaces")
    reasons = [getattr(error, name, None) for name in ("context", "problem")]
    reason = ", ".join(text for text in reasons if text) or str(error)
    problems.fatal(mark, f"this is not YAML: {reason}", "look for a missing quote, colon or bracket")


def _mark(mark: Any) -> Position:  # noqa: ANN401 - PyYAML's marks have no types
    return Position(mark.line + 1, mark.column + 1)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet; `skip` is set where the key of the next value was refused."""

    mark: Position
    mapping: bool
    items: list[Node] = field(default_factory=list)
    keys: dict[str, Position] = field(default_factory=dict)
    values: dict[str, Node] = field(default_factory=dict)
    key: str | None = None
    skip: bool = False

    def closed(self) -> Node:
        return (
            MappingNode(self.mark, self.keys, self.values)
            if self.mapping
            else SequenceNode(self.mark, tuple(self.items))
        )


class _Builder:
    """Takes events in order and builds the tree."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.nodes = 0
        self.documents = 0
        self.aliases: set[str] = set()

    def take(self, event: Any) -> None:  # noqa: ANN401 - PyYAML's events have no types
        if isinstance(event, yaml.ScalarEvent):
            self._begin(event)
            self._put(self._scalar(event))
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            mark = self._begin(event)
            self.open.append(_Open(mark, isinstance(event, yaml.MappingStartEvent)))
            if len(self.open) > DEEPEST:
                self.problems.fatal(mark, f"this is nested deeper than {DEEPEST} levels", "targets.yaml needs five")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._put(self.open.pop().closed())
        elif isinstance(event, yaml.AliasEvent):
            mark = self._begin(event)
            self._put(ScalarNode(mark, "", None))
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.problems.fatal(
                    _mark(event.start_mark), "a second document begins here", "keep one document a file"
                )

    def _begin(self, event: Any) -> Position:  # noqa: ANN401
        mark = _mark(event.start_mark)
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self.problems.fatal(mark, f"the file has more than {MOST_NODES} values", "split the project into several")
        if isinstance(event, yaml.AliasEvent):
            self._refuse_alias(mark, f"*{event.anchor}")
        elif event.anchor is not None:
            self.problems.close(mark, f"the anchor {quote(f'&{event.anchor}')} is not supported", _NO_ALIAS)
        elif event.tag is not None:
            self.problems.close(mark, f"the tag {quote(event.tag)} is not supported", "write the value without a tag")
        return mark

    def _refuse_alias(self, mark: Position, name: str) -> None:
        """Report an alias once, however often it is used."""
        if name not in self.aliases:
            self.aliases.add(name)
            self.problems.add(mark, f"the alias {quote(name)} is not supported", _NO_ALIAS)
        self.problems.closed.add(mark)

    def _scalar(self, event: Any) -> ScalarNode:  # noqa: ANN401
        mark, text = _mark(event.start_mark), event.value
        value = text if event.style else resolve(text)
        if isinstance(value, AmbiguousScalar):
            self.problems.close(
                mark,
                f"{quote(text)} without quotes is read as {value.reading} by some readers of YAML",
                _MERGE if text == "<<" else _requoted(text, value.reading),
            )
            if text == "<<" and self.open:
                self.problems.closed.add(self.open[-1].mark)  # what it would bring is not missing
            value = text
        elif hidden := _invisible(text):
            self.problems.close(
                mark, f"this value contains the character {_code(hidden[0])}", "keep values on one visible line"
            )
        return ScalarNode(mark, text, value)

    def _put(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        top = self.open[-1]
        if not top.mapping:
            top.items.append(node)
        elif top.key is not None:
            top.values[top.key], top.key = node, None
        elif top.skip:
            top.skip = False
        else:
            top.key = self._key(node, top)
            top.skip = top.key is None

    def _key(self, node: Node, top: _Open) -> str | None:
        if not isinstance(node, ScalarNode):
            self.problems.close(node.mark, "a key is text, not a mapping or list", "write `key: value`")
        elif not isinstance(node.value, str):
            self.problems.close(
                node.mark, f"the key {quote(node.text)} is not text", f"write it in quotes: {quote(node.text)}"
            )
        elif node.value in top.keys:
            first = self.problems.where(top.keys[node.value])
            self.problems.close(node.mark, f"the key {quote(node.value)} is there twice", f"the first is at {first}")
        else:
            top.keys[node.value] = node.mark
            return node.value
        return None


_NO_ALIAS = "write the value out where it is used; `per-target` and globs save repetition"
_MERGE = "merge keys are not supported: write the keys out"


def _requoted(text: str, reading: str) -> str:
    switch = f", or {reading} where a switch is meant" if reading in ("true", "false") else ""
    return f"write it in quotes: {quote(text)}{switch}"
