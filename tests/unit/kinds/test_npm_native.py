"""npm packages of a native library: one for each platform, and the main one that finds the machine's."""

from __future__ import annotations

import json
import tarfile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from ferrule.app.release import run as release
from ferrule.core.cargo_workspace import Crate
from ferrule.core.errors import ConfigErrors, VerificationError
from ferrule.core.facts import Facts
from ferrule.core.model import Action, Compiled, Output
from ferrule.core.platforms import PLATFORMS
from ferrule.formats import binary
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.npm import native
from ferrule.kinds.npm.native import LibraryPackage, NativePackage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo
    from ferrule.kinds.base import Context

X86, ARM, MAC = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin"
NATIVE = "npm: {kind: npm, library: native, source: packaging/js}"
BOTH = "npm: {kind: npm, library: native, component: component, source: packaging/js}"


def planned(demo: Demo, artifact: str = NATIVE, **package: Any) -> dict[str, Action]:
    demo.edit("npm: {kind: npm, component: component, source: packaging/js}", artifact)
    folder = demo.project / "packaging" / "js"
    (folder / "package.json").write_text(json.dumps({"name": "@example/demo", **package}))
    plan = release.make_plan(release.load(demo.project), demo.context)
    return {action.id: action for action in plan.actions if action.kind == "npm"}


# What is planned


def test_a_package_for_each_platform_and_one_that_finds_them(demo: Demo) -> None:
    actions = planned(demo, description="Adds")
    assert list(actions) == ["npm", f"npm@{X86}", f"npm@{ARM}", f"npm@{MAC}"]
    assert [output.name for action in actions.values() for output in action.outputs] == [
        "example-demo-1.2.3.tgz",
        "example-demo-linux-x64-gnu-1.2.3.tgz",
        "example-demo-linux-arm64-gnu-1.2.3.tgz",
        "example-demo-darwin-arm64-1.2.3.tgz",
    ]
    main: Any = actions["npm"].recipe
    assert json.loads(main.manifest)["exports"]["."] == {
        "types": "./native/index.d.ts",
        "default": "./native/index.js",
    }
    assert (actions["npm"].tools, actions["npm"].target) == ((), None)
    package: Any = actions[f"npm@{MAC}"].recipe
    assert package.package.limits == (("os", "darwin"), ("cpu", "arm64"))
    assert package.package.file == "libdemo.1.dylib"
    assert json.loads(package.about) == {"description": "Adds", "license": "MIT", "engines": {"node": ">=20"}}


def test_the_component_stands_in_where_there_is_no_library(demo: Demo) -> None:
    actions = planned(demo, BOTH)
    needs = ("component@wasm32-unknown-unknown", "component:contents@wasm32-unknown-unknown")
    assert (actions["npm"].tools, actions["npm"].needs) == (("jco",), needs)
    main: Any = actions["npm"].recipe
    assert list(json.loads(main.manifest)["exports"]) == [".", "./component/*", "./native/*", "./package.json"]
    assert len(main.natives) == 3


def test_targets_may_be_selected(demo: Demo) -> None:
    actions = planned(demo, NATIVE.replace("library:", 'targets: ["*-linux-gnu"], library:'))
    assert list(actions) == ["npm", f"npm@{X86}", f"npm@{ARM}"]


@pytest.mark.parametrize(
    ("artifact", "says"),
    [
        ("npm: {kind: npm, source: packaging/js}", "there is nothing to pack"),
        (NATIVE + "\n  static: {kind: library, crate: demo-ffi, types: [staticlib]}", None),
    ],
)
def test_what_cannot_be_packed_is_refused(demo: Demo, artifact: str, says: str | None) -> None:
    if says is None:
        artifact, says = artifact.replace("library: native", "library: static"), "the library makes no cdylib for"
    with pytest.raises(ConfigErrors, match=says):
        planned(demo, artifact)


