"""Go modules: which call the library by what Ferrule generates, and which load it in a way of their own."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from ferrule.app.init.findings import Finding, GoModule, Uncovered
from ferrule.core.errors import ConfigError
from ferrule.tools import go

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.project_files import ProjectFiles

_GENERATED: Final = re.compile(r'"[^"\n]+/internal/ferrule/(native|wasm)"')
_MAIN: Final = re.compile(r"^package main\b", re.MULTILINE)
_OTHER_WAYS: Final = (
    (re.compile(r'^\s*(?:import\s+)?"C"', re.MULTILINE), "links it by cgo"),
    (re.compile(r"\bpurego\.Dlopen\("), "opens it by itself with purego"),
    (re.compile(r"\bwazero\.NewRuntime"), "runs it by itself with wazero"),
)


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Every folder with a go.mod whose sources have to do with a library. Raises ConfigError."""
    for name in files.called("go.mod"):
        folder = posixpath.dirname(name) or "."
        try:
            module = go.read_go_mod(files.text(name))
        except ValueError as error:
            raise ConfigError(
                f"this is no go.mod: {error}", where=name, hint="write module example.com/… there"
            ) from None
        sources = {n: files.source(n).decode("utf-8", "replace") for n in files.of_package(name, ".go")}
        generated = {match[1] for text in sources.values() for match in _GENERATED.finditer(text)}
        is_program = any(_MAIN.search(text) for text in sources.values())
        if generated or is_program:
            yield GoModule(folder, module.path, module.requires, "native" in generated, "wasm" in generated, is_program)
        if not generated:
            yield from _other_way(folder, sources)


def _other_way(folder: str, sources: dict[str, str]) -> Iterator[Uncovered]:
    for name, text in sources.items():
        for pattern, how in _OTHER_WAYS:
            if match := pattern.search(text):
                at = f"{name}:{text.count(chr(10), 0, match.start()) + 1}:1"
                reason = (
                    f"it {how}; a Go module of the release imports internal/ferrule/native or internal/ferrule/wasm, "
                    "as docs/how-to/go.md shows"
                )
                yield Uncovered(at, f"the Go module in {folder}", reason)
                return
