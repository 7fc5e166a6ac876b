"""The build script of a package: of the nearest Cargo.toml, under the name that this gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.build_script import build_script

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = '[package]\nname = "a"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["rust/*"]\n',
        "rust/plain/Cargo.toml": PACKAGE,
        "rust/plain/build.rs": "",
        "rust/named/Cargo.toml": f'{PACKAGE}build = "make/script.rs"\n',
        "rust/named/build.rs": "",
        "rust/named/make/script.rs": "",
        "rust/damaged/Cargo.toml": "[package",
        "rust/damaged/build.rs": "",
        "rust/plain/inside/Cargo.toml": PACKAGE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "script"),
    [
        ("rust/plain/src/lib.rs", "rust/plain/build.rs"),
        ("rust/plain/build.rs", "rust/plain/build.rs"),
        ("rust/named/src/lib.rs", "rust/named/make/script.rs"),
        ("rust/damaged/a.txt", "rust/damaged/build.rs"),
        ("rust/plain/inside/src/lib.rs", None),  # a package of its own, without a script
        ("README.md", None),
        ("../elsewhere/a.rs", None),
    ],
)
def test_the_nearest_manifest_says_which(project: Path, file: str, script: str | None) -> None:
    assert build_script(project, file) == script


def test_a_project_without_any(tmp_path: Path) -> None:
    (tmp_path / "build.rs").write_text("")
    assert build_script(tmp_path / "below", "src/lib.rs") is None
