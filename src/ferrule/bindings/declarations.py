"""What a C header declares, with the names of parameters, in the words of C.

`formats.interfaces.header` reads the same syntax tree for comparing releases: there names of parameters and typedefs
do not count, here they are what conventions are recognized by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pycparser import c_ast  # type: ignore[import-untyped]

from ferrule.formats.interfaces import header

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SCALARS: Final = frozenset((
    *(f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("size_t", "ssize_t", "uintptr_t", "intptr_t", "ptrdiff_t", "_Bool", "float", "double", "char"),
    *("signed char", "unsigned char", "short", "unsigned short", "int", "unsigned int", "long", "unsigned long"),
    *("long long", "unsigned long long"),
))  # fmt: skip
"""Numbers that every language has, by one spelling each."""
_SAME: Final = {
    **{f"{sign}int_least{bits}_t": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"{sign}intmax_t": f"{sign}int64_t" for sign in ("", "u")},
}
"""Types of the standard library that are the same numbers on every target; of the others some machine has another."""
_SPELLED: Final = {
    "bool": "_Bool",
    "signed": "int",
    "unsigned": "unsigned int",
    **{f"{name} int": name for name in ("short", "unsigned short", "long", "unsigned long", "long long")},
    **{f"signed {name}": name for name in ("short", "int", "long", "long long")},
    "unsigned long long int": "unsigned long long",
}
_WORDS: Final = ("signed", "unsigned", "short", "long", "char", "int", "float", "double", "_Bool", "void")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Characters that a compiler of a language refuses in a comment, or that show a line in another order than it has."""
_COMMENT: Final = re.compile(r"/\*\*((?:(?!\*/).)*)\*/\s*([^/=,({;#]*(?:\(\*\w+)?)", re.DOTALL)


WIDE: Final = "an enumeration of values that take more than 32 bits, of which compilers make different types"


def enum_base(values: Collection[int]) -> str:
    """The number that an enumeration of these values is, for every compiler; empty where they differ.

    C11, 6.7.2.2, leaves it to the compiler: all take 32 bits where these do, and of what is beyond int GCC and Clang
    make an unsigned int, which MSVC passes by the same bits.
    """
    if all(-(2**31) <= one < 2**31 for one in values):
        return "int"
    return "unsigned int" if all(0 <= one < 2**32 for one in values) else ""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, or `void`."""

    name: str


@dataclass(frozen=True, slots=True)
class EnumRef:
    """An enumeration by its name; `base` is the number that it is passed as."""

    name: str
    base: str = "int"


@dataclass(frozen=True, slots=True)
class StructRef:
    """A structure by its name: the tag, or the typedef of one without."""

    name: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer; `const`: what it points to is not changed through it, `many`: it was written `T name[]`."""

    to: CType
    const: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """Elements in a row: inside a structure, or where a parameter was written so (C11, 6.7.6.3, passes a pointer)."""

    of: CType
    count: int


