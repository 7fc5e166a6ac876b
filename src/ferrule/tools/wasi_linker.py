"""The linker for WASI, and the compilers of C: zig with its own libc of WASI, as Cargo and the crate cc call them.

cargo-zigbuild (0.24) has none for WASI, so that rustc would call the machine's own compiler. Some options of rustc and
of that crate are clang's and unknown to zig. A library, which Cargo links beside a program that needs its crate, is one
that a runtime loads by itself (a "reactor"); to zig `-shared` is one whose code has no fixed place. A program for WASI
0.2 is a component: wasm-component-ld makes it of the module that zig linked, with its own adapter for what the module
imports of WASI 0.1.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from ferrule.tools.script_file import write_script
from ferrule.tools.zig import wrapper

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.platforms import Platform
    from ferrule.core.toolchain import Toolchain

_COMPONENTS: Final = "wasi:"
"""Begins the imports of programs that are components."""

_DRIVER: Final = """\
#!/bin/sh
for argument do
    shift
    case $argument in
    --target=*|-Wl,--stack-first|-Wl,--no-demangle|-Wl,--no-export-dynamic) ;;
    -shared) set -- "$@" -mexec-model=reactor ;;
    *) set -- "$@" "$argument" ;;
    esac
done
exec {zig} {driver} -target wasm32-wasi "$@"
"""
_ARCHIVER: Final = """\
#!/bin/sh
exec {zig} ar "$@"
"""
_COMPONENT: Final = """\
#!/bin/sh
set -eu
output='' previous=''
for argument do
    case $previous in -o) output=$argument ;; esac
    previous=$argument
done
# What a component calls to have memory for what it is handed: Rust's standard library has it, and asks for nothing.
{cc} "$@" -Wl,--export=cabi_realloc
mv "$output" "$output.module.wasm"
exec {component_linker} --wasm-ld-path={copy} -o "$output" "$output.module.wasm"
"""
_COPY: Final = """\
#!/bin/sh
# Stands for wasm-ld where the module is linked already.
while [ "$#" -gt 0 ]; do
    case $1 in
    -o) output=$2; shift ;;
    *.module.wasm) module=$1 ;;
    esac
    shift
done
mv "$module" "$output"
"""


def serves(platform: Platform) -> bool:
    """Whether programs for a target are linked by this."""
    return bool(platform.family.program_imports)


def component_tools(platform: Platform) -> tuple[str, ...]:
    """The tools besides zig that programs for a target need."""
    return ("wasm-component-ld",) if _COMPONENTS in platform.family.program_imports else ()


def environment(cache: Path, platform: Platform) -> dict[str, str]:
    """Variables by which Cargo and the crate cc take these programs; none for other targets."""
    if not serves(platform):
        return {}
    suffix, folder = platform.triple.replace("-", "_"), _folder(cache, platform)
    linker = "component" if component_tools(platform) else "cc"
    return {
        f"CARGO_TARGET_{suffix.upper()}_LINKER": str(folder / linker),
        f"CC_{suffix}": str(folder / "cc"),
        f"CXX_{suffix}": str(folder / "c++"),
        f"AR_{suffix}": str(folder / "ar"),
    }


def write(toolchain: Toolchain, cache: Path, platform: Platform) -> None:
    """Write the programs, where the target needs them; raises StorageError."""
    if not serves(platform):
        return
    folder, zig = _folder(cache, platform), shlex.quote(str(wrapper(cache, toolchain.tool("zig").version)))
    texts = {
        **{name: _DRIVER.format(zig=zig, driver=name) for name in ("cc", "c++")},
        "ar": _ARCHIVER.format(zig=zig),
    }
    for name in component_tools(platform):
        texts["copy"] = _COPY
        texts["component"] = _COMPONENT.format(
            cc=shlex.quote(str(folder / "cc")),
            component_linker=shlex.join(toolchain.tool(name).argv),
            copy=shlex.quote(str(folder / "copy")),
        )
    for name, text in texts.items():
        write_script(folder / name, text, "the linker's wrapper")


def _folder(cache: Path, platform: Platform) -> Path:
    return cache / "linkers" / platform.triple
