"""The world of a WIT that a core module was made for: its imports and exports with all their types.

Read here because no library at hand tells them: wasmtime's Python package lists the functions of a component, but
neither the names of its records, variants, enums and flags, nor types that belong to the world; jco writes TypeScript,
which does not tell a u8 from an f64; other readers are programs. And a component holds no more of an imported interface
than its code calls, so that what is read from it would change with the optimiser.

What is read is the custom section `component-type…` that generators of bindings write into core modules and that the
linker of components reads (crate wit-component, module `metadata`): a component whose one export is the type of
the world. Types are written as in the Component Model, design/mvp/Binary.md, version 0x0d.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ferrule.core.errors import VerificationError
from ferrule.formats.wasm import Reader, read_wasm


@dataclass(frozen=True, slots=True)
class Scalar:
    """A type without parts, by its name in WIT: `bool`, `s8` … `u64`, `f32`, `f64`, `char` or `string`."""

    name: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """list<element>."""

    element: Type


@dataclass(frozen=True, slots=True)
class OptionOf:
    """option<value>."""

    value: Type


@dataclass(frozen=True, slots=True)
class ResultOf:
    """result<ok, err>, either of which may be missing."""

    ok: Type | None
    err: Type | None


@dataclass(frozen=True, slots=True)
class TupleOf:
    """tuple<…>."""

    items: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """Name of a type, and of the interface that it belongs to; None is the world."""

    interface: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Record:
    """A record: its fields, in order."""

    fields: tuple[tuple[str, Type], ...]
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant: its cases, in order, each with a payload or none."""

    cases: tuple[tuple[str, Type | None], ...]
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum: its cases, in order."""

    cases: tuple[str, ...]
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class Flags:
    """A set of flags: their labels, in order."""

    labels: tuple[str, ...]
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """A type that is not a plain value, in words: a resource, a stream, a future."""

    words: str


Named: TypeAlias = Record | Variant | Enum | Flags
Type: TypeAlias = Scalar | ListOf | OptionOf | ResultOf | TupleOf | Named | Other


@dataclass(frozen=True, slots=True)
class Function:
    """A function: parameters by name and in order, and a result or none."""

    parameters: tuple[tuple[str, Type], ...]
    result: Type | None
    is_async: bool = False


@dataclass(frozen=True, slots=True)
class Interface:
    """Functions under one name; the name None stands for those of the world itself. Names may be anything."""

    name: str | None
    functions: tuple[tuple[str, Function], ...]


@dataclass(frozen=True, slots=True)
class World:
    """What a module imports and exports, and the world's name, `namespace:package/world@version`.

    Interfaces without functions are left out; their types appear where functions use them.
    """

    name: str
    imports: tuple[Interface, ...]
    exports: tuple[Interface, ...]


def read_world(module: bytes, *, where: str | None = None) -> World:
    """The world of a core module; several, of several crates in one module, are one by the name of the first.

    Raises VerificationError if the module does not say its world, or says it in a way that is not understood.
    """
    parsed = read_wasm(module, where=where)
    if parsed.kind != "core":
        raise VerificationError("this is a component; its world is told by its core module", where=where)
    worlds = [_world(s.content, where) for s in parsed.sections if s.name and s.name.startswith(_SECTION)]
    if not worlds:
        raise VerificationError(
            f"the module has no section {_SECTION}, which says its world",
            where=where,
            hint="generate the module's own bindings with wit-bindgen, and keep its custom sections",
        )
    imports = _interfaces(item for _, world in worlds for item in world.imports.items())
    exports = _interfaces(item for _, world in worlds for item in world.exports.items())
    return World(worlds[0][0], imports, exports)


def undeclared_imports(file: bytes, module: bytes, *, where: str | None = None) -> tuple[str, ...]:
    """Imports of a core module, or of the component made of it, that the module's world does not declare.

    Functions of the world itself are imported from `$root`, and what belongs to its own exports from `[export]…`
    (Component Model, "BuildTargets"). Names in brackets in `$root`, such as `[waitable-set-new]` or `[task-cancel]`,
    are the component model's own (Component Model, "Canonical ABI", canonical built-ins): linking leaves none of them
    in the component, whose imports are compared as well. A module without a world declares nothing. Raises
    VerificationError.
    """
    sections = [s for s in read_wasm(module, where=where).sections if s.name and s.name.startswith(_SECTION)]
    declared = {name for section in sections for name in _world(section.content, where)[1].imports}
    parsed = read_wasm(file, where=where)
    if parsed.kind == "component":
        return tuple(name for name in parsed.imports if name not in declared)
    begins = ("[export]", "$root.[", *(f"{name}." for name in declared))
    roots = {f"$root.{name}" for name in declared}
    return tuple(name for name in parsed.imports if not name.startswith(begins) and name not in roots)


_SECTION = "component-type"
_ENCODING = (b"\x04\x00",)
"""Version of the section, and strings in UTF-8."""
_MAGIC = b"\0asm"
_WRITER = re.compile(rb"wit-bindgen-\w+.(\d{1,5}\.\d{1,5}\.\d{1,5})", re.DOTALL)
"""The entry of wit-bindgen in a producers section: a name, the length of the version, and the version."""


def _world(content: bytes, where: str | None) -> tuple[str, _Scope]:
    """The one world that a section says: its name, and the scope of its type."""
    if not content.startswith(_MAGIC):
        raise _other_encoding(content, where)
    component = read_wasm(content, where=where)
    encodings = tuple(s.content for s in component.sections if s.name == "wit-component-encoding")
    if encodings != _ENCODING:
        raise _other_encoding(content, where)
    root = _Scope(where)
    try:
        for section in component.sections:
            if section.number == _TYPES:
                reader = Reader(section.content, where)
                for _ in range(reader.number()):
                    root.spaces[_TYPE].append(_definition(reader)(root))
        (package,) = root.spaces[_TYPE]
        if not isinstance(package, _ScopeType):
            raise _damaged(where, "what it says of its world is no type of a component")
        ((name, world),) = package.make(None).exports.items()
        if not isinstance(world, _ScopeType):
            raise _damaged(where, "what it says of its world is no world")
        return name, world.make(None)
    except (IndexError, KeyError, ValueError, RecursionError) as error:
        raise _damaged(where, f"what it says of its world does not hold together ({error!r})") from error


def _other_encoding(content: bytes, where: str | None) -> VerificationError:
    """Refuses what wit-bindgen wrote before 0.16, which began with the number of the encoding, or will write once."""
    writer = _WRITER.search(content)
    by = f", as wit-bindgen {writer[1].decode()} writes it" if writer else ""
    return VerificationError(
        f"the module says its world in an encoding other than version 4 with UTF-8{by}",
        where=where,
        hint="build the crate with wit-bindgen 0.16 or newer, as far as 0.63 this encoding is what it writes",
    )


def _interfaces(items: Iterable[tuple[str, _Item]]) -> tuple[Interface, ...]:
    """Functions by interface, first those of the world itself."""
    by_interface: dict[str | None, dict[str, Function]] = {None: {}}
    for name, item in items:
        if isinstance(item, Function):
            by_interface[None][name] = item
        elif isinstance(item, _Scope):
            functions = {label: inner for label, inner in item.exports.items() if isinstance(inner, Function)}
            by_interface.setdefault(name, {}).update(functions)
    return tuple(Interface(name, tuple(functions.items())) for name, functions in by_interface.items() if functions)


_TYPES = 7
_FUNC, _TYPE, _COMPONENT, _INSTANCE = 1, 3, 4, 5


@dataclass(slots=True)
class _Scope:
    """The index spaces of a component type or instance type while its declarations are read; then it is an instance."""

    where: str | None
    parent: _Scope | None = None
    interface: str | None = None
    spaces: dict[int, list[_Item]] = field(default_factory=lambda: {sort: [] for sort in range(1, 6)})
    imports: dict[str, _Item] = field(default_factory=dict)
    exports: dict[str, _Item] = field(default_factory=dict)

    def outer(self, levels: int) -> _Scope:
        scope = self
        for _ in range(levels):
            if scope.parent is None:
                raise _damaged(self.where, "an alias leaves the component")
            scope = scope.parent
        return scope

    def value(self, index: int) -> Type:
        item = self.spaces[_TYPE][index]
        if isinstance(item, _ScopeType | _Scope | Function):
            raise _damaged(self.where, f"type {index} is not one of values")
        return item

    def instance(self, index: int) -> _Scope:
        item = self.spaces[_INSTANCE][index]
        if not isinstance(item, _Scope):
            raise _damaged(self.where, f"instance {index} is none")
        return item

    def function(self, index: int) -> Function:
        item = self.spaces[_TYPE][index]
        if not isinstance(item, Function):
            raise _damaged(self.where, f"type {index} is not one of functions")
        return item


@dataclass(frozen=True, slots=True)
class _ScopeType:
    """The type of an instance or component: makes one, given the name of the interface that its types belong to."""

    make: Callable[[str | None], _Scope]
    is_component: bool


_Item: TypeAlias = "Type | Function | _ScopeType | _Scope"
_Definition: TypeAlias = Callable[[_Scope], _Item]
_ValueType: TypeAlias = Callable[[_Scope], Type]
_Described: TypeAlias = Callable[[_Scope, str], _Item]


def _damaged(where: str | None, message: str) -> VerificationError:
    return VerificationError(f"the WebAssembly file is damaged: {message}", where=where)


def _definition(reader: Reader) -> _Definition:
    """A deftype (Binary.md, "Type Definitions"), as a function from the scope that it stands in."""
    opcode = reader.byte()
    if opcode in (_PLAIN_FUNCTION, _ASYNC_FUNCTION):
        return _function(reader, is_async=opcode == _ASYNC_FUNCTION)
    if opcode in (_COMPONENT_TYPE, _INSTANCE_TYPE):
        return _scope_type(reader, is_component=opcode == _COMPONENT_TYPE)
    return _value_definition(opcode, reader)


_PLAIN_FUNCTION, _COMPONENT_TYPE, _INSTANCE_TYPE, _ASYNC_FUNCTION = range(0x40, 0x44)
_ERROR_CONTEXT = 0x64
_SCALARS = {
    0x7F: "bool", 0x7E: "s8", 0x7D: "u8", 0x7C: "s16", 0x7B: "u16", 0x7A: "s32", 0x79: "u32", 0x78: "s64", 0x77: "u64",
    0x76: "f32", 0x75: "f64", 0x74: "char", 0x73: "string",
}  # fmt: skip


def _value_definition(opcode: int, reader: Reader) -> _ValueType:  # noqa: PLR0911 - one case for each type
    match opcode:
        case 0x72:
            fields = [(reader.text(), _value(reader)) for _ in range(reader.number())]
            return lambda scope: Record(tuple((name, value(scope)) for name, value in fields))
        case 0x71:
            cases = [_case(reader) for _ in range(reader.number())]
            return lambda scope: Variant(tuple((name, value and value(scope)) for name, value in cases))
        case 0x70:
            element = _value(reader)
            return lambda scope: ListOf(element(scope))
        case 0x6F:
            items = [_value(reader) for _ in range(reader.number())]
            return lambda scope: TupleOf(tuple(item(scope) for item in items))
        case 0x6E:
            labels = tuple(reader.text() for _ in range(reader.number()))
            return lambda _scope: Flags(labels)
        case 0x6D:
            names = tuple(reader.text() for _ in range(reader.number()))
            return lambda _scope: Enum(names)
        case 0x6B:
            value = _value(reader)
            return lambda scope: OptionOf(value(scope))
        case 0x6A:
            ok, err = _optional(reader), _optional(reader)
            return lambda scope: ResultOf(ok and ok(scope), err and err(scope))
    return _scalar(opcode) if opcode in _SCALARS else _other(opcode, reader)


def _other(opcode: int, reader: Reader) -> _ValueType:
    """The types that are more than values, or that generators do not write yet."""
    match opcode:
        case 0x69 | 0x68:
            reader.number()
            words = "an owned resource" if opcode == 0x69 else "a borrowed resource"  # noqa: PLR2004 - as in the case
        case 0x66 | 0x65:
            _optional(reader)
            words = "a stream" if opcode == 0x66 else "a future"  # noqa: PLR2004 - as in the case
        case 0x67:
            _value(reader)
            reader.number()
            words = "a list of fixed length"
        case 0x63:
            _value(reader)
            _value(reader)
            words = "a map"
        case 0x64:
            words = "an error-context"
        case _:
            reader.fail(f"a type has the unknown form 0x{opcode:02x}")
    return lambda _scope: Other(words)


def _scalar(opcode: int) -> _ValueType:
    kind = Scalar(_SCALARS[opcode])
    return lambda _scope: kind


def _value(reader: Reader) -> _ValueType:
    """A valtype: a primitive type in one byte, or the index of a type."""
    opcode = reader.peek()
    if opcode in _SCALARS or opcode == _ERROR_CONTEXT:
        return _value_definition(reader.byte(), reader)
    index = reader.number()
    return lambda scope: scope.value(index)


def _optional(reader: Reader) -> _ValueType | None:
    return _value(reader) if reader.byte() else None


def _case(reader: Reader) -> tuple[str, _ValueType | None]:
    name, value = reader.text(), _optional(reader)
    reader.byte()
    return name, value


def _function(reader: Reader, *, is_async: bool) -> _Definition:
    parameters = [(reader.text(), _value(reader)) for _ in range(reader.number())]
    if reader.byte() == 0:
        result = _value(reader)
    else:
        reader.byte()
        result = None
    return lambda scope: Function(
        tuple((name, value(scope)) for name, value in parameters), result and result(scope), is_async
    )


def _scope_type(reader: Reader, *, is_component: bool) -> _Definition:
    """An instancetype or componenttype: its declarations, to be followed when its name is known."""
    declarations = [_declaration(reader) for _ in range(reader.number())]

    def within(outer: _Scope) -> _Item:
        def make(interface: str | None) -> _Scope:
            inner = _Scope(outer.where, outer, interface)
            for declare in declarations:
                declare(inner)
            return inner

        return _ScopeType(make, is_component)

    return within


def _declaration(reader: Reader) -> Callable[[_Scope], None]:
    """An instancedecl or componentdecl, as a function that adds it to a scope."""
    kind = reader.byte()
    if kind == _TYPE_DECLARATION:
        definition = _definition(reader)
        return lambda scope: scope.spaces[_TYPE].append(definition(scope))
    if kind == _ALIAS:
        return _alias(reader)
    if kind not in (_IMPORT, _EXPORT):
        reader.fail(f"a type holds a declaration of the unknown kind {kind}")
    name = _name(reader)
    sort, described = _extern(reader)
    return lambda scope: _declare(scope, name, sort, described, imported=kind == _IMPORT)


_TYPE_DECLARATION, _ALIAS, _IMPORT, _EXPORT = range(1, 5)


def _declare(scope: _Scope, name: str, sort: int, described: _Described, *, imported: bool) -> None:
    item = described(scope, name)
    (scope.imports if imported else scope.exports)[name] = item
    scope.spaces[sort].append(item)


def _name(reader: Reader) -> str:
    form = reader.byte()
    if form > 1:
        reader.fail(f"a name has the unknown form {form}")
    return reader.text()


def _extern(reader: Reader) -> tuple[int, _Described]:
    """An externdesc: the sort of what it describes, and how to make an item of it, given the item's name."""
    sort = reader.byte()
    if sort == _FUNC:
        index = reader.number()
        return sort, lambda scope, _name: scope.function(index)
    if sort == _TYPE:
        return sort, _type_bound(reader)
    if sort not in (_COMPONENT, _INSTANCE):
        reader.fail(f"an import or export has the unknown kind {sort}")
    index = reader.number()
    return sort, lambda scope, name: _resolved_item(scope, index, name)


