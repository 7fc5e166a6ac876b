"""package.json as npm reads it, with the line and column of every mistake (npm, "package.json"; Node.js, "Packages").

No JSON reader for Python tells where a value stands, so `PackageJson.at` looks for the key in the text.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.formats.npm_files import pattern_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# npm, "package.json", name; the first character keeps out what would hide in a listing or be an option.
_NAME: Final = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
_NAME_LENGTH: Final = 214
_REFUSED_NAMES: Final = frozenset({"node_modules", "favicon.ico"})
_ENTRY_POINTS: Final = ("exports", "main", "module", "browser", "types", "typings", "bin")
_DEPENDENCIES: Final = ("dependencies", "peerDependencies", "optionalDependencies")
_ELSEWHERE: Final = re.compile(r"(?:file|link|portal|workspace|catalog|patch|exec):|[./~]")
"""Where dependencies may come from that exist on the author's machine alone, or that other package managers replace."""
_BUNDLED: Final = ("bundleDependencies", "bundledDependencies")
_TYPES: Final[Mapping[str, tuple[type | tuple[type, ...], str]]] = {
    "description": (str, "a text"),
    "keywords": (list, "a list"),
    "homepage": (str, "a text"),
    "main": (str, "a text"),
    "type": (str, "a text"),
    "bin": ((str, dict), "a text or an object"),
    "engines": (dict, "an object"),
    "files": (list, "a list"),
}
_FOR_IMPORT: Final = frozenset({"node", "import", "module-sync", "node-addons", "default"})
"""The conditions of Node.js for `import` (Node.js, "Conditional exports")."""
_REFUSED_SEGMENTS: Final = frozenset({".", "..", "node_modules"})
_WITH_DEFAULT: Final = 'write "exports": {".": {"types": "./index.d.ts", "default": "./index.js"}}'
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]')


@dataclass(frozen=True, slots=True)
class JsonProblem:
    """What is wrong with a file, where, and what to do."""

    message: str
    where: str
    hint: str


@dataclass(frozen=True, slots=True)
class PackageJson:
    """A package.json; `file` is its path relative to the project."""

    file: str
    text: str
    document: Mapping[str, Any]

    def at(self, *keys: str) -> str:
        """`file:line:column` of a key, or of the deepest object above it."""
        line, column = _locate(self.text, keys)
        return f"{self.file}:{line}:{column}"

    def problem(self, message: str, hint: str, *keys: str) -> JsonProblem:
        """A mistake at a key."""
        return JsonProblem(message, self.at(*keys), hint)


def read_package_json(text: str, file: str) -> PackageJson:
    """The document; raises ConfigError with file, line and column for what is no JSON, or none that can be written."""
    text = text.removeprefix("\ufeff")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            where = f"{file}:{_position(text, text.rfind(json.dumps(twice)))}"
            raise ConfigError(f"the key {twice!r} stands here twice", where=where, hint="remove one")
        return dict(pairs)

    def no_number(word: str) -> None:
        where = f"{file}:{_position(text, text.find(word))}"
        raise ConfigError(f"{word} is no value of JSON", where=where, hint="write a number or null")

    try:
        document = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except RecursionError:
        raise ConfigError("this file is nested too deeply", where=file, hint="write a flatter one") from None
    except json.JSONDecodeError as error:
        where = f"{file}:{error.lineno}:{error.colno}"
        raise ConfigError(f"this is not valid JSON: {error.msg}", where=where, hint="correct it") from None
    except ValueError as error:  # a number of thousands of digits
        raise ConfigError(f"this is not valid JSON: {error}".partition(";")[0], where=file, hint="correct it") from None
    if not isinstance(document, dict):
        raise ConfigError("this is not an object", where=f"{file}:1:1", hint='write {"name": "…"}')
    if half := re.search("[\ud800-\udfff]", json.dumps(document, ensure_ascii=False)):
        escape = f"\\u{ord(half[0]):04x}"
        where = f"{file}:{_position(text, max(text.lower().find(escape), 0))}"
        hint = "write the character itself, or both halves"
        raise ConfigError(f"{escape} is half of a character, which no file can hold", where=where, hint=hint)
    return PackageJson(file, text, document)


def package_problems(package: PackageJson, version: str, license_: str | None) -> Iterator[JsonProblem]:
    """All that contradicts the release of that version and licence, would not work, or npm would refuse."""
    document, name = package.document, package.document.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH or name in _REFUSED_NAMES:
        hint = 'write "name": lower-case letters, digits, dots and dashes, with a @scope/ before it where there is one'
        yield package.problem(f"there is no valid npm name: {name!r}", hint, "name")
    for key, (expected, description) in _TYPES.items():
        if key in document and not isinstance(document[key], expected):
            yield package.problem(f"`{key}` is not {description}", "correct it", key)
    for key, wrong, hint in (
        (
            "version",
            document.get("version", version) != version,
            f"write {version}, that of the release, or remove it",
        ),
        ("type", document.get("type", "module") != "module", 'write "type": "module", as the component is one'),
        ("private", bool(document.get("private")), "remove it: npm would refuse to publish the package"),
        (
            "license",
            license_ is not None and document.get("license", license_) != license_,
            f"remove it: the release is under {license_}",
        ),
    ):
        if wrong:
            yield package.problem(f"this states a {key} of its own: {json.dumps(document[key])}", hint, key)
    yield from _dependencies(package)
    yield from _files(package)
    yield from _exports(package)


