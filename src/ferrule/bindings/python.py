"""Bindings in Python: one module that declares a library's functions to ctypes and calls them by Python's types."""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
import symtable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from ferrule.bindings import model, python_runtime
from ferrule.bindings.conventions import words
from ferrule.bindings.declarations import (
    VOID,
    Array,
    EnumRef,
    FunctionPointer,
    Pointer,
    Scalar,
    StructRef,
)
from ferrule.bindings.naming import Names, camel, snake
from ferrule.core.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ferrule.bindings.declarations import CType, Prototype

_CTYPES: Final = {
    **{f"{sign}int{bits}_t": f"c_{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "size_t": "c_size_t",
    "ssize_t": "c_ssize_t",
    "uintptr_t": "c_size_t",
    "intptr_t": "c_ssize_t",
    "ptrdiff_t": "c_ssize_t",
    "_Bool": "c_bool",
    "float": "c_float",
    "double": "c_double",
    "char": "c_byte",
    "signed char": "c_byte",
    "unsigned char": "c_ubyte",
    "short": "c_short",
    "unsigned short": "c_ushort",
    "int": "c_int",
    "unsigned int": "c_uint",
    "long": "c_long",
    "unsigned long": "c_ulong",
    "long long": "c_longlong",
    "unsigned long long": "c_ulonglong",
}
_FORMATS: Final = {"float": "f", "double": "d", "_Bool": "?"}
_SIGNED: Final = "bhilqn"
_UNSIGNED: Final = "BHILQN"
_CONSTRUCTORS: Final = (("new",), ("create",), ("open",), ("init",), ("make",))
_WRITTEN: Final = frozenset((
    "Library", "LIBRARY", "BUILD_INFO", "ABI_VERSION", "DISTRIBUTION", "VERSION", "ERRORS", "ClosedError",
    "closed_error", "failure", "message", "open_library", "check_abi", "check_interface",
    "self", "cls", "made", "AttributeError", "classmethod", "staticmethod", "dict", "float", "getattr", "id", "int",
    "len", "list", "map", "setattr", "str", "super", "tuple", "bool", "bytes", "zip", "object",
))  # fmt: skip
"""What the text of `_Module` defines in every module, and what its functions read."""
_IMPORTS: Final = (
    ("atexit", "import atexit"),
    ("contextvars", "import contextvars"),
    ("ctypes", "import ctypes"),
    ("importlib", "import importlib"),
    ("itertools", "import itertools"),
    ("json", "import json"),
    ("math", "import math"),
    ("opcode", "import opcode"),
    ("os", "import os"),
    ("threading", "import threading"),
    ("time", "import time"),
    ("Callable", "from collections.abc import Callable"),
    ("IntEnum", "from enum import IntEnum"),
    ("partial", "from functools import partial"),
    ("Path", "from pathlib import Path"),
)
_TYPING: Final = ("TYPE_CHECKING", "Any", "ClassVar", "TypeVar", "cast")
_CHECKING: Final = (
    (("Sequence",), "from collections.abc import Sequence"),
    (("CodeType", "TracebackType"), "from types import CodeType, TracebackType"),
    (("NoReturn", "Self"), "from typing_extensions import NoReturn, Self"),
)


@cache
def reserved() -> frozenset[str]:
    """Names that nothing of a library may have: words of Python, and what the rest of its module defines or reads."""
    imported = [*_TYPING, *(name for name, _ in _IMPORTS), *(name for names, _ in _CHECKING for name in names)]
    errors = (name for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException))
    return frozenset((*keyword.kwlist, *imported, *errors, *_WRITTEN, *read_globally(_runtime())))


def read_globally(text: str) -> frozenset[str]:
    """The names that a module defines, and all that its functions read and do not define, those built in as well."""
    table = symtable.symtable(text, "module", "exec")
    scopes = [table]
    for scope in scopes:
        scopes += scope.get_children()
    return frozenset(
        symbol.get_name() for scope in scopes for symbol in scope.get_symbols() if scope is table or symbol.is_global()
    )


def fitting(library: model.Library) -> model.Library:
    """All of a library: ctypes can call whatever is recognized."""
    return library


def module(library: model.Library, distribution: str) -> str:
    """The text of the module, for the package of a distribution that carries the library in `_native`.

    Raises VerificationError where a name of the header would make it no Python.
    """
    return compiled(_Module(library, distribution).text(), library.header)


def compiled(text: str, header: str) -> str:
    """The text of a module that Python can compile; raises VerificationError for any other."""
    try:
        compile(text, header, "exec", flags=0, dont_inherit=True)
    except SyntaxError as error:
        raise VerificationError(
            f"its bindings would be no Python: {error.msg}: {(error.text or '').strip()}",
            where=header,
            hint="give what the header declares there another name",
        ) from error
    return text


def _runtime() -> str:
    text = inspect.getsource(python_runtime)
    return text.partition("begin\n")[2].partition("# --- what every library shares: end")[0].strip("\n")


def _wrapped(text: str, indent: str) -> str:
    """A text between three quotation marks, none of which it ends by any of its own."""
    lines = "\n".join(f"{indent}{line}".rstrip() for line in text.splitlines()).strip()
    return re.sub(r'"(?="|\Z)', r'\\"', lines.replace("\\", "\\\\"))


