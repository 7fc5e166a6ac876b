"""The native library: found, opened once, identified, and its functions declared as the C header has them."""

from __future__ import annotations

import ctypes
import importlib
import json
from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypedDict, cast

from ferrule_email_validator._errors import EmailValidatorError, LibraryError, error_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ABI_VERSION = 1
"""The version of the C interface that this module declares."""

_DISTRIBUTION = "ferrule-email-validator"
_UNKNOWN = ("", "unreleased")


class BuildInfo(TypedDict):
    """What the native library is. `dependencies` has a version for each name; only releases know all the rest."""

    name: str
    version: str
    commit: str
    fingerprint: str
    interface: str
    target: str
    rustc: str
    dependencies: dict[str, str]


class Text(Structure):
    """`EmailValidatorText`."""

    _fields_: ClassVar = [("data", c_char_p), ("length", c_size_t)]


class Options(Structure):
    """`EmailValidatorOptions`."""

    _fields_: ClassVar = [
        ("struct_size", c_uint32),
        ("require_top_level_domain", c_uint8),
        ("allow_domain_literal", c_uint8),
        ("reserved", c_uint8 * 2),
        ("blocked_emails", POINTER(Text)),
        ("blocked_emails_count", c_size_t),
    ]


LOOKUP = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)
LOG = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_size_t)
OBSERVE = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_uint64, c_int32)


class Callbacks(Structure):
    """`EmailValidatorCallbacks`."""

    _fields_: ClassVar = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("user_data", c_void_p),
        ("is_free_email", LOOKUP),
        ("is_disposable_email", LOOKUP),
        ("has_mx_records", LOOKUP),
        ("has_gravatar", LOOKUP),
        ("log", LOG),
        ("observe", OBSERVE),
    ]


class Library:
    """The functions of an opened library, with Python's types. Every call lets other Python threads run meanwhile.

    What the library allocates is freed before a method returns, except the validator of `new`.
    """

    def __init__(self, opened: ctypes.CDLL) -> None:
        self._new = opened.email_validator_new
        self._new.restype, self._new.argtypes = c_int32, (POINTER(Options), POINTER(Callbacks), POINTER(c_void_p))
        self._free = opened.email_validator_free
        self._free.restype, self._free.argtypes = None, (c_void_p,)
        results = (POINTER(c_void_p), POINTER(c_size_t))
        self._check = opened.email_validator_check
        self._check.restype, self._check.argtypes = c_int32, (c_void_p, c_char_p, c_size_t, *results)
        self._check_batch = opened.email_validator_check_batch
        self._check_batch.restype, self._check_batch.argtypes = c_int32, (c_void_p, POINTER(Text), c_size_t, *results)
        self._string_free = opened.email_validator_string_free
        self._string_free.restype, self._string_free.argtypes = None, (c_void_p,)
        self._last_error = opened.email_validator_last_error
        self._last_error.restype, self._last_error.argtypes = c_size_t, (c_char_p, c_size_t)

    def new(self, options: Options, callbacks: Callbacks, validator: c_void_p) -> EmailValidatorError | None:
        """Write a new validator to `validator`, or return what was wrong."""
        return self._outcome(self._new(options, callbacks, validator))

    def free(self, validator: c_void_p) -> None:
        """End a validator that no thread uses any more; null is allowed."""
        self._free(validator)

    def check(self, validator: c_void_p, candidate: str) -> str | EmailValidatorError:
        """The decision about one address as JSON, or what was wrong."""
        data = encoded(candidate)
        text, length = c_void_p(), c_size_t()
        try:
            status = self._check(validator, data, len(data), text, length)
            return self._outcome(status) or _copied(text, length)
        finally:
            self._string_free(text)

    def check_batch(self, validator: c_void_p, candidates: Sequence[str]) -> str | EmailValidatorError:
        """The decisions about many addresses as a JSON array, or what was wrong."""
        array = texts(candidates)
        text, length = c_void_p(), c_size_t()
        try:
            status = self._check_batch(validator, array, len(array), text, length)
            return self._outcome(status) or _copied(text, length)
        finally:
            self._string_free(text)

    def _outcome(self, status: int) -> EmailValidatorError | None:
        return error_of(status, self._message()) if status else None

    def _message(self) -> str:
        buffer = ctypes.create_string_buffer(1 + int(self._last_error(None, 0)))
        self._last_error(buffer, len(buffer))
        return buffer.value.decode(errors="replace")


def encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair becomes bytes that are none, so that the library itself refuses it."""
    return text.encode(errors="surrogatepass")


def texts(values: Sequence[str]) -> ctypes.Array[Text]:
    """An array of texts, which keeps their bytes alive."""
    array = (Text * len(values))()
    for item, data in zip(array, map(encoded, values)):
        item.data, item.length = data, len(data)
    return array


def _copied(text: c_void_p, length: c_size_t) -> str:
    return ctypes.string_at(cast("int", text.value), length.value).decode()


def open_library(path: Path, interface: str | None) -> tuple[Library, BuildInfo]:
    """Open a library and make sure that it is the one this package was made for; raises LibraryError."""
    try:
        opened = ctypes.CDLL(str(path))
    except OSError as error:
        raise LibraryError(
            f"the native library of {_DISTRIBUTION} cannot be loaded: {error}; install the wheel of this platform",
            path=str(path),
        ) from error
    try:
        opened.email_validator_abi_version.restype = c_uint32
        opened.email_validator_build_info.restype = c_char_p
        # First, because the others may be something else in a library of another version.
        check_abi(opened.email_validator_abi_version(), path)
        info: BuildInfo = json.loads(opened.email_validator_build_info())
        check_interface(info["interface"], interface, path)
        return Library(opened), info
    except AttributeError as error:
        raise LibraryError(f"{path.name} is not the library of {_DISTRIBUTION}: {error}", path=str(path)) from error


def check_abi(found: int, path: Path) -> None:
    """Raise LibraryError for a library of another version of the C interface."""
    if found != ABI_VERSION:
        raise LibraryError(
            f"{path.name} has version {found} of the C interface, and this package needs {ABI_VERSION}: they are from "
            f"different releases; install {_DISTRIBUTION} again",
            path=str(path),
        )


def check_interface(found: str, wanted: str | None, path: Path) -> None:
    """Raise LibraryError for a library of another interface fingerprint, where both sides know theirs."""
    if wanted is None or wanted in _UNKNOWN or found in _UNKNOWN or found == wanted:
        return
    raise LibraryError(
        f"{path.name} has the interface {found[:16]}…, and this package was made for {wanted[:16]}…: they are from "
        f"different releases; install {_DISTRIBUTION} again",
        path=str(path),
    )


def _carried() -> tuple[Path, str, str | None]:
    """Path of the library, version and interface fingerprint, as the module written at packing time has them."""
    try:
        native = importlib.import_module("ferrule_email_validator._native")
    except ModuleNotFoundError as error:
        raise LibraryError(
            f"{_DISTRIBUTION} lies here without its native library; install its wheel, or build it with `pip install .`"
        ) from error
    folder = Path(str(native.__file__)).parent
    return folder / str(native.LIBRARY), str(native.VERSION), getattr(native, "INTERFACE", None)


_PATH, __version__, _INTERFACE = _carried()
LIBRARY, _BUILD_INFO = open_library(_PATH, _INTERFACE)


def build_info() -> BuildInfo:
    """What the loaded native library is: version, commit, fingerprints, target, compiler and dependencies."""
    return cast("BuildInfo", {**_BUILD_INFO, "dependencies": dict(_BUILD_INFO["dependencies"])})
