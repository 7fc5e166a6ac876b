"""What the Python bindings of every library share; its text is packed into each of them.

It needs nothing but the standard library, and runs on Python 3.9 and newer. Ferrule itself calls nothing of it.
"""

from __future__ import annotations

import atexit
import contextvars
import ctypes
import importlib
import itertools
import math
import opcode
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType, TracebackType
    from typing import NoReturn, Self

# --- what every library shares: begin


class LibraryError(ImportError):
    """The native library is missing, cannot be loaded on this machine, or has another interface than is needed."""


# Calls. What a callback raises is kept until the library has returned, in the call that it belongs to: the innermost
# of its context, so that threads, tasks and greenlets each have their own.


class Call:
    """A call of the library that is running."""

    __slots__ = ("_token", "raised")

    def __init__(self) -> None:
        self.raised: Any = None
        self._token: contextvars.Token[Call] | None = None

    def enter(self) -> None:
        """Become the one whose callbacks run; whoever enters leaves."""
        self._token = _CALL.set(self)
        thread = threading.get_ident()
        _RUNS[self] = thread
        if _ENDS and thread != _ENDS[0]:
            self.leave()
            while True:  # as the interpreter has any thread but this one stop
                time.sleep(_PATIENCE)

    def leave(self) -> None:
        """Let the call around this one be it again."""
        _RUNS.pop(self, None)
        if self._token is not None:
            _CALL.reset(self._token)
            self._token = None

    def finish(self) -> None:
        """Raise what a callback raised: what interrupts a program before all else, then the first.

        The others are handed to `sys.unraisablehook`.
        """
        kept, self.raised = self.raised, None
        failures: list[BaseException] = []
        while kept is not None:
            failure, kept = kept
            failures.insert(0, failure)
        if not failures:
            return
        # No name may refer to the exception in a frame that its traceback leads to: that would be a cycle.
        failure = next((one for one in failures if not isinstance(one, Exception)), failures[0])
        failures.remove(failure)
        for other in failures:
            _report(other)
        failures[:] = [failure]
        del failure
        if failures:
            raise failures.pop()


_CALL: contextvars.ContextVar[Call] = contextvars.ContextVar("call")

# An interpreter that ends lets no other thread take its lock any more: up to 3.13 a thread that asks for it ends, and
# one that asks for it to run a callback would unwind the library's frames, which is a crash. So the end waits for calls
# that may run callbacks, and no other begins.
_RUNS: dict[Call, int] = {}
"""Running calls that may run callbacks, and their threads."""
_ENDS: list[int] = []
"""The thread that ends the interpreter, once it does."""
_PATIENCE = 5
"""Seconds that the end waits for calls of other threads."""


def _wait_for_calls() -> None:
    _ENDS.append(threading.get_ident())
    until = time.monotonic() + _PATIENCE
    while any(thread != _ENDS[0] for thread in list(_RUNS.values())) and time.monotonic() < until:
        time.sleep(0.001)


atexit.register(_wait_for_calls)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_RUNS.clear)  # the threads are no more


class _Running(Call):
    """Leads to the running call; where there is none, as in a thread of the library's own, it stands for it."""

    __slots__ = ()

    # A property of a C function: reading it runs no instruction at which CPython would look for signals.
    call: Call = cast("Call", property(cast("Any", _CALL.get)))

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - of every attribute
        if name == "raised" and value is not None:
            _report(value[0])
            value = None
        super().__setattr__(name, value)


RUNNING = _Running()

_Function = TypeVar("_Function", bound=Callable[..., Any])
NUMBERS = itertools.count(1)
"""What handles are called where the library is to say which of them it needs no more."""

_PATCHED: dict[CodeType, CodeType] = {}


def shielded(function: _Function) -> _Function:
    """A function that begins with `try`, so that no signal is handled before that has begun.

    CPython looks for signals where a function begins (RESUME 0, since 3.11), and what a handler raises there passes by
    a `try` that is the first statement: ctypes would report it and return an undefined number to the library. RESUME 2
    is the same instruction without that look. Older versions look nowhere before a `try`.
    """
    code = function.__code__
    if code not in _PATCHED:
        _PATCHED[code] = _without_look(code)
    function.__code__ = _PATCHED[code]
    return function


def _without_look(code: CodeType) -> CodeType:
    resume = opcode.opmap.get("RESUME")
    instructions = bytearray(code.co_code)
    for at in range(0, len(instructions), 2):
        if resume is not None and instructions[at] == resume:
            if instructions[at + 1] == 0:
                instructions[at + 1] = 2
            break
    return code.replace(co_code=bytes(instructions))


def _raise(failure: BaseException) -> NoReturn:
    raise failure


def _report(failure: BaseException) -> None:
    """Hand an exception to `sys.unraisablehook`, which only the interpreter can call: ctypes does for a callback."""
    ctypes.CFUNCTYPE(None)(partial(_raise, failure))()


