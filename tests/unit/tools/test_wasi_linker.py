"""What the linker for WASI hands on, to a zig and a wasm-component-ld that write down what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import StorageError
from ferrule.core.model import Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.tools import wasi_linker, zig
from ferrule.tools.run import capture

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.platforms import Platform

MODULE, COMPONENT = PLATFORMS["wasm32-wasip1"], PLATFORMS["wasm32-wasip2"]
ZIG = """\
#!/bin/sh
printf '%s\\n' "$@" > "$0.given"
while [ "$1" != -o ]; do shift; done
echo module > "$2"
"""
COMPONENT_LINKER = """\
#!/bin/sh
case $1 in --wasm-ld-path=*) linker=${1#*=} ;; esac
"$linker" -flavor wasm "$4" -o "$3.linked"
sed s/^/component:/ "$3.linked" > "$3"
rm "$3.linked"
"""


def laid_out(root: Path) -> Toolchain:
    programs = {"zig": ZIG, "wasm-component-ld": COMPONENT_LINKER}
    for name, text in programs.items():
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    tools = {name: Tool(name, "1", (str(root / name),), name) for name in programs}
    return Toolchain("distribution", tools, {}, root)


def start(root: Path, variable: str, *argv: str, platform: Platform = MODULE) -> list[str]:
    """What zig is given by the program that a variable names."""
    toolchain = laid_out(root)
    zig.write_wrapper(toolchain.tool("zig"), root / "cache")
    wasi_linker.write(toolchain, root / "cache", platform)
    program = wasi_linker.environment(root / "cache", platform)[variable]
    capture([program, *argv], env={"PATH": "/usr/bin:/bin"}, cwd=root)
    return (root / "zig.given").read_text().splitlines()


def test_zig_is_given_what_it_knows(tmp_path: Path) -> None:
    options = ("--target=wasm32-wasip1", "-Wl,--stack-first", "-Wl,-z", "a b.o", "-Wl,--no-demangle", "-o", "x.wasm")
    given = start(tmp_path, "CARGO_TARGET_WASM32_WASIP1_LINKER", *options)
    assert given == ["cc", "-target", "wasm32-wasi", "-Wl,-z", "a b.o", "-o", "x.wasm"]
    assert (tmp_path / "x.wasm").read_text() == "module\n"


@pytest.mark.parametrize(
    ("variable", "begins"), [("CC", "cc -target"), ("CXX", "c++ -target wasm32-wasi"), ("AR", "ar -o")]
)
def test_c_is_compiled_by_it_too(tmp_path: Path, variable: str, begins: str) -> None:
    assert " ".join(start(tmp_path, f"{variable}_wasm32_wasip1", "-o", "x")).startswith(begins)


def test_a_program_for_wasi_2_is_a_component(tmp_path: Path) -> None:
    start(tmp_path, "CARGO_TARGET_WASM32_WASIP2_LINKER", "a.o", "-o", "x.wasm", platform=COMPONENT)
    assert (tmp_path / "x.wasm").read_text() == "component:module\n"
    assert [path.name for path in tmp_path.glob("x.wasm*")] == ["x.wasm"]


def test_other_targets_have_programs_of_others(tmp_path: Path) -> None:
    for triple in ("x86_64-unknown-linux-gnu", "wasm32-unknown-unknown"):
        wasi_linker.write(laid_out(tmp_path), tmp_path / "cache", PLATFORMS[triple])
        assert wasi_linker.environment(tmp_path / "cache", PLATFORMS[triple]) == {}
    assert not (tmp_path / "cache").exists()
    assert wasi_linker.component_tools(MODULE) == ()
    assert wasi_linker.component_tools(COMPONENT) == ("wasm-component-ld",)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "linkers").write_text("no folder")
    with pytest.raises(StorageError, match="cannot be written"):
        wasi_linker.write(laid_out(tmp_path), tmp_path / "cache", MODULE)
