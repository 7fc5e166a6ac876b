"""Bindings in JavaScript for Node.js: an ES module that declares a library's functions to koffi and calls them.

`node_types` writes its types.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from ferrule.bindings import model
from ferrule.bindings.conventions import words
from ferrule.bindings.declarations import VOID, Array, EnumRef, FunctionPointer, Pointer, Scalar, StructRef
from ferrule.bindings.naming import Names, camel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ferrule.bindings.declarations import CType, Prototype

_SCALARS: Final = {
    "_Bool": "bool",
    "char": "int8_t",
    "signed char": "int8_t",
    "unsigned char": "uint8_t",
    "ssize_t": "intptr_t",
    "ptrdiff_t": "intptr_t",
}
"""Numbers that the shared text knows by another name; the others have their own, with underscores for spaces."""
WIDE: Final = frozenset((
    "int64_t", "uint64_t", "size_t", "ssize_t", "intptr_t", "uintptr_t", "ptrdiff_t", "long", "unsigned long",
    "long long", "unsigned long long",
))  # fmt: skip
"""Whole numbers that have 64 bits on some machine, and are BigInts on all."""
_OF_STRUCTS: Final = (model.Texts, model.StructArgument, model.CallbacksArgument, model.StructResult)
_CONSTRUCTORS: Final = (("new",), ("create",), ("open",), ("init",), ("make",))
KEYWORDS: Final = frozenset((
    *("arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete"),
    *("do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements"),
    *("import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public"),
    *("return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "undefined", "var", "void"),
    *("while", "with", "yield"),
))  # fmt: skip
"""ECMA-262, 12.7.2, in modules, and what may not be assigned there."""
_WRITTEN: Final = frozenset((
    *("BUILD_INFO", "BusyError", "ClosedError", "ERRORS", "LIBRARY"),
    *("Failure", "Internal", "failureOf", "messageOf", "nothingMade", "openLibrary"),
    *("Iterable", "Readonly", "Record", "SymbolConstructor"),
))  # fmt: skip
"""What modules declare beside the shared text, and what their types read; tests compare it with what is generated."""
RAISED: Final = ("ClosedError", "BusyError")
"""Errors that the shared text throws: a status of the same name is the same error."""
_MEMBERS: Final = frozenset(("constructor", "prototype", "name", "length", "caller", "arguments", "close", "then"))
"""What no method may be called: `then` would make an object a promise to `await`."""
_IMPORTS: Final = {
    "bufferConstants": "import { constants as bufferConstants } from 'node:buffer';",
    "basename": "import { basename } from 'node:path';",
    "nodeProcess": "import nodeProcess from 'node:process';",
    "utilTypes": "import { types as utilTypes } from 'node:util';",
    "isMainThread": "import { isMainThread } from 'node:worker_threads';",
    "koffi": "import koffi from 'koffi';",
}


@cache
def reserved() -> frozenset[str]:
    """Names that nothing of a library may have: words of JavaScript, and what the rest of its module has or reads."""
    text = re.sub(r"(?m)//.*$|/\*(?s:.*?)\*/", "", _runtime())
    declared = re.findall(r"^(?:export )?(?:class|const|let|function) (\w+)", text, flags=re.MULTILINE)
    read = re.findall(r"(?<![.\w])[A-Z]\w*", text)
    return (
        KEYWORDS
        | _WRITTEN
        | frozenset((*declared, *read, *_IMPORTS, "INTERFACE", "locate", "queueMicrotask", "setImmediate"))
    )


def _runtime() -> str:
    return (files(__package__) / "runtime.mjs").read_text(encoding="utf-8").strip("\n")


def fitting(library: model.Library) -> model.Library:
    """The part of a library that Node.js can call; the rest is left to the author."""
    left = dict(library.left)
    structs = {}
    for name, struct in library.structs.items():
        if reason := _no_object(struct):
            left[name] = reason
        else:
            structs[name] = struct
    for name, struct in [*structs.items()]:
        for callback in struct.callbacks:
            if reason := _unknown(callback.arguments, structs):
                left[name] = f"its function {callback.field} {reason}"
                structs.pop(name, None)
    functions = []
    for function in library.functions:
        if reason := _misfit(function, structs):
            left[function.prototype.name] = reason
        else:
            functions.append(function)
    return replace(library, structs=structs, functions=tuple(functions), left=tuple(left.items()))


def _no_object(struct: model.Struct) -> str:
    """Why an object cannot stand for a structure, if it cannot."""
    properties = [property_name(one) for one, _ in struct.fields]
    if not properties:
        return "it has no fields"
    if "__proto__" in dict(struct.fields):
        return "its field __proto__ is the class of an object in JavaScript"
    if any(isinstance(kind, StructRef) for _, kind in struct.fields):
        return "it holds another structure as a whole"
    return "two of its fields have one name in JavaScript" if len(set(properties)) < len(properties) else ""


def _misfit(function: model.Function, structs: Mapping[str, model.Struct]) -> str:
    for one in (*function.arguments, *function.results):
        if isinstance(one, (model.Buffer, model.BytesResult)) and one.element == "_Bool":
            return f"{one.name} is an array of bool, which JavaScript has none of"
    reason = _unknown((*function.arguments, *function.results), structs)
    return f"it {reason}" if reason else ""


def _unknown(every: Iterable[model.Argument | model.Result], structs: Mapping[str, model.Struct]) -> str:
    """That one of these is a structure that is left to the author, if it is."""
    name = next((one.struct for one in every if isinstance(one, _OF_STRUCTS) and one.struct not in structs), "")
    return f"takes a {name}, which is left to the author" if name else ""


def module(library: model.Library, package: str) -> str:
    """The text of the module, in the folder `native` of a package, of a library that is `fitting`."""
    return _Module(Spelling.of(library), package).text()


def lower_camel(parts: Iterable[str]) -> str:
    """`emailValidator` of its words."""
    title = camel(parts)
    return title[:1].lower() + title[1:]


def property_name(name: str) -> str:
    """What an object calls what C calls so."""
    title = lower_camel(words(name))
    return title if title and not title[0].isdigit() else name


@dataclass(frozen=True, slots=True)
class Called:
    """How a function is called: a `constructor`, a `method`, a `static` one or a `function`, by which names."""

    form: str
    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spelling:
    """The names in JavaScript of all that a library has."""

    library: model.Library
    error: str
    classes: Mapping[str, str]
    errors: Mapping[int, str]
    members: Mapping[str, Mapping[str, str]]
    functions: Mapping[str, Called]

    @classmethod
    def of(cls, library: model.Library) -> Spelling:
        """Give each its name, and none that is another's."""
        names = Names(reserved())
        base = words(library.prefix) or words(library.header.rpartition(".")[0])
        error = names.claim(f"{camel(base)}Error")
        enums = (*([library.status] if library.status else []), *library.enums)
        types: tuple[model.Enum | model.Struct | model.Handle, ...] = (
            *enums,
            *library.structs.values(),
            *library.handles.values(),
        )
        classes = {one.c_name: names.claim(camel(one.words), camel(words(one.c_name))) for one in types}
        errors: dict[int, str] = {}
        for c_name, name, value in library.status.members if library.status else ():
            if value and value not in errors:
                title = camel(part.lower() for part in name.split("_") if part)
                title = title if title.endswith("Error") else f"{title}Error"
                own = title if title in RAISED and title not in errors.values() else ""
                errors[value] = own or names.claim(title, camel(words(c_name)) + "Error")
        members: dict[str, dict[str, str]] = {}
        for enum in enums:
            own_names = Names({"__proto__"})
            members[enum.c_name] = {
                c_name: own_names.claim(name if not name[:1].isdigit() else c_name) for c_name, name, _ in enum.members
            }
        return cls(library, error, classes, errors, members, _called(library, names))

    def of_handle(self, handle: model.Handle) -> list[model.Function]:
        """The functions of a handle, what makes it before the others."""
        own = [one for one in self.library.functions if owner(one) == handle.c_name]
        return sorted(own, key=lambda one: self.functions[one.prototype.name].form != "constructor")

    def handed_over(self) -> frozenset[str]:
        """The structures that callers fill in; the others are what the library gives."""
        taken = (model.StructArgument, model.CallbacksArgument)
        every = (one for function in self.library.functions for one in function.arguments)
        return frozenset(one.struct for one in every if isinstance(one, taken))