def _dependencies(package: PackageJson) -> Iterator[JsonProblem]:
    for group in _DEPENDENCIES:
        packages = package.document.get(group) or {}
        if not isinstance(packages, dict):
            yield package.problem(f"`{group}` are not an object", 'write {"name": "version"}', group)
            continue
        for other, source in packages.items():
            if not isinstance(source, str):
                yield package.problem(f"the version of {other} is not a text", "name a version", group, other)
            elif _ELSEWHERE.match(source):
                message = f"this needs {other} from {source}, which users do not have"
                yield package.problem(message, "name a version", group, other)
    for key in _BUNDLED:
        if package.document.get(key):
            # npm installs none of them, as it takes them for packed, and what Git does not keep is never packed.
            hint = "remove it: npm installs dependencies with the package"
            yield package.problem(f"`{key}` would be missing in the package", hint, key)


def _files(package: PackageJson) -> Iterator[JsonProblem]:
    files = package.document.get("files")
    if not isinstance(files, list):
        return
    hint = "name files and folders of this folder, or leave `files` out to pack all of it"
    if not files:
        yield package.problem("`files` names nothing", hint, "files")
    for entry in files:
        if message := pattern_problem(entry):
            yield package.problem(f"{json.dumps(entry, ensure_ascii=False)} of `files` {message}", hint, "files")


def _exports(package: PackageJson) -> Iterator[JsonProblem]:
    """What Node.js refuses of `exports`, and one by which nothing can be imported (Node.js, "Package entry points")."""
    if "exports" not in package.document:
        return
    exports = package.document["exports"]
    has_subpaths = isinstance(exports, dict) and any(key.startswith(".") for key in exports)
    subpaths: Mapping[str, Any] = exports if has_subpaths else {".": exports}
    if any(not key.startswith(".") for key in subpaths):
        hint = "write the conditions below the path that they are for"
        yield package.problem("`exports` has conditions beside paths, which Node.js refuses", hint, "exports")
        return
    at = {path: ("exports", path) if has_subpaths else ("exports",) for path in subpaths}
    problems = [package.problem(*one, *at[path]) for path, value in subpaths.items() for one in _target(value)]
    yield from problems
    if problems:
        return
    imported = {path: next(_imported(value), None) for path, value in subpaths.items()}
    if subpaths.get(".") is not None and not imported["."]:
        yield package.problem("Node.js has nothing to import by this package's name", _WITH_DEFAULT, *at["."])
    elif not {*imported.values()} - {None, "./package.json"}:
        yield package.problem("Node.js finds nothing to import in `exports`", _WITH_DEFAULT, "exports")


def _target(value: object) -> Iterator[tuple[str, str]]:
    """What is wrong with a target of `exports`: a file, null, or these by condition or in a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.startswith(".") or key.isdigit():
                yield f"{key!r} stands where a condition is expected", "write import, require, types or default"
            yield from _target(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _target(inner)
    elif isinstance(value, str):
        if not value.startswith("./") or _REFUSED_SEGMENTS & {*value.lower().split("/")[1:]}:
            hint = f'write "./{value.lstrip("./")}"' if not value.startswith("./") else "name the file itself"
            yield f"Node.js refuses {value!r} in `exports`: it does not begin with ./, or leaves the package", hint
    elif value is not None:
        yield f"{json.dumps(value)} in `exports` is no file", 'write "./index.js", or another file of the package'


def _imported(value: object) -> Iterator[str | None]:
    """What Node.js tries for `import`, the first of which it takes: None for a path that is excluded."""
    if isinstance(value, dict):
        for condition in value:
            if condition in _FOR_IMPORT:
                yield from _imported(value[condition])
    elif isinstance(value, list):
        yield from filter(None, (next(_imported(inner), None) for inner in value))
    else:
        yield value if isinstance(value, str) else None


def entry_points(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Every file that `exports`, `main`, `types` and the like lead to, as a path in the package.

    >>> entry_points({"exports": {".": {"types": "./a.d.ts", "default": "./a.js"}}, "main": "a.js"})
    ('a.d.ts', 'a.js')
    """
    return tuple(path for _, path in entry_points_by_key(manifest))


def entry_points_by_key(manifest: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The same with the key that leads to each, the first of several."""
    paths: dict[str, str] = {}
    for key in _ENTRY_POINTS:
        for path in _texts(manifest.get(key)):
            if not path.startswith("#"):
                paths.setdefault(path.removeprefix("./"), key)
    return tuple((key, path) for path, key in paths.items())


def is_entry_point(path: str, is_file: Callable[[str], bool], key: str) -> bool:
    """Whether an entry point is there; Node.js completes that of `main` ("Legacy main resolve")."""
    names = (path, f"{path}.js", f"{path}.json", f"{path.rstrip('/')}/index.js") if key == "main" else (path,)
    return any(map(is_file, names))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _position(text: str, index: int) -> str:
    before = text[: max(index, 0)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _locate(text: str, path: tuple[str, ...]) -> tuple[int, int]:
    """Line and column of a key, or of the deepest object above it that is there."""
    best, depth = (1, 1), 0
    above: list[str] = []
    key: tuple[str, int] | None = None
    for token in _TOKEN.finditer(text):
        if token[0] == "{" or token[0] == "[":
            above.append(key[0] if key else "")
            key = None
        elif token[0] in "}]":
            above = above[:-1]
        elif token[0] == ":" and key is not None:
            keys = (*above[1:], key[0])
            if keys == path[: len(keys)] and len(keys) > depth:
                before = text[: key[1]]
                best, depth = (before.count("\n") + 1, key[1] - (before.rfind("\n") + 1) + 1), len(keys)
        elif token[0] == ",":
            key = None
        else:
            key = (_unquoted(token[0]), token.start())
    return best


def _unquoted(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token
