"""maturin: its finding, what its lines say, and interpreters that it must not meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import StorageError
from ferrule.tools import maturin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("   Compiling pyo3 v0.30.1", "compiling pyo3 v0.30.1"),
        ("📦 Built wheel for CPython 3.12 to out/a.whl", "built for CPython 3.12"),
        ("📦 Built wheel for abi3 Python ≥ 3.11 to out/a.whl", "built for abi3 Python ≥ 3.11"),
        ("🔗 Found pyo3 bindings", None),
    ],
)
def test_what_is_said_of_progress(line: str, message: str | None) -> None:
    assert maturin.progress(line) == message
    assert message is None or any(mark in line for mark in maturin.MARKS)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        maturin.hide_interpreters(tmp_path / "file" / "folder", ["python3.12"])