def _called(library: model.Library, names: Names) -> dict[str, Called]:
    called: dict[str, Called] = {}
    for handle in library.handles.values():
        own = [one for one in library.functions if owner(one) == handle.c_name]
        makers = [one for one in own if one.handle is None]
        constructor = next((one for words in _CONSTRUCTORS for one in makers if one.words == words), None)
        members = Names(_MEMBERS)
        for one in own:
            form = "constructor" if one is constructor else "method" if one.handle else "static"
            label = lower_camel(one.words)
            name = label if one is constructor else members.claim(label, f"{label}_")
            called[one.prototype.name] = Called(form, name, _parameters(one))
    for one in library.functions:
        if owner(one) is None:
            name = names.claim(lower_camel(one.words), lower_camel(words(one.prototype.name)))
            called[one.prototype.name] = Called("function", name, _parameters(one))
    return called


def _parameters(function: model.Function) -> tuple[str, ...]:
    own = Names(reserved())
    titles = (lower_camel(words(one.name)) for one in function.arguments)
    return tuple(own.claim(title if title and not title[0].isdigit() else f"argument{title}") for title in titles)


def owner(function: model.Function) -> str | None:
    """The handle whose class a function belongs to."""
    return function.handle or function.makes


def scalar(kind: CType | str) -> str:
    """What the shared text calls a number."""
    name = kind if isinstance(kind, str) else kind.base if isinstance(kind, EnumRef) else kind.name  # type: ignore[union-attr]
    return f"C.{_SCALARS.get(name, name.replace(' ', '_'))}"


