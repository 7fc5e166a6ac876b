"""Python packages: what builds them, for which crate, and whether a wheel can be made of them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.init.findings import Finding, PythonPackage, Uncovered
from ferrule.core.toml_file import position
from ferrule.formats import pyproject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.app.init.project_files import ProjectFiles

_LOADS: Final = re.compile(r"""(?:from|import)\s+[\w.]*\._native\b|from\s+\.+\s+import\s+_native\b|\._native["']""")
_OPENS: Final = re.compile(r"\bctypes\.(?:CDLL|cdll|PyDLL)|\bdlopen\(|\bLoadLibrary\(")
_WORDS: Final = (b"_native", b"ctypes", b"dlopen", b"LoadLibrary")
_OLDEST: Final = re.compile(r"(?:>=|~=|==)\s*3\.\d+")
_BINDINGS: Final = {
    "bin": "Ferrule puts no programs into wheels",
    "cffi": "Ferrule makes no wheels with cffi; a package that loads the library itself is docs/how-to/python.md",
    "uniffi": "Ferrule does not run uniffi-bindgen",
}


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Every folder with a pyproject.toml that builds something with Rust in it. Raises ConfigError."""
    for name in files.called("pyproject.toml"):
        text, document = files.toml(name)
        folder = posixpath.dirname(name) or "."
        build = _table(document, "build-system")
        backend, at = str(build.get("build-backend", "")), position(text, name, ("build-system", "build-backend"))
        if backend.partition(".")[0] == "maturin":
            yield _maturin(files, name, text, document)
        elif "setuptools-rust" in str(build.get("requires", "")):
            reason = "Ferrule has extension modules built by maturin; setuptools-rust is not tried"
            yield Uncovered(at, f"the Python package in {folder}", reason)
        elif isinstance(document.get("project"), dict):
            yield from _loader(files, name, at, backend)


def _maturin(files: ProjectFiles, name: str, text: str, document: Mapping[str, Any]) -> PythonPackage:
    folder = posixpath.dirname(name) or "."
    settings = _table(_table(document, "tool"), "maturin")
    manifest = settings.get("manifest-path", "Cargo.toml")
    crate = posixpath.normpath(posixpath.join(folder, posixpath.dirname(str(manifest))))
    project = _table(document, "project")
    version = project.get("version")
    return PythonPackage(
        folder=folder,
        at=position(text, name, ("build-system", "build-backend")),
        backend="maturin",
        crate=crate,
        version=(str(version), position(text, name, ("project", "version"))) if version is not None else None,
        refused=_refused(files, name, text, document),
    )


def _refused(files: ProjectFiles, name: str, text: str, document: Mapping[str, Any]) -> Uncovered | None:
    """The first reason for which the package cannot be released as it is."""
    what = f"the Python package in {posixpath.dirname(name) or '.'}"
    project, settings = _table(document, "project"), _table(_table(document, "tool"), "maturin")
    bindings = str(settings.get("bindings", "pyo3"))
    if bindings != "pyo3":
        at = position(text, name, ("tool", "maturin", "bindings"))
        return Uncovered(at, what, _BINDINGS.get(bindings, f"Ferrule knows no bindings {bindings!r}"))
    if not isinstance(project.get("name"), str):
        return Uncovered(position(text, name, ("project",)), what, "it has no name under [project]")
    dynamic = project.get("dynamic")
    if "version" not in project and not (isinstance(dynamic, list) and "version" in dynamic):
        at = position(text, name, ("project",))
        return Uncovered(at, what, 'it states no version: write dynamic = ["version"] under [project]')
    if not _OLDEST.search(str(project.get("requires-python", ""))):
        at = position(text, name, ("project", "requires-python"))
        return Uncovered(at, what, 'it does not say its oldest Python: write requires-python = ">=3.11"')
    folder = posixpath.dirname(name)

    def problem_of(file: str) -> str | None:
        return None if files.has(posixpath.normpath(posixpath.join(folder, file))) else "there is no such file"

    problems = pyproject.pyproject_problems(text, document, name, problem_of)
    first = next(iter(problems), None)
    return Uncovered(first.where, what, f"{first.message}: {first.hint}") if first else None


def _loader(files: ProjectFiles, manifest: str, at: str, backend: str) -> Iterator[Finding]:
    """A package without anything compiled, if its sources load a library."""
    folder = posixpath.dirname(manifest) or "."
    opens: str | None = None
    for name in files.of_package(manifest, ".py"):
        data = files.source(name)
        if not any(word in data for word in _WORDS):  # most files; the expressions below take longer
            continue
        text = data.decode("utf-8", "replace")
        if _LOADS.search(text):
            source = posixpath.normpath(posixpath.join(folder, "src"))
            root = source if files.below(source, ".py") else folder
            package = posixpath.relpath(posixpath.dirname(name), root).replace("/", ".")
            tops = {posixpath.relpath(n, root).split("/")[0] for n in files.below(root, "/__init__.py")}
            yield PythonPackage(folder, at, backend, loads=package, several=len(tops - {"tests"}) > 1)
            return
        match = _OPENS.search(text)
        if match and opens is None:
            opens = f"{name}:{text.count(chr(10), 0, match.start()) + 1}:1"
    if opens is not None:
        reason = (
            "its sources open the library themselves; a wheel carries it where they import `._native`, as "
            "docs/how-to/python.md shows"
        )
        yield Uncovered(opens, f"the Python package in {folder}", reason)


def _table(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = values.get(key)
    return value if isinstance(value, dict) else {}
