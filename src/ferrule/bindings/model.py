"""What bindings are made of: a library as its conventions show it, whatever language it is called from.

A function of C has parameters; here it has arguments and results, each of which covers one or more of those: a text is
a pointer and a length. `index` is the place of the first one that it covers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ferrule.bindings.declarations import EnumRef, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.bindings.declarations import CType, Prototype


@dataclass(frozen=True, slots=True)
class Enum:
    """A closed set of numbers; `members` are C's name, the name without what all share, and the value."""

    c_name: str
    words: tuple[str, ...]
    base: str
    members: tuple[tuple[str, str, int], ...]

    def failure(self, pattern: str) -> int:
        """Of statuses the first failure whose name matches, or the greatest one; 0 is no failure."""
        failures = [(name, value) for _, name, value in self.members if value]
        named = [value for name, value in failures if re.fullmatch(pattern, name)]
        return named[0] if named else max(value for _, value in failures)

    @property
    def internal(self) -> int:
        """The status of faults of the library."""
        return self.failure("INTERNAL.*")


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 of known length, or with a NUL at its end: then it covers no length."""

    index: int
    name: str
    nul: bool = False


@dataclass(frozen=True, slots=True)
class Buffer:
    """Elements of the caller's that are borrowed for the call; `writable` ones are what the library writes to."""

    index: int
    name: str
    element: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Texts:
    """A batch of texts: an array of the structure that has a pointer and a length."""

    index: int
    name: str
    struct: str


@dataclass(frozen=True, slots=True)
class Value:
    """A number, or a member of an enumeration."""

    index: int
    name: str
    type: CType


@dataclass(frozen=True, slots=True)
class StructArgument:
    """A structure that the caller fills in; null is allowed."""

    index: int
    name: str
    struct: str


@dataclass(frozen=True, slots=True)
class CallbacksArgument:
    """The caller's functions, in a structure."""

    index: int
    name: str
    struct: str


@dataclass(frozen=True, slots=True)
class HandleArgument:
    """An open handle besides the one whose method it is."""

    index: int
    name: str
    handle: str


Argument = Text | Buffer | Texts | Value | StructArgument | CallbacksArgument | HandleArgument


@dataclass(frozen=True, slots=True)
class HandleResult:
    """A new handle; `index` is None where the function returns it."""

    handle: str
    index: int | None


@dataclass(frozen=True, slots=True)
class TextResult:
    """A text: the library's own (`free` is empty), or one that is freed; `length` is None for one with a NUL."""

    free: str
    index: int | None
    name: str = ""
    length: int | None = None


@dataclass(frozen=True, slots=True)
class BytesResult:
    """Elements that the library allocated, and frees."""

    free: str
    index: int
    length: int
    name: str
    element: str
    free_takes_length: bool


@dataclass(frozen=True, slots=True)
class ValueResult:
    """A number or a member of an enumeration; `index` is None where the function returns it."""

    type: CType
    index: int | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class StructResult:
    """A structure that the library fills in."""

    struct: str
    index: int
    name: str


Result = HandleResult | TextResult | BytesResult | ValueResult | StructResult


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is called as a method of `handle`, or without one; `status` says that it returns the status."""

    prototype: Prototype
    words: tuple[str, ...]
    handle: str | None
    status: bool
    arguments: tuple[Argument, ...]
    results: tuple[Result, ...]

    @property
    def makes(self) -> str | None:
        """The handle that it makes, if it does."""
        return next((one.handle for one in self.results if isinstance(one, HandleResult)), None)


@dataclass(frozen=True, slots=True)
class Handle:
    """Something of the library's that is made, used, and freed by a function that takes nothing else.

    `independent` says that what it was made with may be freed before it, and that it calls none of its callbacks.
    """

    c_name: str
    words: tuple[str, ...]
    free: str
    independent: bool = False


@dataclass(frozen=True, slots=True)
class Callback:
    """A function of the caller's: what it is called with, and what it returns. `failed` is returned where it raises."""

    field: str
    prototype: Prototype
    arguments: tuple[Argument, ...]
    returns: CType
    failed: int
    user_data: int


@dataclass(frozen=True, slots=True)
class Struct:
    """A structure: its fields as C has them, and those that a caller fills in as arguments do.

    `callbacks` are the functions in it, `user_data` the field that is handed to them, and `release` the function that
    the library calls when it needs them no more.
    """

    c_name: str
    words: tuple[str, ...]
    fields: tuple[tuple[str, CType], ...]
    arguments: tuple[Argument, ...] = ()
    size: str = ""
    callbacks: tuple[Callback, ...] = ()
    user_data: str = ""
    release: str = ""
    is_text: bool = False

    @property
    def is_numbers(self) -> bool:
        """Whether it holds numbers and members of enumerations alone, so that a copy of it is whole."""
        return all(isinstance(kind, (Scalar, EnumRef)) for _, kind in self.fields)


@dataclass(frozen=True, slots=True)
class Library:
    """All that is recognized of a header; `left` is what is not, by name and with the reason."""

    header: str
    prefix: str
    status: Enum | None
    failure: int
    enums: tuple[Enum, ...]
    structs: Mapping[str, Struct]
    handles: Mapping[str, Handle]
    functions: tuple[Function, ...]
    raw: tuple[Prototype, ...]
    abi_version: tuple[str, int] | None
    build_info: str
    last_error: str
    left: tuple[tuple[str, str], ...]
    comments: Mapping[str, str] = field(default_factory=dict)
