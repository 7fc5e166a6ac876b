"""The linkers of WebAssembly: wasm-ld, wasm-component-ld, and rust-objcopy, which come with a Rust or its LLVM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.model import Tool
from ferrule.tools import rust as rusts
from ferrule.tools.command import Command
from ferrule.tools.definition import ToolDefinition, ToolSearch
from ferrule.tools.host import is_program
from ferrule.tools.installers import apt
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ferrule.core.toolchain import RustInstallation, Toolchain
    from ferrule.tools.definition import SearchResult
    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer

_LINKED = """#!/bin/sh
# Stands for wasm-ld where the module is linked already: puts it where the linker was to write.
while [ "$#" -gt 0 ]; do
  case $1 in
    -o) output=$2; shift ;;
    *.wasm) module=$1 ;;
  esac
  shift
done
cp "$module" "$output"
"""


def component_command(toolchain: Toolchain, module: Path, output: Path, folder: Path) -> Command:
    """The command that makes a component of a linked core module, and validates it.

    wasm-component-ld links before it makes a component; it is given a linker, written to `folder`, that hands over the
    finished module. So module and component hold the same code, compiled once.
    """
    linker = folder / "linked.sh"
    linker.write_text(_LINKED, encoding="utf-8")
    linker.chmod(0o755)
    argv = (*toolchain.tool("wasm-component-ld").argv, f"--wasm-ld-path={linker}", "-o", str(output), str(module))
    return Command(argv, {}, folder)


def _component_linker(search: ToolSearch, rust: RustInstallation) -> Tool | ToolProblem:
    """wasm-component-ld, which links a component and validates it."""
    name = "wasm-component-ld"
    answer = _of_rust(name, search, rust)
    if isinstance(answer, ToolProblem):
        return answer
    return Tool(name, answer.split()[-1], (str(rust.bin / name),), answer)


def _core_linker(search: ToolSearch, rust: RustInstallation) -> Tool | ToolProblem:
    """wasm-ld of the LLVM inside rustc: an older one may not read its object files."""
    name = "wasm-ld"
    major = rust.llvm.partition(".")[0]
    others: list[str] = []
    for program in _linkers(search.host, rust, major):
        answer = probe_output(search.host, program, "--version")
        version = re.search(r"LLD (\d+)(\S*)", answer)
        if version and int(version[1]) >= int(major or 0):
            return Tool(name, version[1] + version[2], (str(program),), answer.splitlines()[0])
        others.append(f"{answer or 'does not start'} ({program})")
    problem = f"older than LLVM {major} inside rustc" if others else "not installed"
    installer = _installer(search, rust)
    return ToolProblem.with_installer(
        search.host, name, problem, installer, required=f"LLD {major}", version=", ".join(others)
    )


def _linkers(host: Host, rust: RustInstallation, major: str) -> Iterator[Path]:
    bundled = rust.bin / "gcc-ld" / "wasm-ld"
    if is_program(bundled):
        yield bundled
    yield from host.every(f"wasm-ld-{major}")
    yield from host.every("wasm-ld")


def _object_copier(search: ToolSearch, rust: RustInstallation) -> Tool | ToolProblem:
    """rust-objcopy, with which rustc strips libraries for macOS."""
    name = "rust-objcopy"
    answer = _of_rust(name, search, rust)
    if isinstance(answer, ToolProblem):
        return answer
    number = re.search(r"\d+\.\d+\S*", answer)
    identity = f"{name} {number[0] if number else answer}"
    return Tool(name, number[0] if number else rust.llvm, (str(rust.bin / name),), identity)


def _of_rust(name: str, search: ToolSearch, rust: RustInstallation) -> str | ToolProblem:
    """The version that a program which comes with this Rust prints, or what is wrong with it."""
    program = rust.bin / name
    if not is_program(program):
        problem = f"this Rust has none in {rust.bin}"
        return ToolProblem.with_installer(
            search.host, name, problem, _installer(search, rust), required=f"of Rust {rust.release}"
        )
    answer = probe_output(search.host, program, "--version")
    return answer or ToolProblem.with_installer(
        search.host, name, "it does not start", _installer(search, rust), path=str(program)
    )


def _installer(search: ToolSearch, rust: RustInstallation) -> Installer:
    """For a Rust of the distribution the package with its linkers, whatever else is missing."""
    host = search.host
    whole = rusts.choose_installer(
        host,
        search.versions[rusts.TOOL.name],
        search.triples,
        rust_source=search.rust_source,
        wasm_linker=True,
    )
    if not str(rust.rustc).startswith(str(host.programs)) or not isinstance(whole, apt.Packages):
        return whole
    linkers = tuple(name for name in whole.names if name.endswith("-llvm") or name.startswith("lld-"))
    return apt.Packages(linkers) if linkers else whole


def _definition(name: str, find: Callable[[ToolSearch, RustInstallation], Tool | ToolProblem]) -> ToolDefinition:
    def search_beside_rust(search: ToolSearch) -> Iterator[SearchResult]:
        if search.rust is not None:  # a missing Rust brings it along; to name it now would be guessing
            yield find(search, search.rust)

    return ToolDefinition(name=name, find=search_beside_rust, requires=rusts.TOOL.names)


TOOLS: Final = (
    _definition("wasm-component-ld", _component_linker),
    _definition("wasm-ld", _core_linker),
    _definition("rust-objcopy", _object_copier),
)
