"""Where a project states its version, and what each of those files says after another one was written into it.

Files are changed where the version stands and nowhere else, so that comments and layout stay; what was written is read
again, and must differ by the version alone.
"""

from __future__ import annotations

import copy
import json
import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.config.nodes import ScalarNode, find
from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import parse, position
from ferrule.formats.package_selection import version_in_files
from ferrule.formats.versions import same_python_version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from ferrule.config import Config
    from ferrule.core.cargo_workspace import Crate

_LOCKED: Final = r'(\[\[package\]\]\r?\nname = "{name}"\r?\nversion = ")(?P<version>{old})("\r?\n(?!source))'
_MODULE: Final = re.compile(r"^module\s+\"?([^\s\"]+)", re.MULTILINE)
_REQUIRED: Final = ("dependencies", "build-dependencies", "dev-dependencies")


@dataclass(frozen=True, slots=True)
class Statement:
    """A version in a file of the project: its line (from 1), and that line before and after."""

    path: str
    line: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file with another version in it, and the lines that differ."""

    path: str
    text: str
    statements: tuple[Statement, ...]


class _Files:
    """Texts of the project's files, as they are and as they become."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.before: dict[str, str] = {}
        self.after: dict[str, str] = {}

    def text(self, path: str) -> str:
        if path not in self.after:
            self.before[path] = self.after[path] = read_text(self.root, path)
        return self.after[path]

    def replace(self, path: str, start: int, end: int, new: str) -> None:
        text = self.text(path)
        self.after[path] = text[:start] + new + text[end:]

    def rewritten(self) -> Iterator[Rewritten]:
        for path, text in sorted(self.after.items()):
            pairs = zip(self.before[path].split("\n"), text.split("\n"), strict=True)
            lines = [Statement(path, n, old, new) for n, (old, new) in enumerate(pairs, 1) if old != new]
            if lines:
                yield Rewritten(path, text, tuple(lines))


def read_text(root: Path, path: str) -> str:
    """A file of the project; raises ConfigError if it is no text in UTF-8."""
    try:
        return (root / path).read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError("this file is not UTF-8", where=path, hint="save it as UTF-8, and run it again") from error


def rewrite(config: Config, new: str, others: Collection[str], tracked: Iterable[str]) -> tuple[Rewritten, ...]:
    """Every file that states the version of a release, with another one.

    `others` are crates of other releases, `tracked` the files that Git has.

    Cargo's manifests and lock file, targets.yaml, pyproject.toml and what it takes its version from, package.json and
    its lock file, and from version 2 on the paths of Go modules. Raises ConfigError for one that has to be changed by
    hand.
    """
    files, old = _Files(config.root), config.project.version
    _targets_file(files, config, old, new)
    crates = _crates(config, old)
    _check_shared(crates, config, others)
    for crate in crates:
        _replace_at(files, crate.version_at, old, new)
    if config.workspace.version == old and not config.releases:
        _replace_at(files, config.workspace.version_at, old, new)
    _requirements(files, config, {crate.name for crate in crates}, old, new)
    _lock_file(files, config, [crate.name for crate in crates], old, new)
    for folder in _package_folders(config, old):
        for name, change in _MANIFESTS.items():
            path = posixpath.normpath(posixpath.join(folder, name))
            if (config.root / path).is_file():
                change(files, path, old, new)
    sources = tuple(name for name in tracked if name.endswith(".go"))
    _go_modules(files, _package_folders(config, old), sources, old, new)
    return tuple(files.rewritten())


def _targets_file(files: _Files, config: Config, old: str, new: str) -> None:
    release = config.selected
    keys = ("releases", release.name, "version") if release else ("project", "version")
    mark, node = find(config.tree, keys)
    if isinstance(node, ScalarNode) and node.value == old:
        _replace_at(files, f"{config.file}:{mark.line}:{mark.column}", old, new)


def _crates(config: Config, old: str) -> list[Crate]:
    """Crates of that version that are released: all of a project with one release.

    Of one with several, those of its artifacts and the one that its version is taken from.
    """
    crates = [*config.workspace.crates.values()]
    if config.releases:
        names = {str(getattr(artifact.spec, "crate", "")) for artifact in config.artifacts}
        stated = config.project.version_at
        crates = [crate for crate in crates if crate.name in names or (stated and crate.version_at == stated)]
    return [crate for crate in crates if crate.version == old]


