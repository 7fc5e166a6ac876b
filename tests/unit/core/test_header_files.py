from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.header_files import lay_out

if TYPE_CHECKING:
    from pathlib import Path


def test_headers_are_laid_out_with_their_folders(tmp_path: Path) -> None:
    (tmp_path / "object").write_text("int a;")
    files = {"include/sub/a.h": tmp_path / "object", "include/a.h": tmp_path / "object"}
    assert lay_out(files, tmp_path) == ("a.h", "sub/a.h")
    assert lay_out({"demo.h": tmp_path / "object"}, tmp_path / "one") == ("demo.h",)
    assert (tmp_path / "include/sub/a.h").read_text() == "int a;"
