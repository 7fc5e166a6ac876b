"""npm packages around a component or an addon; settings of other tools are read where they are migrated."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, Final

from ferrule.app.init.findings import Finding, NpmPackage, Uncovered
from ferrule.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.app.init.project_files import ProjectFiles

_LOADS: Final = re.compile(rb"""["']\./(component|native)(?:/[\w.-]+)?["']""")
_SOURCES: Final = (".js", ".mjs", ".ts", ".mts")


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Folders whose JavaScript imports a component or an addon. Raises ConfigError for no JSON in package.json."""
    for name in files.called("package.json"):
        document = read_package_json(files, name)
        folder = posixpath.dirname(name) or "."
        contents = [files.source(n) for n in (name, *files.of_package(name, *_SOURCES))]
        loads = {match[1] for data in contents for match in _LOADS.finditer(data)}
        of_napi = isinstance(document.get("napi"), dict)
        if loads or of_napi:
            version = document.get("version")
            stated = (version, position_of(files.text(name), name, "version")) if isinstance(version, str) else None
            refused = _refused(name, document) or (_unwritten(files, name, document) if of_napi else None)
            native = of_napi or b"native" in loads
            yield NpmPackage(folder, f"{name}:1:1", b"component" in loads, native, refused, stated)


def _unwritten(files: ProjectFiles, name: str, document: Mapping[str, object]) -> Uncovered | None:
    """That the JavaScript which napi-rs writes is not checked in, if so."""
    main = document.get("main", "index.js")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), str(main)))
    if path in files.called(posixpath.basename(path)):
        return None
    what = f"the npm package in {posixpath.dirname(name) or '.'}"
    return Uncovered(
        f"{name}:1:1", what, f"its {main} is not there: check in what `napi build` writes, or load ./native/index.js"
    )


def read_package_json(files: ProjectFiles, name: str) -> Mapping[str, object]:
    """What a package.json says. Raises ConfigError with its place."""
    try:
        document = json.loads(files.text(name))
    except json.JSONDecodeError as error:
        where = f"{name}:{error.lineno}:{error.colno}"
        raise ConfigError(
            f"this is not JSON: {error.msg}", where=where, hint="correct it; nothing was written"
        ) from error
    except RecursionError as error:
        raise ConfigError("this is nested too deeply", where=name, hint="write a flatter one") from error
    if not isinstance(document, dict):
        raise ConfigError("this is no package.json: it is not an object", where=f"{name}:1:1", hint="correct it")
    return document


def position_of(text: str, name: str, key: str) -> str:
    """`file:line:column` of the first use of a key in a JSON file."""
    match = re.search(rf'"{re.escape(key)}"\s*:', text) or re.search(re.escape(f'"{key}"'), text)
    start = match.start() if match else 0
    return f"{name}:{text.count(chr(10), 0, start) + 1}:{start - (text.rfind(chr(10), 0, start) + 1) + 1}"


def _refused(name: str, document: Mapping[str, object]) -> Uncovered | None:
    what = f"the npm package in {posixpath.dirname(name) or '.'}"
    if not isinstance(document.get("name"), str):
        return Uncovered(f"{name}:1:1", what, "it has no name")
    if document.get("private"):
        return Uncovered(f"{name}:1:1", what, "it is private, so npm would not publish it")
    return None