def _attribute(of: str, name: str) -> str:
    """What gives an attribute by the name that C has for it, which may be a word of Python's or one that it mangles."""
    return f'getattr({of}, "{name}")' if _is_pythons(name) else f"{of}.{name}"


def _is_pythons(name: str) -> bool:
    """Whether a class reads something else where it says a name (The Python Language Reference, 6.2.1)."""
    return keyword.iskeyword(name) or name.startswith("__")


def _parameter(name: str) -> str:
    """What a parameter is called by a name of C: what begins with an underscore is the module's own."""
    return name.lstrip("_") or "argument"


def _set(of: str, name: str, value: str) -> str:
    return f'setattr({of}, "{name}", {value})' if _is_pythons(name) else f"{of}.{name} = {value}"


@dataclass(slots=True)
class _Module:
    """Writes the module of a library."""

    library: model.Library
    distribution: str
    names: Names = field(default_factory=lambda: Names(reserved()))
    classes: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    error: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    plurals: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The whole module."""
        self._claim()
        parts = [
            f"{_runtime()}\n\n\n# --- what is particular to this library",
            *self._enums(),
            *self._errors(),
            *self._structures(),
            self._library(),
            *self._handles(),
            *(self._function(one, "") for one in self.library.functions if self._owner(one) is None),
        ]
        body = "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"
        return f"{self._head()}\n\nfrom __future__ import annotations\n\n{_imports(body)}\n\n{body}"

    def _head(self) -> str:
        lines = [
            f"The functions of {self.library.header}, by Python's types. Generated by ferrule; do not edit.",
            "",
            "They are called by ctypes; what a callback raises is raised when the library has returned.",
        ]
        if self.library.left:
            lines += ["", "Left to the author, because no convention covers it:", ""]
            lines += [f"- {name}: {reason}" for name, reason in self.library.left]
        text = _wrapped("\n".join(lines), "")
        return f'"""{text}\n"""\n# ruff: noqa\n# fmt: off'

    def _claim(self) -> None:
        """Give every class its name, before any of them is referred to."""
        library = self.library
        base = words(library.prefix) or words(library.header.rpartition(".")[0])
        self.error = self.names.claim(f"{camel(base)}Error")
        types: tuple[model.Enum | model.Struct | model.Handle, ...] = (
            *([library.status] if library.status else []),
            *library.enums,
            *library.structs.values(),
            *library.handles.values(),
        )
        for one in types:
            self.classes[one.c_name] = self.names.claim(camel(one.words), camel(words(one.c_name)))
        for struct in library.structs.values():
            if struct.is_text:
                self.plurals[struct.c_name] = self.names.claim(f"{snake(struct.words)}s", f"{struct.c_name}s")
        if library.status:
            for c_name, name, value in library.status.members:
                if value and value not in self.errors:
                    title = camel(part.lower() for part in name.split("_") if part)
                    title = title if title.endswith("Error") else f"{title}Error"
                    own = "ClosedError" if title == "ClosedError" else ""
                    self.errors[value] = own or self.names.claim(title, camel(words(c_name)) + "Error")
        for function in library.raw:
            stem = function.name.removeprefix(library.prefix) or function.name
            self.attributes[function.name] = f"c_{stem}" if stem.startswith("_") else f"_{stem}"

    def _read(self) -> frozenset[str]:
        """What no parameter may be called, because the functions of this module read it."""
        return reserved() | {self.error, *self.classes.values(), *self.plurals.values(), *self.errors.values()}

    # What values there are.

    def _enums(self) -> Iterator[str]:
        for enum in (*([self.library.status] if self.library.status else []), *self.library.enums):
            labels = _labels(enum)
            lines = [f"class {self.classes[enum.c_name]}(IntEnum):", f'    """{self._doc(enum.c_name)}"""', ""]
            for c_name, _, value in enum.members:
                lines.append(f"    {labels[c_name]} = {value}")
                if comment := self.library.comments.get(c_name):
                    lines.append(f'    """{_wrapped(comment, "    ")}"""')
            yield "\n".join(lines)

    def _doc(self, c_name: str, indent: str = "    ") -> str:
        comment = self.library.comments.get(c_name)
        return _wrapped(comment, indent) if comment else f"`{c_name}`."

    def _errors(self) -> Iterator[str]:
        status = self.library.status
        kind = self.classes[status.c_name] if status else ""
        base = [f"class {self.error}(Exception):", '    """Base of what calls raise; the message is the library\'s."""']
        labels = _labels(status) if status else {}
        members = {value: (c_name, labels[c_name]) for c_name, _, value in reversed(status.members if status else ())}
        if status:
            base += ["", f"    status: ClassVar[{kind}] = {kind}.{members[status.internal][1]}"]
        yield "\n".join(base)
        for value, title in self.errors.items():
            c_name, name = members[value]
            yield (f'class {title}({self.error}):\n    """{self._doc(c_name)}"""\n\n    status = {kind}.{name}')
        if "ClosedError" not in self.errors.values():
            null = next((self.errors[v] for v, (_, name) in members.items() if name.startswith("NULL")), self.error)
            yield f'class ClosedError({null}):\n    """It was closed, so there is none."""'
        yield "closed_error = ClosedError"
        if status:
            rows = "".join(f"    {kind}.{members[value][1]}: {title},\n" for value, title in self.errors.items())
            yield (
                f"ERRORS: dict[int, type[{self.error}]] = {{\n{rows}}}\n"
                '"""The exception of each status; a package that derives one of its own enters that here."""'
            )
            yield (
                f"def failure(status: int) -> {self.error}:\n"
                '    """The exception for a status; a number that no failure has is a fault of the library."""\n'
                "    if status not in ERRORS:\n"
                f"        return ERRORS[{status.internal}](\n"
                '            f"the library returned {status}, which is no failure it may return"\n        )\n'
                f"    return ERRORS[status](message({'' if self.library.last_error else 'status'}))"
            )
        yield self._message()

    def _message(self) -> str:
        if name := self.attributes.get(self.library.last_error):
            return (
                "def message() -> str:\n"
                '    """What the last call in this thread that failed says of it."""\n'
                f"    buffer = ctypes.create_string_buffer(1 + int(LIBRARY.{name}(None, 0)))\n"
                f"    LIBRARY.{name}(buffer, len(buffer))\n"
                '    return buffer.value.decode(errors="replace")'
            )
        if status := self.library.status:
            kind = self.classes[status.c_name]
            return (
                "def message(status: int) -> str:\n"
                '    """The library has no words of its own for what went wrong: the name of the status."""\n'
                f'    return {kind}(status).name.lower().replace("_", " ")'
            )
        return (
            "def message() -> str:\n"
            '    """The library has no words of its own for what went wrong."""\n'
            '    return "the library could not make it"'
        )

    # Structures.

    def _structures(self) -> Iterator[str]:
        structs = list(self.library.structs.values())
        yield from self._function_types(structs)
        for struct in sorted(structs, key=lambda one: not one.is_text):
            yield self._structure(struct)
            if struct.is_text:
                yield self._texts_of(struct)

    def _function_types(self, structs: Sequence[model.Struct]) -> Iterator[str]:
        """Types of callbacks, and what makes one of a function in Python; equal typedefs share them."""
        for struct in structs:
            for callback in struct.callbacks:
                label = _label(struct, callback.field)
                if label not in self.pointers:
                    every = words(callback.field if "." in label else label)
                    own = self._without_prefix(every)
                    own = ("callback", *own) if own[0][:1].isdigit() else own
                    self.pointers[label] = self.names.claim(snake(own).upper(), snake(every).upper())
                    yield self._function_type(self.pointers[label], callback)
            if struct.release:
                yield from self._release(struct)

    def _without_prefix(self, every: tuple[str, ...]) -> tuple[str, ...]:
        base = words(self.library.prefix)
        return every[len(base) :] if every[: len(base)] == base and len(every) > len(base) else every

    def _release(self, struct: model.Struct) -> Iterator[str]:
        kind, table = f"{self.classes[struct.c_name]}Release", f"_alive_{snake(struct.words)}"
        yield (
            f"{kind} = ctypes.CFUNCTYPE(None, ctypes.c_void_p)\n"
            f"{table}: dict[int, list[Any]] = {{}}\n"
            f'"""What the library has not released yet, by number; of handles that are gone it holds the callbacks."""'
            "\n\n\n"
            "@shielded\n"
            f"def {table}_released(number: int | None) -> None:\n"
            "    try:\n"
            f"        {table}.pop(number or 0, None)\n"
            "    except BaseException as failed:\n"
            "        call = RUNNING.call\n"
            "        call.raised = (failed, call.raised)\n\n\n"
            f"{table}_release = {kind}({table}_released)"
        )

    def _function_type(self, name: str, callback: model.Callback) -> str:
        kind = callback.prototype
        returns = "None" if kind.returns == VOID else self._ctype(kind.returns)
        forms: dict[int, str] = {}
        handed: list[str] = []
        labels = [f"_argument{index}" for index in range(len(kind.parameters))]
        for argument in callback.arguments:
            at = argument.index
            match argument:
                case model.Text(nul=True):
                    forms[at] = "ctypes.c_char_p"
                    handed.append(f'({labels[at]} or b"").decode()')
                case model.Text():
                    handed.append(f"copied({labels[at]}, {labels[at + 1]}).decode()")
                case model.Buffer():
                    handed.append(f"copied({labels[at]}, {labels[at + 1]})")
                case model.StructArgument(struct=struct):
                    title = self.classes[struct]
                    handed.append(f"{title}.from_buffer_copy(copied({labels[at]}, ctypes.sizeof({title})))")
                case model.Value(type=EnumRef() as enum) if enum.name in self.classes:
                    handed.append(f"{self.classes[enum.name]}({labels[at]})")
                case _:
                    handed.append(labels[at])
        types = [
            forms.get(i) or ("ctypes.c_void_p" if isinstance(one.type, Pointer) else self._ctype(one.type))
            for i, one in enumerate(kind.parameters)
        ]
        hints = ", ".join(f"{label}: Any" for label in labels)
        call = f"function({', '.join(handed)})"
        if kind.returns == VOID:
            body, end = f"            {call}", ""
        elif _is_floating(kind.returns):
            body, end = f"            return real({call}, {returns})", f"\n        return {callback.failed}.0"
        else:
            body, end = f"            return number({call}, name, {returns})", f"\n        return {callback.failed}"
        result = {"None": "None", "ctypes.c_float": "float", "ctypes.c_double": "float"}.get(returns, "int")
        unused = "" if kind.returns != VOID else "_"
        return (
            f"{name} = ctypes.CFUNCTYPE({', '.join([returns, *types])})\n\n\n"
            f"def _{name.lower()}({unused}name: str, function: Callable[..., Any]) -> Any:\n"
            "    @shielded\n"
            f"    def callback({hints}) -> {result}:\n"
            "        try:\n"
            f"{body}\n"
            "        except BaseException as failed:\n"
            "            # Nothing here is called, so that no signal is handled before it is kept.\n"
            "            call = RUNNING.call\n"
            f"            call.raised = (failed, call.raised){end}\n\n"
            f"    return {name}(callback)"
        )

    def _structure(self, struct: model.Struct) -> str:
        title = self.classes[struct.c_name]
        rows = []
        for name, kind in struct.fields:
            if isinstance(kind, FunctionPointer):
                pointer = self.pointers.get(_label(struct, name)) or f"{title}Release"
                rows.append(f'        ("{name}", {pointer}),')
            else:
                rows.append(f'        ("{name}", {self._ctype(kind)}),')
        lines = [
            f"class {title}(ctypes.Structure):",
            f'    """{self._doc(struct.c_name)}"""',
            "",
            "    _fields_: ClassVar = [",
            *rows,
            "    ]",
        ]
        if not struct.is_text and (struct.arguments or struct.callbacks):
            lines += ["", *self._of(struct, title)]
        return "\n".join(lines)

    def _of(self, struct: model.Struct, title: str) -> Iterator[str]:
        """The class method that fills a structure in."""
        own = Names(self._read())
        parameters: list[str] = []
        settings: list[str] = []
        for argument in struct.arguments:
            name = own.claim(_parameter(argument.name))
            # 0 need not be a member.
            number = " | int" if isinstance(argument, model.Value) and isinstance(argument.type, EnumRef) else ""
            parameters.append(f"{name}: {self._field_hint(argument)}{number} = {_default(argument)}")
            settings += self._settings(struct, argument, name)
        for callback in struct.callbacks:
            name = own.claim(_parameter(callback.field))
            handed = (self._handed_hint(one) for one in callback.arguments)
            hint = f"Callable[[{', '.join(handed)}], {_returned_hint(callback)}]"
            parameters.append(f"{name}: {hint} | None = None")
            kind = dict(struct.fields)[callback.field]
            pointer = self.pointers[
                (isinstance(kind, FunctionPointer) and kind.name) or f"{struct.c_name}.{callback.field}"
            ]
            settings += [
                f"        if {name} is not None:",
                "            " + _set("made", callback.field, f'_{pointer.lower()}("{callback.field}", {name})'),
            ]
        size = f"{struct.size}=ctypes.sizeof(cls)" if struct.size else ""
        yield "    @classmethod"
        yield f"    def of(cls, *, {', '.join(parameters)}) -> {title}:"
        yield '        """The structure with these values, which keeps alive what it points to."""'
        yield f"        made = cls({size})"
        yield from settings
        if struct.release:
            table = f"_alive_{snake(struct.words)}"
            yield "        # The library says when it needs them no more. Each handle puts a number of its own there."
            yield f"        made.{struct.user_data} = id(made)"
            yield f"        made.{struct.release} = {table}_release"
        yield "        return made"

    def _settings(self, struct: model.Struct, argument: model.Argument, name: str) -> Iterator[str]:
        data = self._named_field(struct, argument.name)
        names = [one for one, _ in struct.fields]
        match argument:
            case model.Texts():
                yield "        " + _set("made", data, f"{self.plurals[argument.struct]}({name})")
                yield "        " + _set("made", names[names.index(data) + 1], f"len({name})")
            case model.Text(nul=True):
                yield "        " + _set("made", data, f"None if {name} is None else terminated({name})")
            case model.Text():
                yield "        " + _set("made", data, f"encoded({name})")
                yield "        " + _set("made", names[names.index(data) + 1], f"len(encoded({name}))")
            case model.Buffer(element=element):
                kind, kept = Scalar(element), f"_{name}"
                each = self._number(kind, "one")
                yield f"        if {name} is not None:"
                yield f"            {kept} = ({self._ctype(kind)} * len({name}))(*({each} for one in {name}))"
                yield "            " + _set("made", data, f"ctypes.addressof({kept})")
                yield "            " + _set("made", names[names.index(data) + 1], f"len({kept})")
                yield "            " + _set("made", f"_kept_{data}", kept)
            case model.Value(type=kind):
                yield "        " + _set("made", data, self._number(kind, name))

    def _named_field(self, struct: model.Struct, name: str) -> str:
        return next(one for one, _ in struct.fields if one == name)

    def _texts_of(self, struct: model.Struct) -> str:
        title = self.classes[struct.c_name]
        (data, _), (length, _) = struct.fields
        if keyword.iskeyword(data) or keyword.iskeyword(length):
            filled = f"        {_set('item', data, 'data')}\n        {_set('item', length, 'len(data)')}\n"
        else:
            filled = f"        item.{data}, item.{length} = data, len(data)\n"
        return (
            f"def {self.plurals[struct.c_name]}(values: Sequence[str]) -> ctypes.Array[{title}]:\n"
            '    """An array of texts, which keeps their bytes alive."""\n'
            f"    array = ({title} * len(values))()\n"
            "    for item, data in zip(array, map(encoded, values)):\n"
            f"{filled}"
            "    return array"
        )

    # The library.

    def _library(self) -> str:
        lines = [
            "class Library:",
            '    """The functions of an opened library. Every call lets other Python threads run meanwhile."""',
            "",
            "    def __init__(self, opened: ctypes.CDLL) -> None:",
        ]
        forms = {one.prototype.name: one for one in self.library.functions}
        for function in self.library.raw:
            name = self.attributes[function.name]
            returns, types = self._signature(function, forms.get(function.name))
            trailing = "," if len(types) == 1 else ""
            lines += [
                f"        self.{name} = {_attribute('opened', function.name)}",
                f"        self.{name}.restype, self.{name}.argtypes = {returns}, ({', '.join(types)}{trailing})",
            ]
        if not self.library.raw:
            lines.append("        self._opened = opened")
        return "\n\n\n".join(["\n".join(lines), *self._opening()])

    def _opening(self) -> Iterator[str]:
        abi, info = self.library.abi_version, self.library.build_info
        yield f'DISTRIBUTION = "{self.distribution}"' + (f"\nABI_VERSION = {abi[1]}" if abi else "")
        if abi:
            yield (
                "def check_abi(version: int, path: Path) -> None:\n"
                '    """Raise LibraryError for a library of another version of the C interface."""\n'
                "    check_version(version, ABI_VERSION, path, DISTRIBUTION)"
            )
        if info:
            yield (
                "def check_interface(fingerprint: str, needed: str | None, path: Path) -> None:\n"
                '    """Raise LibraryError for a library of another interface, where both sides know theirs."""\n'
                "    check_fingerprint(fingerprint, needed, path, DISTRIBUTION)"
            )
        lines = [
            "def open_library(path: Path, interface: str | None) -> tuple[Library, dict[str, Any]]:",
            '    """Open a library and make sure that it is the one this package was made for; raises LibraryError."""',
            "    opened = opened_library(path, DISTRIBUTION)",
            "    info: dict[str, Any] = {}",
            "    try:",
        ]
        if abi:
            lines += [
                "        # First, because the others may be something else in a library of another version.",
                f"        opened.{abi[0]}.restype = ctypes.c_uint32",
                f"        check_abi(opened.{abi[0]}(), path)",
            ]
        if info:
            lines += [
                f"        opened.{info}.restype = ctypes.c_char_p",
                f"        info = json.loads(opened.{info}())",
                '        check_interface(str(info.get("interface", "")), interface, path)',
            ]
        lines += [
            "        return Library(opened), info",
            "    except AttributeError as error:",
            "        raise LibraryError(",
            '            f"{path.name} is not the library of {DISTRIBUTION}: {error}", path=str(path)',
            "        ) from error",
        ]
        yield "\n".join(lines)
        yield (
            '_native = carried(__name__.rpartition(".")[0], DISTRIBUTION)\n'
            "VERSION = str(_native.VERSION)\n"
            "LIBRARY, BUILD_INFO = open_library(\n"
            '    Path(_native.__file__).with_name(_native.LIBRARY), getattr(_native, "INTERFACE", None)\n)'
        )

    def _signature(  # noqa: C901 - one case for each form of a parameter
        self, prototype: Prototype, function: model.Function | None
    ) -> tuple[str, list[str]]:
        """What ctypes has to know of a function: what it returns, and what it takes."""
        types = [self._ctype(one.type) for one in prototype.parameters]
        returns = "None" if prototype.returns == VOID else self._ctype(prototype.returns)
        for result in function.results if function else ():
            match result:
                case model.TextResult(index=None, free=free):
                    returns = "ctypes.c_void_p" if free else "ctypes.c_char_p"
                case model.ValueResult(index=int() as at) | model.StructResult(index=at):
                    pointer = prototype.parameters[at].type
                    if isinstance(pointer, Pointer):
                        types[at] = f"ctypes.POINTER({self._ctype(pointer.to)})"
                case model.TextResult(index=int() as at, length=length):
                    types[at] = "ctypes.POINTER(ctypes.c_void_p)"
                    if length is not None:
                        types[length] = "ctypes.POINTER(ctypes.c_size_t)"
                case model.BytesResult():
                    types[result.index] = "ctypes.POINTER(ctypes.c_void_p)"
                    types[result.length] = "ctypes.POINTER(ctypes.c_size_t)"
                case model.HandleResult(index=int() as at):
                    types[at] = "ctypes.POINTER(ctypes.c_void_p)"
        for argument in function.arguments if function else ():
            if isinstance(argument, model.Text):
                types[argument.index] = "ctypes.c_char_p"
        if prototype.name == self.library.last_error:
            types[0] = "ctypes.c_char_p"
        return returns, types

    def _ctype(self, kind: CType) -> str:  # noqa: PLR0911 - one case for each form of a type
        match kind:
            case Scalar():
                return f"ctypes.{_CTYPES[kind.name]}"
            case EnumRef():
                return f"ctypes.{_CTYPES[kind.base]}"
            case StructRef():
                return self.classes[kind.name]
            case Array():
                return f"{self._ctype(kind.of)} * {kind.count}"
            case Pointer(to=StructRef(name=name)) if name in self.library.structs:
                return f"ctypes.POINTER({self.classes[name]})"
            case Pointer(to=Scalar(name="char"), const=True):
                return "ctypes.c_char_p"
        return "ctypes.c_void_p"

    # Handles and their methods.

    def _owner(self, function: model.Function) -> str | None:
        return function.handle or function.makes

    def _handles(self) -> Iterator[str]:
        for handle in self.library.handles.values():
            own = [one for one in self.library.functions if self._owner(one) == handle.c_name]
            makers = [one for one in own if one.handle is None]
            constructor = next((one for words in _CONSTRUCTORS for one in makers if one.words == words), None)
            members = Names(frozenset({*keyword.kwlist, "close", "staticmethod", "_handle"}))
            lines = [f"class {self.classes[handle.c_name]}(Closing):", f'    """{self._doc(handle.c_name)}"""']
            if constructor is None:
                lines += [
                    "",
                    "    def __init__(self) -> None:",
                    f'        raise TypeError("a {self.classes[handle.c_name]} is made by other functions")',
                ]
            else:
                lines += ["", self._function(constructor, "__init__")]
            for one in own:
                if one is not constructor:
                    lines += ["", self._function(one, members.claim(snake(one.words), f"{snake(one.words)}_"))]
            yield "\n".join(lines)

    def _function(self, function: model.Function, name: str) -> str:  # noqa: C901, PLR0912, PLR0915 - the story of a call, in its order
        """A function or method in Python; `name` is empty for one without a handle."""
        own = Names(self._read())
        prototype, maker = function.prototype, function.makes
        is_method = self._owner(function) is not None
        given: dict[int, str] = {}
        parameters, prepare, borrow, handles = [], [], [], []
        if function.handle:
            handles.append("self._handle")
            given[0] = "_pointer0"
        keeps = "None"
        required = _required(function.arguments)
        for number, argument in enumerate(function.arguments):
            label, at = own.claim(_parameter(argument.name)), argument.index
            parameters.append(f"{label}: {self._hint(argument)}" + ("" if number < required else " = None"))
            match argument:
                case model.Text(nul=True):
                    given[at] = f"terminated({label})"
                case model.Text():
                    prepare.append(f"_data{at} = encoded({label})")
                    given[at], given[at + 1] = f"_data{at}", f"len(_data{at})"
                case model.Texts():
                    prepare.append(f"_array{at} = {self.plurals[argument.struct]}({label})")
                    given[at], given[at + 1] = f"_array{at}", f"len(_array{at})"
                case model.Buffer():
                    formats, size = _formats(argument.element)
                    borrowed = f'Buffer({label}, "{formats}", {size}, writable={argument.writable})'
                    borrow.append(f"{borrowed} as (_address{at}, _count{at})")
                    given[at], given[at + 1] = f"_address{at}", f"_count{at}"
                case model.HandleArgument():
                    given[at] = f"_pointer{len(handles)}"
                    if label == "self":
                        handles.append("self._handle")
                    else:
                        prepare.append(f"_other{at} = handle_of({label}, {self.classes[argument.handle]})")
                        handles.append(f"_other{at}")
                case model.CallbacksArgument():
                    given[at] = keeps = label
                    if self.library.structs[argument.struct].release:
                        given[at] = f"_handed{at}"
                        prepare += self._numbered(self.library.structs[argument.struct], label, f"_handed{at}")
                case model.Value(type=kind):
                    given[at] = self._number(kind, label)
                case _:
                    given[at] = label
        results, hints, frees = [], [], []
        check = ""
        call = f"LIBRARY.{self.attributes[prototype.name]}"
        for result in function.results:
            match result:
                case model.HandleResult(index=None):
                    check = "_returned"
                case model.HandleResult(index=int() as at):
                    given[at] = "_made._pointer"
                case model.ValueResult(index=None):
                    results.append(self._value(result.type, "_returned"))
                    hints.append(self._value_hint(result.type))
                case model.ValueResult(index=int() as at):
                    prepare.append(f"_result{at} = {self._ctype(result.type)}()")
                    given[at] = f"_result{at}"
                    results.append(self._value(result.type, f"_result{at}.value"))
                    hints.append(self._value_hint(result.type))
                case model.StructResult(index=at):
                    prepare.append(f"_result{at} = {self.classes[result.struct]}()")
                    given[at] = f"_result{at}"
                    results.append(f"_result{at}")
                    hints.append(self.classes[result.struct])
                case model.TextResult(index=None, free=free):
                    source = "ctypes.string_at(_returned)" if free else "_returned"
                    results.append(f"None if _returned is None else {source}.decode()")
                    hints.append("str | None")
                    if free:
                        prepare.append("_returned = None")
                        frees += ["if _returned is not None:", f"    LIBRARY.{self.attributes[free]}(_returned)"]
                case model.TextResult(index=int() as at, length=length, free=free):
                    prepare.append(f"_result{at} = ctypes.c_void_p()")
                    given[at] = f"_result{at}"
                    if length is None:
                        results.append(f'ctypes.string_at(_result{at}.value).decode() if _result{at}.value else ""')
                    else:
                        prepare.append(f"_length{at} = ctypes.c_size_t()")
                        given[length] = f"_length{at}"
                        results.append(f"decoded(_result{at}, _length{at})")
                    hints.append("str")
                    frees += [f"if _result{at}:", f"    LIBRARY.{self.attributes[free]}(_result{at})"]
                case model.BytesResult(index=at):
                    prepare += [f"_result{at} = ctypes.c_void_p()", f"_length{at} = ctypes.c_size_t()"]
                    given[at], given[result.length] = f"_result{at}", f"_length{at}"
                    ctype = _CTYPES[result.element]
                    size = f" * ctypes.sizeof(ctypes.{ctype})" if _formats(result.element)[0] else ""
                    results.append(f"copied(_result{at}.value, _length{at}.value{size})")
                    hints.append("bytes")
                    length_too = f", _length{at}" if result.free_takes_length else ""
                    frees += [
                        f"if _result{at}:",
                        f"    LIBRARY.{self.attributes[result.free]}(_result{at}{length_too})",
                    ]
        arguments = ", ".join(given[at] for at in range(len(prototype.parameters)))
        outcome = "_status = " if function.status else "_returned = " if prototype.returns != VOID else ""
        has_callbacks = any(struct.callbacks for struct in self.library.structs.values())
        # The handle that is made is used by the call that makes it, so that its callbacks have a call.
        used = [*handles, *(["_made"] if maker else [])]
        start = [f"_pointer{at} = {one}.enter(_call)" for at, one in enumerate(handles)]
        if maker:
            start.append("_made.enter(_call)")
        # What is made knows of its parents' callbacks, unless it needs none of them.
        covered = maker and not self.library.handles[maker].independent
        kept = " or ".join(f"{one}.calls_back" for one in ([] if covered else handles) + (["_made"] if maker else []))
        if has_callbacks and kept:
            start += [f"if {kept}:", "    _call.enter()"]
        work = [*start, f"{outcome}{call}({arguments})"]
        if check:
            work.append("_made._pointer.value = _returned")
        if has_callbacks and kept:
            work += ["if _call.raised is not None:", "    _call.finish()"]
        if function.status:
            work += ["if _status:", "    raise failure(_status)"]
        if check:
            work += ["if not _returned:", f"    raise {self._could_not()}"]
        if maker:
            work.append("_made.own()")
        end = [*(["_call.leave()"] if has_callbacks and kept else []), *(f"{one}.leave(_call)" for one in used), *frees]
        undo: list[str] = []
        if maker:
            handle = self.library.handles[maker]
            parents = "" if handle.independent else "".join(f", {one}" for one in handles)
            free, noun = self.attributes[handle.free], handle.words[-1]
            callbacks = keeps
            prepare.append(f'_made = Handle(LIBRARY.{free}, "{noun}", {callbacks}{parents})')
            if keeps != "None" and (table := self._table(function)):
                prepare += ["if _number:", f"    {table}[_number] = _made.left"]
                # One that was made is freed, and then released.
                undo = ["if not _made._pointer:", f"    {table}.pop(_number, None)"]
            if name == "__init__":
                prepare.append("self._handle = _made")
        if used:
            prepare.append("_call = Call()")
        if maker and name != "__init__":
            title = self.classes[maker]
            work += [f"_object = {title}.__new__({title})", "_object._handle = _made"]
            results, hints = ["_object", *results], [title, *hints]
        if results:
            work.append(f"return {results[0] if len(results) == 1 else '(' + ', '.join(results) + ')'}")
        returned = hints[0] if len(hints) == 1 else f"tuple[{', '.join(hints)}]" if hints else "None"
        body = [*prepare]
        failing = ["except BaseException:", *_in(["_made.close()", *undo, "raise"])] if maker else []
        inner = ["try:", *_in(work), *failing, "finally:", *_in(end)] if end else work
        for one in reversed(borrow):
            inner = [f"with {one}:", *_in(inner)]
        body += inner
        first = ["self"] if is_method and (function.handle or name == "__init__") else []
        static = is_method and not first
        title = name or self.names.claim(snake(function.words), snake(words(prototype.name)))
        head = [
            *(["@staticmethod"] if static else []),
            f"def {title}({', '.join([*first, *parameters])}) -> {returned}:",
            f'    """{self._doc(prototype.name)}"""',
        ]
        return "\n".join(
            ("    " if is_method else "") + line if line else "" for line in "\n".join([*head, *_in(body)]).splitlines()
        )

    def _could_not(self) -> str:
        status = self.library.status
        return f"{self.error}(message({status.internal if status and not self.library.last_error else ''}))"

    def _numbered(self, struct: model.Struct, label: str, handed: str) -> Iterator[str]:
        """Lines that number the callbacks of a handle, by which they are released, if `of` has made them."""
        yield f"_number, {handed} = 0, {label}"
        yield f"if {label} is not None and {label}.{struct.user_data} == id({label}):"
        yield f"    _number, {handed} = next(NUMBERS), {self.classes[struct.c_name]}.from_buffer_copy({label})"
        yield f"    {handed}.{struct.user_data} = _number"

    def _table(self, function: model.Function) -> str:
        """The table that keeps callbacks alive until the library releases them; empty where a handle does."""
        for argument in function.arguments:
            if isinstance(argument, model.CallbacksArgument) and self.library.structs[argument.struct].release:
                return f"_alive_{snake(self.library.structs[argument.struct].words)}"
        return ""

    def _hint(self, argument: model.Argument) -> str:
        match argument:
            case model.Text():
                return "str"
            case model.Texts():
                return "Sequence[str]"
            case model.Buffer():
                return "Any"
            case model.Value():
                return self._value_hint(argument.type)
            case model.HandleArgument():
                return self.classes[argument.handle]
        return f"{self.classes[argument.struct]} | None"

    def _field_hint(self, argument: model.Argument) -> str:
        """What `of` takes for a field: numbers are copied, so that any sequence of them does."""
        if isinstance(argument, model.Buffer):
            return f"Sequence[{self._value_hint(Scalar(argument.element))}] | None"
        return self._hint(argument)

    def _handed_hint(self, argument: model.Argument) -> str:
        """What a callback is handed: copies."""
        match argument:
            case model.Buffer():
                return "bytes"
            case model.StructArgument(struct=struct):
                return self.classes[struct]
        return self._hint(argument)

    def _number(self, kind: CType, label: str) -> str:
        """A number as an argument: ctypes cuts off what a type of C cannot hold, or makes it infinite."""
        if kind == Scalar("_Bool"):
            return label
        return f"{'real' if _is_floating(kind) else 'whole'}({label}, {self._ctype(kind)})"

    def _value_hint(self, kind: CType) -> str:
        if isinstance(kind, EnumRef):
            return self.classes.get(kind.name, "int")
        if isinstance(kind, Scalar):
            return {"float": "float", "double": "float", "_Bool": "bool"}.get(kind.name, "int")
        raise AssertionError(kind)

    def _value(self, kind: CType, text: str) -> str:
        return f"{self.classes[kind.name]}({text})" if isinstance(kind, EnumRef) and kind.name in self.classes else text


