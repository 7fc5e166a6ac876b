"""What people see of two releases that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.app.reproduce.release_diff import Compared, compare
from ferrule.app.reproduce.run import Reproduction
from ferrule.reporting import reproduction as reproduced

if TYPE_CHECKING:
    from pathlib import Path


def fill(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def compared(tmp_path: Path, one: dict[str, bytes], two: dict[str, bytes]) -> dict[str, Compared]:
    folders = [fill(tmp_path / name, **files) for name, files in (("one", one), ("two", two))]
    return {result.file: result for result in compare(*folders)}


def test_what_differs_is_shown_to_people(tmp_path: Path) -> None:
    files = tuple(compared(tmp_path, {"a": b"one\n1\n", "b": b""}, {"a": b"one\n2\n", "b": b""}).values())
    output = reproduced.text(Reproduction(files, (), inputs=("source commit: a -> b",)).document())
    assert "≠ a  different " in output
    assert "= b  equal " in output
    assert "a: offset 0x4\n  line 2 differs\n  first:  1\n  second: 2" in output
    assert "inputs that differ:\n  source commit: a -> b" in output
    assert output.endswith("not reproduced: 1 of 2 files differ")
