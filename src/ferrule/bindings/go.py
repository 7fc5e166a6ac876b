"""Bindings in Go: one file that calls a library's functions by purego, without cgo, with Go's types."""

from __future__ import annotations

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
    from collections.abc import Iterable, Iterator, Mapping

    from ferrule.bindings.declarations import CType, Prototype

_TYPES: Final = {
    **{f"{sign}int{bits}_t": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **dict.fromkeys(("size_t", "uintptr_t"), "uintptr"),
    **dict.fromkeys(("ssize_t", "intptr_t", "ptrdiff_t", "long", "long long"), "int64"),
    **dict.fromkeys(("unsigned long", "unsigned long long"), "uint64"),
    "_Bool": "bool",
    "float": "float32",
    "double": "float64",
    "signed char": "int8",
    "unsigned char": "uint8",
    "short": "int16",
    "unsigned short": "uint16",
    "int": "int32",
    "unsigned int": "uint32",
}
"""Numbers of C on the machines that the loader serves, which are LP64; of `char` some have a sign, and some none."""
_KEYWORDS: Final = frozenset((
    "break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go",
    "goto", "if", "import", "interface", "map", "package", "range", "return", "select", "struct", "switch", "type",
    "var",
))  # fmt: skip
"""The Go Programming Language Specification, "Keywords"."""
_PREDECLARED: Final = frozenset((
    "any", "bool", "byte", "comparable", "complex64", "complex128", "error", "float32", "float64", "int", "int8",
    "int16", "int32", "int64", "rune", "string", "uint", "uint8", "uint16", "uint32", "uint64", "uintptr", "true",
    "false", "iota", "nil", "append", "cap", "clear", "close", "complex", "copy", "delete", "imag", "len", "make",
    "max", "min", "new", "panic", "print", "println", "real", "recover",
))  # fmt: skip
"""The Go Programming Language Specification, "Predeclared identifiers"."""
_LOCAL: Final = frozenset((
    "h", "library", "made", "whole", "f", "c", "status", "failure", "returned", "object", "text", "err", "empty",
))  # fmt: skip
"""What the functions here call their own; others are numbered."""
_NUMBERED: Final = ("text", "number", "memory", "value", "data", "count")
_EXPORTED: Final = frozenset(
    ("Library", "Open", "Error", "ErrClosed", "ErrNUL", "ErrOpen", "Live", "Text", "ABIVersion")
)
_CONSTRUCTORS: Final = (("new",), ("create",), ("open",), ("init",), ("make",))
_PACKAGES: Final = (
    *(
        "errors",
        "fmt",
        "iter",
        "runtime",
        "slices",
        "strings",
        "sync",
        "sync/atomic",
        "unsafe",
        "github.com/ebitengine/purego",
    ),
)
_MOST: Final = 15
_CHAR: Final = "char, which has a sign on some machines"
_FLOATS: Final = (Scalar("float"), Scalar("double"))
_WIDE: Final = frozenset(("int64", "uint64", "uintptr", "float64"))
_REGISTERS: Final = 8
"""Registers for whole numbers of arm64."""


def fitting(library: model.Library) -> model.Library:
    """The part of a library that purego can call; the rest is left to the author too."""
    left = dict(library.left)
    charged = {one.c_name for one in (*library.enums, library.status) if one and one.base == "char"}
    left |= dict.fromkeys(charged, f"it is passed as a {_CHAR}")
    structs: dict[str, model.Struct] = {}
    for name, struct in library.structs.items():
        if reason := _no_struct(struct):
            left[name] = reason
            continue
        reasons = {one.field: reason for one in struct.callbacks if (reason := _no_callback(one, structs))}
        left |= {f"{name}.{field}": f"{reason}; it is null" for field, reason in reasons.items()}
        structs[name] = replace(struct, callbacks=tuple(c for c in struct.callbacks if c.field not in reasons))
    functions = []
    for function in library.functions:
        if reason := _no_function(function, structs):
            left[function.prototype.name] = reason
        else:
            functions.append(function)
    return replace(
        library,
        status=None if library.status and library.status.c_name in charged else library.status,
        enums=tuple(one for one in library.enums if one.c_name not in charged),
        structs=structs,
        functions=tuple(functions),
        left=tuple(left.items()),
    )


def _no_struct(struct: model.Struct) -> str:
    for name, kind in struct.fields:
        if _has_char(kind):
            return f"its field {name} is a {_CHAR}"
    return ""


def _no_callback(callback: model.Callback, structs: Mapping[str, model.Struct]) -> str:
    if callback.returns in _FLOATS:
        return "it returns a floating-point number, which purego cannot"
    if _has_char(callback.returns) or any(_has_char(one.type) for one in callback.prototype.parameters):
        return f"it passes a {_CHAR}"
    return _no_argument(callback.arguments, structs)


def _no_argument(passed: Iterable[model.Argument | model.Result], structs: Mapping[str, model.Struct]) -> str:
    for one in passed:
        name = getattr(one, "struct", "")
        if name and name not in structs:
            return f"it takes a {name}, which is left to the author"
    return ""


def _has_char(kind: CType) -> bool:
    """Whether a type holds what C calls `char` as a number."""
    match kind:
        case Array():
            return _has_char(kind.of)
        case EnumRef():
            return kind.base == "char"
    return kind == Scalar("char")


def _no_function(function: model.Function, structs: Mapping[str, model.Struct]) -> str:
    prototype = function.prototype
    results = (one.type for one in function.results if isinstance(one, model.ValueResult))
    passed = (prototype.returns, *(one.type for one in prototype.parameters))
    if any(map(_has_char, (*passed, *results))):
        return f"it passes a {_CHAR}"
    if sum(isinstance(one, model.TextResult) and one.length is not None for one in function.results) > 1:
        return "it gives several texts of known length"
    if len(prototype.parameters) > _MOST:
        return f"it takes more than {_MOST} arguments"
    return _no_argument((*function.arguments, *function.results), structs)


def module(library: model.Library, package: str) -> str:
    """The text of the file, in a module with its loader, of a library that is `fitting`."""
    return _File(library, package).text()


@cache
def reserved() -> frozenset[str]:
    """Names that no parameter may have: words of Go, and what a function here reads or has for itself."""
    packages = {one.rpartition("/")[2] for one in (*_PACKAGES, "internal/ferrule/native")}
    numbered = (f"{stem}{at}" for stem in _NUMBERED for at in range(_MOST))
    return _KEYWORDS | _PREDECLARED | _LOCAL | packages | declared() | frozenset(numbered)


@cache
def declared() -> frozenset[str]:
    """What the text that all libraries share declares in the package."""
    return frozenset(re.findall(r"^(?:func|var|const|type) (\w+)", _runtime(0, 0), flags=re.MULTILINE))


def _runtime(pointers: int, numbers: int) -> str:
    text = (files(__package__) / "runtime.go.in").read_text(encoding="utf-8").strip("\n")
    return text.replace("[POINTERS]", f"[{pointers}]").replace("[NUMBERS]", f"[{numbers}]")


@dataclass(slots=True)
class _File:
    """Writes the file of a library."""

    library: model.Library
    module: str
    names: Names = field(default_factory=lambda: Names(_EXPORTED, before_digit="X"))
    types: dict[str, str] = field(default_factory=dict)
    members: dict[tuple[str, int], str] = field(default_factory=dict)
    most: tuple[int, int] = (0, 0)

    def text(self) -> str:
        """The whole file."""
        self._claim()
        parts = [
            *self._enums(),
            self._errors(),
            *(part for one in self.library.structs.values() for part in self._structure(one)),
            self._library(),
            *(part for one in self.library.handles.values() for part in self._handle(one)),
            *(self._function(one) for one in self.library.functions),
            *(_call(count) for count in self._arities()),
            _runtime(*self.most),
        ]
        body = "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
        left = "".join(f"//   - {name}: {reason}\n" for name, reason in self.library.left)
        note = f"//\n// Left to the author, because no convention covers it:\n//\n{left}" if left else ""
        return (
            "// Code generated by ferrule; DO NOT EDIT.\n\n"
            "//go:build (darwin || linux) && (amd64 || arm64)\n\n"
            f"// Package bindings calls the functions of {self.library.header}, with Go's types and without cgo.\n"
            "//\n// Any number of goroutines may call a handle, as far as the library allows it; callbacks run in the\n"
            "// thread that called. A panic of theirs is raised when the library has returned, as is runtime.Goexit.\n"
            f"{note}package bindings\n\n{_imports(body, self.module)}\n{body}"
        )

    def _arities(self) -> list[int]:
        """How many arguments functions have, but for one, which the runtime has for itself."""
        plain = (one.prototype for one in self.library.functions if not _is_registered(one.prototype))
        return sorted({len(one.parameters) for one in plain} - {1})

    def _claim(self) -> None:
        library = self.library
        enums = (*([library.status] if library.status else []), *library.enums)
        types: tuple[model.Enum | model.Struct | model.Handle, ...] = (
            *enums,
            *library.structs.values(),
            *library.handles.values(),
        )
        for one in types:
            self.types[one.c_name] = self.names.claim(camel(one.words), camel(words(one.c_name)))
        for enum in enums:
            for c_name, name, value in enum.members:
                title = self.types[enum.c_name] + camel(part.lower() for part in name.split("_") if part)
                self.members[enum.c_name, value] = self.names.claim(title, camel(words(c_name)))

    def _doc(self, name: str, c_name: str, indent: str = "") -> str:
        comment = self.library.comments.get(c_name, "")
        lines = [f"{name} is {c_name}.", *(["", *comment.splitlines()] if comment else [])]
        return "\n".join(f"{indent}// {line}".rstrip() for line in lines)

    # What values there are.

    def _enums(self) -> Iterator[str]:
        for enum in (*([self.library.status] if self.library.status else []), *self.library.enums):
            title = self.types[enum.c_name]
            yield f"{self._doc(title, enum.c_name)}\ntype {title} {_TYPES[enum.base]}"
            seen: set[int] = set()
            rows = []
            for c_name, _, value in enum.members:
                if value not in seen:
                    seen.add(value)
                    member = self.members[enum.c_name, value]
                    rows.append(f"{self._doc(member, c_name, chr(9))}\n\t{member} {title} = {value}")
            yield "// The members of " + title + ".\nconst (\n" + "\n".join(rows) + "\n)"

    def _errors(self) -> str:
        status = self.library.status
        if status is None:
            return ""
        title = self.types[status.c_name]
        seen: dict[int, str] = {}
        for _, name, value in status.members:
            seen.setdefault(value, name.lower().replace("_", " "))
        cases = "".join(f'\tcase {self.members[status.c_name, v]}:\n\t\treturn "{text}"\n' for v, text in seen.items())
        return (
            "// Error gives the name of the status, so that errors.Is finds it in an Error.\n"
            f"func (status {title}) Error() string {{\n\tswitch status {{\n{cases}\t}}\n"
            '\treturn fmt.Sprintf("status %d", status)\n}\n\n'
            "// Error is a failure: its status, and the library's words for it.\n"
            f"type Error struct {{\n\t// Status is what the call came to.\n\tStatus {title}\n"
            "\t// Message says what happened.\n\tMessage string\n}\n\n"
            "// Error gives the message.\nfunc (e *Error) Error() string {\n\treturn e.Message\n}\n\n"
            "// Unwrap leads errors.Is to the status.\nfunc (e *Error) Unwrap() error {\n\treturn e.Status\n}\n\n"
            f"{self._failure(title)}"
        )

    def _failure(self, title: str) -> str:
        head = (
            "// failure gives the error of a status; the message is the one of the last call in this thread.\n"
            f"func (library *Library) failure(status {title}) error {{\n"
        )
        if not self.library.last_error:
            return f"{head}\treturn &Error{{status, status.Error()}}\n}}"
        return (
            f"{head}\tbuffer := make([]byte, 256)\n\tfor {{\n"
            f"\t\tneeded, _, _ := purego.SyscallN(library.{_address(self.library.last_error)},\n"
            "\t\t\tuintptr(unsafe.Pointer(unsafe.SliceData(buffer))), uintptr(len(buffer)))\n"
            "\t\tif int(needed) < len(buffer) {\n\t\t\treturn &Error{status, string(buffer[:needed])}\n\t\t}\n"
            "\t\tbuffer = make([]byte, needed+1)\n\t}\n}"
        )

    # Structures.

    def _structure(self, struct: model.Struct) -> Iterator[str]:
        if struct.is_text:
            return
        title = self.types[struct.c_name]
        rows = []
        for argument in struct.arguments:
            name = _exported(words(argument.name))
            rows.append(f"\t// {name} is {argument.name}.\n\t{name} {self._hint(argument)}")
        for callback in struct.callbacks:
            name = _exported(words(callback.field))
            comment = self.library.comments.get(callback.field, "").splitlines()
            text = "".join(f"\n\t// {line}".rstrip() for line in comment)
            rows.append(f"\t// {name} is {callback.field}.{text}\n\t{name} {self._callback_type(callback)}")
        yield f"{self._doc(title, struct.c_name)}\ntype {title} struct {{\n" + "".join(f"{row}\n" for row in rows) + "}"
        if self._is_plain(struct):
            return
        own = self._own(struct)
        borrowed = {one.name: f"*{self._hint(one)[2:]}" for one in struct.arguments if isinstance(one, model.Buffer)}
        fields = [
            (f"{_lower(_exported(words(name)))}_", borrowed.get(name) or self._memory(kind))
            for name, kind in struct.fields
        ]
        width = max(len(name) for name, _ in fields)
        layout = "".join(f"\t{name.ljust(width)} {kind}\n" for name, kind in fields)
        yield f"// {own}Memory is {struct.c_name} as the library has it.\ntype {own}Memory struct {{\n{layout}}}"
        yield from (self._trampoline(struct, callback) for callback in struct.callbacks)
        if struct.release:
            yield (
                f"var {own}Release = sync.OnceValue(func() uintptr {{\n"
                "\treturn purego.NewCallback(func(number uintptr) {\n\t\tLive.Delete(number)\n\t})\n})"
            )
        yield self._memory_of(struct, title, own)
        if struct.is_numbers:
            values = [(_exported(words(one.name)), _lower(_exported(words(one.name)))) for one in struct.arguments]
            wide = max((len(name) for name, _ in values), default=0) + 2
            filled = "".join(f"\t\t{f'{name}:'.ljust(wide)}from.{label}_,\n" for name, label in values)
            yield (
                f"// value gives what the library wrote.\nfunc (from *{own}Memory) value() {title} {{\n"
                f"\treturn {title}{{{filled and chr(10) + filled + chr(9)}}}\n}}"
            )

    def _own(self, struct: model.Struct) -> str:
        """What begins the names of a structure that nobody sees outside of the package."""
        own = _lower(self.types[struct.c_name])
        return f"{own}_" if any(name in declared() for name in _memory_names(struct, own)) else own

    def _memories(self) -> frozenset[str]:
        structs = self.library.structs.values()
        return frozenset(name for one in structs for name in _memory_names(one, self._own(one)))

    def _is_plain(self, struct: model.Struct) -> bool:
        """Whether Go's structure is laid out as C's is: all its fields are numbers of the caller's."""
        return len(struct.arguments) == len(struct.fields) and all(
            isinstance(kind, (Scalar, EnumRef)) for _, kind in struct.fields
        )

    def _laid_out(self, struct: str, pointed: str) -> tuple[str, str]:
        """The type that is laid out as C's structure is, and the form in which Go's is taken from a pointer to it."""
        title = self.types[struct]
        if self._is_plain(self.library.structs[struct]):
            return title, f"*{{}}{pointed}"
        return f"{self._own(self.library.structs[struct])}Memory", f"{{}}{pointed}.value()"

    def _memory_of(self, struct: model.Struct, title: str, own: str) -> str:
        labels = {name: f"{_lower(_exported(words(name)))}_" for name, _ in struct.fields}
        names = [name for name, _ in struct.fields]
        lines = []
        if struct.size:
            lines.append(f"made.{labels[struct.size]} = {self._number(struct, struct.size)}(unsafe.Sizeof(*made))")
        for argument in struct.arguments:
            name = _exported(words(argument.name))
            label = labels[argument.name]
            match argument:
                case model.Texts():
                    following = labels[names[names.index(argument.name) + 1]]
                    lines.append(f"made.{label} = unsafe.SliceData(from.{name})")
                    lines.append(f"made.{following} = uintptr(len(from.{name}))")
                case model.Text(nul=True):
                    lines.append(f"if made.{label}, err = terminated(from.{name}); err != nil {{")
                    lines += ["\treturn nil, err", "}"]
                case model.Buffer():
                    following = labels[names[names.index(argument.name) + 1]]
                    lines.append(f"made.{label} = unsafe.SliceData(from.{name})")
                    lines.append(f"made.{following} = uintptr(len(from.{name}))")
                case model.Text():
                    following = labels[names[names.index(argument.name) + 1]]
                    lines.append(f"made.{label} = unsafe.StringData(from.{name})")
                    lines.append(f"made.{following} = uintptr(len(from.{name}))")
                case _:
                    lines.append(f"made.{label} = from.{name}")
        number = ""
        if struct.callbacks:
            number = ", number uintptr"
            lines.append(f"made.{labels[struct.user_data]} = number")
            for callback in struct.callbacks:
                name = _exported(words(callback.field))
                lines += [
                    f"if from.{name} != nil {{",
                    f"\tmade.{labels[callback.field]} = {own}{name}()",
                    "}",
                ]
            if struct.release:
                lines.append(f"made.{labels[struct.release]} = {own}Release()")
        body = "".join(f"\t{line}\n" for line in lines)
        return (
            "// memory gives the structure as the library has it; nil for none.\n"
            f"func (from *{title}) memory({number.removeprefix(', ')}) (made *{own}Memory, err error) {{\n"
            f"\tif from == nil {{\n\t\treturn nil, nil\n\t}}\n\tmade = new({own}Memory)\n{body}\treturn made, nil\n}}"
        )

    def _number(self, struct: model.Struct, name: str) -> str:
        kind = dict(struct.fields)[name]
        return _TYPES[kind.name] if isinstance(kind, Scalar) else "uintptr"

    def _callback_type(self, callback: model.Callback) -> str:
        own = Names(reserved())
        labels = (own.claim(_lower(_exported(words(one.name)))) for one in callback.arguments)
        kinds = (self._hint(one).removeprefix("*") for one in callback.arguments)
        handed = ", ".join(f"{label} {kind}" for label, kind in zip(labels, kinds, strict=True))
        returns = "" if callback.returns == VOID else f" {self._type(callback.returns)}"
        return f"func({handed}){returns}"

    def _trampoline(self, struct: model.Struct, callback: model.Callback) -> str:
        own, title = self._own(struct), self.types[struct.c_name]
        name = _exported(words(callback.field))
        labels = [f"argument{at}" for at in range(len(callback.prototype.parameters))]
        labels[callback.user_data] = "number"
        used = {callback.user_data}
        handed = []
        for argument in callback.arguments:
            at = argument.index
            used.add(at)
            match argument:
                case model.Text(nul=True):
                    handed.append(f"clone({labels[at]})")
                case model.Text():
                    used.add(at + 1)
                    handed.append(f"strings.Clone(unsafe.String({labels[at]}, {labels[at + 1]}))")
                case model.Buffer():
                    used.add(at + 1)
                    handed.append(f"append([]byte(nil), unsafe.Slice({labels[at]}, {labels[at + 1]})...)")
                case model.StructArgument(struct=handed_one):
                    memory, value = self._laid_out(handed_one, f"(unsafe.Pointer({labels[at]}))")
                    handed.append(value.format(f"(*{memory})"))
                case model.Value(type=kind):
                    handed.append(f"{self._type(kind)}({labels[at]})" if isinstance(kind, EnumRef) else labels[at])
                case _:
                    raise AssertionError(argument)
        kinds = [self._passed(one.type) for one in callback.prototype.parameters]
        kinds[callback.user_data] = "uintptr"
        signature = ", ".join(
            f"{label if at in used else '_'} {kind}" for at, (label, kind) in enumerate(zip(labels, kinds, strict=True))
        )
        call = f"callbacks.{name}({', '.join(handed)})"
        if callback.returns == VOID:
            answer, failed, result, statement = "struct{}", "struct{}{}", "", [call, "return struct{}{}"]
            start = "callBack"
        else:
            answer, failed, result = (
                self._passed(callback.returns),
                str(callback.failed),
                self._passed(callback.returns),
            )
            start = "return callBack"
            statement = [f"return {answer}({call})" if isinstance(callback.returns, EnumRef) else f"return {call}"]
        if answer == "bool":
            failed = "false"
        elif answer != "struct{}":
            failed = f"{answer}({failed})"
        body = "".join(f"\t\t\t{line}\n" for line in statement)
        return (
            f"// {own}{name} is made once in a process, because what is made for foreign code to call is never freed.\n"
            f"var {own}{name} = sync.OnceValue(func() uintptr {{\n"
            f"\treturn purego.NewCallback(func({signature}){' ' + result if result else ''} {{\n"
            f"\t\t{start}(number, {failed}, func(callbacks *{title}) {answer} {{\n{body}\t\t}})\n\t}})\n}})"
        )

    # The library.

    def _library(self) -> str:
        registered = [one for one in self.library.functions if _is_registered(one.prototype)]
        members = [(_address(one.name), "uintptr") for one in self.library.raw]
        members += [(_registered(one.prototype.name), self._signature(one.prototype)) for one in registered]
        width = max((len(name) for name, _ in members), default=0)
        fields = "".join(f"\t{name.ljust(width)} {kind}\n" for name, kind in members)
        pad = max((len(one.name) for one in self.library.raw), default=0)
        rows = "".join(
            f"\t\t{(chr(34) + one.name + chr(34) + ':').ljust(pad + 3)} &opened.{_address(one.name)},\n"
            for one in self.library.raw
        )
        abi = self.library.abi_version
        check = constant = ""
        if abi:
            constant = (
                f"// ABIVersion is the version of the C interface that is called here.\nconst ABIVersion = {abi[1]}\n\n"
            )
            check = (
                f"\tif version, _, _ := purego.SyscallN(opened.{_address(abi[0])}); uint32(version) != ABIVersion {{\n"
                "\t\treturn nil, &native.Error{Foreign: true, Message: fmt.Sprintf(\n"
                '\t\t\t"%s has version %d of the C interface, and this package needs %d",\n'
                "\t\t\tlibrary.Path, uint32(version), ABIVersion)}\n\t}\n"
            )
        registering = "".join(
            f"\tpurego.RegisterFunc(&opened.{_registered(name)}, opened.{_address(name)})\n"
            for name in (one.prototype.name for one in registered)
        )
        return (
            f"{constant}// Library has the addresses of the functions of an open library.\n"
            f"type Library struct {{\n{fields}}}\n\n"
            "// Open finds the functions in a library that the loader opened; an error says which is missing, or that\n"
            "// it is one of another version of the interface.\n"
            "func Open(library *native.Library) (*Library, error) {\n\topened := new(Library)\n"
            f"\tfor name, address := range map[string]*uintptr{{\n{rows}\t}} {{\n"
            "\t\tvar err error\n\t\tif *address, err = library.Function(name); err != nil {\n"
            "\t\t\treturn nil, err\n\t\t}\n\t}\n"
            f"{check}{registering}\treturn opened, nil\n}}"
        )

    def _signature(self, function: Prototype) -> str:
        """The type of a function that is registered."""
        kinds = [
            self._type(one.type) if isinstance(one.type, (Scalar, EnumRef)) else "unsafe.Pointer"
            for one in function.parameters
        ]
        returns = self._type(function.returns) if function.returns in _FLOATS else "uintptr"
        return f"func({', '.join(kinds)}){'' if function.returns == VOID else f' {returns}'}"

    def _type(self, kind: CType) -> str:
        """A number or an enumeration, as Go's code has it."""
        if isinstance(kind, EnumRef):
            return self.types.get(kind.name, _TYPES[kind.base])
        if isinstance(kind, Scalar):
            return _TYPES[kind.name]
        raise AssertionError(kind)

    def _passed(self, kind: CType) -> str:
        """What purego passes to a callback."""
        if isinstance(kind, EnumRef):
            return _TYPES[kind.base]
        return _TYPES[kind.name] if isinstance(kind, Scalar) else "*byte"

    def _memory(self, kind: CType) -> str:
        """A field of a structure as the library has it."""
        match kind:
            case Scalar():
                return _TYPES[kind.name]
            case EnumRef():
                return self.types.get(kind.name, _TYPES[kind.base])
            case Array():
                return f"[{kind.count}]{self._memory(kind.of)}"
            case Pointer(to=StructRef()):
                return "*string"  # which is a pointer and a length
            case Pointer(to=Scalar(name="char")):
                return "*byte"
            case FunctionPointer() | Pointer():
                return "uintptr"
        raise AssertionError(kind)

    def _hint(self, argument: model.Argument) -> str:
        match argument:
            case model.Text():
                return "string"
            case model.Texts():
                return "[]string"
            case model.Buffer(element=element):
                return f"[]{'byte' if element == 'uint8_t' else _TYPES[element]}"
            case model.Value(type=kind):
                return self._type(kind)
            case model.HandleArgument(handle=handle):
                return f"*{self.types[handle]}"
        return f"*{self.types[argument.struct]}"

    # Handles and functions.

    def _handle(self, handle: model.Handle) -> Iterator[str]:
        title = self.types[handle.c_name]
        yield f"{self._doc(title, handle.c_name)}\ntype {title} struct {{\n\t*handle\n}}"
        yield (
            "// Close frees it: at once, or when the last call that is still running has ended. Twice does nothing,\n"
            "// nor does closing nil.\n"
            f"func (h *{title}) Close() {{\n\tif h != nil {{\n\t\th.close()\n\t}}\n}}"
        )

    def _function(self, function: model.Function) -> str:  # noqa: C901, PLR0912, PLR0915 - the story of a call, in its order
        prototype, maker = function.prototype, function.makes
        own = Names(reserved() | self._memories())
        given: dict[int, str] = {}
        parameters: list[str] = []
        before: list[str] = []
        alive: list[str] = []
        handles: list[str] = []
        is_fallible = bool(function.handle or function.status or maker)
        is_registered = _is_registered(prototype)
        if function.handle:
            handles.append("h")
            given[0] = "h.pointer"
        callbacks = "nil"
        late: list[str] = []
        for argument in function.arguments:
            label, at = own.claim(_lower(_exported(words(argument.name))), f"{argument.name}_"), argument.index
            parameters.append(f"{label} {self._hint(argument)}")
            match argument:
                case model.Text(nul=True):
                    is_fallible = True
                    before += [f"text{at}, err := terminated({label})", "if err != nil {", "\treturn empty", "}"]
                    given[at] = f"unsafe.Pointer(text{at})"
                case model.Text():
                    given[at] = f"unsafe.Pointer(unsafe.StringData({label}))"
                    given[at + 1] = f"uintptr(len({label}))"
                case model.Texts() | model.Buffer():
                    given[at] = f"unsafe.Pointer(unsafe.SliceData({label}))"
                    given[at + 1] = f"uintptr(len({label}))"
                    alive.append(label)
                case model.Value(type=kind):
                    given[at] = label
                    if self._type(kind) == "bool" and not is_registered:
                        given[at] = f"uintptr(number{at})"
                        before += [f"var number{at} uintptr", f"if {label} {{", f"\tnumber{at} = 1", "}"]
                case model.HandleArgument():
                    handles.append(label)
                    given[at] = f"{label}.pointer"
                case model.StructArgument() | model.CallbacksArgument():
                    is_fallible = True
                    struct = self.library.structs[argument.struct]
                    alive.append(label)
                    if self._is_plain(struct):
                        given[at] = f"unsafe.Pointer({label})"
                        continue
                    number = "made.number" if struct.callbacks else ""
                    late += [f"memory{at}, err := {label}.memory({number})", "if err != nil {", "\treturn empty", "}"]
                    given[at] = f"unsafe.Pointer(memory{at})"
                    alive.append(f"memory{at}")
                    if struct.callbacks:
                        callbacks = label
        values, kinds, take, release = [], [], [], []
        pointers = numbers_ = 0
        for result in function.results:
            match result:
                case model.HandleResult(index=index):
                    if index is not None:
                        given[index] = "unsafe.Pointer(&made.pointer)"
                case model.ValueResult(index=None, type=kind):
                    text = "returned != 0" if self._type(kind) == "bool" else f"{self._type(kind)}(returned)"
                    if self._type(kind) == "bool":
                        text = "byte(returned) != 0"
                    values.append(text)
                    kinds.append(self._type(kind))
                case model.ValueResult(index=int() as at, type=kind):
                    given[at] = f"unsafe.Pointer(&f.numbers[{numbers_}])"
                    take.append(f"value{at} := *(*{self._type(kind)})(unsafe.Pointer(&f.numbers[{numbers_}]))")
                    values.append(f"value{at}")
                    kinds.append(self._type(kind))
                    numbers_ += 1
                case model.StructResult(index=at):
                    title = self.types[result.struct]
                    memory, value = self._laid_out(result.struct, "")
                    before.append(f"value{at} := new({memory})")
                    given[at] = f"unsafe.Pointer(value{at})"
                    values.append(value.format(f"value{at}"))
                    kinds.append(title)
                case model.TextResult(index=None, free=free):
                    take.append("text := *(**byte)(unsafe.Pointer(&returned))")
                    values.append("clone(text)")
                    kinds.append("string")
                    if free:
                        release.append(f"defer purego.SyscallN({self._at(free, function)}, returned)")
                case model.TextResult(index=int() as at, length=None, free=free):
                    given[at] = f"unsafe.Pointer(&f.pointers[{pointers}])"
                    take.append(f"text{at} := f.pointers[{pointers}]")
                    values.append(f"clone(text{at})")
                    kinds.append("string")
                    release += [
                        f"if text{at} != nil {{",
                        f"\tdefer purego.SyscallN({self._at(free, function)}, uintptr(unsafe.Pointer(text{at})))",
                        "}",
                    ]
                    pointers += 1
                case model.TextResult(index=int() as at, length=int() as length, free=free):
                    given[at] = f"unsafe.Pointer(&f.pointers[{pointers}])"
                    given[length] = f"unsafe.Pointer(&f.numbers[{numbers_}])"
                    fields = (
                        f"f.pointers[{pointers}], uintptr(f.numbers[{numbers_}]), {self._at(free, function)}, f, f.uses"
                    )
                    take.append(f"text{at} := Text{{{fields}}}")
                    values.append(f"text{at}")
                    kinds.append("Text")
                    pointers, numbers_ = pointers + 1, numbers_ + 1
                case model.BytesResult(index=at):
                    given[at] = f"unsafe.Pointer(&f.pointers[{pointers}])"
                    given[result.length] = f"unsafe.Pointer(&f.numbers[{numbers_}])"
                    element = (
                        "byte" if result.element in {"uint8_t", "unsigned char", "char"} else _TYPES[result.element]
                    )
                    take.append(f"data{at}, count{at} := f.pointers[{pointers}], f.numbers[{numbers_}]")
                    values.append(
                        f"append([]{element}(nil), unsafe.Slice((*{element})(unsafe.Pointer(data{at})), count{at})...)"
                    )
                    kinds.append(f"[]{element}")
                    extra = f", uintptr(count{at})" if result.free_takes_length else ""
                    free = self._at(result.free, function)
                    release += [
                        f"if data{at} != nil {{",
                        f"\tdefer purego.SyscallN({free}, uintptr(unsafe.Pointer(data{at})){extra})",
                        "}",
                    ]
                    pointers, numbers_ = pointers + 1, numbers_ + 1
        self.most = (max(self.most[0], pointers), max(self.most[1], numbers_))
        # The call, in its order.
        library = "h.library" if function.handle else "library"
        returned = [*kinds, *([f"*{self.types[maker]}"] if maker else []), *(["error"] if is_fallible else [])]
        zeros = [*(_zero(kind, self) for kind in kinds), *(["nil"] if maker else [])]

        def fails(error: str) -> str:
            return f"return {', '.join([*zeros, error])}"

        lines: list[str] = [*before]
        # Where nothing is returned and nothing panics in between, a call need not defer, which costs a few nanoseconds.
        plain = handles == ["h"] and not maker and not late
        for one in handles:
            lines += [f"if !{one}.users.enter() {{", f"\t{fails('ErrClosed')}", "}"]
            lines += [] if plain else [f"defer runtime.KeepAlive({one})", f"defer {one}.leave()"]
        # What the call runs callbacks of: what it makes, which knows its parents, and what it uses.
        covered = maker and not self.library.handles[maker].independent
        used = ([] if covered else handles) + (["made"] if maker else [])
        subject = ", ".join(one if one == "made" else f"{one}.handle" for one in used)
        if maker:
            handle = self.library.handles[maker]
            free = _address(handle.free)
            parents = "" if handle.independent else "".join(f", {one}.handle" for one in handles)
            kept = callbacks
            lines.append(f"made := {library}.newHandle({library}.{free}{parents})")
            if kept != "nil":
                lines += [f"if {kept} != nil {{", f"\tmade.keep({kept})", "}"]
                if self._released(function):
                    lines.append(f"made.released = {kept} != nil")
            lines += [
                "whole := false",
                "defer func() {",
                "\tif !whole {",
                "\t\tmade.close()",
                "\t}",
                "\tmade.leave()",
                "}()",
            ]
        lines += late
        lines.append("f := frames.Get().(*frame)")
        # A text that is handed out keeps the frame, so that freeing it needs no other.
        if "Text" not in kinds:
            lines.append("defer f.done()")
        if subject or function.status:
            lines.append("runtime.LockOSThread()")
        if subject:
            lines.append(f"c := f.call.begin({subject})")
        arguments = [given[at] for at in range(len(prototype.parameters))]
        if is_registered:
            call = f"{library}.{_registered(prototype.name)}({', '.join(arguments)})"
        else:
            passed = "".join(f", {_word(one)}" for one in arguments)
            call = f"f.call{len(arguments)}({library}.{_address(prototype.name)}{passed})"
        if function.status and self.library.status:
            lines.append(f"status := {self.types[self.library.status.c_name]}({call})")
            lines += ["var failure error", "if status != 0 {", f"\tfailure = {library}.failure(status)", "}"]
        elif prototype.returns != VOID:
            lines.append(f"returned := {call}")
        else:
            lines.append(call)
        if maker and any(isinstance(one, model.HandleResult) and one.index is None for one in function.results):
            lines.append("made.pointer = *(*unsafe.Pointer)(unsafe.Pointer(&returned))")
        lines += [f"runtime.KeepAlive({one})" for one in alive]
        lines += take
        if subject:
            texts = [value for value, kind in zip(values, kinds, strict=True) if kind == "Text"]
            if texts and function.status:
                lines += ["if c != nil && (c.panicked != nil || c.exited) {"]
                lines += [f"\tdefer {one}.Free()" for one in texts]
                lines += ["}"]
        lines += release
        lines += ["h.leave()", "runtime.KeepAlive(h)"] if plain else []
        if subject or function.status:
            lines.append("runtime.UnlockOSThread()")
        if subject:
            lines += ["if c != nil {", f"\tc.finish({subject})", "}"]
        if function.status:
            texts = [value for value, kind in zip(values, kinds, strict=True) if kind == "Text"]
            lines += ["if failure != nil {", *(f"\t{one}.Free()" for one in texts), f"\t{fails('failure')}", "}"]
        if maker:
            lines += ["if made.pointer == nil {", f"\t{fails(self._could_not())}", "}"]
            lines += ["if !made.own() {", f"\t{fails('ErrOpen')}", "}", "whole = true"]
            title = self.types[maker]
            lines += [f"object := &{title}{{made}}", "// For those who forget to close."]
            lines.append("runtime.AddCleanup(object, (*handle).close, made)")
            values.append("object")
        if returned:
            lines.append(f"return {', '.join([*values, *(['nil'] if is_fallible else [])])}")
        stem = _exported(function.words)
        owner = function.handle or maker
        if function.handle:
            receiver, name = f"h *{self.types[function.handle]}", stem
            if name == "Close":
                name = "CloseIt"
        else:
            receiver = "library *Library"
            name = f"{stem}{self.types[owner]}" if owner else self.names.claim(stem, camel(words(prototype.name)))
        signature = "" if not returned else f" {returned[0]}" if len(returned) == 1 else f" ({', '.join(returned)})"
        body = "".join(f"\t{line}\n" for line in "\n".join(lines).replace("return empty", fails("err")).splitlines())
        doc = self._doc(name, prototype.name)
        return f"{doc}\nfunc ({receiver}) {name}({', '.join(parameters)}){signature} {{\n{body}}}"

    def _at(self, free: str, function: model.Function) -> str:
        return f"{'h.library' if function.handle else 'library'}.{_address(free)}"

    def _released(self, function: model.Function) -> bool:
        return any(
            isinstance(one, model.CallbacksArgument) and bool(self.library.structs[one.struct].release)
            for one in function.arguments
        )

    def _could_not(self) -> str:
        return 'errors.New("the library could not make it")'


def _memory_names(struct: model.Struct, own: str) -> list[str]:
    return [
        f"{own}{name}" for name in ("Memory", "Release", *(_exported(words(one.field)) for one in struct.callbacks))
    ]


def _zero(kind: str, file: _File) -> str:
    if kind in file.types.values() and any(
        one.c_name in file.library.structs and file.types[one.c_name] == kind for one in file.library.structs.values()
    ):
        return f"{kind}{{}}"
    return {"Text": "Text{}", "string": '""', "bool": "false"}.get(kind, "nil" if kind.startswith("[]") else "0")


def _is_registered(function: Prototype) -> bool:
    """Whether a function is called with its types, by reflection, because words in registers would not do.

    Floating-point numbers have registers of their own, and on macOS on arm64 arguments behind the eighth take no more
    of the stack than they are wide (Writing ARM64 code for Apple platforms, "Pass arguments to functions correctly").
    """
    passed = [one.type for one in function.parameters]
    return any(kind in _FLOATS for kind in (function.returns, *passed)) or any(
        _TYPES[kind.base if isinstance(kind, EnumRef) else kind.name] not in _WIDE
        for kind in passed[_REGISTERS:]
        if isinstance(kind, (Scalar, EnumRef))
    )


def _word(argument: str) -> str:
    """An argument as the number that a register takes."""
    return argument if argument.startswith("uintptr(") else f"uintptr({argument})"


def _call(count: int) -> str:
    """What calls a function of so many arguments."""
    names = [f"a{at}" for at in range(count)]
    copied = f"\t*(*[{count}]uintptr)(f.arguments[:]) = [...]uintptr{{{', '.join(names)}}}\n" if names else ""
    return (
        f"// call{count} is call1 for {count} arguments.\n//\n//go:uintptrescapes\n"
        f"func (f *frame) call{count}(function{''.join(f', {name}' for name in names)} uintptr) uintptr {{\n"
        f"{copied}\tresult, _, _ := purego.SyscallN(function, f.arguments[:{count}]...)\n\treturn result\n}}"
    )


def _address(name: str) -> str:
    """The field with the address of a function."""
    return _lower(_exported(words(name))) + "At"


def _registered(name: str) -> str:
    """The field with a function that is registered."""
    return _lower(_exported(words(name))) + "Call"


def _exported(every: Iterable[str]) -> str:
    """A name that Go exports: it begins with a letter."""
    name = camel(every)
    return name if name[:1].isalpha() else f"X{name}"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _imports(body: str, module: str) -> str:
    """The import declaration for the packages that the file uses."""
    code = re.sub(r"^\s*//.*$", "", body, flags=re.MULTILINE)
    used = [name for name in _PACKAGES if re.search(rf"\b{name.rpartition('/')[2]}\.[A-Z]", code)]
    own = f"{module}/internal/ferrule/native"
    groups: list[Iterable[str]] = [
        [name for name in used if "." not in name],
        [name for name in used if "." in name],
        [own],
    ]
    blocks = ["".join(f'\t"{name}"\n' for name in group) for group in groups if group]
    return "import (\n" + "\n".join(blocks) + ")\n"
