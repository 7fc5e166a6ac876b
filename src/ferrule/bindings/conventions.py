"""The conventions by which a C interface says what its functions mean (docs/how-to/bindings.md states them).

What follows none of them is left to the author, by name and with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ferrule.bindings import model
from ferrule.bindings.declarations import (
    VOID,
    WIDE,
    Array,
    EnumRef,
    FunctionPointer,
    Parameter,
    Pointer,
    Prototype,
    Scalar,
    StructRef,
    Unreadable,
    enum_base,
)
from ferrule.formats.interfaces.header import SIZE_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ferrule.bindings.declarations import CType, Declarations

_LENGTHS: Final = frozenset({"size_t", "uintptr_t"})
_MAKER: Final = re.compile(r"(?:\w*_)?(?:new|create|open|init|make)")
_LENGTH_NAME: Final = re.compile(r"(?:.*_)?(?:len|length|size|count|n|num|capacity|cap)|n_\w+|num_\w+")
_COUNTS: Final = frozenset((
    *("len", "length", "size", "sz", "count", "cnt", "n", "num", "number", "capacity", "cap", "bytes", "max", "limit"),
    *("total", "elements", "elems", "items", "rows", "cols", "columns", "width", "height", "stride", "dim", "dims"),
))  # fmt: skip
_COUNT: Final = re.compile(r"\w+(?:len|length|size|sz|cnt)|n(?:bytes|elems?|memb|items|rows|cols|values|points)")
"""Words that may say how many elements there are: more than a convention asks for, because here they only warn."""
_MEMORY: Final = frozenset((
    *("buf", "buffer", "data", "mem", "memory", "block", "array", "arr", "vec", "vector", "mat", "matrix", "list"),
    *("table", "dst", "dest", "destination"),
))  # fmt: skip
_ANYTHING: Final = frozenset(("out", "output", "res", "result", "ret"))
_MANY: Final = re.compile(r"\w+(?<![sui])s")
"""A word in the plural: not `class`, `status`, `axis`."""
_USER_DATA: Final = re.compile(r"(?:user_?data|context|ctx|opaque|closure|userdata|data|arg|baton)")
_END: Final = r"(?:release|drop|free|destroy|finali[sz]e|dispose)"
_RELEASE: Final = re.compile(
    rf"{_END}(?:_(?:{_USER_DATA.pattern}|fn|func|function|cb|callback|hook))?|{_USER_DATA.pattern}_{_END}"
)
"""What says that user data is needed no more; `on_key_release` is an event as any other."""
_MAYBE_RELEASE: Final = re.compile(rf"on_{_END}")
_RESERVED: Final = re.compile(r"_*reserved(?:_?\d+)?_*|_+(?:padding|pad|unused)(?:_?\d+)?|(?:padding|pad|unused)_?\d+")
_PADDING: Final = frozenset(("padding", "pad", "unused"))
"""What is reserved where it is an array: of one number a layout of texts may be made, which has a padding too."""
_SUCCESS: Final = re.compile(r"(?:.*_)?(?:OK|SUCCESS)")
_FREE: Final = ("free", "destroy", "delete", "close", "release")
_MAKING: Final = frozenset((
    *("new", "create", "open", "init", "make", "alloc", "build", "clone", "copy", "dup", "duplicate", "from", "parse"),
    *("compile", "connect", "generate"),
))  # fmt: skip
"""Words of a function that returns a handle of which there was none before."""
_OWNED: Final = re.compile(r"\bcaller owns\b|(?<!not )\bowned by the caller\b")
"""In the comment of a function with another name: what it returns is the caller's, to free."""
_INDEPENDENT: Final = "needs nothing that it was made with"
"""In the comment of a handle: what it was made with may be freed before it, and none of its callbacks is called."""
_TEXT_FREE: Final = ("string_free", "text_free", "str_free", "free_string")
_BYTES: Final = frozenset({"uint8_t", "unsigned char", "char"})
_SMALL: Final = _BYTES | {"int8_t", "signed char"}
_UNSIGNED: Final = ("u", "_Bool", "size_t")
_NO_WHOLE: Final = frozenset({"void", "float", "double", "_Bool"})


