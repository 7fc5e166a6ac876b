"""The file rust-toolchain.toml, by which a project says which Rust builds it (The rustup book, "Overrides")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import parse, position

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMES: Final = ("rust-toolchain", "rust-toolchain.toml")
_VERSION: Final = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,5}){1,2})(?:-[a-z0-9_-]+)?")
_LARGEST: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class RustToolchain:
    """The version that a file asks for (None for any stable one), and its `file:line:column`."""

    version: str | None
    where: str


def read_rust_toolchain(project: Path, folder: str) -> RustToolchain | None:
    """What the nearest file says, from a folder of the project upwards; None where there is none.

    Raises ConfigError for a file that cannot be read, and for a channel that is neither stable nor a version.
    """
    top = project.resolve()
    path = next((path for path in searched(project, folder) if path.is_file()), None)
    if path is None:
        return None
    return _read(path, path.relative_to(top).as_posix() if path.is_relative_to(top) else str(path))


def searched(project: Path, folder: str) -> Iterator[Path]:
    """Where `read_rust_toolchain` looks for the file, in that order, to the one that counts or to the root; absolute.

    What is new in one of these places changes the answer, whether there was none or another before.
    """
    root = (project / folder).resolve()
    for path in (parent / name for parent in (root, *root.parents) for name in _NAMES):
        yield path
        if path.is_file():
            return


def _read(path: Path, name: str) -> RustToolchain:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST)
    except OSError as error:
        raise ConfigError(f"this file cannot be read: {error.strerror}", where=name) from error
    word = data.strip()
    if not path.suffix and re.fullmatch(rb"[\w.-]+", word):
        return _channel(word.decode("ascii", "replace"), f"{name}:1:1")
    document = parse(data, name, "toolchain file", "rustup would refuse it too: correct it")
    table = document.get("toolchain")
    channel = table.get("channel") if isinstance(table, dict) else None
    where = position(data.decode("utf-8"), name, ("toolchain", "channel"))
    if isinstance(table, dict) and "path" in table:
        hint = 'name a released version: channel = "1.96.0"'
        raise ConfigError("Ferrule builds with a released Rust, not with one in a folder", where=where, hint=hint)
    if not isinstance(channel, str):
        raise ConfigError("this file names no channel", where=where, hint='write [toolchain] and channel = "1.96.0"')
    return _channel(channel, where)


def _channel(channel: str, where: str) -> RustToolchain:
    if channel == "stable" or channel.startswith("stable-"):
        return RustToolchain(None, where)
    if match := _VERSION.fullmatch(channel):
        return RustToolchain(match[1], where)
    raise ConfigError(
        f"Ferrule builds with a released Rust, and this asks for {channel!r}",
        where=where,
        hint='name a released version, here or as `toolchain: {rust: "1.96"}`, and remove this file',
    )


def agrees(requested: str, version: str) -> bool:
    """Whether two versions are the same as far as both go.

    >>> agrees("1.96", "1.96.0"), agrees("1.96.0", "1.85.0")
    (True, False)
    """
    pairs = zip(requested.split("."), version.split("."), strict=False)
    return all(one == other for one, other in pairs)
