"""The ActionResult of the Remote Execution API, version 2: what Bazel's HTTP cache keeps under `ac/`.

Home-made, because it is two messages of the simplest kind of field: the protobuf library would bring a compiled module
and classes that a compiler of its own has to write. Encoding: "Protocol Buffers, Encoding". What is not understood is
skipped, as servers add fields of their own (bazel-remote adds the name of a worker).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.core.model import Digest, FileRecord
from ferrule.formats import leb128

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5
_OUTPUT_FILES, _EXIT_CODE, _STDOUT_DIGEST = 2, 4, 6
_PATH, _DIGEST, _IS_EXECUTABLE = 1, 2, 4
_HASH, _SIZE_BYTES = 1, 2


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action left: its files, and where all it said is kept; `stdout` has a name for people only."""

    files: tuple[FileRecord, ...]
    stdout: FileRecord


def encode(result: ActionResult) -> bytes:
    """The message in its canonical form: fields by their numbers, and none that has its default."""
    files = (_field(_OUTPUT_FILES, _file(record)) for record in result.files)
    return b"".join((*files, _field(_STDOUT_DIGEST, _digest(result.stdout))))


def decode(data: bytes) -> ActionResult:
    """Read a message; raises ValueError for anything that is none, or that tells of a failure or of no output."""
    files: list[FileRecord] = []
    stdout: FileRecord | None = None
    for number, value in _fields(data):
        if number == _OUTPUT_FILES:
            files.append(_read_file(_message(value)))
        elif number == _STDOUT_DIGEST:
            stdout = _read_digest(_message(value), "stdout", executable=False)
        elif number == _EXIT_CODE and value != 0:
            raise ValueError("it tells of a failure")
    if stdout is None:
        raise ValueError("it has no standard output")
    return ActionResult(tuple(files), stdout)


def _file(record: FileRecord) -> bytes:
    executable = _key(_IS_EXECUTABLE, _VARINT) + leb128.encode(1) if record.executable else b""
    return _field(_PATH, record.name.encode()) + _field(_DIGEST, _digest(record)) + executable


def _digest(record: FileRecord) -> bytes:
    size = _key(_SIZE_BYTES, _VARINT) + leb128.encode(record.size) if record.size else b""
    return _field(_HASH, record.digest.hex.encode()) + size


def _read_file(data: bytes) -> FileRecord:
    path, digest, executable = "", b"", False
    for number, value in _fields(data):
        if number == _PATH:
            path = _message(value).decode()
        elif number == _DIGEST:
            digest = _message(value)
        elif number == _IS_EXECUTABLE:
            executable = bool(value)
    return _read_digest(digest, path, executable=executable)


def _read_digest(data: bytes, name: str, *, executable: bool) -> FileRecord:
    sha256, size = "", 0
    for number, value in _fields(data):
        if number == _HASH:
            sha256 = _message(value).decode()
        elif number == _SIZE_BYTES:
            size = value if isinstance(value, int) else -1
    if not 0 <= size < 1 << 63:
        raise ValueError("a size is no number of bytes")
    return FileRecord(name, Digest(sha256), size, executable)


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a field is of another type")  # noqa: TRY004 - as for everything else that is mistaken
    return value


def _field(number: int, content: bytes) -> bytes:
    return _key(number, _LEN) + leb128.encode(len(content)) + content


def _key(number: int, kind: int) -> bytes:
    return leb128.encode(number << 3 | kind)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field; raises ValueError where the bytes are no message."""
    at = 0
    while at < len(data):
        key, at = leb128.decode(data, at)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == _VARINT:
            value, at = leb128.decode(data, at)
        elif kind in {_I64, _I32, _LEN}:
            length, at = leb128.decode(data, at) if kind == _LEN else (8 if kind == _I64 else 4, at)
            value, at = data[at : at + length], at + length
        else:
            raise ValueError(f"a field is of the unknown type {kind}")
        if number == 0 or at > len(data):
            raise ValueError("it is cut off or no message")
        yield number, value