_BORROWED: Final = "const, so that the library keeps it, and nobody may close it"


class _Misfit(Exception):  # noqa: N818 - it says what is left to the author
    """A function or a structure follows no convention; the text says where it ends."""


def recognize(declarations: Declarations, header: str) -> model.Library:
    """What a header's names and types say by the conventions."""
    return _Recognition(declarations, header).library()


def words(name: str) -> tuple[str, ...]:
    """The words of a name in C, in small letters.

    >>> words("EmailValidatorHTTPText"), words("demo_counter_t")
    (('email', 'validator', 'http', 'text'), ('demo', 'counter'))
    """
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+", re.sub(r"_t$", "", name))
    return tuple(part.lower() for part in parts)


@dataclass(slots=True)
class _Recognition:
    """The declarations, and what was recognized of them so far."""

    declared: Declarations
    header: str
    structs: dict[str, model.Struct] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    prefix: str = ""
    base: tuple[str, ...] = ()
    handles: dict[str, model.Handle] = field(default_factory=dict)
    status: model.Enum | None = None
    special: set[str] = field(default_factory=set)

    def library(self) -> model.Library:
        self.left |= self.declared.left
        functions = {one.name: one for one in self.declared.functions}
        self.prefix = _prefix(list(functions), (*self.declared.structs, *self.declared.enums))
        self.base = words(self.prefix)
        enums = dict(self._enums())
        self.status = self._status(enums)
        self.handles = self._handles(functions)
        info, error = (functions.get(self.prefix + n) for n in ("build_info", "last_error"))
        abi_version = self._abi_version(functions.get(f"{self.prefix}abi_version"))
        build_info = info.name if info and _gives(info, Pointer(Scalar("char"), const=True)) else ""
        last_error = error.name if error and _is_last_error(error) else ""
        self.special |= {name for name in (abi_version and abi_version[0], build_info, last_error) if name}
        self.special |= {handle.free for handle in self.handles.values()}
        self.special |= {one.name for one in self.declared.functions if self._frees(one)}
        self._types()
        recognized = []
        for function in self.declared.functions:
            if function.name not in self.special and function.name not in self.left:
                try:
                    recognized.append(self._function(function))
                except _Misfit as misfit:
                    self.left[function.name] = str(misfit)
        used = {one.prototype.name for one in recognized} | self.special
        return model.Library(
            header=self.header,
            prefix=self.prefix,
            status=self.status,
            failure=_failure(self.status),
            enums=tuple(one for name, one in enums.items() if self.status is None or name != self.status.c_name),
            structs=self.structs,
            handles=self.handles,
            functions=tuple(recognized),
            raw=tuple(one for one in self.declared.functions if one.name in used),
            abi_version=abi_version,
            build_info=build_info,
            last_error=last_error,
            left=tuple(self.left.items()),
            comments=self.declared.comments,
        )

    def _types(self) -> None:
        """Recognize the structures, and leave what is opaque and never freed."""
        for name, fields in sorted(self.declared.structs.items(), key=lambda one: _depth(one[1])):
            if fields is not None:
                try:
                    self.structs[name] = self._struct(name, fields)
                except _Misfit as misfit:
                    self.left[name] = str(misfit)
            elif name not in self.handles:
                self.left[name] = (
                    "no function frees it: one that takes only a pointer to it, returns nothing, and is called "
                    f"{self.prefix}{'_'.join(self._words(name))}_free"
                )

    def _abi_version(self, function: Prototype | None) -> tuple[str, int] | None:
        """The function that tells the version of the interface, and the version that the header has."""
        number = f"{self.prefix.upper()}ABI_VERSION"
        if function and number in self.declared.numbers and _gives(function, Scalar("uint32_t")):
            return function.name, self.declared.numbers[number]
        if function:
            self.left[number] = (
                f"the version is not compared: {function.name} has to return uint32_t, and this to be a number as it is"
            )
        return None

    def _words(self, name: str) -> tuple[str, ...]:
        """The words of a name without those of the library, unless they are all."""
        return _without(words(name), self.base)

    def _enums(self) -> Iterator[tuple[str, model.Enum]]:
        for name, values in self.declared.enums.items():
            if name in self.declared.bases or enum_base(values.values()):
                yield name, self._enum(name, values)
            else:
                self.left[name] = f"it is {WIDE}"

    def _enum(self, name: str, values: Mapping[str, int]) -> model.Enum:
        shared = _shared(f"{one}_" for one in values)
        shared = shared[: shared.rfind("_") + 1] if len(values) > 1 else self.prefix.upper()
        members = tuple((one, one.removeprefix(shared) or one, value) for one, value in values.items())
        return model.Enum(name, self._words(name), self.declared.bases.get(name, "int"), members)

    def _status(self, enums: Mapping[str, model.Enum]) -> model.Enum | None:
        """The enumeration that functions return and that has a member 0 called …_OK or …_SUCCESS."""
        for function in self.declared.functions:
            enum = enums.get(function.returns.name) if isinstance(function.returns, EnumRef) else None
            members = enum.members if enum else ()
            is_success = any(value == 0 and _SUCCESS.fullmatch(name) for name, _, value in members)
            if is_success and any(value for _, _, value in members):
                return enum
        return None

    def _handles(self, functions: Mapping[str, Prototype]) -> dict[str, model.Handle]:
        """What is opaque and has a function that frees it; further functions that may free it are left."""
        ending: dict[str, list[tuple[int, Prototype]]] = {}
        for function in functions.values():
            kind = function.parameters[0].type if len(function.parameters) == 1 else VOID
            if isinstance(kind, Pointer) and isinstance(kind.to, StructRef):
                name = kind.to.name
                rank = self._rank(function.name, name)
                if rank is not None and self.declared.structs.get(name, ()) is None:
                    ending.setdefault(name, []).append((rank, function))
        handles: dict[str, model.Handle] = {}
        for name, every in ending.items():
            ranked = [one for _, one in sorted(every, key=lambda one: one[0])]
            pointer = Pointer(StructRef(name))
            free = next((one for one in ranked if one.returns == VOID and one.parameters[0].type == pointer), None)
            if free:
                comment = " ".join(self.declared.comments.get(name, "").split())
                handles[name] = model.Handle(name, self._words(name), free.name, _INDEPENDENT in comment)
                reason = f"it may free what {free.name} frees, which is called to close it"
                self.left |= {one.name: reason for one in ranked if one is not free}
        return handles

    def _rank(self, function: str, handle: str) -> int | None:
        """How certainly a function frees a handle, by its name: 0 is best, and None is not at all."""
        every = words(function)
        stem, verb = every[:-1], every[-1] if every else ""
        if verb not in _FREE:
            return None
        if stem in {words(handle), (*self.base, *self._words(handle))}:
            return _FREE.index(verb)
        return len(_FREE) + _FREE.index(verb) if stem == self.base else None

    def _frees(self, function: Prototype) -> bool:
        """Whether a function frees texts or elements that the library allocated."""
        stem = function.name.removeprefix(self.prefix)
        first = function.parameters[0].type if function.parameters else None
        if function.returns != VOID or not isinstance(first, Pointer) or not isinstance(first.to, Scalar):
            return False
        count = len(function.parameters)
        is_pair = count == 2 and _is_length(function.parameters[1])  # noqa: PLR2004 - elements and how many
        return (stem in (*_TEXT_FREE, "free") or stem.endswith("_free")) and (count == 1 or is_pair)

    def _free_of(self, element: CType, usual: str) -> Prototype:
        """The function that frees texts or elements: one for these, or one for whatever the library allocated.

        Of several it is the one that is called as the conventions say.
        """
        is_text = element == Scalar("char")
        names = [f"{self.prefix}{stem}" for stem in ((*_TEXT_FREE, "free") if is_text else (usual, "free"))]
        for accepted in (element, VOID):
            fitting = [
                one
                for one in self.declared.functions
                if self._frees(one) and one.parameters[0].type == Pointer(accepted)
                and not (is_text and len(one.parameters) > 1)
            ]  # fmt: skip
            named = [one for name in names for one in fitting if one.name == name] or fitting
            if len(named) > 1 and named is fitting:
                raise _Misfit(f"{' or '.join(one.name for one in named)} frees it: there is no {self.prefix}{usual}")
            if named:
                return named[0]
        raise _Misfit(f"nothing frees what it allocates: there is no {self.prefix}{usual}")

    # Structures.

    def _struct(self, name: str, fields: tuple[Parameter, ...]) -> model.Struct:
        pairs = tuple((one.name, one.type) for one in fields)
        for one in fields:
            if reason := _unreadable(one.type):
                raise _Misfit(f"its field {one.name} is {reason}")
        kinds = [one.type for one in fields]
        if kinds[:1] == [Pointer(Scalar("char"), const=True)] and [_is_length(one) for one in fields[1:]] == [True]:
            return model.Struct(name, self._words(name), pairs, is_text=True)
        if any(isinstance(kind, FunctionPointer) for kind in kinds):
            return self._callbacks(name, fields)
        size = _size_member(fields)
        rest = [one for one in fields if one.name != size and not _is_reserved(one)]
        return model.Struct(
            name, self._words(name), pairs, arguments=tuple(self._arguments(rest, field=True)), size=size
        )

    def _callbacks(self, name: str, fields: tuple[Parameter, ...]) -> model.Struct:
        user_data = next(
            (one.name for one in fields if one.type == Pointer(VOID) and _USER_DATA.fullmatch(one.name)), ""
        )
        if not user_data:
            raise _Misfit("it holds functions and no user data for them: a field `void *user_data`")
        callbacks, size, rest = [], _size_member(fields), []
        releases = [one.name for one in fields if _is_release(one)]
        if unclear := [one.name for one in fields if _is_release(one, _MAYBE_RELEASE)]:
            raise _Misfit(f"{unclear[0]} may be the end of its user data, or an event: call it release, or otherwise")
        if len(releases) > 1:
            raise _Misfit(f"{' and '.join(releases)} may each say that its user data is needed no more")
        for one in fields:
            if isinstance(one.type, FunctionPointer):
                if one.name not in releases:
                    callbacks.append(self._callback(one.name, one.type))
            elif one.name not in {size, user_data} and not _is_reserved(one):
                rest.append(one)
        return model.Struct(
            name,
            self._words(name),
            tuple((one.name, one.type) for one in fields),
            arguments=tuple(self._arguments(rest, field=True)),
            size=size,
            callbacks=tuple(callbacks),
            user_data=user_data,
            release=next(iter(releases), ""),
        )

    def _callback(self, name: str, kind: FunctionPointer) -> model.Callback:
        if reason := _unreadable(kind):
            raise _Misfit(f"its function {name} has {reason}")
        at = next(
            (i for i, one in enumerate(kind.parameters) if one.type == Pointer(VOID) and _is_user_data(one, i)), None
        )
        if at is None:
            raise _Misfit(f"its function {name} takes no user data")
        arguments = tuple(self._arguments(kind.parameters, skip=at))
        for argument in arguments:
            self._check_handed(name, argument)
            before = kind.parameters[argument.index - 1] if argument.index else None
            if isinstance(argument, model.Text) and argument.nul and before is not None and _counts(before):
                raise _Misfit(
                    f"its function {name} is handed {argument.name}, which may be as long as {before.name} says"
                )
        failed = 0
        if isinstance(kind.returns, EnumRef):
            unsigned = 0 if kind.returns.base.startswith(_UNSIGNED) else -1
            failed = _failure(self.status) if self._is_status(kind.returns) else unsigned
        elif kind.returns != VOID:
            if not isinstance(kind.returns, Scalar):
                raise _Misfit(f"its function {name} returns a pointer")
            failed = 0 if kind.returns.name.startswith(_UNSIGNED) else -1
        return model.Callback(name, Prototype(name, kind.returns, kind.parameters), arguments, kind.returns, failed, at)

    def _check_handed(self, name: str, argument: model.Argument) -> None:
        """Raise _Misfit for what a callback cannot be handed.

        A structure is copied for it, so that it holds numbers alone, and is as long as the header says.
        """
        match argument:
            case model.Text() | model.Value() | model.Buffer(writable=False, element="uint8_t"):
                return
            case model.StructArgument(struct=struct) if (
                self.structs[struct].is_numbers and not self.structs[struct].size
            ):
                return
        raise _Misfit(
            f"its function {name} is handed {argument.name}, "
            "which is neither text, bytes, number nor a structure of numbers"
        )

    # Functions.

    def _function(self, function: Prototype) -> model.Function:
        for kind in (function.returns, *(one.type for one in function.parameters)):
            if reason := _unreadable(kind):
                raise _Misfit(f"it has {reason}")
        if function.variadic:
            raise _Misfit("it takes any number of arguments")
        parameters = function.parameters
        handle = self._handle_of(parameters[0].type) if parameters else None
        start = 1 if handle else 0
        arguments: list[model.Argument] = []
        results: list[model.Result] = []
        at, claimed = start, False
        while at < len(parameters):
            result, covered = self._result(function, at, claimed)
            if result is not None:
                results.append(result)
            else:
                argument, covered = self._argument(parameters, at, claimed)
                arguments.append(argument)
            claimed = covered > 1
            at += covered
        status = isinstance(function.returns, EnumRef) and self._is_status(function.returns)
        if not status and function.returns != VOID:
            results.insert(0, self._returned(function))
        if sum(isinstance(one, model.HandleResult) for one in results) > 1:
            raise _Misfit("it makes two handles at once")
        if handle is None and any(isinstance(one, model.HandleResult) for one in results) and len(results) > 1:
            raise _Misfit("it makes a handle and gives something else besides")
        if any(isinstance(one, model.CallbacksArgument) for one in arguments) and not any(
            isinstance(one, model.HandleResult) for one in results
        ):
            raise _Misfit("it takes callbacks and makes no handle that they would live as long as")
        return model.Function(
            function, self._function_words(function, handle, results), handle, status, tuple(arguments), tuple(results)
        )

    def _is_status(self, enum: EnumRef) -> bool:
        return self.status is not None and enum.name == self.status.c_name

    def _function_words(
        self, function: Prototype, handle: str | None, results: Sequence[model.Result]
    ) -> tuple[str, ...]:
        """The words of a function's name without those of the library and of the handle that it belongs to."""
        every = self._words(function.name)
        owner = handle or next((one.handle for one in results if isinstance(one, model.HandleResult)), None)
        stem = self.handles[owner].words if owner else ()
        return _without(every, stem)

    def _handle_of(self, kind: CType) -> str | None:
        if isinstance(kind, Pointer) and isinstance(kind.to, StructRef) and kind.to.name in self.handles:
            return kind.to.name
        return None

    def _result(  # noqa: C901, PLR0911, PLR0912 - one case for each form of a result
        self, function: Prototype, at: int, claimed: bool
    ) -> tuple[model.Result | None, int]:
        """The result that a parameter is written to for, and how many parameters it covers; None for an argument.

        `claimed` says that the parameter before it is the length of another. Raises _Misfit where C may write more
        than one element: what is made for one would be written past its end.
        """
        parameters = function.parameters
        one = parameters[at]
        following = parameters[at + 1] if at + 1 < len(parameters) else None
        if not isinstance(one.type, Pointer) or one.type.const:
            return None, 0
        if one.type.many and not (following is not None and _is_length(following)):
            return None, 0  # which is an argument that does not fit
        target = one.type.to
        out_length = (
            following is not None
            and isinstance(following.type, Pointer)
            and not following.type.const
            and (isinstance(following.type.to, Scalar) and following.type.to.name in _LENGTHS)
            and _LENGTH_NAME.fullmatch(following.name)
        )
        neighbour = _neighbour(parameters, at, claimed)
        if isinstance(target, Pointer):
            if handle := self._handle_of(target):
                if target.const:
                    raise _Misfit(f"{one.name} is {_BORROWED}")
                if neighbour and not _MAKER.fullmatch(function.name):
                    raise _Misfit(f"{one.name} may be several handles, as many as {neighbour} says")
                return model.HandleResult(handle, at), 1
            if target == Pointer(Scalar("char")):
                if neighbour and not out_length:
                    raise _Misfit(f"{one.name} may be several texts, or one as long as {neighbour} says")
                free = self._free_of(Scalar("char"), "string_free").name
                return model.TextResult(free, at, one.name, at + 1 if out_length else None), 2 if out_length else 1
            if isinstance(target.to, Scalar) and target.to != VOID and not target.const and out_length:
                free_function = self._free_of(target.to, "bytes_free")
                takes = len(free_function.parameters) > 1
                return model.BytesResult(free_function.name, at, at + 1, one.name, target.to.name, takes), 2
            raise _Misfit(f"{one.name} is a pointer to a pointer of another kind")
        if following is not None and _is_length(following):
            return None, 0
        if isinstance(target, EnumRef) or (isinstance(target, Scalar) and target != VOID):
            if reason := _several(parameters, at, neighbour):
                raise _Misfit(reason)
            return model.ValueResult(target, at, one.name), 1
        if isinstance(target, StructRef) and target.name in self.structs:
            struct = self.structs[target.name]
            if not struct.is_numbers:
                raise _Misfit(f"the library writes to {one.name}, which holds more than numbers")
            if struct.size:
                raise _Misfit(f"the library writes to {one.name}, and reads before how long it is")
            own = words(target.name)[-1:] == words(one.name)[-1:]
            if reason := _several(parameters, at, neighbour, is_own=own):
                raise _Misfit(reason)
            return model.StructResult(target.name, at, one.name), 1
        return None, 0

    def _returned(self, function: Prototype) -> model.Result:
        kind = function.returns
        if isinstance(kind, (Scalar, EnumRef)):
            return model.ValueResult(kind, None)
        if handle := self._handle_of(kind):
            if isinstance(kind, Pointer) and kind.const:
                raise _Misfit(f"what it returns is {_BORROWED}")
            comment = " ".join(self.declared.comments.get(function.name, "").split())
            if not _MAKING & {*self._function_words(function, handle, ())} and not _OWNED.search(comment):
                raise _Misfit(
                    "no convention says whether what it returns is new: call it …_new, …_create or …_copy, or say "
                    '"The caller owns it." in its comment'
                )
            return model.HandleResult(handle, None)
        if kind == Pointer(Scalar("char")):
            return model.TextResult(self._free_of(Scalar("char"), "string_free").name, None)
        if kind == Pointer(Scalar("char"), const=True):
            return model.TextResult("", None)
        raise _Misfit("what it returns is a pointer, of which no convention says who frees it")

    def _arguments(
        self, parameters: Sequence[Parameter], *, skip: int | None = None, field: bool = False
    ) -> Iterator[model.Argument]:
        at, claimed = 0, False
        listed = tuple(parameters)
        while at < len(listed):
            if at == skip:
                at, claimed = at + 1, False
                continue
            argument, covered = self._argument(listed, at, claimed)
            if field and not _is_field(argument):
                raise _Misfit(
                    f"its field {argument.name} points to what is neither a text, a batch of texts nor numbers"
                )
            yield argument
            claimed = covered > 1
            at += covered

    def _argument(  # noqa: C901, PLR0911, PLR0912 - one case for each form of an argument
        self, parameters: tuple[Parameter, ...], at: int, claimed: bool
    ) -> tuple[model.Argument, int]:
        """What a parameter hands over, and how many parameters it covers."""
        one = parameters[at]
        name = one.name or f"argument{at}"
        following = parameters[at + 1] if at + 1 < len(parameters) else None
        kind = one.type
        if isinstance(kind, (Scalar, EnumRef)):
            return model.Value(at, name, kind), 1
        if isinstance(kind, FunctionPointer):
            raise _Misfit(f"{name} is a function by itself: put it into a structure with its user data")
        if isinstance(kind, Array):
            raise _Misfit(f"{name} is an array of {kind.count}")
        if not isinstance(kind, Pointer):
            raise _Misfit(f"{name} is passed as a whole: pass a pointer to it")
        counted = following is not None and _is_length(following)
        if kind.many and not counted:
            raise _Misfit(f"{name} is an array, and no convention says of how many")
        neighbour = _neighbour(parameters, at, claimed)
        if handle := self._handle_of(kind):
            return model.HandleArgument(at, name, handle), 1
        if isinstance(kind.to, StructRef) and kind.to.name in self.structs and kind.const:
            struct = self.structs[kind.to.name]
            if counted and struct.is_text:
                return model.Texts(at, name, kind.to.name), 2
            if counted:
                raise _Misfit(f"{name} is an array of structures")
            if neighbour and not struct.is_text:
                raise _Misfit(f"{name} may be an array of structures, as many as {neighbour} says")
            if struct.callbacks:
                return model.CallbacksArgument(at, name, kind.to.name), 1
            if not struct.is_text:
                return model.StructArgument(at, name, kind.to.name), 1
        if isinstance(kind.to, Scalar) and counted:
            if kind.to.name == "char" and kind.const:
                return model.Text(at, name), 2
            element = "uint8_t" if kind.to == VOID or kind.to.name in _BYTES else kind.to.name
            return model.Buffer(at, name, element, writable=not kind.const), 2
        if kind == Pointer(Scalar("char"), const=True):
            if following is not None and _counts(following) and _LENGTH_NAME.fullmatch(following.name):
                raise _Misfit(f"{name} is a text as long as {following.name} says, which is no size_t")
            return model.Text(at, name, nul=True), 1
        if isinstance(kind.to, StructRef) and kind.to.name in self.left:
            raise _Misfit(f"{name} is a {kind.to.name}, which is left to the author")
        raise _Misfit(f"no convention says what {name} points to, and how much of it")