def _check_shared(crates: Iterable[Crate], config: Config, others: Collection[str]) -> None:
    """Raise ConfigError where a version is also that of another release's crate."""
    mine = {crate.version_at: crate for crate in crates}
    for name in sorted(others):
        other = config.workspace.crates.get(name)
        crate = mine.get(other.version_at) if other else None
        if other is not None and crate is not None and other.name not in {c.name for c in mine.values()}:
            raise ConfigError(
                f"{crate.name} and {other.name}, which is of another release, inherit one version",
                where=crate.version_at,
                hint=f'state it in {crate.manifest}: version = "{crate.version}"',
            )


def _replace_at(files: _Files, where: str | None, old: str, new: str) -> None:
    """Write a version where `file:line:column` has it, or the key of it; twice is once. Raises ConfigError."""
    path, line, column = (where or "::").rsplit(":", 2)
    text = files.text(path)
    start = sum(len(row) + 1 for row in text.split("\n")[: int(line) - 1]) + int(column) - 1
    end = text.find("\n", start)
    match = re.compile(rf"(?<![\w.+-]){re.escape(old)}(?![\w.+-])").search(text, start, end if end >= 0 else len(text))
    if match:
        files.replace(path, match.start(), match.end(), new)
    elif files.before[path] == text:
        raise ConfigError(f"{old} is not on this line", where=where, hint=f"write {new} by hand, and run it again")


def _requirements(files: _Files, config: Config, names: Collection[str], old: str, new: str) -> None:
    """What crates of the workspace require of each other: a version beside a path, as registries want it."""
    manifests = {config.workspace.manifest, *(crate.manifest for crate in config.workspace.crates.values())}
    for path in sorted(manifests):
        if not (config.root / path).is_file():
            continue
        document = parse(files.text(path).encode(), path)
        for keys, requirement in _required(document, names):
            if re.search(rf"(?<![\w.]){re.escape(old)}(?![\w.])", requirement):
                _replace_at(files, position(files.text(path), path, (*keys, "version")), old, new)
        _check_toml(files, path, old, new)


