"""Functions and variables that preprocessed C headers declare themselves, with the lines that they stand in.

Home-made, because pycparser refuses what the systems' own headers hold (attributes, extensions, asm labels), and zig's
clang shows its syntax tree only where it compiles. Names are enough here: what a declaration means is read by
`formats.interfaces.header`.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_MARK: Final = re.compile(r'#\s*(?:line\s+)?(\d+)\s+"((?:[^"\\]|\\.)*)"')
_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_TOKEN: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\w+|\S")
_WITH_ARGUMENTS: Final = frozenset(
    ("__attribute__", "__attribute", "__declspec", "__asm__", "__asm", "asm", "_Alignas", "__typeof__")
)
_NO_SYMBOL: Final = frozenset(("typedef", "static", "inline", "__inline", "__inline__", "_Static_assert"))
_QUALIFIERS: Final = frozenset(("const", "volatile", "restrict", "__restrict", "_Nonnull", "_Nullable"))
_CLOSING: Final = {"(": ")", "{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name with external linkage: where it is declared, and whether it is a function."""

    name: str
    file: str
    line: int
    is_function: bool


@dataclass(frozen=True, slots=True)
class _Item:
    """A token, or an opening bracket with all that stands in it."""

    text: str
    file: str
    line: int
    inner: tuple[_Item, ...] = ()

    @property
    def is_name(self) -> bool:
        return re.fullmatch(r"[A-Za-z_]\w*", self.text) is not None and self.text not in _QUALIFIERS


def declarations(preprocessed: str, files: Mapping[str, str]) -> tuple[Declaration, ...]:
    """What files themselves declare, each name once, in order.

    `files` are their names by those that line marks give them, in the shortest form. Raises ValueError where brackets
    do not match, which a compiler would refuse too.
    """
    names: dict[str, Declaration] = {}
    for statement in _statements(_nested(_tokens(preprocessed, files))):
        for declaration in _declared(statement):
            names.setdefault(declaration.name, declaration)
    return tuple(names.values())


def differences(
    declared: Iterable[Declaration],
    exports: Collection[str],
    *,
    texts: Mapping[str, str],
    only_declared: bool = False,
) -> list[str]:
    """What headers declare and a library does not export, and the other way, as sentences.

    `texts` are the headers by name as they ship: what they declare under a condition that only their users know, as a
    macro for a feature, is declared. With `only_declared` the library may have more: a static library defines what its
    parts share.
    """
    declarations_by_name = {one.name: one for one in declared}
    missing = [one for one in declarations_by_name.values() if one.name not in exports]
    sentences = [f"{one.file}:{one.line} declares {one.name}, which the library does not export" for one in missing]
    if not only_declared:
        # Names that begin with an underscore belong to compilers and linkers (C11, 7.1.3), which export some.
        exported = {name for name in exports if not name.startswith("_")}
        header, no = (next(iter(texts)), "does not declare") if len(texts) == 1 else ("no header", "declares")
        more = exported - declarations_by_name.keys() - {name for text in texts.values() for name in _for_some(text)}
        sentences += [f"it exports {name}, which {header} {no}" for name in sorted(more)]
    return sentences


def _for_some(text: str) -> frozenset[str]:
    """Names that a header declares under any of its conditions: each line counts that is no directive.

    Where its conditions split brackets, every name counts that stands before an opening one or a semicolon.
    """
    code = re.sub(r"\\\n", " ", _COMMENT.sub(lambda match: "\n" * match[0].count("\n") or " ", text))
    try:
        return frozenset(one.name for one in declarations(f'# 1 "h"\n{code}', {"h": "h"}))
    except ValueError:
        return frozenset(re.findall(r"(\w+)\s*[;(\[=]", code))


def _tokens(preprocessed: str, files: Mapping[str, str]) -> Iterator[_Item]:
    file, number = None, 0
    for line in preprocessed.splitlines():
        if mark := _MARK.match(line):
            number, file = int(mark[1]) - 1, files.get(posixpath.normpath(mark[2]))
            continue
        number += 1
        if file is not None and not line.lstrip().startswith("#"):
            yield from (_Item(token, file, number) for token in _TOKEN.findall(line))


def _nested(tokens: Iterator[_Item]) -> list[_Item]:
    """The tokens as items, without recursion, so that no depth of brackets matters."""
    levels: list[tuple[_Item, list[_Item]]] = [(_Item("", "", 0), [])]
    for token in tokens:
        if token.text in _CLOSING:
            levels.append((token, []))
        elif token.text in _CLOSING.values():
            opening, items = levels.pop()
            if _CLOSING.get(opening.text) != token.text:
                raise ValueError(f"{token.file}:{token.line}: {token.text} closes nothing")
            levels[-1][1].append(replace(opening, inner=tuple(items)))
        else:
            levels[-1][1].append(token)
    if len(levels) > 1:
        opening, _ = levels[-1]
        raise ValueError(f"{opening.file}:{opening.line}: {opening.text} is not closed")
    return levels[0][1]


def _statements(items: list[_Item]) -> Iterator[list[_Item]]:
    """Items up to each semicolon or body of a function, attributes and their like left out.

    What stands in `extern "C" { … }` and in a namespace of C++ counts as if it stood outside.
    """
    statement: list[_Item] = []
    rest = deque(items)
    while rest:
        item = rest.popleft()
        if item.text == "{" and statement and statement[0].text in {"extern", "namespace"}:
            rest.extendleft(reversed(item.inner))
            statement = []
        elif item.text == ";" or (item.text == "{" and statement and statement[-1].text == "("):
            yield statement
            statement = []
        elif item.text == "(" and statement and statement[-1].text in _WITH_ARGUMENTS:
            statement.pop()
        else:
            statement.append(item)


def _declared(statement: list[_Item]) -> Iterator[Declaration]:
    words = {item.text for item in statement}
    if words & _NO_SYMBOL:
        return
    for declarator in _split(statement):
        declaration = _function(declarator) or (_variable(declarator) if "extern" in words else None)
        if declaration:
            yield declaration


def _split(statement: list[_Item]) -> Iterator[list[_Item]]:
    """The parts between commas: `int a(void), b(void);` declares two functions."""
    part: list[_Item] = []
    for item in statement:
        if item.text == ",":
            yield part
            part = []
        else:
            part.append(item)
    yield part


def _function(declarator: list[_Item]) -> Declaration | None:
    """The function of a declarator: a name before brackets, or in those of a function that returns a pointer to one."""
    for index, item in enumerate(declarator):
        if item.text == "(":
            pointer = bool(item.inner) and item.inner[0].text in {"*", "("}
            if pointer:
                return _function(list(item.inner))
            name = declarator[index - 1] if index else None
            return Declaration(name.text, name.file, name.line, is_function=True) if name and name.is_name else None
    return None


def _variable(declarator: list[_Item]) -> Declaration | None:
    """The variable of a declarator: the last name before an initial value, also in the brackets of `(*name)(…)`."""
    end = next((index for index, item in enumerate(declarator) if item.text == "="), len(declarator))
    for item in reversed(declarator[:end]):
        if item.text == "(" and item.inner and item.inner[0].text in {"*", "("}:
            return _variable(list(item.inner))
        if item.is_name:
            return Declaration(item.text, item.file, item.line, is_function=False)
    return None