def _depth(fields: tuple[Parameter, ...] | None) -> int:
    """How far a structure may refer to others: texts are in batches, and functions are handed what holds numbers."""
    kinds = [one.type for one in fields or ()]
    if any(isinstance(kind, FunctionPointer) for kind in kinds):
        return 2
    return 1 if any(isinstance(kind, Pointer) and isinstance(kind.to, StructRef) for kind in kinds) else 0


def _prefix(names: Sequence[str], types: Iterable[str]) -> str:
    """What the names of all functions begin with, up to a word's end, and those of types too, as far as they do."""
    for name in names:
        if name.endswith("_abi_version"):
            return name.removesuffix("abi_version")
    shared = _shared(names) if len(names) > 1 else ""
    shared = whole = shared[: shared.rfind("_") + 1]
    every = [words(name) for name in types]
    while shared and not all(one[: len(words(shared))] == words(shared) for one in every):
        shared = shared[: shared[:-1].rfind("_") + 1]
    return shared or whole


def _shared(names: Iterable[str]) -> str:
    """What all names begin with."""
    first, *others = names
    length = next((at for at in range(len(first)) if any(one[at : at + 1] != first[at] for one in others)), len(first))
    return first[:length]


def _without(every: tuple[str, ...], first: tuple[str, ...]) -> tuple[str, ...]:
    """Words without those that they begin with, unless these are all."""
    return every[len(first) :] if every[: len(first)] == first and len(every) > len(first) else every


