"""The linkers of WebAssembly: wasm-ld, wasm-component-ld, and rust-objcopy, which come with a Rust or its LLVM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ferrule.core.model import Tool
from ferrule.tools import apt
from ferrule.tools.command import Command
from ferrule.tools.host import is_program
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer
    from ferrule.tools.rust import Rust

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


def component_linker(host: Host, rust: Rust, remedy: Installer) -> Tool | ToolProblem:
    """wasm-component-ld, which links a component and validates it."""
    name = "wasm-component-ld"
    said = _of_rust(name, host, rust, remedy)
    return said if isinstance(said, ToolProblem) else Tool(name, said.split()[-1], (str(rust.bin / name),), said)


def core_linker(host: Host, rust: Rust, remedy: Installer) -> Tool | ToolProblem:
    """wasm-ld of the LLVM inside rustc: an older one may not read its object files."""
    name = "wasm-ld"
    major = rust.llvm.partition(".")[0]
    others: list[str] = []
    for program in _linkers(host, rust, major):
        said = probe_output(host, program, "--version")
        found = re.search(r"LLD (\d+)(\S*)", said)
        if found and int(found[1]) >= int(major or 0):
            return Tool(name, found[1] + found[2], (str(program),), said.splitlines()[0])
        others.append(f"{said or 'does not start'} ({program})")
    problem = f"older than LLVM {major} inside rustc" if others else "not installed"
    return ToolProblem.with_installer(host, name, problem, remedy, required=f"LLD {major}", version=", ".join(others))


def _linkers(host: Host, rust: Rust, major: str) -> Iterator[Path]:
    own = rust.bin / "gcc-ld" / "wasm-ld"
    if is_program(own):
        yield own
    yield from host.every(f"wasm-ld-{major}")
    yield from host.every("wasm-ld")


def object_copier(host: Host, rust: Rust, remedy: Installer) -> Tool | ToolProblem:
    """rust-objcopy, with which rustc strips libraries for macOS."""
    name = "rust-objcopy"
    said = _of_rust(name, host, rust, remedy)
    if isinstance(said, ToolProblem):
        return said
    number = re.search(r"\d+\.\d+\S*", said)
    identity = f"{name} {number[0] if number else said}"
    return Tool(name, number[0] if number else rust.llvm, (str(rust.bin / name),), identity)


def _of_rust(name: str, host: Host, rust: Rust, remedy: Installer) -> str | ToolProblem:
    """What a program that comes with this Rust says of its version, or what is wrong with it."""
    program = rust.bin / name
    if not is_program(program):
        return ToolProblem.with_installer(
            host, name, f"this Rust has none in {rust.bin}", remedy, required=f"of Rust {rust.release}"
        )
    said = probe_output(host, program, "--version")
    return said or ToolProblem.with_installer(host, name, "it does not start", remedy, path=str(program))


def installer_for(host: Host, rust: Rust, otherwise: Installer) -> Installer:
    """For a Rust of the distribution the package with its linkers, whatever else is missing."""
    if not str(rust.rustc).startswith(str(host.programs)) or not isinstance(otherwise, apt.Packages):
        return otherwise
    linkers = tuple(name for name in otherwise.names if name.endswith("-llvm") or name.startswith("lld-"))
    return apt.Packages(linkers) if linkers else otherwise
