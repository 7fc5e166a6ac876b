"""Every program that Ferrule finds and installs. A new one is one file in `tools/` and one line in this list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.tools import (
    cbindgen,
    cc,
    cibuildwheel,
    container,
    dsymutil,
    emulation,
    go,
    jco,
    maturin,
    nfpm,
    node,
    rust,
    wasm,
    zig,
    zigbuild,
)

if TYPE_CHECKING:
    from ferrule.tools.definition import ToolDefinition

TOOLS: Final[dict[str, ToolDefinition]] = {
    tool.name: tool
    for tool in (
        rust.TOOL,  # first: others are searched for beside the Rust that was found
        *wasm.TOOLS,
        dsymutil.TOOL,
        cc.TOOL,
        zig.TOOL,
        zigbuild.TOOL,
        cbindgen.TOOL,
        go.TOOL,
        node.TOOL,
        jco.TOOL,
        maturin.TOOL,
        nfpm.TOOL,
        cibuildwheel.TOOL,
        container.TOOL,
        *emulation.TOOLS,
    )
}