def _gives(function: Prototype, kind: CType) -> bool:
    """Whether a function takes nothing and returns that."""
    return not function.parameters and function.returns == kind


def _is_length(parameter: Parameter) -> bool:
    kind = parameter.type
    return isinstance(kind, Scalar) and kind.name in _LENGTHS and bool(_LENGTH_NAME.fullmatch(parameter.name))


def _counts(parameter: Parameter, *, pointed: bool = False) -> bool:
    """Whether a parameter may say how many elements another has; `pointed`: also one that C writes it to."""
    kind = parameter.type
    if pointed and isinstance(kind, Pointer) and isinstance(kind.to, Scalar) and kind.to.name not in _SMALL:
        kind = kind.to
    return _is_whole(kind) and _names_count(parameter.name)


def _names_count(name: str) -> bool:
    return any(word in _COUNTS or _COUNT.fullmatch(word) for word in words(name))


def _neighbour(parameters: Sequence[Parameter], at: int, claimed: bool) -> str:
    """The parameter beside a pointer that may say how many elements it has, unless another has it; empty for none."""
    before = parameters[at - 1 : at] if at and not claimed else ()
    pointed = not _names_count(parameters[at].name)  # of two numbers none counts the other
    return next((one.name for one in (*parameters[at + 1 : at + 2], *before) if _counts(one, pointed=pointed)), "")


