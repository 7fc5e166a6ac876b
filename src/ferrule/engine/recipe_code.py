"""What a recipe is made of: the module that defines it, and every module of the program that it reaches by imports.

The digests of that code are part of an action's key, so that a mended recipe, format or tool wrapper never ships what
it made before. Home-made, because tools that read import graphs (grimp, modulefinder) cannot leave out what is imported
for type checking, do not see the data files beside a module, or import what they read.

The code is read and not run: imports at the top of a module and inside its functions count, those under
`TYPE_CHECKING` do not. A package that a module is merely in does not count either: its `__init__` may list every
neighbour, and defines nothing that the module uses unless it is imported itself. Data files count where a module that
looks for files beside it (`__file__`, `importlib.resources`) has their name, or that of their folder, as a string.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import threading
from contextlib import suppress
from dataclasses import field
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import StorageError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.safe_files import read_regular
from ferrule.engine.lock import Busy, locked
from ferrule.engine.store import write_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.engine.sources import StatIndex

RECORD: Final = "code/parsed"
"""Path of the record in the user's cache."""

_MOST: Final = 2000
"""Files that a record holds: those of a few versions of the program."""
_PARSING: Final = threading.Lock()  # CPython 3.11 counts the depth of all threads' syntax trees together (gh-106905)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_PACKAGE: Final = Path(__file__).parent.parent
_BLOCKS: Final = ("body", "orelse", "handlers", "finalbody", "cases")  # where a statement holds others


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the program: its digest, whatever its line endings; what it imports; strings that may name data."""

    digest: str
    imports: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()


@lru_cache(maxsize=1024)  # each of several releases, or builds in one process, reads the same files
def parse(content: bytes, *, python: bool, package: str = "ferrule") -> SourceFile:
    """Read one file. An import of something from a module is written `module:name`. Raises SyntaxError.

    >>> parse(b"from ferrule.core import model", python=True).imports
    ('ferrule.core:model',)
    """
    content = content.replace(b"\r\n", b"\n")  # Git may check text files out with either
    digest = Digest.of(content).hex
    if not python:
        return SourceFile(digest)
    imports: set[str] = set()
    strings: set[str] = set()
    reads_data = False
    # Where neither is in the text no expression counts, and most of a tree need not be looked at.
    whole = b"__file__" in content or b"importlib.resources" in content
    for node in _running(ast.parse(content), whole=whole):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise SyntaxError(f"line {node.lineno}: imports here are absolute, so that a reader can follow them")
            imports |= {f"{node.module}:{alias.name}" for alias in node.names}
            reads_data |= node.module == "importlib.resources"
        elif isinstance(node, ast.Name):
            reads_data |= node.id == "__file__"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _FILE_NAME.fullmatch(node.value):
            strings.add(node.value)
    ours = {name for name in imports if re.split("[.:]", name)[0] == package}
    return SourceFile(digest, tuple(sorted(ours)), tuple(sorted(strings)) if reads_data else ())


def _running(tree: ast.AST, *, whole: bool) -> Iterator[ast.AST]:
    """Every node but those that only a type checker reads; expressions, which import nothing, only if `whole`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        elif whole:
            waiting += ast.iter_child_nodes(node)
        else:
            for block in _BLOCKS:
                waiting += getattr(node, block, ())


