from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import StorageError
from ferrule.tools.script_file import write_script

if TYPE_CHECKING:
    from pathlib import Path


def test_a_script_is_written_once_and_again_where_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "programs" / "linker"
    write_script(path, "#!/bin/sh\n", "the linker")
    first = path.stat()
    assert first.st_mode & 0o777 == 0o755
    write_script(path, "#!/bin/sh\n", "the linker")
    assert path.stat().st_ino == first.st_ino
    write_script(path, "#!/bin/sh\nexit 1\n", "the linker")
    assert path.read_text() == "#!/bin/sh\nexit 1\n"
    assert [one.name for one in path.parent.iterdir()] == ["linker"]
    with pytest.raises(StorageError, match="the linker cannot be written: "):
        write_script(path / "below" / "linker", "", "the linker")