def _several(parameters: Sequence[Parameter], at: int, neighbour: str, *, is_own: bool = False) -> str:
    """Why C may write several elements where a pointer points; empty where a convention says that it is one.

    `is_own` says that its name is the one of its type, which is in the plural then where one of them is.
    """
    one = parameters[at]
    target = one.type.to if isinstance(one.type, Pointer) else one.type
    if isinstance(target, Scalar) and target.name in _SMALL:
        return f"{one.name} points to bytes, and no convention says to how many"
    if neighbour:
        return f"{one.name} may be as many as {neighbour} says"
    for following in parameters[at + 1 :]:
        if _is_length(following) or _counts(following):
            return f"{one.name} may be as many as {following.name} says"
        kind = following.type
        if not isinstance(kind, Pointer) or not isinstance(kind.to, Scalar) or kind.to == Scalar("char"):
            break
    last = words(one.name)[-1:] or ("",)
    if last[0] in _MEMORY and not is_own:
        return f"{one.name} is called as memory is, and no convention says how much of it there is"
    is_vague = last[0] in _ANYTHING or len(last[0]) <= 1
    is_many = _MANY.fullmatch(last[0]) and not is_own
    if is_vague or is_many:
        text = Pointer(Scalar("char"), const=True)
        for before, following in zip((None, *parameters), parameters, strict=False):
            if _counts(following) and (before is None or before.type != text):
                return f"{one.name} may be as many as {following.name} says: call it what the one is"
    return ""


