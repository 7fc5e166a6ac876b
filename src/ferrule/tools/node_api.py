"""What addons for Node.js are linked with on Windows, whose linkers have to see where each symbol comes from.

napi-build, which addons of napi-rs are linked by, looks for a `libnode.dll` where LIBNODE_PATH says for Rust's GNU
targets, and links with the library `node` there: here an import library of node.exe, with the names of Node-API that
Node.js publishes for linkers (npm package node-api-headers 1.9.0, def/). With its feature `dyn-symbols`, which is on by
default, napi asks the running program for them and links with none.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import StorageError
from ferrule.core.model import Digest
from ferrule.tools.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.model import Tool
    from ferrule.core.platforms import Platform
    from ferrule.tools.command import Runner

HOST: Final = "node.exe"
"""The program that loads addons on Windows."""

VARIABLE: Final = "LIBNODE_PATH"
_NAMES: Final = "node_api.txt"
_MACHINES: Final = {"x86_64": "i386:x86-64", "aarch64": "arm64"}
"""Processors as llvm-dlltool calls them (`-m`)."""


def import_library(
    run: Runner, zig: Tool, platform: Platform, cache: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """Variables by which napi-build links with Node.js, whose import library is written once for a cache.

    There are none where no such library is linked with. Raises ToolFailed, and StorageError if it cannot be kept.
    """
    if platform.family.object_format != "coff" or platform.family.linked_on:
        return {}
    names = Path(__file__).with_name(_NAMES).read_text(encoding="ascii")
    definition = f"LIBRARY {HOST}\nEXPORTS\n{names}"
    folder = cache / "node-api" / f"{platform.machine}-{Digest.of(definition.encode()).short}"
    if not (folder / "libnode.a").is_file():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
                (Path(aside) / "node.def").write_text(definition, encoding="ascii")
                (Path(aside) / "libnode.dll").touch()  # napi-build looks whether it is there
                options = ("-m", _MACHINES[platform.machine], "-d", "node.def", "-l", "libnode.a")
                run(Command((*zig.argv, "dlltool", *options), dict(environment), Path(aside)))
                folder.mkdir(exist_ok=True)
                for name in ("libnode.dll", "libnode.a"):
                    (Path(aside) / name).replace(folder / name)
        except OSError as error:
            raise StorageError(
                f"the import library of Node.js cannot be written: {error.strerror}", where=str(folder)
            ) from error
    return {VARIABLE: str(folder)}
