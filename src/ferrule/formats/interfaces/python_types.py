"""Annotations of Python in one spelling, so that two texts of the same type are the same text.

griffe gives annotations as they are written. What is normalised: `Optional`, `Union` and `|` in any order and depth,
the names of typing and collections.abc that are others' (PEP 585), their modules, quotes and spaces.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Final

_MODULES: Final = frozenset(("typing", "typing_extensions", "t", "collections.abc", "abc", "collections", "builtins"))
_RENAMED: Final = {
    **{name: name.lower() for name in ("List", "Dict", "Set", "FrozenSet", "Tuple", "Type")},
    "Text": "str",
    "DefaultDict": "defaultdict",
    "Deque": "deque",
    "AbstractSet": "Set",
}


def normal(annotation: str) -> str:
    """The one spelling of an annotation; a text that is no expression stays as it is."""
    return " | ".join(sorted(members(annotation)))


@lru_cache(maxsize=4096)
def members(annotation: str) -> frozenset[str]:
    """The members of the union that an annotation is, each in its one spelling.

    >>> sorted(members("Optional[Dict[str, Union[int, None]]]"))
    ['None', 'dict[str, None | int]']
    """
    try:
        return frozenset(_members(ast.parse(annotation, mode="eval").body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset({annotation})


def _members(node: ast.expr) -> set[str]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _members(left) | _members(right)
        case ast.Subscript(value=value, slice=inner) if (name := _name(value)) in {"Optional", "Union"}:
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return set().union(*map(_members, parts), {"None"} if name == "Optional" else set())
        case ast.Constant(value=str(text)):
            return set(members(text))
    return {_one(node)}


def _one(node: ast.expr) -> str:
    """A type that is no union at its top."""
    match node:
        case ast.Subscript(value=value, slice=inner) if _name(value) not in {"Literal", "Annotated"}:
            return f"{_one(value)}[{_arguments(inner)}]"
        case ast.Name() | ast.Attribute():
            name = _name(node) or ast.unparse(node)
            return _RENAMED.get(name, name)
        case ast.List(elts=elements):
            return f"[{', '.join(' | '.join(sorted(_members(e))) for e in elements)}]"
    return ast.unparse(node)


def _arguments(node: ast.expr) -> str:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return ", ".join(" | ".join(sorted(_members(part))) for part in parts) or "()"


def _name(node: ast.expr) -> str | None:
    """A plain name, or one of the modules that only name types."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) in _MODULES:
        return node.attr
    return None