def _required(document: dict[str, Any], names: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys of the dependencies by path on such crates, and the versions that they require."""
    tables: list[tuple[str, ...]] = [("workspace", "dependencies"), *((name,) for name in _REQUIRED)]
    tables += [("target", target, name) for target in document.get("target", {}) for name in _REQUIRED]
    for keys in tables:
        table: Any = document
        for key in keys:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        for name, dependency in table.items() if isinstance(table, dict) else ():
            if not isinstance(dependency, dict) or "path" not in dependency:
                continue
            requirement = dependency.get("version")
            if isinstance(requirement, str) and dependency.get("package", name) in names:
                yield (*keys, name), requirement


def _check_toml(files: _Files, path: str, old: str, new: str) -> None:
    """Raise ConfigError unless what was written differs by versions alone."""
    if files.before[path] == files.text(path):
        return
    before, after = (parse(text.encode(), path) for text in (files.before[path], files.text(path)))
    if _exchanged(before, old, new) != _exchanged(after, old, new):
        raise ConfigError(f"{new} cannot be written here", where=path, hint="write it by hand, and run it again")


def _exchanged(value: Any, old: str, new: str) -> Any:  # noqa: ANN401 - documents are of any form
    if isinstance(value, dict):
        return {
            key: item.replace(old, new) if key == "version" and isinstance(item, str) else _exchanged(item, old, new)
            for key, item in value.items()
        }
    return [_exchanged(item, old, new) for item in value] if isinstance(value, list) else value


def _lock_file(files: _Files, config: Config, names: Iterable[str], old: str, new: str) -> None:
    """The crates in Cargo.lock, as `cargo update --workspace` changes them, and where others name them by version."""
    path = config.workspace.lock
    if not (config.root / path).is_file():
        return
    for name in names:
        text = files.text(path)
        locked = re.search(_LOCKED.format(name=re.escape(name), old=re.escape(old)), text)
        if locked is not None:
            files.replace(path, locked.start("version"), locked.end("version"), new)
        _substitute(files, path, rf'(?m)(?<=^ "){re.escape(name)} {re.escape(old)}(?=",\r?$)', f"{name} {new}")


def _go_modules(files: _Files, folders: Iterable[str], tracked: Iterable[str], old: str, new: str) -> None:
    """Modules of the release in each other's go.mod, and their paths in every import.

    A path ends in the major version from 2 on (Go Modules Reference, "Major version suffixes").
    """
    manifests = [path for folder in folders if (files.root / (path := posixpath.join(folder, "go.mod"))).is_file()]
    modules = [match[1] for path in manifests if (match := _MODULE.search(files.text(path)))]
    for path in manifests:
        sources = [name for name in tracked if name.startswith(path.removesuffix("go.mod"))]
        for module in modules:
            renamed = _with_major(module, new.split(".", maxsplit=1)[0])
            required = rf"(?<=[\s\"]){re.escape(module)}(\"?\s+)v{re.escape(old)}(?![\w.+-])"
            _substitute(files, path, required, rf"{renamed}\g<1>v{new}")
            if renamed != module:
                _substitute(files, path, rf"(?<=[\s\"]){re.escape(module)}(?=[\s\"])", renamed)
                for source in sources:
                    _substitute(files, source, rf"(?<=\"){re.escape(module)}(?=[\"/])", renamed)


def _with_major(module: str, major: str) -> str:
    if module.startswith("gopkg.in/"):
        return re.sub(r"\.v\d+$", f".v{major}", module)
    return re.sub(r"/v\d+$", "", module) + (f"/v{major}" if int(major) > 1 else "")


def _substitute(files: _Files, path: str, pattern: str, after: str) -> None:
    for match in reversed([*re.finditer(pattern, files.text(path))]):
        files.replace(path, match.start(), match.end(), match.expand(after))


def _package_folders(config: Config, old: str) -> tuple[str, ...]:
    """Folders with manifests of other ecosystems, of artifacts that have that version."""
    folders: dict[str, None] = {}
    for artifact in config.artifacts:
        version = config.versions.get(artifact.name)
        if version is None or version.text != old or artifact.spec.version is not None:
            continue
        crate = config.workspace.crates.get(str(getattr(artifact.spec, "crate", "")))
        source = getattr(artifact.spec, "source", None) or (crate.folder if crate else None)
        if source is not None:
            folders[str(source)] = None
    return tuple(folders)


def _pyproject(files: _Files, path: str, old: str, new: str) -> None:
    document = parse(files.text(path).encode(), path)
    stated = document.get("project", {}).get("version")
    if isinstance(stated, str) and same_python_version(stated, old):
        _replace_at(files, position(files.text(path), path, ("project", "version")), stated, _as_python(new))
        _check_toml(files, path, stated, _as_python(new))
    folder = posixpath.dirname(path)
    for root in (".", "src"):
        for name, pattern in version_in_files(document, root):
            file = posixpath.normpath(posixpath.join(folder, name))
            match = pattern.search(files.text(file)) if (files.root / file).is_file() else None
            if match and same_python_version(match[1], old):
                files.replace(file, match.start(1), match.end(1), _as_python(new))


def _as_python(version: str) -> str:
    from packaging.version import Version  # noqa: PLC0415 - 11 ms

    return str(Version(version))


def _json(files: _Files, path: str) -> Any:  # noqa: ANN401 - documents are of any form
    try:
        return json.loads(files.text(path))
    except ValueError as error:
        raise ConfigError(f"this is no JSON: {error}", where=path, hint="correct it, and run it again") from error


def _package_json(files: _Files, path: str, old: str, new: str) -> None:
    document = _json(files, path)
    if document.get("version") == old:
        _json_value(files, path, document, ("version",), new)


def _package_lock(files: _Files, path: str, old: str, new: str) -> None:
    for keys in (("version",), ("packages", "", "version")):
        document: Any = _json(files, path)
        value = document
        for key in keys:
            value = value.get(key, {}) if isinstance(value, dict) else {}
        if value == old:
            _json_value(files, path, document, keys, new)


def _json_value(files: _Files, path: str, document: Any, keys: tuple[str, ...], new: str) -> None:  # noqa: ANN401
    """Write a text of a JSON document: the one place of that key where nothing else changes by it."""
    expected = copy.deepcopy(document)
    table = expected
    for key in keys[:-1]:
        table = table[key]
    table[keys[-1]] = new
    text = files.text(path)
    for match in re.finditer(rf'"{re.escape(keys[-1])}"\s*:\s*"([^"]*)"', text):
        candidate = text[: match.start(1)] + new + text[match.end(1) :]
        if json.loads(candidate) == expected:
            files.replace(path, match.start(1), match.end(1), new)
            return
    raise ConfigError(f"{new} cannot be written here", where=path, hint="write it by hand, and run it again")


_MANIFESTS: Final[dict[str, Callable[[_Files, str, str, str], None]]] = {
    "pyproject.toml": _pyproject,
    "package.json": _package_json,
    "package-lock.json": _package_lock,
}
"""How a version is written into each ecosystem's manifest: one row a file."""
