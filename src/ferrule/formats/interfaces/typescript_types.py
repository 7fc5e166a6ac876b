"""Types of TypeScript in one spelling, so that two texts of the same type are the same text.

Home-made on tree-sitter's grammar: only TypeScript's own compiler resolves types, and it needs a JavaScript engine.
What is normalised: order of unions and intersections, parentheses, `T[]` and `Array<T>`, readonly arrays, `boolean`,
names of parameters, order and separators of members of object types, quotes. Names are not resolved.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import tree_sitter
import tree_sitter_typescript

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPOUND = re.compile(r"=>| \| | & |^(?:keyof|typeof|infer|readonly) ")
_DEEPEST = 200


@lru_cache(maxsize=4096)
def normal(text: str | None) -> str:
    """The one spelling of a type; a text that the grammar does not cover stays as it is, and no text is `any`."""
    if text is None:
        return "any"
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_typescript.language_typescript()))
    root = parser.parse(f"type T = {text};".encode()).root_node
    alias = root.named_children[0] if root.named_children else None
    if root.has_error or alias is None or alias.type != "type_alias_declaration":
        return text
    return _type(alias.child_by_field_name("value"), 0)


def members(text: str | None) -> set[str]:
    """The members of the union that a type is, each in its one spelling."""
    spelling = normal(text)
    parts, depth = [""], 0
    for char in spelling.replace("=>", "\0"):
        depth += (char in "([{<") - (char in ")]}>")
        if char == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    # The result of a function goes on to the end, so that what follows its arrow is no member.
    return {spelling} if any("\0" in part for part in parts[:-1]) else {p.strip().replace("\0", "=>") for p in parts}


def _type(node: Any, depth: int) -> str:  # noqa: ANN401, C901, PLR0911 - one case for each form of a type
    if depth > _DEEPEST:
        return str(node.text.decode())
    match node.type:
        case "parenthesized_type":
            return _type(node.named_children[0], depth + 1)
        case "union_type":
            parts = {part for child in node.named_children for part in _flat(child, "union_type", depth)}
            if {"true", "false"} <= parts:
                parts = parts - {"true", "false"} | {"boolean"}
            return " | ".join(sorted(_grouped(part, r"=>") for part in parts))
        case "intersection_type":
            parts = {part for child in node.named_children for part in _flat(child, "intersection_type", depth)}
            return " & ".join(sorted(_grouped(part, r"=>| \| ") for part in parts))
        case "array_type":
            return _array(_type(node.named_children[0], depth + 1))
        case "readonly_type":
            return f"readonly {_type(node.named_children[0], depth + 1)}"
        case "generic_type":
            name = node.child_by_field_name("name").text.decode()
            inner = [_type(c, depth + 1) for c in node.child_by_field_name("type_arguments").named_children]
            if name in {"Array", "ReadonlyArray"} and len(inner) == 1:
                return _array(inner[0]) if name == "Array" else f"readonly {_array(inner[0])}"
            return f"{name}<{', '.join(inner)}>"
        case "function_type":
            generic = node.child_by_field_name("type_parameters")
            parameters = _parameters(node.child_by_field_name("parameters"), depth)
            returns = _type(node.child_by_field_name("return_type"), depth + 1)
            return f"{_plain(generic, depth) if generic else ''}({parameters}) => {returns}"
        case "object_type":
            return f"{{{'; '.join(sorted(_plain(child, depth) for child in node.named_children))}}}"
        case "literal_type":
            text = str(node.text.decode())
            return f"'{text[1:-1]}'" if text[:1] == '"' and "'" not in text else text
    return _plain(node, depth)


def _flat(node: Any, kind: str, depth: int) -> Iterator[str]:  # noqa: ANN401
    """The members of a union or intersection, and of those of the same kind in it, with or without parentheses."""
    while node.type == "parenthesized_type":
        node = node.named_children[0]
    if node.type == kind and depth < _DEEPEST:
        for child in node.named_children:
            yield from _flat(child, kind, depth + 1)
    else:
        yield _type(node, depth + 1)


def _array(element: str) -> str:
    return f"{_grouped(element, _COMPOUND.pattern)}[]"


def _grouped(text: str, operators: str) -> str:
    return f"({text})" if re.search(operators, text) else text


def _parameters(node: Any, depth: int) -> str:  # noqa: ANN401
    """Parameters by their number: nobody calls a function by its parameters' names."""
    texts = []
    for number, child in enumerate(node.named_children, 1):
        pattern, annotation = child.child_by_field_name("pattern"), child.child_by_field_name("type")
        rest = "..." if pattern is not None and pattern.type == "rest_pattern" else ""
        mark = "?" if child.type == "optional_parameter" else ""
        text = _type(annotation.named_children[0], depth + 1) if annotation is not None else "any"
        name = "this" if pattern is not None and pattern.type == "this" else f"p{number}"
        texts.append(f"{rest}{name}{mark}: {text}")
    return ", ".join(texts)


def _plain(node: Any, depth: int) -> str:  # noqa: ANN401
    """Any other node: its pieces in order, types among them in their one spelling."""
    if node.child_count == 0:
        return str(node.text.decode())
    if node.type == "formal_parameters":
        return f"({_parameters(node, depth)})"
    handled = ("_type", "type_identifier", "formal_parameters")
    pieces = (
        _type(child, depth + 1) if child.type.endswith(handled) else _plain(child, depth + 1)
        for child in node.children
        if child.type != "comment"
    )
    return re.sub(
        r"\s+", " ", " ".join(piece for piece in pieces if piece not in {";", ","} or node.type != "object_type")
    )