@pytest.mark.parametrize("need", ["napi = { ", 'node = { package = "napi", '])
def test_an_addon_is_named_as_nodejs_loads_it_and_refused_without_its_build_script(demo: Demo, need: str) -> None:
    crate = demo.project / "rust" / "demo-ffi"
    manifest = crate / "Cargo.toml"
    manifest.write_text(
        manifest.read_text().replace("[dependencies]\n", f'[dependencies]\n{need}path = "../napi" }}\n')
    )
    (crate.parent / "napi" / "src").mkdir(parents=True)
    (crate.parent / "napi" / "src" / "lib.rs").write_text("")
    (crate.parent / "napi" / "Cargo.toml").write_text('[package]\nname = "napi"\nversion = "1.2.3"\nedition = "2024"\n')
    lock = crate.parent / "Cargo.lock"
    text = lock.read_text().replace(' "demo-derive",\n', ' "demo-derive",\n "napi",\n', 1)
    lock.write_text(text + '\n[[package]]\nname = "napi"\nversion = "1.2.3"\n')
    with pytest.raises(ConfigErrors, match="demo-ffi is an addon by napi without its build script") as failure:
        planned(demo)
    assert "rust/demo-ffi/Cargo.toml:1:1" in str(failure.value)
    (crate / "build.rs").write_text("fn main() {}\n")
    plan = release.make_plan(release.load(demo.project), demo.context)
    recipes: dict[str, Any] = {action.id: action.recipe for action in plan.actions}
    assert recipes[f"npm@{X86}"].package.file == "demo.node"
    assert recipes[f"native@{X86}"].host_symbols == ("napi_", "node_api_")


def test_two_targets_that_npm_does_not_tell_apart_are_refused() -> None:
    outputs, traits = (Output("a", "cdylib"),), (("library", "demo"),)
    actions = tuple(
        Action(
            *(name, "native", "library", cast("Any", None), outputs, name),
            compiles=Compiled("demo", name),
            traits=traits,
        )
        for name in ("a", "b")
    )
    context = SimpleNamespace(
        actions_of=lambda _: actions,
        targets=(),
        platforms=dict.fromkeys("ab", PLATFORMS[X86]),
        crate=lambda _: Crate("demo", "1.2.3", ".", "demo", ("cdylib",)),
    )
    with pytest.raises(PlanProblem, match="two targets are both demo-linux-x64-gnu to npm, b and another"):
        native.packages("native", "demo", None, cast("Context", context))


def test_without_a_library_for_any_target_there_is_nothing_to_pack(demo: Demo) -> None:
    with pytest.raises(ConfigErrors, match=r"no target is left for .*, of kind npm"):
        planned(demo, NATIVE.replace("library:", "targets: [wasm32-unknown-unknown], library:"))


# What is packed


def packed(bench: Bench, file: str, exports: tuple[str, ...]) -> dict[str, bytes]:
    library, files = bench.made("native@x", {"libdemo.so.1": b"library"}, (Output("libdemo.so.1", "cdylib"),))
    package = LibraryPackage("demo-linux-x64-gnu", (("os", "linux"), ("cpu", "x64"), ("libc", "glibc")), file, library)
    bench.source("LICENSE", "licence")
    context = bench.make(
        NativePackage(package, "1.2.3", '{"license": "MIT"}', ("LICENSE",), 315_532_800),
        Output("demo.tgz", "package"),
        needed={library.id: files},
        facts={library.id: _facts(exports)},
    )
    return _content(context.output("package"))


def _facts(exports: tuple[str, ...]) -> Mapping[str, Any]:
    facts = binary.BinaryFacts("elf", "shared library", "linux", "x86_64", 7, exports=exports)
    return Facts(compiled={"cdylib": binary.summary(facts)}).to_json()


def _content(tarball: Path) -> dict[str, bytes]:
    with tarfile.open(tarball) as members:
        return {m.name: members.extractfile(m).read() for m in members}  # type: ignore[union-attr]


def test_the_library_is_packed_as_it_was_compiled(bench: Bench) -> None:
    content = packed(bench, "demo.node", ("napi_register_module_v1",))
    assert content["package/demo.node"] == b"library"
    assert sorted(content) == ["package/LICENSE", "package/demo.node", "package/package.json"]
    assert json.loads(content["package/package.json"]) == {
        "name": "demo-linux-x64-gnu",
        "version": "1.2.3",
        "license": "MIT",
        "os": ["linux"],
        "cpu": ["x64"],
        "libc": ["glibc"],
        "main": "demo.node",
        "files": ["demo.node"],
    }


def test_an_addon_that_nodejs_would_not_load_is_refused(bench: Bench) -> None:
    with pytest.raises(VerificationError, match=r"demo\.node exports no napi_register_module_v1"):
        packed(bench, "demo.node", ("demo_add",))


def test_a_library_with_a_c_interface_keeps_its_name(bench: Bench) -> None:
    assert "package/libdemo.so.1" in packed(bench, "libdemo.so.1", ())


def test_the_main_package_knows_every_platform() -> None:
    members = {member.name: member.read().decode() for member in native.finder(())}
    assert sorted(members) == ["index.d.ts", "index.js"]
    assert "const PACKAGES = [];" in members["index.js"]