def _is_last_error(function: Prototype) -> bool:
    kinds = [one.type for one in function.parameters]
    return (
        len(kinds) == 2  # noqa: PLR2004 - a buffer and its length
        and kinds[0] == Pointer(Scalar("char"))
        and _is_length(function.parameters[1])
        and isinstance(function.returns, Scalar)
        and function.returns.name in _LENGTHS
    )


def _is_whole(kind: CType) -> bool:
    return isinstance(kind, Scalar) and kind.name not in _NO_WHOLE


def _size_member(fields: tuple[Parameter, ...]) -> str:
    """The first member of a structure if it tells the structure's size, empty for none."""
    return next((one.name for one in fields[:1] if one.name in SIZE_MEMBERS and _is_whole(one.type)), "")


def _is_user_data(parameter: Parameter, index: int) -> bool:
    return bool(_USER_DATA.fullmatch(parameter.name)) or (index == 0 and not parameter.name)


def _is_reserved(member: Parameter) -> bool:
    """Whether a member of a structure has no meaning yet, so that nobody gives it any."""
    return bool(_RESERVED.fullmatch(member.name)) or (
        isinstance(member.type, Array) and member.name.strip("_") in _PADDING
    )


def _is_release(parameter: Parameter, name: re.Pattern[str] = _RELEASE) -> bool:
    kind = parameter.type
    return (
        isinstance(kind, FunctionPointer)
        and bool(name.fullmatch(parameter.name))
        and kind.returns == VOID
        and [one.type for one in kind.parameters] == [Pointer(VOID)]
    )


def _is_field(argument: model.Argument) -> bool:
    """Whether a structure that the caller fills in may hold it: the library reads it and does not write to it."""
    if isinstance(argument, model.Buffer):
        return not argument.writable
    return isinstance(argument, (model.Text, model.Texts, model.Value))


def _failure(status: model.Enum | None) -> int:
    """The status of a callback that failed: …CALLBACK_FAILED, or the greatest that is no success."""
    return -1 if status is None else status.failure(".*CALLBACK_FAILED")


def _unreadable(kind: CType) -> str:
    """What of a type has no counterpart, as a phrase; empty where all has."""
    match kind:
        case Unreadable():
            return kind.what
        case Pointer():
            return _unreadable(kind.to)
        case Array():
            return _unreadable(kind.of)
        case FunctionPointer():
            return next(filter(None, map(_unreadable, (kind.returns, *(p.type for p in kind.parameters)))), "")
    return ""
