"""Single mutations of a Python source: what is changed, where, and the text with the change.

Home-made, and short: mutmut and cosmic-ray mutate whole projects for hours and choose neither a sample by seed nor the
tests that reach a line, and both is what a session of minutes needs.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COMPARISONS: Final = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
_OPERATORS: Final = {ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.BitOr: "&", ast.BitAnd: "|", ast.Mod: "*"}
_DECLARATIONS: Final = {"Field", "Final", "TypeVar", "NewType", "Literal", "cast", "dataclass", "field", "ConfigDict"}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: the line (from 1), the innermost function (`<module>` outside), the text before and after."""

    line: int
    function: str
    before: str
    after: str
    source: str

    @property
    def label(self) -> str:
        """What identifies it as long as its function is not rewritten: no line number is in it."""
        return f"{self.function}: {self.before} -> {self.after}"


def mutations(text: str) -> list[Mutation]:
    """Every single mutation of a module, in the order of its text.

    Left alone: annotations, docstrings, prose (texts with a space), `TYPE_CHECKING` blocks and declarations whose
    values only describe (fields of sections, options of dataclasses).
    """
    data, offsets = text.encode(), _offsets(text)
    changes: list[Mutation] = []
    for node, function in _nodes(_without_docstring(ast.parse(text).body), "<module>"):
        for start, end, after in _changes(node):
            first, last = _position(offsets, start), _position(offsets, end)
            source = (data[:first] + after.encode() + data[last:]).decode()
            changes.append(Mutation(start[0], function, data[first:last].decode(), after, source))
    return [change for change in changes if _compiles(change.source)]


def _nodes(nodes: Iterable[ast.AST], function: str) -> Iterator[tuple[ast.AST, str]]:
    """All nodes that may be changed, each with the function that it is in."""
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = node.name if function == "<module>" else f"{function}.{node.name}"
            yield from _nodes([*_defaults(node), *_without_docstring(node.body)], name)
        elif not _is_declaration(node):
            yield node, function
            inside = ast.iter_child_nodes(node)
            annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
            yield from _nodes((child for child in inside if child is not annotation), function)


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[ast.expr]:
    if isinstance(node, ast.ClassDef):
        return []
    return [*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]


Span = tuple[tuple[int, int], tuple[int, int], str]


def _changes(node: ast.AST) -> Iterator[Span]:  # noqa: C901 - one branch a kind of mutation
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        sides = ast.unparse(node.left), ast.unparse(node.comparators[0])
        yield *_span(node), f"({sides[0]} {_COMPARISONS[type(node.ops[0])]} {sides[1]})"
    elif isinstance(node, ast.BoolOp):
        word = "or" if isinstance(node.op, ast.And) else "and"
        yield *_span(node), "(" + f" {word} ".join(f"({ast.unparse(v)})" for v in node.values) + ")"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield *_span(node), f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS and not isinstance(node.left, ast.JoinedStr):
        yield *_span(node), f"({ast.unparse(node.left)} {_OPERATORS[type(node.op)]} {ast.unparse(node.right)})"
    elif isinstance(node, ast.Constant):
        after = _constant(node.value)
        if after is not None:
            yield *_span(node), after
    elif isinstance(node, ast.If):
        yield *_span(node.test), f"not ({ast.unparse(node.test)})"
    elif isinstance(node, ast.IfExp):
        yield *_span(node), f"({ast.unparse(node.orelse)} if {ast.unparse(node.test)} else {ast.unparse(node.body)})"
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield *_span(node.value), "None"
    elif (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)) or isinstance(node, ast.Raise):
        yield *_span(node), "pass"
    elif isinstance(node, ast.Continue):
        yield *_span(node), "break"
    elif isinstance(node, ast.Break):
        yield *_span(node), "continue"


def _constant(value: object) -> str | None:
    if isinstance(value, bool):
        return repr(not value)
    if isinstance(value, int):
        return repr(value + 1)
    if isinstance(value, str) and value and " " not in value and value.isprintable():
        return repr(f"{value}~")
    return None


def _is_declaration(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert):
        return True  # texts of messages; names
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _DECLARATIONS


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements without texts that stand alone: docstrings of modules, functions, classes and constants."""
    return [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]


def _span(node: ast.expr | ast.stmt) -> tuple[tuple[int, int], tuple[int, int]]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _offsets(text: str) -> list[int]:
    """At which byte each line begins."""
    offsets, total = [], 0
    for line in text.splitlines(keepends=True):
        offsets.append(total)
        total += len(line.encode())
    return offsets


def _position(offsets: list[int], where: tuple[int, int]) -> int:
    return offsets[where[0] - 1] + where[1]


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True
