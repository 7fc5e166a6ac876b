"""What follows from findings: names, versions, targets with their floors, what is said of the project."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ferrule.app.init.document import Description, describe
from ferrule.app.init.findings import (
    CapiSettings,
    CargoWorkspace,
    CrateUse,
    Licence,
    NpmPackage,
    Remote,
    RequestedTarget,
    Uncovered,
)
from ferrule.core.cargo_workspace import Crate, Workspace

if TYPE_CHECKING:
    from ferrule.app.init.findings import Finding

X86, ARM, MAC = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin"
WINDOWS, WASM = "x86_64-pc-windows-none", "wasm32-unknown-unknown"


def use(name: str = "demo-ffi", folder: str | None = None, **values: Any) -> CrateUse:
    fields = {"version": "1.2.3", "types": ("cdylib",), "license": "MIT", "library": "demo", "description": None}
    crate = Crate(name=name, folder=folder or name, **{**fields, **{k: values.pop(k) for k in fields if k in values}})
    return CrateUse(crate, f"{crate.folder}/Cargo.toml:2:1", **{"exported": "src/lib.rs:1:1", **values})


def described(*findings: Finding, uses: tuple[CrateUse, ...] = (use(),), **values: Any) -> Description:
    crates = {one.crate.name: one.crate for one in uses}
    return describe((CargoWorkspace(Workspace(".", crates, locked=True, **values), uses), *findings), "1.96")


def section(description: Description, name: str) -> dict[str, Any]:
    return {line.key: line.value for line in dict(description.sections).get(name, ())}


def uncovered(description: Description) -> dict[str, str]:
    return {one.what: f"{one.where}: {one.reason}" for one in description.uncovered}


# Targets


def test_without_another_tools_file_there_are_the_usual_targets() -> None:
    assert section(described(), "targets") == {X86: {"glibc": "2.17"}, ARM: {"glibc": "2.17"}, MAC: {"macos": "11.0"}}


def test_requested_targets_are_taken_with_their_floor_and_the_others_named() -> None:
    description = described(
        RequestedTarget(ARM, "a.toml:1:1", "2.31"),
        RequestedTarget(WINDOWS, "a.toml:2:1"),
        RequestedTarget(ARM, "b:1:1"),
    )
    assert section(description, "targets") == {ARM: {"glibc": "2.31"}}
    assert uncovered(description)[f"the target {WINDOWS}"].startswith("a.toml:2:1: ")


def test_targets_that_none_can_be_made_for_are_named_and_the_usual_ones_taken() -> None:
    description = described(RequestedTarget(WINDOWS, "a.toml:2:1"))
    assert [*section(description, "targets")] == [X86, ARM, MAC]
    assert f"the target {WINDOWS}" in uncovered(description)


def test_for_a_target_of_microsofts_linker_the_other_one_is_named() -> None:
    description = described(RequestedTarget("x86_64-pc-windows-msvc", "a.toml:2:1"))
    assert (
        "x86_64-pc-windows-gnullvm runs on the same machines"
        in uncovered(description)["the target x86_64-pc-windows-msvc"]
    )


def test_a_target_that_is_joined_comes_with_its_parts() -> None:
    description = described(RequestedTarget("universal2-apple-darwin", "a.toml:1:1"))
    assert section(description, "targets") == {
        "universal2-apple-darwin": {},
        "x86_64-apple-darwin": {"macos": "11.0"},
        MAC: {"macos": "11.0"},
    }


def test_a_floor_that_is_none_is_named() -> None:
    description = described(RequestedTarget(X86, "a.toml:1:1", "2.3"))
    assert section(description, "targets") == {X86: {"glibc": "2.17"}}
    assert f"glibc 2.3 of {X86}" in uncovered(description)


def test_a_component_alone_has_no_native_target_and_says_so_of_requested_ones() -> None:
    wasm = use("demo-wasm", wit=("demo-wasm/wit/a.wit",), required=frozenset({"wit-bindgen"}), exported=None)
    description = described(RequestedTarget(X86, "a.toml:1:1"), uses=(wasm,))
    assert section(description, "targets") == {WASM: {}}
    assert "runs on every machine" in uncovered(description)[f"the target {X86}"]


@pytest.mark.parametrize("package", ["core-foundation-sys", "objc2-foundation", "security-framework-sys"])
def test_a_framework_leaves_macos_out(package: str) -> None:
    description = described(uses=(use(packages=frozenset({package})),))
    assert [*section(description, "targets")] == [X86, ARM]
    assert any(package in what for what in uncovered(description))


# Project


def test_versions_that_differ_are_those_of_the_crates() -> None:
    both = (use("a-ffi", version="1.0.0"), use("b-ffi", version="2.0.0"))
    assert section(described(uses=both), "project")["version"] == {"cargo": "a-ffi"}
    assert section(described(uses=both, version="3.0.0"), "project")["version"] == {"cargo": "."}
    names = [*section(described(Licence("LICENSE"), uses=both), "artifacts")]
    assert names[:6] == ["a-native", "a-header", "a-sdk", "b-native", "b-header", "b-sdk"]
    assert section(described(Licence("LICENSE"), uses=both), "artifacts")["b-sdk"]["name"] == "b-c"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("demo-ffi", "demo"), ("Demo_Core", "demo-core"), ("c", "c"), ("_", "project"), ("x-py", "x")],
)
def test_the_project_has_the_name_of_its_crate(name: str, expected: str) -> None:
    assert section(described(uses=(use(name),)), "project")["name"] == expected


def test_crates_whose_names_differ_in_their_ends_alone_keep_these() -> None:
    uses = (use("demo-ffi"), use("demo-c"), use("other-ffi"))
    names = [name for name in section(described(uses=uses), "artifacts") if name.endswith("-native")]
    assert names == ["demo-ffi-native", "demo-c-native", "other-native"]


def test_what_crates_say_differently_is_that_of_the_released_one() -> None:
    other = use("other", license="Apache-2.0", exported=None, types=("lib",))
    project = section(described(uses=(use(license="MIT/ISC", description="Adds\n two."), other)), "project")
    assert (project["license"], project["description"]) == ("MIT OR ISC", "Adds two.")


def test_a_newer_rust_is_stated() -> None:
    assert section(described(uses=(use(rust=("1.97", "a:1:1")),)), "toolchain") == {"rust": "1.97"}
    assert section(described(uses=(use(rust=("1.70.1", "a:1:1")),)), "toolchain") == {}
    uses = (use(rust=("1.97", "a:1:1")),)
    workspace = CargoWorkspace(Workspace(".", {"demo-ffi": uses[0].crate}, locked=True), uses)
    assert section(describe((workspace,), "1.96", rust_is_stated=True), "toolchain") == {}


@pytest.mark.parametrize(
    ("host", "publish"),
    [("github.com", None), ("gitlab.com", []), ("codeberg.org", []), ("x.org", []), ("github.example.org", None)],
)
def test_a_forge_that_nothing_is_published_on_is_named(host: str, publish: list[str] | None) -> None:
    description = described(Remote(f"https://{host}/a/b", host))
    assert section(description, "ci").get("publish") == publish
    assert any(what.startswith("publishing on") for what in uncovered(description)) == (publish is not None)


# Crates


def test_a_cdylib_without_a_use_is_named() -> None:
    description = described(uses=(use(exported=None),))
    assert description.artifacts == ()
    assert "no exported" in uncovered(description)["the library demo-ffi"]


def test_a_procedural_macro_is_nothing() -> None:
    macro = use("demo-derive", types=("proc-macro",), exported=None)
    assert uncovered(described(Licence("LICENSE"), uses=(use(), macro))) == {}


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"required": frozenset({"napi"})}, "the addon demo-x for Node.js"),
        ({"required": frozenset({"neon"})}, "the addon demo-x for Node.js"),
        ({"required": frozenset({"wasm-bindgen"})}, "the module demo-x of wasm-bindgen"),
        ({"cargo_component": "a:1:1"}, "the component demo-x"),
        ({"required": frozenset({"jni"})}, "the module demo-x for Java"),
        ({"required": frozenset({"magnus"})}, "the module demo-x for Ruby"),
        ({"required": frozenset({"pyo3"})}, "the Python module demo-x"),
    ],
)
def test_a_use_that_nothing_is_made_for_is_named(values: dict[str, Any], what: str) -> None:
    description = described(uses=(use(), use("demo-x", exported=None, **values)))
    assert uncovered(description)[what].startswith("demo-x/Cargo.toml:2:1: ")
    assert [*section(description, "artifacts")] == ["native", "header", "sbom", "sums", "provenance"]


def addon(name: str = "demo-node", **values: Any) -> CrateUse:
    values = {"exported": None, "required": frozenset({"napi"}), **values}
    code = values.pop("code", ("src", "build.rs"))
    one = use(name, **values)
    return replace(one, crate=replace(one.crate, code=code))


NPM = NpmPackage("js", "js/package.json:1:1", component=False, native=True)
OWN = replace(NPM, folder="demo-node")


@pytest.mark.parametrize(
    ("package", "uses", "keys"),
    [
        (NPM, (addon(),), ["addon", "npm"]),
        (OWN, (addon(), addon("demo-x")), ["demo-addon", "npm"]),
        (replace(OWN, version=("1.2.3", "a:1:1")), (addon(),), ["addon", "npm"]),
    ],
)
def test_an_addon_and_the_package_that_loads_it_are_both_released(
    package: NpmPackage, uses: tuple[CrateUse, ...], keys: list[str]
) -> None:
    description = described(package, uses=uses)
    artifacts = section(description, "artifacts")
    assert [*artifacts][:2] == keys
    assert artifacts[keys[0]] == {"kind": "library", "crate": "demo-node", "types": ["cdylib"]}
    assert artifacts["npm"] == {"kind": "npm", "library": keys[0], "source": package.folder}


@pytest.mark.parametrize(
    ("packages", "uses", "what", "reason"),
    [
        ((NPM,), (use(),), "the npm package in js", "js/package.json:1:1: it is not known which crate"),
        ((NPM,), (addon(), addon("demo-x")), "the npm package in js", "not exactly one elsewhere"),
        ((replace(NPM, version=("2.0.0", "j:2:1")),), (addon(),), "the npm package in js", "j:2:1: it states 2.0.0"),
        ((replace(NPM, refused=Uncovered("j:1:1", "js", "private")),), (addon(),), "js", "j:1:1: private"),
        ((NPM,), (addon(code=("src",)),), "the addon demo-node for Node.js", "it has no build script"),
        ((), (addon(),), "the addon demo-node for Node.js", "no package.json"),
        ((NPM,), (addon(required=frozenset({"neon"})),), "the addon demo-node for Node.js", "by neon"),
    ],
)
def test_an_addon_that_no_package_can_be_made_of_is_named(
    packages: tuple[NpmPackage, ...], uses: tuple[CrateUse, ...], what: str, reason: str
) -> None:
    description = described(*packages, uses=uses)
    assert reason in uncovered(description)[what]
    assert "npm" not in section(description, "artifacts")


def test_openssl_of_the_system_is_named_unless_it_is_bundled() -> None:
    linked = described(uses=(use(packages=frozenset({"openssl-sys"})),))
    assert "OpenSSL, which demo-ffi links" in uncovered(linked)
    bundled = described(uses=(use(packages=frozenset({"openssl-sys", "openssl-src"})),))
    assert "OpenSSL, which demo-ffi links" not in uncovered(bundled)


@pytest.mark.parametrize(
    ("values", "header"),
    [
        ({}, {"kind": "header", "crate": "demo-ffi"}),
        ({"cbindgen": "cbindgen.toml"}, {"kind": "header", "crate": "demo-ffi", "config": "cbindgen.toml"}),
        (
            {"cbindgen": "demo-ffi/cbindgen.toml", "language": "c++"},
            {"kind": "header", "crate": "demo-ffi", "name": "demo.hpp"},
        ),
        ({"capi": CapiSettings("a:1:1", library="other")}, {"kind": "header", "crate": "demo-ffi", "name": "other.h"}),
    ],
)
def test_a_header_is_as_the_crate_describes_it(values: dict[str, Any], header: dict[str, Any]) -> None:
    assert section(described(uses=(use(**values),)), "artifacts")["header"] == header


def test_a_header_for_cython_is_none() -> None:
    description = described(uses=(use(cbindgen="cbindgen.toml", language="cython"),))
    assert "header" not in section(description, "artifacts")
    assert "cbindgen.toml: " in uncovered(description)["a header for demo-ffi"]


def test_what_readers_report_is_passed_on_once() -> None:
    one = Uncovered("a:1:1", "x", "y")
    assert described(one, replace(one)).uncovered.count(one) == 1


@pytest.mark.parametrize(
    ("package", "library"),
    [
        ("alsa-sys", "ALSA"),
        ("gtk-sys", "GTK"),
        ("libdbus-sys", "D-Bus"),
        ("libpq-sys", "PostgreSQL's client"),
        ("libudev-sys", "udev"),
        ("mysqlclient-sys", "MySQL's client"),
        ("pq-sys", "PostgreSQL's client"),
        ("yeslogic-fontconfig-sys", "fontconfig"),
    ],
)
def test_a_library_of_the_system_is_named(package: str, library: str) -> None:
    assert f"{library}, which demo-ffi links" in uncovered(described(uses=(use(packages=frozenset({package})),)))
