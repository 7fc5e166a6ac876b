"""TOML 1.1 as Cargo reads it, with the line and column of what is wrong and of what a path of keys names.

tomli is used and not the standard library's tomllib, which reads TOML 1.0 only; no reader for Python tells where a
value stands, so `locate` looks for the key in the text.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Any

from ferrule.core.errors import ConfigError, StorageError
from ferrule.core.safe_files import OF_THE_FILE

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1 << 20
"""Most bytes of a manifest or of a file with settings."""

_BOM = b"\xef\xbb\xbf"
_POSITION = re.compile(r" \(at (?:line \d+, column \d+|end of document)\)$")
_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)""")


def read_bytes(project: Path, name: str, what: str = "Cargo manifest", limit: int = LARGEST) -> bytes:
    """The bytes of a file of the project, `what` for messages.

    Raises ConfigError, FileNotFoundError, and StorageError where the machine cannot read it.
    """
    try:
        path = (project / name).resolve(strict=True)
        if not path.is_relative_to(project.resolve()):
            raise ConfigError(f"this {what} is outside the project", where=name, hint="copy it into the project")
        if not path.is_file():
            raise ConfigError(f"this {what} is not a file", where=name, hint="remove it, or write a file")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(name) from error
    except (OSError, RuntimeError, ValueError) as error:  # a ring of links is one or the other, by the Python
        if isinstance(error, OSError) and error.errno not in OF_THE_FILE:
            raise StorageError(f"this {what} cannot be read: {error.strerror}", where=name) from error
        reason = error.strerror if isinstance(error, OSError) and error.errno != errno.ELOOP else "it leads to itself"
        hint = "correct the link or its permissions"
        raise ConfigError(f"this {what} cannot be read: {reason}", where=name, hint=hint) from error
    if len(data) > limit:
        raise ConfigError(f"this {what} is larger than {limit >> 20} MiB", where=name, hint="write a smaller one")
    return data


def parse(data: bytes, name: str, what: str = "Cargo manifest", hint: str = "Cargo says more: cargo metadata") -> Any:  # noqa: ANN401 - a document
    """The document as Python values; raises ConfigError with file, line and column."""
    import tomli  # noqa: PLC0415 - 9 ms

    problem = f"this {what} cannot be read"
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        position = f"{name}:{before.count(10) + 1}:{error.start - (before.rfind(10) + 1) + 1}"
        raise ConfigError(f"{problem}: it is not UTF-8", where=position, hint="save it as UTF-8") from error
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        where = f"{name}:{error.lineno}:{error.colno}"
        raise ConfigError(f"{problem}: {_POSITION.sub('', str(error))}", where=where, hint=hint) from error
    except RecursionError as error:
        raise ConfigError(f"this {what} is nested too deeply", where=name, hint="write a flatter one") from error
    except ValueError as error:  # a number without bounds, a date that no calendar has
        raise ConfigError(f"{problem}: {error}", where=name, hint=hint) from error


def value_at(document: Any, *path: str) -> Any:  # noqa: ANN401 - whatever stands there
    """The value that a path of keys leads to; None where it leads to none, or through what is no table."""
    value = document
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def texts_at(document: Any, *path: str) -> tuple[str, ...]:  # noqa: ANN401 - whatever stands there
    """The texts of the list that a path of keys leads to, without what is no text; none where it leads to no list."""
    value = value_at(document, *path)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def locate(text: str, path: tuple[str, ...]) -> tuple[int, int]:
    r"""Line and column, from 1, of the key that a path names, or of the deepest table above it; (1, 1) without any.

    >>> locate('[package]\nname = "a"\nversion.workspace = true', ("package", "version"))
    (3, 1)
    """
    best, depth = (1, 1), 0
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            table = _keys(header[1])
            column, keys = line.index("[") + 1, table
        else:
            written = _leading_keys(line)
            column, keys = len(line) - len(line.lstrip()) + 1, (*table, *written)
            if not written:
                continue
        shared = _shared(keys, path)
        if shared > depth and shared >= min(len(keys), len(path)):
            best, depth = (number, column), shared
    return best


def position(text: str, name: str, path: tuple[str, ...]) -> str:
    """`file:line:column` of a key."""
    line, column = locate(text, path)
    return f"{name}:{line}:{column}"


def _keys(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _KEY.findall(text))


def _leading_keys(line: str) -> tuple[str, ...]:
    """The dotted key before the `=` of a line, if it has one."""
    match = re.match(rf"\s*({_KEY.pattern}(?:\s*\.\s*{_KEY.pattern})*)\s*=", line)
    return _keys(match[1]) if match else ()


def _shared(keys: tuple[str, ...], path: tuple[str, ...]) -> int:
    count = 0
    for key, part in zip(keys, path, strict=False):
        if key != part:
            break
        count += 1
    return count
