"""The files of a folder as readers see them: listed once, without what is built or fetched, and read with a limit."""

from __future__ import annotations

import os
import posixpath
from bisect import bisect_left
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import ConfigError, StorageError
from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import open_regular, read_regular
from ferrule.core.toml_file import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DEEPEST: Final = 8
_MOST: Final = 50_000
_LARGEST: Final = 4 << 20
_SOURCE: Final = 8 << 20
_NOT_ENTERED: Final = frozenset(
    ("target", "dist", "build", "node_modules", "vendor", "third_party", "venv", "__pycache__", "site-packages")
)
_HIDDEN: Final = frozenset((".cargo",))
_NOT_RELEASED: Final = frozenset(
    ("test", "tests", "testdata", "fixtures", "example", "examples", "bench", "benches", "fuzz", "docs", "doc")
)


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The names of a project's files relative to its root, sorted by depth and name; `complete` unless too many."""

    root: Path
    names: tuple[str, ...]
    complete: bool = True
    ordered: tuple[str, ...] = field(init=False, repr=False, default=())
    existing: frozenset[str] = field(init=False, repr=False, default=frozenset())

    def __post_init__(self) -> None:
        """Keep the names in the order of their letters and as a set too: there may be tens of thousands."""
        object.__setattr__(self, "ordered", tuple(sorted(self.names)))
        object.__setattr__(self, "existing", frozenset(self.names))

    def called(self, *names: str) -> tuple[str, ...]:
        """Files of these names in any folder but those of tests, examples and documents."""
        return tuple(n for n in self.names if n.rpartition("/")[2] in names and not _is_aside(n))

    def below(self, folder: str, *suffixes: str) -> tuple[str, ...]:
        """Files below a folder whose names end so, sorted."""
        if folder == ".":
            return tuple(n for n in self.ordered if n.endswith(suffixes))
        first, last = bisect_left(self.ordered, f"{folder}/"), bisect_left(self.ordered, f"{folder}0")
        return tuple(n for n in self.ordered[first:last] if n.endswith(suffixes))

    def of_package(self, manifest: str, *suffixes: str) -> tuple[str, ...]:
        """Files below the folder of a manifest that belong to no other one of its name, tests and examples left out."""
        folder, _, name = manifest.rpartition("/")
        others = tuple(n.removesuffix(name) for n in self.names if n.endswith(f"/{name}") and n != manifest)
        inside = tuple(other for other in others if other.startswith(f"{folder}/" if folder else ""))
        names = (n for n in self.below(folder or ".", *suffixes) if not n.startswith(inside))
        return tuple(n for n in names if not _is_aside(n[len(folder) :]))

    def has(self, name: str) -> bool:
        """Whether there is a file of this path."""
        return name in self.existing

    def read(self, name: str, what: str = "file") -> bytes:
        """The bytes of a file; raises ConfigError for one that cannot be read or is too large."""
        try:
            return read_regular(self.root / name, follow=True, largest=_LARGEST)
        except OSError as error:
            hint = "correct its permissions, or make it smaller; nothing was written"
            raise ConfigError(f"this {what} cannot be read: {error.strerror}", where=name, hint=hint) from error

    def source(self, name: str) -> bytes:
        """The beginning of a source, which is as much of it as anybody writes by hand. Raises ConfigError."""
        try:
            with open_regular(self.root / name, follow=True) as stream:
                return stream.read(_SOURCE)
        except OSError as error:
            hint = "correct its permissions; nothing was written"
            raise ConfigError(f"this source cannot be read: {error.strerror}", where=name, hint=hint) from error

    def text(self, name: str, what: str = "file") -> str:
        """The text of a file, which must be UTF-8. Raises ConfigError."""
        data = self.read(name, what)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            where = f"{name}:{before.count(10) + 1}:{error.start - (before.rfind(10) + 1) + 1}"
            raise ConfigError(f"this {what} is not UTF-8", where=where, hint="save it as UTF-8") from error

    def toml(self, name: str) -> tuple[str, dict[str, Any]]:
        """The text of a TOML file and what it says. Raises ConfigError with the place."""
        text = self.text(name)
        return text, parse(text.encode(), name, "file", "correct it; nothing was written")


def list_files(root: Path) -> ProjectFiles:
    """List a folder. Raises StorageError for one that cannot be listed."""
    try:
        os.scandir(root).close()
    except OSError as error:
        hint = "name a folder that exists and may be read"
        raise StorageError(f"this folder cannot be read: {error.strerror}", where=str(root), hint=hint) from error
    names: list[str] = []
    complete = True
    for name in _walk(root):
        if len(names) >= _MOST:
            complete = False
            break
        names.append(name)
    return ProjectFiles(root, tuple(sorted(names, key=lambda n: (n.count("/"), n))), complete)


def _walk(root: Path) -> Iterator[str]:
    """Names of files, level by level, so that what is cut off lies deepest."""
    level = [""]
    for _ in range(_DEEPEST):
        following: list[str] = []
        for folder in level:
            for entry in _entries(root, folder):
                if entry.is_dir(follow_symlinks=False):
                    if _is_entered(entry.name):
                        following.append(f"{folder}{entry.name}/")
                elif entry.name.isprintable() and _is_inside(root, entry):
                    yield folder + entry.name
        level = following


def _entries(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:  # a folder below that may not be entered holds nothing that could be released
        return []


def _is_inside(root: Path, entry: os.DirEntry[str]) -> bool:
    """Whether it is a file of the project: neither a FIFO nor a link that leads out of it or nowhere."""
    if not entry.is_symlink():
        return entry.is_file()
    try:
        return entry.is_file() and (root / entry.path).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a ring of links
        return False


def _is_entered(name: str) -> bool:
    return name in _HIDDEN or not (name in _NOT_ENTERED or name.startswith("."))


def _is_aside(name: str) -> bool:
    return any(part in _NOT_RELEASED for part in posixpath.dirname(name).split("/"))