def _resolved_item(scope: _Scope, index: int, name: str) -> _Item:
    """An instance of a type, its types named after it; the type itself where it is one of components."""
    item = scope.spaces[_TYPE][index]
    if not isinstance(item, _ScopeType):
        raise _damaged(scope.where, f"type {index} is not one of instances")
    return item if item.is_component else item.make(name)


def _type_bound(reader: Reader) -> _Described:
    if reader.byte() == 0:
        index = reader.number()
        return lambda scope, name: _named(scope.spaces[_TYPE][index], Name(scope.interface, name))
    return lambda _scope, name: Other(f"the resource {name}")


def _named(item: _Item, name: Name) -> _Item:
    """A type has the first name under which it appears."""
    if isinstance(item, Record | Variant | Enum | Flags) and item.name is None:
        return replace(item, name=name)
    return item


def _alias(reader: Reader) -> Callable[[_Scope], None]:
    """An alias of a type of an instance, or of one outside (Binary.md, "Alias Definitions")."""
    sort, target, first = reader.byte(), reader.byte(), reader.number()
    if sort != _TYPE or target not in (0, 2):
        reader.fail("a type holds an alias of something other than a type")
    if target == 0:
        label = reader.text()
        return lambda scope: scope.spaces[_TYPE].append(scope.instance(first).exports[label])
    index = reader.number()
    return lambda scope: scope.spaces[_TYPE].append(scope.outer(first).spaces[_TYPE][index])