def is_wide(kind: CType) -> bool:
    """Whether a number is a BigInt."""
    return (kind.base if isinstance(kind, EnumRef) else kind.name if isinstance(kind, Scalar) else "") in WIDE


def commented(text: str, indent: str = "") -> str:
    """A comment before a declaration, which nothing in it can end."""
    lines = text.replace("*/", "*\\/").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0].strip()} */"
    return "\n".join((f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"))


def described(library: model.Library, c_name: str, indent: str = "") -> str:
    """What a header says of a name, as a comment."""
    return commented(library.comments.get(c_name) or f"`{c_name}`.", indent)


def head(library: model.Library, *lines: str) -> str:
    """The comment that begins a file, with what is left to the author."""
    listed = [f"- {name}: {reason}" for name, reason in library.left]
    left = ["", "Left to the author, because no convention covers it:", "", *listed] if listed else []
    return "\n".join(f"// {line}".rstrip() for line in "\n".join((*lines, *left)).splitlines())


def required(arguments: Sequence[model.Argument]) -> int:
    """How many have to be given: all up to the last that is no structure, as only the end may be left out."""
    may_be_null = (model.StructArgument, model.CallbacksArgument)
    return max((n for n, one in enumerate(arguments, 1) if not isinstance(one, may_be_null)), default=0)


def _quoted(text: str) -> str:
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace("'", "\\'").replace('\\"', '"') + "'"


def _number(kind: CType, value: int) -> str:
    return f"{value}n" if is_wide(kind) else str(value)


def _in(lines: Iterable[str], indent: str = "    ") -> list[str]:
    return [f"{indent}{line}" if line else "" for text in lines for line in text.split("\n")]


@dataclass(slots=True)
class _Module:
    """Writes the module of a library."""

    spelling: Spelling
    package: str
    library: model.Library = field(init=False)

    def __post_init__(self) -> None:
        self.library = self.spelling.library

    def text(self) -> str:
        """The whole module."""
        parts = [
            _runtime(),
            "// What is particular to this library.",
            *self._enums(),
            *self._errors(),
            *(part for one in self.library.structs.values() for part in self._structure(one)),
            *self._opening(),
            *self._handles(),
            *self._functions(),
        ]
        about = head(
            self.library,
            f"The functions of {self.library.header}, by JavaScript's types. Generated by ferrule; do not edit.",
            "",
            "They are called by koffi; what a callback throws is thrown when the library has returned.",
        )
        names = "INTERFACE, locate" if self.library.build_info else "locate"
        imports = "\n".join((*_IMPORTS.values(), f"import {{ {names} }} from './index.js';"))
        return f"{about}\n{imports}\n\n" + "\n\n".join(part.strip("\n") for part in parts) + "\n"

    # What values there are.

    def _enums(self) -> Iterator[str]:
        for enum in (*([self.library.status] if self.library.status else []), *self.library.enums):
            rows = []
            for c_name, _, value in enum.members:
                if c_name in self.library.comments:
                    rows.append(described(self.library, c_name))
                number = _number(EnumRef(enum.c_name, enum.base), value)
                rows.append(f"{self.spelling.members[enum.c_name][c_name]}: {number},")
            title = self.spelling.classes[enum.c_name]
            yield "\n".join(
                (
                    described(self.library, enum.c_name),
                    f"export const {title} = Object.freeze({{",
                    *_in(rows),
                    "});",
                )
            )

    def _errors(self) -> Iterator[str]:
        spelling, status = self.spelling, self.library.status
        title = spelling.classes[status.c_name] if status else ""
        members = {value: c_name for c_name, _, value in reversed(status.members if status else ())}
        names = spelling.members[status.c_name] if status else {}
        base = [f"name = {_quoted(spelling.error)};"]
        if status:
            base = [f"static status = {title}.{names[members[status.internal]]};", *base, ""]
            base += ["get status() {", "    return this.constructor.status;", "}"]
        yield _class("Base of what calls throw; the message is the library's.", spelling.error, "Error", base)
        for value, name in spelling.errors.items():
            own = [f"static status = {title}.{names[members[value]]};", f"name = {_quoted(name)};"]
            comment = self.library.comments.get(members[value]) or f"`{members[value]}`."
            yield _class(comment, name, spelling.error, own)
        if "ClosedError" not in spelling.errors.values():
            null = next((spelling.errors[v] for v, c in members.items() if v and _is_null(status, c)), spelling.error)
            yield _class("It was closed, so there is none.", "ClosedError", null, ["name = 'ClosedError';"])
        if "BusyError" not in spelling.errors.values():
            comment = "It is used by a call that has not returned, from one of its callbacks."
            yield _class(comment, "BusyError", spelling.error, ["name = 'BusyError';"])
        yield from self._failures(title, members, names)

    def _failures(self, title: str, members: Mapping[int, str], names: Mapping[str, str]) -> Iterator[str]:
        status, errors = self.library.status, self.spelling.errors
        if status is None:
            message = "messageOf()" if self.library.last_error else "'the library could not make it'"
            kind = self.spelling.error
        else:
            internal = f"{title}.{names[members[status.internal]]}"
            message = "messageOf()" if self.library.last_error else f"messageOf({internal})"
            kind = self.spelling.error
            rows = [f"[{title}.{names[members[value]]}, {name}]," for value, name in errors.items()]
            yield "\n".join(
                (
                    "/** The error of each status; a package that derives one of its own enters that here. */",
                    "export const ERRORS = new Map([",
                    *_in(rows),
                    "]);",
                )
            )
            yield "\n".join(
                (
                    "/** The error of a status; a number that no failure has is a fault of the library. */",
                    "function failureOf(status) {",
                    "    const Failure = ERRORS.get(status);",
                    "    if (Failure === undefined) {",
                    f"        const Internal = ERRORS.get({internal});",
                    "        return new Internal(`the library returned ${status}, which is no failure it may return`);",
                    "    }",
                    f"    return new Failure(messageOf({'' if self.library.last_error else 'status'}));",
                    "}",
                )
            )
        if self.library.last_error:
            yield _MESSAGE.replace("__LAST_ERROR__", self._attribute(self.library.last_error))
        elif status:
            yield "\n".join(
                (
                    "/** The library has no words of its own for what went wrong: the name of the status. */",
                    "function messageOf(status) {",
                    f"    const name = Object.keys({title}).find((one) => {title}[one] === status);",
                    "    return name.toLowerCase().replaceAll('_', ' ');",
                    "}",
                )
            )
        yield f"function nothingMade() {{\n    return new {kind}({message});\n}}"

    # Structures.

    def _structure(self, struct: model.Struct) -> Iterator[str]:
        title = self.spelling.classes[struct.c_name]
        fields = [f"{name}: {self._field(kind)}," for name, kind in struct.fields]
        yield "\n".join((f"const _{title} = layoutOf({{", *_in(fields), "});"))
        if struct.is_text:
            return
        for callback in struct.callbacks:
            yield self._pointer(title, callback)
        if struct.release:
            yield f"const _{title}_release = releasePointer();"
        if struct.callbacks:
            yield self._callbacks_of(struct, title)
        elif struct.c_name in self.spelling.handed_over():
            yield self._options_of(struct, title)
        if struct.is_numbers:
            values = []
            for one in (one for one in struct.arguments if isinstance(one, model.Value)):
                number = f"{scalar(one.type)}.get(_piece, _{title}.at.{one.name})"
                values.append(f"{property_name(one.name)}: {self._from(one.type, number)},")
            yield "\n".join(
                (f"function _{title}_read(_piece) {{", "    return {", *_in(values, "        "), "    };", "}")
            )

    def _field(self, kind: CType) -> str:
        match kind:
            case Array():
                return f"koffi.array({self._field(kind.of)}, {kind.count})"
            case Scalar() | EnumRef():
                return f"{scalar(kind)}.type"
        return "'void *'"

    def _pointer(self, title: str, callback: model.Callback) -> str:
        """What makes the pointer of a callback, of which there is one for all functions."""
        prototype, name = callback.prototype, property_name(callback.field)
        takes = [
            "'uintptr_t'" if i == callback.user_data else "'void *'" if _is_pointer(one.type) else self._field(one.type)
            for i, one in enumerate(prototype.parameters)
        ]
        handed = [self._handed(one, name) for one in callback.arguments]
        call = f"_function({', '.join(handed)})"
        returns, failed = "'void'", "undefined"
        if prototype.returns != VOID:
            returns, failed = self._field(prototype.returns), str(callback.failed)
            call = f"{scalar(prototype.returns)}.check({call}, {_quoted(f'what {name} returned')})"
            if prototype.returns == Scalar("_Bool"):
                failed = "false"
        parameters = "_function, _handed" if handed else "_function"
        return "\n".join(
            (
                f"const _{title}${name} = functionPointer(",
                f"    {_quoted(name)},",
                f"    {returns},",
                f"    [{', '.join(takes)}],",
                f"    {callback.user_data},",
                f"    {failed},",
                f"    ({parameters}) => {call},",
                ");",
            )
        )

    def _handed(self, argument: model.Argument, callback: str) -> str:
        at = argument.index
        label = _quoted(f"{property_name(argument.name)} of {callback}")
        match argument:
            case model.Text(nul=True):
                return f"terminatedText(_handed[{at}], {label}) ?? ''"
            case model.Text():
                return f"decodedText(_handed[{at}], _handed[{at + 1}], {label})"
            case model.Buffer():
                return f"copyOf(_handed[{at}], _handed[{at + 1}], C.uint8_t)"
            case model.StructArgument(struct=struct):
                title = self.spelling.classes[struct]
                return f"_{title}_read(pointedAt(_handed[{at}], _{title}.size, {label}))"
            case model.Value(type=kind):
                return self._value(kind, f"_handed[{at}]")
        raise AssertionError(argument)

    def _callbacks_of(self, struct: model.Struct, title: str) -> str:
        lines = [*self._settings(struct, title, "_callbacks")]
        lines.append(f"C.uintptr_t.set(_piece, _{title}.at.{struct.user_data}, BigInt(_callbacks.number));")
        for callback in struct.callbacks:
            name = property_name(callback.field)
            added = f"_callbacks.add({_quoted(name)}, _given.{name}, _{title}${name})"
            lines.append(f"C.uintptr_t.set(_piece, _{title}.at.{callback.field}, {added});")
        if struct.release:
            lines.append(f"C.uintptr_t.set(_piece, _{title}.at.{struct.release}, _{title}_release());")
        return "\n".join(
            (
                f"function _{title}_of(_value, _live) {{",
                "    if (_value === undefined || _value === null) return 0n;",
                f"    {self._known(struct, title)}",
                f"    const _callbacks = new LiveCallbacks(_value, {str(bool(struct.release)).lower()});",
                "    _live.push(_callbacks);",
                f"    const _piece = _callbacks.take(_{title}.size);",
                *_in(lines),
                "    return _piece.address;",
                "}",
            )
        )

    def _options_of(self, struct: model.Struct, title: str) -> str:
        return "\n".join(
            (
                f"function _{title}_of(_value, _memory) {{",
                "    if (_value === undefined || _value === null) return 0n;",
                f"    {self._known(struct, title)}",
                f"    const _piece = _memory.take(_{title}.size);",
                *_in(self._settings(struct, title, "_memory")),
                "    return _piece.address;",
                "}",
            )
        )

    def _known(self, struct: model.Struct, title: str) -> str:
        properties = [*(one.name for one in struct.arguments), *(one.field for one in struct.callbacks)]
        listed = ", ".join(_quoted(one) for one in (title, *map(property_name, properties)))
        return f"const _given = withOnly(_value, {listed});"

    def _settings(self, struct: model.Struct, title: str, memory: str) -> Iterator[str]:
        names = [name for name, _ in struct.fields]
        if struct.size:
            kind = dict(struct.fields)[struct.size]
            size = f"BigInt(_{title}.size)" if is_wide(kind) else f"_{title}.size"
            yield f"{scalar(kind)}.set(_piece, _{title}.at.{struct.size}, {size});"
        for argument in struct.arguments:
            at, name = f"_{title}.at.{argument.name}", property_name(argument.name)
            value, label = f"_given.{name}", _quoted(name)
            following = names[names.index(argument.name) + 1 :]
            length = f"_{title}.at.{following[0]}" if following else "undefined"
            match argument:
                case model.Texts(struct=of):
                    to = f"{memory}.texts({value} ?? [], _{self.spelling.classes[of]}, {label})"
                    yield f"{memory}.point(_piece, {at}, {length}, {to});"
                case model.Text(nul=True):
                    to = f"{memory}.terminatedOrNull({value}, {label})"
                    yield f"{memory}.point(_piece, {at}, undefined, {to});"
                case model.Text():
                    yield f"{memory}.point(_piece, {at}, {length}, {memory}.text({value} ?? '', {label}));"
                case model.Buffer(element=element):
                    to = f"{memory}.numbers({value}, {scalar(element)}, {label})"
                    yield f"{memory}.point(_piece, {at}, {length}, {to});"
                case model.Value(type=kind):
                    default = "false" if kind == Scalar("_Bool") else "0"
                    number = scalar(kind)
                    yield f"{number}.set(_piece, {at}, {number}.check({value} ?? {default}, {label}));"

    # The library.

    def _attribute(self, c_name: str) -> str:
        """What a function of the library is called in the table of them."""
        name = c_name.removeprefix(self.library.prefix)
        return name if name and not name[0].isdigit() else c_name

    def _opening(self) -> Iterator[str]:
        forms = {one.prototype.name: one for one in self.library.functions}
        special = {self.library.abi_version[0] if self.library.abi_version else "", self.library.build_info}
        rows = []
        for prototype in self.library.raw:
            if prototype.name in special:
                continue
            returns, takes = self._signature(prototype, forms.get(prototype.name))
            name = self._attribute(prototype.name)
            rows.append(f"{name}: library.func({_quoted(prototype.name)}, {returns}, [{', '.join(takes)}]),")
        lines = [
            "const path = locate();",
            f"const library = openedLibrary(path, {_quoted(self.package)});",
            "let info = {};",
        ]
        if self.library.abi_version:
            name, number = self.library.abi_version
            version = f"library.func({_quoted(name)}, 'uint32_t', [])"
            lines += [
                "// First, because the others may be something else in a library of another version.",
                f"const version = {self._declared(version)};",
                f"checkVersion(version(), {number}, path, {_quoted(self.package)});",
            ]
        if self.library.build_info:
            described_by = f"library.func({_quoted(self.library.build_info)}, 'void *', [])"
            lines += [
                f"const built = {self._declared(described_by)};",
                f"info = informationOf(built(), path, {_quoted(self.package)});",
                f"checkInterface(info.interface, INTERFACE, path, {_quoted(self.package)});",
            ]
        table = "{\n" + "\n".join(_in(rows, "        ")) + "\n    }"
        lines.append(f"return [{self._declared(table)}, info];")
        yield "\n".join(
            (
                "/** Open the library and make sure that this package was made for it; throws LibraryError. */",
                "function openLibrary() {",
                *(f"    {line}" for line in lines),
                "}",
            )
        )
        yield (
            "const [LIBRARY, _info] = openLibrary();\n\n"
            "/** What the library says of itself. */\nexport const BUILD_INFO = Object.freeze(_info);"
        )

    def _declared(self, text: str) -> str:
        value = f"({text})" if text.startswith("{") else text
        return f"declaredIn(library, path, {_quoted(self.package)}, (library) => {value})"

    def _signature(self, prototype: Prototype, function: model.Function | None) -> tuple[str, list[str]]:
        """What koffi has to know of a function: what it returns, and what it takes."""
        returns = "'void'" if prototype.returns == VOID else self._field(prototype.returns)
        borrowed = {one.index for one in function.arguments if isinstance(one, model.Buffer)} if function else set()
        takes = [
            self._field(one.type) if not _is_pointer(one.type) else "'void *'" if at in borrowed else "'uintptr_t'"
            for at, one in enumerate(prototype.parameters)
        ]
        return returns, takes

    # Handles and functions.

    def _handles(self) -> Iterator[str]:
        for handle in self.library.handles.values():
            title = self.spelling.classes[handle.c_name]
            own = self.spelling.of_handle(handle)
            called = {one.prototype.name: self.spelling.functions[one.prototype.name] for one in own}
            lines: list[str] = []
            maker = next((one for one in called.values() if one.form == "constructor"), None)
            if maker is None:
                lines += [
                    "constructor(handle) {",
                    "    if (!(handle instanceof OpenHandle)) {",
                    f"        throw new TypeError('a {title} is made by other functions');",
                    "    }",
                    "    super(handle);",
                    "}",
                ]
            else:
                given = ", ".join(maker.parameters)
                first = maker.parameters[0] if maker.parameters else "handle"
                lines += [
                    f"constructor({given or 'handle'}) {{",
                    f"    super({first} instanceof OpenHandle ? {first} : {title}.#make({given}));",
                    "}",
                ]
            lines += [line for one in own for line in ("", *self._function(one))]
            yield "\n".join(
                (
                    described(self.library, handle.c_name),
                    f"export class {title} extends ClosingObject {{",
                    *_in(lines),
                    "}",
                )
            )

    def _functions(self) -> Iterator[str]:
        for one in self.library.functions:
            if owner(one) is None:
                yield "\n".join(self._function(one))

    def _function(self, function: model.Function) -> list[str]:  # noqa: C901, PLR0912, PLR0915 - the story of a call, in its order
        """A function or method in JavaScript."""
        called = self.spelling.functions[function.prototype.name]
        prototype, maker = function.prototype, function.makes
        given: dict[int, str] = {}
        handles: list[str] = []
        first: list[str] = []
        converted: list[str] = []
        borrowed: list[str] = []

        def use(at: int, value: str, c_name: str, label: str) -> None:
            kind = prototype.parameters[at].type
            shared = str(isinstance(kind, Pointer) and kind.const).lower()
            first.append(f"const _handle{at} = handleOf({value}, {self.spelling.classes[c_name]}, {_quoted(label)});")
            first.append(f"const _{at} = _call.use(_handle{at}, {shared});")
            handles.append(f"_handle{at}")
            given[at] = f"_{at}"

        if function.handle:
            use(0, "this", function.handle, "this")
        has_callbacks = False
        for argument, label in zip(function.arguments, called.parameters, strict=True):
            at, quoted = argument.index, _quoted(label)
            match argument:
                case model.HandleArgument(handle=c_name):
                    use(at, label, c_name, label)
                case model.CallbacksArgument(struct=struct):
                    has_callbacks = True
                    first.append(f"const _{at} = _{self.spelling.classes[struct]}_of({label}, _live);")
                    given[at] = f"_{at}"
                case model.StructArgument(struct=struct):
                    converted.append(f"const _{at} = _{self.spelling.classes[struct]}_of({label}, _call);")
                    given[at] = f"_{at}"
                case model.Text(nul=nul):
                    converted.append(f"const _{at} = _call.{'terminated' if nul else 'text'}({label}, {quoted});")
                    given[at] = f"_{at}.address"
                    if not nul:
                        given[at + 1] = f"_{at}.length"
                case model.Texts(struct=struct):
                    title = self.spelling.classes[struct]
                    converted.append(f"const _{at} = _call.texts({label}, _{title}, {quoted});")
                    given[at], given[at + 1] = f"_{at}.address", f"_{at}.length"
                case model.Buffer(element=element, writable=writable):
                    array = f"{scalar(element)}.array"
                    borrowed.append(f"const _{at} = _call.buffer({label}, {array}, {quoted}, {str(writable).lower()});")
                    given[at], given[at + 1] = f"_{at}.pointer", f"_{at}.length"
                case model.Value(type=kind):
                    given[at] = f"{scalar(kind)}.check({label}, {quoted})"
        if has_callbacks:
            first.append("_call.callsBack ||= _live.length !== 0;")
        results, frees, taken, pointer = self._results(function, given)
        arguments = ", ".join(given[at] for at in range(len(prototype.parameters)))
        call, zero = f"LIBRARY.{self._attribute(prototype.name)}({arguments})", "0"
        if function.status:
            call, zero = f"const _status = {self._received(prototype.returns, call)}", _number(prototype.returns, 0)
        elif prototype.returns != VOID:
            call = f"const _returned = {call}"
        # Whatever runs code of the caller's comes before the buffers, whose memory that code could take away.
        work = [*first, *taken, *converted, *borrowed, f"{call};"]
        done = []
        if maker:
            handle = self.library.handles[maker]
            parents = "" if handle.independent else "".join(f", {one}" for one in handles)
            free, noun = f"LIBRARY.{self._attribute(handle.free)}", _quoted(handle.words[-1])
            title = self.spelling.classes[maker]
            done.append(f"_made = madeHandle({title}, {noun}, {pointer}, {free}, _live{parents});")
        done.append("_call.finish();")
        if function.status:
            done.append(f"if (_status !== {zero}) throw failureOf(_status);")
        if maker:
            done.append("if (_made === null) throw nothingMade();")
            made = "_made" if called.form == "constructor" else f"new {self.spelling.classes[maker]}(_made)"
            results = [made, *results]
        if results:
            done.append(f"return {results[0] if len(results) == 1 else '[' + ', '.join(results) + ']'};")
        if frees:
            done = ["try {", *_in(done), "} finally {", *_in(frees), "}"]
        body = ["const _call = new RunningCall();"]
        failing: list[str] = []
        if maker:
            body += ["const _live = [];", "let _made = null;"]
            failing = ["} catch (_failure) {", "    discardMade(_made, _live);", "    throw _failure;"]
        body += ["try {", *_in((*work, *done)), *failing, "} finally {", "    _call.end();", "}"]
        names = ", ".join(called.parameters)
        form = {"constructor": "static #make", "static": f"static {called.name}", "method": called.name}
        signature = f"{form.get(called.form, f'export function {called.name}')}({names}) {{"
        return [described(self.library, prototype.name), signature, *_in(body), "}"]

    def _results(  # noqa: C901 - one case for each form of a result
        self, function: model.Function, given: dict[int, str]
    ) -> tuple[list[str], list[str], list[str], str]:
        """What is returned, what frees what the library gave, the memory for it, and the pointer of a new handle."""
        results, frees, taken, pointer = [], [], [], ""
        name = self.spelling.functions[function.prototype.name].name

        def slot(at: int, size: str = "8") -> str:
            taken.append(f"const _{at} = _call.take({size});")
            given[at] = f"_{at}.address"
            return f"_{at}"

        def address(at: int) -> str:
            return f"C.uintptr_t.get(_{at}, 0)"

        for result in function.results:
            match result:
                case model.HandleResult(index=None):
                    pointer = "_returned"
                case model.HandleResult(index=int() as at):
                    slot(at)
                    pointer = address(at)
                case model.ValueResult(index=None, type=kind):
                    results.append(self._value(kind, "_returned"))
                case model.ValueResult(index=int() as at, type=kind):
                    results.append(self._from(kind, f"{scalar(kind)}.get({slot(at)}, 0)"))
                case model.StructResult(index=at, struct=struct):
                    title = self.spelling.classes[struct]
                    results.append(f"_{title}_read({slot(at, f'_{title}.size')})")
                case model.TextResult(index=None, free=free):
                    results.append(f"terminatedText(_returned, {_quoted(f'what {name} returned')})")
                    if free:
                        frees.append(f"if (_returned !== null) LIBRARY.{self._attribute(free)}(_returned);")
                case model.TextResult(index=int() as at, length=length, free=free):
                    slot(at)
                    label = _quoted(f"{result.name} of {name}")
                    if length is None:
                        results.append(f"terminatedText({address(at)}, {label}) ?? ''")
                    else:
                        results.append(f"decodedText({address(at)}, C.size_t.get({slot(length)}, 0), {label})")
                    frees.append(f"if ({address(at)} !== 0n) LIBRARY.{self._attribute(free)}({address(at)});")
                case model.BytesResult(index=at, length=length, element=element):
                    slot(at)
                    count = f"C.size_t.get({slot(length)}, 0)"
                    results.append(f"copyOf({address(at)}, {count}, {scalar(element)})")
                    too = f", {count}" if result.free_takes_length else ""
                    free = self._attribute(result.free)
                    frees.append(f"if ({address(at)} !== 0n) LIBRARY.{free}({address(at)}{too});")
        return results, frees, taken, pointer

    def _value(self, kind: CType, text: str) -> str:
        """A number as koffi gives it, or a member of its enumeration."""
        return self._from(kind, self._received(kind, text))

    @staticmethod
    def _received(kind: CType, text: str) -> str:
        """A number as koffi gives it."""
        return f"{scalar(kind)}.from({text})" if is_wide(kind) else text

    def _from(self, kind: CType, text: str) -> str:
        """A number, as a member of its enumeration if it has one."""
        if isinstance(kind, EnumRef) and kind.name in self.spelling.classes:
            title = self.spelling.classes[kind.name]
            return f"memberOf({title}, {text}, {_quoted(title)})"
        return text


_MESSAGE: Final = """/** What the last call in this thread that failed says of it. */
function messageOf() {
    const call = new RunningCall();
    try {
        const length = Number(LIBRARY.__LAST_ERROR__(0n, 0)) + 1;
        const piece = call.take(length);
        LIBRARY.__LAST_ERROR__(piece.address, length);
        return koffi.decode.string(piece.address);
    } finally {
        call.end();
    }
}"""


def _class(comment: str, name: str, base: str, lines: Sequence[str]) -> str:
    return "\n".join((commented(comment), f"export class {name} extends {base} {{", *_in(lines), "}"))


def _is_null(status: model.Enum | None, c_name: str) -> bool:
    return status is not None and any(one == c_name and name.startswith("NULL") for one, name, _ in status.members)


def _is_pointer(kind: CType) -> bool:
    return isinstance(kind, (Pointer, FunctionPointer))
