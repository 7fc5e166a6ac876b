"""The listing of a project: what is in it, in which order, and what belongs to which package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.app.init.project_files import ProjectFiles, list_files
from ferrule.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def laid_out(root: Path, *names: str) -> ProjectFiles:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return list_files(root)


def test_what_is_built_fetched_or_hidden_is_not_listed(tmp_path: Path) -> None:
    hidden = ("target/a.rs", "node_modules/b.js", ".venv/c.py", "a/vendor/d.go", ".github/e.yml")
    files = laid_out(tmp_path, "src/lib.rs", ".cargo/config.toml", "Cargo.toml", *hidden)
    assert files.names == ("Cargo.toml", ".cargo/config.toml", "src/lib.rs")


def test_files_below_a_folder_are_those_of_it_alone(tmp_path: Path) -> None:
    files = laid_out(tmp_path, "a/b.rs", "a/c/d.rs", "a-b/e.rs", "ab.rs", "a/f.txt", "a0/g.rs")
    assert files.below("a", ".rs") == ("a/b.rs", "a/c/d.rs")
    assert files.below(".", ".txt") == ("a/f.txt",)


def test_files_of_a_package_are_not_those_of_one_inside_or_of_its_tests(tmp_path: Path) -> None:
    files = laid_out(tmp_path, "go.mod", "a.go", "tests/b.go", "inner/go.mod", "inner/c.go", "tests/d/go.mod")
    assert files.of_package("go.mod", ".go") == ("a.go",)
    assert files.of_package("inner/go.mod", ".go") == ("inner/c.go",)
    assert files.called("go.mod") == ("go.mod", "inner/go.mod")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    files = laid_out(tmp_path, "a")
    (tmp_path / "b").write_bytes(b"line\n\xff")
    (tmp_path / "large").write_bytes(b" " * (4 << 20) + b" ")
    (tmp_path / "a").unlink()
    for name, message in (("a", "^a: .*No such file"), ("b", "^b:2:1: .*not UTF-8"), ("large", "^large: .*more than")):
        with pytest.raises(ConfigError, match=message):
            files.text(name)
    with pytest.raises(ConfigError, match=r"^a: this source cannot be read: No such file"):
        files.source("a")


def test_of_a_large_source_the_beginning_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.rs").open("wb") as stream:
        stream.write(b"fn")
        stream.truncate(9 << 20)
    assert list_files(tmp_path).source("a.rs").startswith(b"fn\0")
