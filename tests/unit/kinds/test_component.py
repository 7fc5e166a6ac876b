from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import VerificationError
from ferrule.kinds.component import _refuse_wasi, wit_interface

if TYPE_CHECKING:
    from pathlib import Path

WIT = "package a:b;\n/// Adds.\nworld w {\n  export add: func(a: s32) -> s32;\n}\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_comments_and_layout_are_no_interface(tmp_path: Path) -> None:
    one = write(tmp_path / "a.wit", WIT)
    other = write(tmp_path / "b.wit", WIT.replace("/// Adds.", "/* adds\n two */").replace("  export", "export"))
    assert wit_interface(one) == wit_interface(other)


@pytest.mark.parametrize(("old", "new"), [("s32)", "s64)"), ("add", "add-two"), ("export", "import"), ("a:b", "a:c")])
def test_everything_else_is(tmp_path: Path, old: str, new: str) -> None:
    one, other = write(tmp_path / "a.wit", WIT), write(tmp_path / "b.wit", WIT.replace(old, new))
    assert wit_interface(one) != wit_interface(other)


def test_folder_is_all_its_files_in_order(tmp_path: Path) -> None:
    write(tmp_path / "wit" / "b.wit", "world b {}")
    write(tmp_path / "wit" / "deps" / "x" / "a.wit", "package x:y;")
    write(tmp_path / "wit" / "README.md", "ignored")
    before = wit_interface(tmp_path / "wit")
    write(tmp_path / "wit" / "README.md", "changed")
    assert wit_interface(tmp_path / "wit") == before
    write(tmp_path / "wit" / "deps" / "x" / "a.wit", "package x:z;")
    assert wit_interface(tmp_path / "wit") != before


def test_folder_without_wit(tmp_path: Path) -> None:
    (tmp_path / "wit").mkdir()
    with pytest.raises(VerificationError, match=r"no \.wit file"):
        wit_interface(tmp_path / "wit")


@pytest.mark.parametrize("imports", [(), ("env.host",), ("example:demo/api", "wasix:other")])
def test_imports_of_its_own_are_no_wasi(imports: tuple[str, ...]) -> None:
    _refuse_wasi("a.wasm", imports)


@pytest.mark.parametrize(
    ("imports", "says"),
    [
        (("wasi_snapshot_preview1.fd_write",), "imports wasi_snapshot_preview1.fd_write"),
        (("wasi:io/streams@0.2.0", "wasi:cli/exit@0.2.0"), "imports wasi:cli/exit@0.2.0 and 1 more of WASI"),
    ],
)
def test_wasi_is_refused_by_name(imports: tuple[str, ...], says: str) -> None:
    with pytest.raises(VerificationError) as caught:
        _refuse_wasi("a.wasm", imports)
    assert says in caught.value.message
    assert "wasi: true" in (caught.value.hint or "")


def test_a_dependency_in_binary_form_is_part_of_the_interface(tmp_path):
    package = tmp_path / "wit" / "deps" / "types.wasm"
    package.parent.mkdir(parents=True)
    (tmp_path / "wit" / "world.wit").write_text("package a:b;")
    before = wit_interface(tmp_path / "wit")
    package.write_bytes(b"one")
    between = wit_interface(tmp_path / "wit")
    package.write_bytes(b"two")
    assert len({before, between, wit_interface(tmp_path / "wit")}) == 3