@dataclass(frozen=True, slots=True)
class FunctionPointer:
    """A pointer to a function; `name` is that of its typedef."""

    returns: CType
    parameters: tuple[Parameter, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A type that has no counterpart here, as a phrase."""

    what: str


CType = Scalar | EnumRef | StructRef | Pointer | Array | FunctionPointer | Unreadable
VOID: Final = Scalar("void")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function, or a field of a structure; the name may be empty."""

    name: str
    type: CType


@dataclass(frozen=True, slots=True)
class Prototype:
    """A function that a header declares."""

    name: str
    returns: CType
    parameters: tuple[Parameter, ...]
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a header declares itself, in its order.

    `structs` have no fields where they are opaque; `enums` are their enumerators by name, `bases` the numbers that they
    are passed as, where that is not C's int; `numbers` are macros that
    stand for whole numbers; `comments` are those in the form of `/** … */`, by the name that follows.
    `left` is what cannot be read, by name and with the reason.
    """

    functions: tuple[Prototype, ...]
    structs: Mapping[str, tuple[Parameter, ...] | None]
    enums: Mapping[str, Mapping[str, int]]
    bases: Mapping[str, str]
    numbers: Mapping[str, int]
    comments: Mapping[str, str]
    left: Mapping[str, str]


def read(preprocessed: str, file: str, *, source: str, where: str | None = None) -> Declarations:
    """What a preprocessed header declares in `file`; `source` is its text, of which the comments are.

    Raises VerificationError for what pycparser does not understand, and for extensions that change a layout.
    """
    header.refuse_layouts(source, file)
    tree, macros = header.syntax_tree(preprocessed, {file: file}, where=where)
    enums, left = header.enumerations(tree, file, where=where)
    reading = _Reading(file, enums, left)
    for node in tree.ext:
        reading.take(node)
    return Declarations(
        functions=tuple(reading.functions.values()),
        structs=reading.structs,
        enums=enums,
        bases=reading.bases,
        numbers=dict(_numbers(macros[file])),
        comments=dict(_comments(source)),
        left=left,
    )


def _numbers(macros: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for name, value in macros.items():
        if match := re.fullmatch(r"\(?([+-]?(?:0[xX][0-9a-fA-F]+|[1-9][0-9]*|0))[uUlL]*\)?", value):
            yield name, int(match[1], 0)


def _comments(source: str) -> Iterator[tuple[str, str]]:
    """Each comment for documentation, by the last name of what it stands before."""
    for comment, following in _COMMENT.findall(source):
        lines = (re.sub(r"^\s*\*? ?", "", line).rstrip() for line in comment.strip().splitlines())
        if name := re.search(r"(\w+)\W*$", following):
            yield name[1], _UNSEEN.sub("\ufffd", "\n".join(lines).partition("\n# ")[0].strip())


class _Reading:
    """What was declared so far."""

    def __init__(self, file: str, enums: Mapping[str, Mapping[str, int]], left: Mapping[str, str]) -> None:
        self.file, self.enums, self.left = file, enums, left
        self.functions: dict[str, Prototype] = {}
        self.structs: dict[str, tuple[Parameter, ...] | None] = {}
        self.bases: dict[str, str] = {}
        self._aliases: dict[str, CType] = {}
        self._tags: dict[str, str] = {}
        self._consts: set[str] = set()

    def take(self, node: Any) -> None:  # noqa: ANN401 - pycparser's nodes have no types
        """A declaration at the top of a file."""
        if (
            node.coord is not None
            and node.coord.file == self.file
            and {*header.declared_names(node)} & self.left.keys()
        ):
            for name in header.declared_names(node):
                self.structs.pop(name, None)
                self._aliases[name] = self._unreadable(name)
        elif isinstance(node, c_ast.Typedef):
            self._typedef(node)
        elif isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.FuncDecl):
            if node.coord.file == self.file and not {"static", "inline"} & {*node.storage, *node.funcspec}:
                self.functions[node.name] = self._prototype(node.name, node.type)
        elif isinstance(node, c_ast.Decl):
            self._type(node.type)

    def _typedef(self, node: Any) -> None:  # noqa: ANN401
        if node.name in SCALARS:
            self._aliases[node.name] = Scalar(node.name)
            return
        if node.name in _SAME:
            self._aliases[node.name] = Scalar(_SAME[node.name])
            return
        if node.name in header.STANDARD_TYPES and node.name != "FILE":  # what stands in for it says nothing of its size
            self._aliases[node.name] = Unreadable(f"the type {node.name}")
            return
        if self._is_const(node.type):
            self._consts.add(node.name)
        resolved = self._type(node.type, name=node.name)
        if isinstance(resolved, Scalar) and node.name in self._tags:  # cbindgen: the number behind an enumeration
            resolved = EnumRef(node.name, resolved.name)
            self.bases[node.name] = resolved.base
        elif isinstance(resolved, FunctionPointer) and not resolved.name:
            resolved = FunctionPointer(resolved.returns, resolved.parameters, node.name)
        self._aliases[node.name] = resolved

    def _prototype(self, name: str, node: Any) -> Prototype:  # noqa: ANN401
        listed = list(node.args.params) if node.args else []
        variadic = bool(listed) and isinstance(listed[-1], c_ast.EllipsisParam)
        parameters = tuple(
            Parameter(one.name or "", self._type(one.type)) for one in listed[: -1 if variadic else None]
        )
        return Prototype(
            name,
            self._type(node.type),
            () if [p.type for p in parameters] == [VOID] else parameters,
            variadic,
        )

    def _type(  # noqa: C901, PLR0911 - one case for each form of a type
        self,
        node: Any,  # noqa: ANN401
        name: str = "",
    ) -> CType:
        match node:
            case c_ast.TypeDecl() | c_ast.Typename():
                return self._type(node.type, name)
            case c_ast.PtrDecl() if isinstance(node.type, c_ast.FuncDecl):
                function = self._prototype("", node.type)
                if function.variadic:
                    return Unreadable("a function with any number of arguments")
                return FunctionPointer(function.returns, function.parameters)
            case c_ast.PtrDecl():
                return Pointer(self._type(node.type, name), self._is_const(node.type))
            case c_ast.ArrayDecl():
                element = self._type(node.type, name)
                if isinstance(node.dim, c_ast.Constant):
                    return Array(element, int(node.dim.value.rstrip("uUlL"), 0))
                if node.dim is None:
                    return Pointer(element, self._is_const(node.type), many=True)
                return Unreadable("an array whose length is computed")
            case c_ast.IdentifierType():
                return self._named(node.names)
            case c_ast.Struct() | c_ast.Enum() if (node.name or name) in self.left:
                return self._unreadable(node.name or name)
            case c_ast.Struct():
                return self._structure(node, name)
            case c_ast.Union():
                return Unreadable("a union")
            case c_ast.Enum():
                return self._enum(node.name or name)
        return Unreadable("a type of another form")

    def _unreadable(self, name: str) -> CType:
        return Unreadable(f"{name}, which cannot be read: {self.left.get(name, 'see there')}")

    def _enum(self, label: str) -> CType:
        self._tags[label] = "enum"
        base = enum_base(self.enums.get(label, {}).values())
        if not base:
            return Unreadable(WIDE)
        if base != "int":
            self.bases.setdefault(label, base)
        return EnumRef(label, base)

    def _is_const(self, node: Any) -> bool:  # noqa: ANN401
        """Whether a type is const, by itself or by the typedef that it is called by."""
        if "const" in (getattr(node, "quals", None) or ()):
            return True
        named = getattr(node, "type", None)
        return isinstance(named, c_ast.IdentifierType) and " ".join(named.names) in self._consts

    def _field(self, node: Any) -> CType:  # noqa: ANN401
        kind = self._type(node)
        return Unreadable("an array without a length") if isinstance(kind, Pointer) and kind.many else kind

    def _named(self, names: list[str]) -> CType:
        text = " ".join(names)
        if any(word in _WORDS for word in names):
            text = " ".join(sorted(names, key=_WORDS.index))
        text = _SPELLED.get(text, text)
        if text in SCALARS or text == "void":
            return Scalar(text)
        return self._aliases.get(text, Unreadable(f"the type {text}"))

    def _structure(self, node: Any, name: str) -> CType:  # noqa: ANN401
        label = node.name or name
        if node.coord is None or node.coord.file != self.file:
            return StructRef(label)
        if node.decls is None:
            self.structs.setdefault(label, None)
        else:
            self.structs[label] = tuple(Parameter(one.name or "", self._field(one.type)) for one in node.decls)
        return StructRef(label)