# Handles. No lock guards them: a signal handler could meet it locked by its own thread, a forked child by a thread that
# is no more. What must not be torn is one operation on a dict or a list, each of which is atomic.


def _refuse_copy(self: NotCopied, _protocol: object) -> NoReturn:
    raise TypeError(f"a {type(self).__name__} cannot be copied or pickled; make another one")


class NotCopied:
    """Something that refuses to be copied and pickled: it stands for what the library holds in its own memory."""

    # `copy`, `deepcopy` and `pickle` all ask for this.
    __reduce_ex__: Any = _refuse_copy


_CLOSED = Call()

_PAGE = 4096
"""Below are no addresses: what has no size need have none of its own."""
_OPEN: dict[int, list[Any]] = {}
"""What is open, by its address: the list that its handle has for itself."""


class Handle(NotCopied):
    """Something of the library's, which stays as long as a call uses it: inside `with`, by any number of threads."""

    def __init__(self, free: Callable[[Any], Any], noun: str, keeps: Any = None, *parents: Handle) -> None:  # noqa: ANN401
        # `free` is of its own, because a module may be gone when the interpreter ends. `keeps` are callbacks, to which
        # the library has pointers as long as this lives; parents are what this was made with, and stay as long, so that
        # a call of this may run their callbacks too.
        self._free, self._noun, self.keeps = free, noun, keeps
        self.left: list[Any] = []
        """Gets the callbacks when this is freed: whoever has it keeps them for a library that releases them later."""
        self.calls_back: bool = keeps is not None or any(parent.calls_back for parent in parents)
        self._pointer = ctypes.c_void_p()
        self._uses: dict[Call, None] = {}
        self._borrowed: list[Call] = []
        self._owned = [self._pointer]
        self._stays: list[tuple[Handle, Call]] = []
        for parent in parents:
            stay = Call()
            self._stays.append((parent, stay))
            parent.enter(stay)

    def own(self) -> None:
        """Be the one that frees what the library made; raises RuntimeError for what another handle frees."""
        if not self._is_own(self._pointer.value or 0, self._owned):
            raise RuntimeError(f"the library returned a {self._noun} that is open already, and not a new one")

    @staticmethod
    def _is_own(address: int, owned: list[Any]) -> bool:
        return address < _PAGE or _OPEN.setdefault(address, owned) is owned

    def enter(self, call: Call) -> ctypes.c_void_p:
        """Let a call use it, which leaves it, whatever happens here. Raises ClosedError."""
        self._uses[call] = None
        if _CLOSED in self._uses:
            raise closed_error(f"the {self._noun} was closed")
        return self._pointer

    def leave(self, call: Call) -> None:
        """The call has ended."""
        self._uses.pop(call, None)
        if _CLOSED in self._uses:
            self._free_unused()

    def close(self) -> None:
        """Let nobody use it any more, and free it when nobody does."""
        self._uses[_CLOSED] = None
        self._free_unused()

    def _free_unused(self) -> None:
        if len(self._uses) == 1:
            self._end()

    def _end(self) -> None:
        """Free it; whoever takes the only entry of the list does."""
        try:
            pointer = self._owned.pop()
        except IndexError:
            return
        address, pointer.value = pointer.value, None
        # What was made may not have come to `own`: whoever else has it frees it.
        if address and self._is_own(address, self._owned):
            _OPEN.pop(address, None)
            call = Call()
            self.left.append(self.keeps)
            try:
                call.enter()
                self._free(address)
            finally:
                call.leave()
                # From here on they are the library's, if it has not released them.
                self.keeps, self.left = None, []
            call.finish()
        while self._stays:
            parent, stay = self._stays.pop()
            parent.leave(stay)

    def __enter__(self) -> ctypes.c_void_p:
        call = Call()
        try:
            pointer = self.enter(call)
        except BaseException:
            self.leave(call)
            raise
        self._borrowed.append(call)
        return pointer

    def __exit__(self, *_: object) -> None:
        self.leave(self._borrowed.pop())

    def __del__(self) -> None:
        # Nobody refers to it, so that no call uses it, whatever was interrupted before it could leave.
        self._uses[_CLOSED] = None
        self._end()


class Closing(NotCopied):
    """The base of what has a handle: it is closed by `close`, at the end of `with`, and when nobody refers to it."""

    _handle: Handle

    def close(self) -> None:
        """Free what the library holds: at once, or when the last call that is still running has ended.

        Closing twice does nothing; every later call raises ClosedError.
        """
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


# Values.


def handle_of(value: object, kind: type[Closing]) -> Handle:
    """The handle of an object of this class; raises TypeError for another, which the library would take for one."""
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, not {type(value).__name__}")
    return value._handle  # noqa: SLF001 - of a class of this module


def encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair becomes bytes that are none, so that the library itself refuses it."""
    return text.encode(errors="surrogatepass")


def terminated(text: str) -> bytes:
    """UTF-8 for a parameter that ends with a NUL; raises ValueError for a text that holds one."""
    data = encoded(text)
    if b"\0" in data:
        raise ValueError("the text holds a NUL, at which the library would end it")
    return data


def decoded(text: ctypes.c_void_p, length: ctypes.c_size_t) -> str:
    """A text of the library's, of which there is a copy then."""
    return ctypes.string_at(text.value or 0, length.value).decode() if length.value else ""


def copied(address: int | None, size: int) -> bytes:
    """So many bytes of the library's; null has none."""
    return ctypes.string_at(address, size) if address and size else b""


class _PyBuffer(ctypes.Structure):
    """`Py_buffer` (Python/C API, "Buffer Protocol")."""

    _fields_: ClassVar = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


class Buffer:
    """The memory of an object, borrowed inside `with` and not copied: its address, and how many elements it has.

    `formats` are the codes (of `struct`) that elements may have; none stands for bytes, which any object has.
    Raises TypeError for other elements, and BufferError for memory that is not in one piece or may not be written to.
    """

    __slots__ = ("_flags", "_formats", "_size", "_value", "_view")

    def __init__(self, value: object, formats: str, size: int, *, writable: bool) -> None:
        self._value, self._formats, self._size = value, formats, size
        self._flags = 0x3C | writable  # PyBUF_C_CONTIGUOUS, PyBUF_FORMAT and PyBUF_WRITABLE
        self._view: _PyBuffer | None = None

    def __enter__(self) -> tuple[int | None, int]:
        view = _PyBuffer()
        ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(self._value), ctypes.byref(view), self._flags)
        self._view = view
        code = (view.format or b"B").decode().lstrip("@=" + ("<" if ctypes.c_uint16(1).value == 1 else ""))
        if self._formats and (code not in tuple(self._formats) or view.itemsize != self._size):
            self.__exit__()
            raise TypeError(
                f"the buffer has elements {code!r} of {view.itemsize} bytes, and the library takes one of "
                f"{self._formats!r} of {self._size}"
            )
        return view.buf, view.len // self._size

    def __exit__(self, *_: object) -> None:
        view, self._view = self._view, None
        if view is not None:
            ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))


ctypes.pythonapi.PyBuffer_Release.restype = None


def whole(value: int, kind: Any) -> int:  # noqa: ANN401 - a number of ctypes
    """A number that a type of C can hold; raises OverflowError for another, of which ctypes would cut bits off."""
    if kind(value).value != value:
        raise OverflowError(f"{value} does not fit into {kind.__name__[2:]}")
    return value


def real(value: float, kind: Any) -> float:  # noqa: ANN401 - a number of ctypes
    """A number, rounded to a type of C; raises OverflowError for one beyond its range, and TypeError for no number."""
    rounded: float = kind(value).value
    if math.isinf(rounded) and not math.isinf(ctypes.c_double(value).value):
        raise OverflowError(f"{value} does not fit into {kind.__name__[2:]}")
    return rounded


def number(value: Any, name: str, kind: Any) -> int:  # noqa: ANN401 - whatever a callback returned
    """What a callback returned; raises TypeError for what is no number, such as a forgotten `return`."""
    if isinstance(value, int):
        return whole(value, kind)
    raise TypeError(f"{name} returned {type(value).__name__}, not a number")


# Loading.


def carried(package: str, distribution: str) -> Any:  # noqa: ANN401 - a module
    """The module that says which library a package carries; raises LibraryError where there is none."""
    try:
        return importlib.import_module(f"{package}._native")
    except ModuleNotFoundError as error:
        raise LibraryError(
            f"{distribution} lies here without its native library; install its wheel, or build it with `pip install .`"
        ) from error


def opened_library(path: Path, distribution: str) -> ctypes.CDLL:
    """Open a library; raises LibraryError."""
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise LibraryError(
            f"the native library of {distribution} cannot be loaded: {error}; install the wheel of this platform",
            path=str(path),
        ) from error


def check_version(version: int, needed: int, path: Path, distribution: str) -> None:
    """Raise LibraryError for a library of another version of the C interface."""
    if version != needed:
        raise LibraryError(
            f"{path.name} has version {version} of the C interface, and this package needs {needed}: they are from "
            f"different releases; install {distribution} again",
            path=str(path),
        )


def check_fingerprint(fingerprint: str, needed: str | None, path: Path, distribution: str) -> None:
    """Raise LibraryError for a library of another interface fingerprint, where both sides know theirs."""
    if needed in {None, "", "unreleased", fingerprint} or fingerprint in {"", "unreleased"}:
        return
    raise LibraryError(
        f"{path.name} has the interface {fingerprint[:16]}…, and this package was made for {str(needed)[:16]}…: "
        f"they are from different releases; install {distribution} again",
        path=str(path),
    )


# --- what every library shares: end


def closed_error(message: str) -> Exception:
    """The exception of a handle that was closed; each library has its own."""
    return ValueError(message)