def _label(struct: model.Struct, field: str) -> str:
    """By what the type of a callback is known: its typedef, or its field where it has none."""
    kind = dict(struct.fields)[field]
    return (isinstance(kind, FunctionPointer) and kind.name) or f"{struct.c_name}.{field}"


def _labels(enum: model.Enum) -> dict[str, str]:
    """What the members of an enumeration are called, by their names in C."""
    names = Names(frozenset({"mro", "name", "value", *keyword.kwlist}))
    return {c_name: names.claim(c_name if name[:1].isdigit() else name) for c_name, name, _ in enum.members}


def _returned_hint(callback: model.Callback) -> str:
    if callback.returns == VOID:
        return "object"
    if _is_floating(callback.returns):
        return "float"
    return "int"


def _is_floating(kind: CType) -> bool:
    return kind in {Scalar("float"), Scalar("double")}


def _required(arguments: Sequence[model.Argument]) -> int:
    """How many have to be given: all up to the last that is no structure, as only the end may have defaults."""
    may_be_null = (model.StructArgument, model.CallbacksArgument)
    return max((n for n, one in enumerate(arguments, 1) if not isinstance(one, may_be_null)), default=0)


def _default(argument: model.Argument) -> str:
    match argument:
        case model.Texts():
            return "()"
        case model.Text():
            return '""'
        case model.Buffer():
            return "None"
    return "0"


def _formats(element: str) -> tuple[str, int | str]:
    """The codes (of Python's `struct`) that elements of a type may have, and its size; none for bytes."""
    if element == "uint8_t":
        return "", 1
    size = f"ctypes.sizeof(ctypes.{_CTYPES[element]})"
    if element in _FORMATS:
        return _FORMATS[element], size
    unsigned = element.startswith(("u", "size"))
    return (_UNSIGNED if unsigned else _SIGNED), size


def _in(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for text in lines for line in text.splitlines()]


def _imports(body: str) -> str:
    """The import statements for the names that the module uses."""

    def is_used(name: str) -> bool:
        return re.search(rf"\b{name}\b", body) is not None

    lines = [line for name, line in _IMPORTS if is_used(name)]
    lines.append(f"from typing import {', '.join(n for n in _TYPING if n == 'TYPE_CHECKING' or is_used(n))}")
    checking = [
        f"    {line.partition(' import ')[0]} import {', '.join(name for name in names if is_used(name))}"
        for names, line in _CHECKING
        if any(map(is_used, names))
    ]
    return "\n".join([*lines, "", "if TYPE_CHECKING:", *checking]) if checking else "\n".join(lines)
