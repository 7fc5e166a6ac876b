"""The import library of Node.js, as zig is asked for it and as it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import StorageError
from ferrule.core.model import Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.tools import node_api

if TYPE_CHECKING:
    from ferrule.tools.command import Command

ZIG = Tool("zig", "1", ("/tools/zig",), "x")


@dataclass
class Zig:
    """Writes what it is asked for, and remembers the definition file."""

    commands: list[Command] = field(default_factory=list)
    definition: str = ""

    def __call__(self, command: Command, **_: object) -> str:
        self.commands.append(command)
        assert command.cwd is not None
        self.definition = (command.cwd / command.argv[command.argv.index("-d") + 1]).read_text()
        (command.cwd / command.argv[command.argv.index("-l") + 1]).write_bytes(b"!<arch>\n")
        return ""


@pytest.mark.parametrize(
    ("triple", "machine"), [("x86_64-pc-windows-gnu", "i386:x86-64"), ("aarch64-pc-windows-gnullvm", "arm64")]
)
def test_it_is_written_once(tmp_path: Path, triple: str, machine: str) -> None:
    zig = Zig()
    variables = node_api.import_library(zig, ZIG, PLATFORMS[triple], tmp_path, {"HOME": "/h"})
    assert variables == node_api.import_library(zig, ZIG, PLATFORMS[triple], tmp_path, {"HOME": "/h"})
    (command,) = zig.commands
    assert command.argv[:4] == ("/tools/zig", "dlltool", "-m", machine)
    folder = Path(variables["LIBNODE_PATH"])
    assert sorted(path.name for path in folder.iterdir()) == ["libnode.a", "libnode.dll"]
    assert list(folder.parent.iterdir()) == [folder]
    assert zig.definition.startswith("LIBRARY node.exe\nEXPORTS\n")
    assert {"napi_create_function", "node_api_create_syntax_error"} <= {*zig.definition.split()}


@pytest.mark.parametrize("triple", ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"])
def test_others_link_with_none(tmp_path: Path, triple: str) -> None:
    assert node_api.import_library(Zig(), ZIG, PLATFORMS[triple], tmp_path, {}) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "node-api").write_text("a file")
    with pytest.raises(StorageError, match=r"the import library of Node\.js cannot be written"):
        node_api.import_library(Zig(), ZIG, PLATFORMS["x86_64-pc-windows-gnu"], tmp_path, {})
