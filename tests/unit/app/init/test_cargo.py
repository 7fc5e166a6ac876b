"""What the manifest and sources of a crate say: exported functions, programs, what is compiled for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.workspaces import crate, lock, virtual
from ferrule.app.init import cargo
from ferrule.app.init.findings import CargoWorkspace, CrateUse, Licence, Uncovered
from ferrule.app.init.project_files import list_files

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.init.findings import Finding


def findings(root: Path, **files: str) -> tuple[Finding, ...]:
    """Those of a single crate, `__` in the names of files standing for a slash and `_rs` for `.rs`."""
    for name, text in {"Cargo.toml": crate("demo"), "Cargo.lock": lock(demo=""), **files}.items():
        path = root / name.replace("__", "/").replace("_rs", ".rs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tuple(cargo.read(list_files(root)))


def use_of(root: Path, **files: str) -> CrateUse:
    (workspace,) = (f for f in findings(root, **files) if isinstance(f, CargoWorkspace))
    return workspace.crates[0]


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ('#[no_mangle]\npub extern "C" fn a() {}', "1:3"),
        ('#[unsafe(no_mangle)]\n/// Adds.\npub unsafe extern "C-unwind" fn a() {}', "1:10"),
        ('\n  #[export_name = "b"]\npub extern "C" fn a() {}', "2:5"),
        ("#[no_mangle] pub extern fn a() {}", "1:3"),
        ('// #[no_mangle] pub extern "C" fn a() {}', None),
        ('extern "C" { fn a(); }', None),
        ('pub extern "C" fn a() {}', None),
        ('#[no_mangle]\npub static A: i32 = 1;\nextern "C" fn a() {}', None),
        ("#[no_mangle]\npub fn a() {}", None),
    ],
)
def test_an_exported_function_is_located(tmp_path: Path, source: str, where: str | None) -> None:
    use = use_of(tmp_path, src__lib_rs=source)
    assert use.exported == (f"src/lib.rs:{where}" if where else None)
    assert use.exported_by_macro is None


def test_functions_that_a_macro_writes_are_known_as_such(tmp_path: Path) -> None:
    use = use_of(tmp_path, src__lib_rs="", src__macros_rs="#[no_mangle]\npub extern fn $name() {}")
    assert (use.exported, use.exported_by_macro) == (None, "src/macros.rs:1:3")
    use = use_of(tmp_path, src__lib_rs='#[no_mangle] pub extern "C" fn a() {}')
    assert (use.exported, use.exported_by_macro) == ("src/lib.rs:1:3", None)


GATED = '#[cfg(feature = "ffi")]\npub mod ffi;\n'
EXPORT = '#[no_mangle] pub extern "C" fn a() {}'


@pytest.mark.parametrize(
    ("features", "root", "module", "feature"),
    [
        ("ffi = []", GATED, EXPORT, "ffi"),
        ("ffi = []", "mod ffi;", f'#![cfg(feature = "ffi")]\n{EXPORT}', "ffi"),
        ('default = ["c"]\nc = ["ffi"]\nffi = []', GATED, EXPORT, None),
        ("ffi = []", "mod ffi;", EXPORT, None),
        ("", GATED, EXPORT, None),
        ("ffi = []", GATED.replace("ffi;", "other;"), EXPORT, None),
    ],
)
def test_a_feature_that_hides_the_functions_is_known(
    tmp_path: Path, features: str, root: str, module: str, feature: str | None
) -> None:
    manifest = f"{crate('demo')}\n[features]\n{features}\n"
    use = use_of(tmp_path, **{"Cargo.toml": manifest}, src__lib_rs=root, src__ffi_rs=module)
    assert (use.exported is not None, use.feature) == (True, feature)


def test_what_cargo_c_turns_on_is_known(tmp_path: Path) -> None:
    manifest = f"{crate('demo')}\n[features]\ncapi = []\n[package.metadata.capi]\n"
    use = use_of(tmp_path, **{"Cargo.toml": manifest}, src__lib_rs=f"#[cfg(cargo_c)]\n{EXPORT}")
    assert (use.feature, use.asks_for_cargo_c) == ("capi", True)
    use = use_of(tmp_path, **{"Cargo.toml": crate("demo")}, src__lib_rs=f"#[cfg(cargo_c)]\n{EXPORT}")
    assert (use.feature, use.asks_for_cargo_c) == (None, False)


def test_what_is_compiled_for_a_crate_is_without_what_its_tests_need(tmp_path: Path) -> None:
    locked = lock(demo="a b") + '\n[[package]]\nname = "c"\nversion = "1.0.0"\n'
    manifest = crate("demo", needs='a = "1"') + '\n[dev-dependencies]\nb = "1"\n'
    locked = locked.replace('name = "a"\n', 'name = "a"\ndependencies = [\n "c",\n]\n')
    use = use_of(tmp_path, **{"Cargo.toml": manifest, "Cargo.lock": locked}, src__lib_rs="")
    assert use.packages == {"demo", "a", "c"}


def test_an_optional_dependency_is_not_required(tmp_path: Path) -> None:
    manifest = crate("demo", needs='a = {version = "1", optional = true}\nb = {package = "c", version = "1"}')
    use = use_of(tmp_path, **{"Cargo.toml": manifest, "Cargo.lock": lock(demo="a c")}, src__lib_rs="")
    assert use.required == {"b", "c"}
    assert use.requires("c", "x")
    assert not use.requires("a")


def test_the_workspace_with_a_library_is_taken_and_the_other_named(tmp_path: Path) -> None:
    files = {"tool/Cargo.toml": crate("tool", types=None, lib="tool"), "tool__src__lib_rs": ""}
    inner = {"rust/Cargo.toml": virtual("x"), "rust/x/Cargo.toml": crate("x"), "rust__x__src__lib_rs": ""}
    for name, text in {**files, **inner}.items():
        path = tmp_path / name.replace("__", "/").replace("_rs", ".rs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    read = tuple(cargo.read(list_files(tmp_path)))
    assert [f.workspace.folder for f in read if isinstance(f, CargoWorkspace)] == ["rust"]
    assert [(f.where, f.what) for f in read if isinstance(f, Uncovered)] == [
        ("tool/Cargo.toml", "another Cargo workspace")
    ]


def test_crates_of_the_other_workspaces_are_known(tmp_path: Path) -> None:
    texts = {"a__Cargo.toml": crate("a"), "a__Cargo.lock": lock(a=""), "b__Cargo.toml": crate("b", types=None)}
    for name, text in texts.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "b" / "Cargo.lock").write_text(lock(b=""))
    (workspace,) = (f for f in cargo.read(list_files(tmp_path)) if isinstance(f, CargoWorkspace))
    assert workspace.workspace.folder == "a"
    assert workspace.others == {"b"}


def test_texts_of_licences_are_those_of_the_root_or_else_of_the_workspace(tmp_path: Path) -> None:
    names = {
        "LICENSE-MIT": "",
        "COPYING": "",
        "UNLICENSE": "",
        "license.rs": "",
        "LICENSES.html": "",
        "src__lib_rs": "",
    }
    licences = [f.file for f in findings(tmp_path, **names) if isinstance(f, Licence)]
    assert licences == ["COPYING", "LICENSE-MIT", "UNLICENSE"]


def test_texts_of_licences_may_be_where_reuse_has_them(tmp_path: Path) -> None:
    licences = [
        f.file for f in findings(tmp_path, **{"LICENSES/MIT.txt": "", "src__lib_rs": ""}) if isinstance(f, Licence)
    ]
    assert licences == ["LICENSES/MIT.txt"]


def test_what_is_inherited_is_that_of_the_workspace(tmp_path: Path) -> None:
    root = virtual("x") + '[workspace.package]\nrust-version = "1.97"\npublish = false\n'
    inner = crate("x", "rust-version.workspace = true", "publish = {workspace = true}")
    files = {"Cargo.toml": root, "Cargo.lock": lock(x=""), "x/Cargo.toml": inner}
    use = use_of(tmp_path, **files, x__src__lib_rs="")
    assert (use.rust, use.is_published) == (("1.97", "Cargo.toml:4:1"), False)