@dataclass(slots=True)
class RecipeCode:
    """Digests of the code of recipes, by module.

    `index` hashes files, and `record` keeps for all projects what was read in a file, by the file's digest: parsing
    them takes half a second. `package` is the folder of the program.
    """

    index: StatIndex
    record: Path | None = None
    package: Path = _PACKAGE
    _files: dict[str, SourceFile] = field(init=False)
    _modules: dict[str, Mapping[str, Digest]] = field(init=False, default_factory=dict)
    _used: set[str] = field(init=False, default_factory=set)
    _paths: dict[str, Path] = field(init=False)
    _changed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._paths = dict(_module_files(self.package))
        self._files = _read_record(self.record) if self.record else {}

    def of(self, recipe: type) -> Mapping[str, Digest]:
        """Digest of each file of the code of a recipe: modules by their names, data by their paths in the package.

        Raises OSError for a file that cannot be read.
        """
        module = recipe.__module__
        if module not in self._modules:
            self._modules[module] = self.read(module)
        return self._modules[module]

    def read(self, module: str) -> Mapping[str, Digest]:
        """The same as it is at this moment."""
        digests: dict[str, Digest] = {}
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name in digests:
                continue
            path = self._paths.get(name) or _loaded(name)
            file = self._file(path)
            digests[name] = Digest(file.digest)
            waiting += filter(None, map(self._module_of, file.imports))
            for data in _data(path.parent, file.strings) if file.strings else ():
                label = data.relative_to(path.parent).as_posix()
                digests[f"{name}:{label}"] = Digest(self._file(data).digest)
        return dict(sorted(digests.items()))

    def save(self) -> None:
        """Keep what was read; where that cannot be written, the next run reads it again.

        Where another process writes, this one does not, which costs the next run the same.
        """
        if self.record is None or not self._changed:
            return
        known = self._files.copy()
        kept = known.keys() if len(known) <= _MOST else self._used
        files = {digest: [f.digest, f.imports, f.strings] for digest, f in sorted(known.items()) if digest in kept}
        text = json.dumps({"reader": _reader().hex, "files": files})
        with suppress(StorageError, Busy), locked(self.record.parent):
            write_aside(self.record, f"{Digest.of(text.encode()).hex}\n{text}".encode())
            self._changed = False

    def _module_of(self, imported: str) -> str | None:
        """The module that an import names, or that holds what it names."""
        name = imported.replace(":", ".")
        holder = imported.partition(":")[0]
        return name if name in self._paths else holder if holder in self._paths else None

    def _file(self, path: Path) -> SourceFile:
        digest = self.index.digest(path).hex
        with _PARSING:
            if digest not in self._files:
                self._files[digest] = parse(path.read_bytes(), python=path.suffix == ".py", package=self.package.name)
                self._changed = True
            self._used.add(digest)
        return self._files[digest]


def _module_files(package: Path) -> Iterator[tuple[str, Path]]:
    for path in package.rglob("*.py"):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        yield ".".join(parts[:-1] if path.name == "__init__.py" else parts), path


def _loaded(module: str) -> Path:
    """The file of a module that is not the program's own: recipes of tests."""
    file = sys.modules[module].__file__
    if file is None:
        raise AssertionError(f"{module} has no file, so the code of its recipes cannot be hashed")
    return Path(file)


def _data(folder: Path, strings: tuple[str, ...]) -> Iterator[Path]:
    """Files beside a module that are not modules, and all files of folders beside it that are not packages."""
    names = {entry.name for entry in folder.iterdir()}
    for path in (folder / string for string in strings if string in names):
        if path.is_file() and path.suffix not in {".py", ".pyc"}:
            yield path
        elif path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            yield from (inner for inner in sorted(path.rglob("*")) if inner.is_file())


@cache
def _reader() -> Digest:
    """Which version of this module reads: another one may find other imports in the same file."""
    return Digest.of(Path(__file__).read_bytes())


def _read_record(file: Path) -> dict[str, SourceFile]:
    """What a record holds for this version; nothing if it is not as it was written, as it decides what a key counts."""
    try:
        digest, _, text = read_regular(file).partition(b"\n")
        document = json.loads(text)
        if Digest.of(text) != Digest(digest.decode()) or document["reader"] != _reader().hex:
            return {}
        return {
            Digest(digest).hex: SourceFile(Digest(own).hex, tuple(map(str, imports)), tuple(map(str, strings)))
            for digest, (own, imports, strings) in document["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # it only saves time
