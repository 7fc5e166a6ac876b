"""Packages in Go and JavaScript, recipes of images and C headers: what is known of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ferrule.app.init import c_headers, containers, go, javascript
from ferrule.app.init.findings import CHeader, GoModule, NpmPackage, Uncovered
from ferrule.app.init.project_files import ProjectFiles, list_files

if TYPE_CHECKING:
    from pathlib import Path

GO_MOD = "module example.com/demo\n\ngo 1.25\n\nrequire example.com/other v1.0.0\n"


def laid_out(root: Path, **texts: str) -> ProjectFiles:
    """Files whose names have `__` for a slash and `_0_` for a dot."""
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("_0_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list_files(root)


@pytest.mark.parametrize(
    ("source", "line", "how"),
    [
        ('package a\n\n// #cgo LDFLAGS: -ldemo\nimport "C"\n', 4, "links it by cgo"),
        ('package a\n\nimport (\n\t"C"\n)\n', 4, "links it by cgo"),
        ("package a\n\nvar x, _ = purego.Dlopen(name, 0)\n", 3, "opens it by itself with purego"),
        ("package a\n\nvar r = wazero.NewRuntime(ctx)\n", 3, "runs it by itself with wazero"),
    ],
)
def test_go_that_loads_the_library_in_a_way_of_its_own_is_not_covered(
    tmp_path: Path, source: str, line: int, how: str
) -> None:
    (one,) = go.read(laid_out(tmp_path, go_0_mod=GO_MOD, a_0_go=source))
    assert isinstance(one, Uncovered)
    assert (one.where, how in one.reason) == (f"a.go:{line}:1", True)


def test_go_that_imports_what_is_generated_is_a_module(tmp_path: Path) -> None:
    imports = "".join(f'\t_ "example.com/demo/internal/ferrule/{name}"\n' for name in ("native", "wasm"))
    text = f"package a\n\nimport (\n{imports})\n"
    files = laid_out(tmp_path, go_0_mod=GO_MOD, a_0_go=text)
    assert [*go.read(files)] == [GoModule(".", "example.com/demo", ("example.com/other",), True, True, False)]


def test_a_main_package_is_a_program_and_other_go_is_nothing(tmp_path: Path) -> None:
    files = laid_out(tmp_path, go_0_mod=GO_MOD, a_0_go="package main\n", b__go_0_mod=GO_MOD, b__b_0_go="package b\n")
    assert [*go.read(files)] == [GoModule(".", "example.com/demo", ("example.com/other",), False, False, True)]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"name": "demo"}, None),
        ({}, "no name"),
        ({"name": "demo", "version": "1.0.0"}, None),
        ({"name": "demo", "private": True}, "is private"),
    ],
)
def test_javascript_that_imports_a_component_is_a_package(tmp_path: Path, document: object, reason: str | None) -> None:
    texts = {"js__package_0_json": json.dumps(document), "js__index_0_mjs": 'import "./component/index.js"'}
    (package,) = javascript.read(laid_out(tmp_path, **texts))
    assert isinstance(package, NpmPackage)
    assert package.folder == "js"
    assert (reason or "") in (package.refused.reason if package.refused else "")
    assert (package.refused is None) == (reason is None)
    assert package.version == (("1.0.0", "js/package.json:1:18") if "version" in texts["js__package_0_json"] else None)


def test_javascript_that_imports_an_addon_is_a_package(tmp_path: Path) -> None:
    files = laid_out(tmp_path, package_0_json='{"name": "demo"}', index_0_js='import { load } from "./native/index.js"')
    (package,) = javascript.read(files)
    assert isinstance(package, NpmPackage)
    assert (package.native, package.component, package.refused) == (True, False, None)


@pytest.mark.parametrize(
    ("main", "file", "missing"),
    [(None, "index.js", None), ("lib/a.js", "lib/a.js", None), (None, "b.js", "index.js"), ("c.cjs", "b.js", "c.cjs")],
)
def test_a_package_of_napi_needs_the_javascript_that_it_is_loaded_by(
    tmp_path: Path, main: str | None, file: str, missing: str | None
) -> None:
    document = {"name": "demo", "napi": {}} | ({"main": main} if main else {})
    texts = {"js__package_0_json": json.dumps(document), f"js__{file.replace('/', '__').replace('.', '_0_')}": ""}
    (package,) = javascript.read(laid_out(tmp_path, **texts))
    assert isinstance(package, NpmPackage)
    assert (package.native, package.component, package.at) == (True, False, "js/package.json:1:1")
    assert (f"its {missing} is not there" in package.refused.reason) if package.refused else missing is None


def test_other_javascript_is_nothing(tmp_path: Path) -> None:
    files = laid_out(tmp_path, package_0_json='{"name": "demo"}', index_0_js='import "./other.js"')
    assert [*javascript.read(files)] == []


@pytest.mark.parametrize("name", ["Dockerfile", "Containerfile", "Dockerfile.alpine", "build.dockerfile"])
def test_a_recipe_of_an_image_is_named_with_its_last_base(tmp_path: Path, name: str) -> None:
    text = "FROM --platform=linux/amd64 rust:1 AS build\nRUN x\nfrom scratch\n"
    (one,) = containers.read(laid_out(tmp_path, **{name.replace(".", "_0_"): text}))
    assert isinstance(one, Uncovered)
    assert (one.where, one.what) == (f"{name}:3:1", "the image on scratch")


def test_a_recipe_without_a_base_is_named_too(tmp_path: Path) -> None:
    (one,) = containers.read(laid_out(tmp_path, Dockerfile="# empty\n"))
    assert isinstance(one, Uncovered)
    assert (one.where, one.what) == ("Dockerfile:1:1", "the image")


def test_headers_are_those_in_include_and_beside_manifests(tmp_path: Path) -> None:
    texts = {"x__Cargo_0_toml": "", "x__a_0_h": "", "include__b_0_hpp": "/* by cbindgen */", "x__src__c__d_0_h": ""}
    headers = [*c_headers.read(laid_out(tmp_path, **texts))]
    assert headers == [CHeader("include/b.hpp", True), CHeader("x/a.h", False)]


@pytest.mark.parametrize(
    "folder",
    ["test", "tests", "testdata", "fixtures", "example", "examples", "bench", "benches", "fuzz", "docs", "doc"],
)
def test_what_lies_aside_of_a_package_tells_nothing_of_it(tmp_path: Path, folder: str) -> None:
    files = laid_out(tmp_path, go_0_mod=GO_MOD, a_0_go="package a\n", **{f"{folder}__b_0_go": "package b\n"})
    assert files.of_package("go.mod", ".go") == ("a.go",)
    assert files.of_package("go.mod", ".go") != files.below(".", ".go")
