from __future__ import annotations

import json
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fakes.triples import WASM
from ferrule.app.release import run as release
from ferrule.core.errors import BuildError, ConfigErrors, ToolchainError, VerificationError
from ferrule.core.model import Action, Output, Target, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.formats.npm_files import packed_names
from ferrule.formats.wasm import with_custom_section
from ferrule.kinds import component as components
from ferrule.kinds import npm
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.npm import package
from ferrule.kinds.npm.native import LibraryPackage
from ferrule.kinds.npm.package import NpmPackage

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo
    from ferrule.kinds.base import Context

TARBALL = "demo-1.2.3.tgz"
IDENTITY = {"version": "1.2.3", "fingerprint": "f" * 64, "interface": "1" * 64}
CODE = b"\0asm\1\0\0\0" + b"\6\1\0"  # no global
MODULE = with_custom_section(CODE, "ferrule", json.dumps(IDENTITY).encode())
SHIM = b"\0asm\1\0\0\0"
COMPONENT = with_custom_section(b"\0asm\x0d\0\1\0", "ferrule", json.dumps(IDENTITY).encode())
MANIFEST = {"name": "demo", "version": "1.2.3", "type": "module", "exports": "./index.js"}
TRANSPILED = {
    "demo.js": b"export function instantiate() {}\n",
    "demo.d.ts": b"export function instantiate(): void;\n",
    "demo.core.wasm": SHIM,
    "demo.core2.wasm": with_custom_section(CODE, "producers", b""),
    "interfaces/a-b.d.ts": b"export {};\n",
}
# Stands for Node.js and jco: puts the files that a test has prepared where they are wanted.
JCO = """import shutil, sys
script, files, component, folder, name = sys.argv[1:]
shutil.copytree(files, folder, dirs_exist_ok=True)
"""


# What planning sees


def planned(demo: Demo, written: dict[str, Any] | str, *, files: tuple[str, ...] = ()) -> NpmPackage:
    folder = demo.project / "packaging" / "js"
    (folder / "package.json").write_text(written if isinstance(written, str) else json.dumps(written))
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("export {};\n")
    plan = release.make_plan(release.load(demo.project), demo.context)
    (action,) = (a for a in plan.actions if a.kind == "npm")
    assert isinstance(action.recipe, NpmPackage)
    return action.recipe


def test_package_without_javascript_of_its_own_is_the_component(demo: Demo) -> None:
    recipe = planned(demo, {"name": "@example/demo", "keywords": ["add"]})
    assert recipe.stem == "demo"
    assert list(json.loads(recipe.manifest).items()) == [
        ("name", "@example/demo"),
        ("version", "1.2.3"),
        ("keywords", ["add"]),
        ("description", "Adds two numbers"),
        ("license", "MIT"),
        ("type", "module"),
        (
            "exports",
            {
                ".": {"types": "./component/index.d.ts", "default": "./component/index.js"},
                "./component/*": "./component/*",
                "./package.json": "./package.json",
            },
        ),
        ("engines", {"node": ">=20"}),
    ]


def test_what_is_written_is_kept(demo: Demo) -> None:
    written = {"name": "demo", "description": "ö", "engines": {"node": ">=22"}, "main": "index.js", "license": "MIT"}
    written["dependencies"] = {"x": "^1.2.3"}
    recipe = planned(demo, written, files=("index.js",))
    assert json.loads(recipe.manifest) == {**written, "version": "1.2.3", "type": "module"}
    assert "ö" in recipe.manifest


@pytest.mark.parametrize(("name", "tarball"), [("demo", TARBALL), ("@a-b/c.d", "a-b-c.d-1.2.3.tgz")])
def test_tarball_is_called_as_npm_calls_it(demo: Demo, name: str, tarball: str) -> None:
    planned(demo, {"name": name})
    plan = release.make_plan(release.load(demo.project), demo.context)
    assert [o.ships for a in plan.actions if a.kind == "npm" for o in a.outputs] == [tarball]


@pytest.mark.parametrize(
    ("written", "says", "position"),
    [
        ("{", "not valid JSON", "1:2"),
        ("[]", "not an object", "1:1"),
        ('{"name": "demo", "name": "other"}', "the key 'name' stands here twice", "1:18"),
        ("{}", "no valid npm name: None", "1:1"),
        ('{"name": "Demo"}', "no valid npm name: 'Demo'", "1:2"),
        ('{"name": "../demo"}', "no valid npm name", "1:2"),
        ('{"name": ".demo"}', "no valid npm name", "1:2"),
        ('{"name": "@a/b/c"}', "no valid npm name", "1:2"),
        ('{"name": "node_modules"}', "no valid npm name", "1:2"),
        (f'{{"name": "{"x" * 215}"}}', "no valid npm name", "1:2"),
        ('{"name": "demo",\n "version": "1.2.4"}', 'states a version of its own: "1.2.4"', "2:2"),
        ('{"name": "demo",\n "type": "commonjs"}', 'states a type of its own: "commonjs"', "2:2"),
        ('{"name": "demo",\n "private": true}', "states a private of its own", "2:2"),
        ('{"name": "demo",\n "license": "GPL-2.0"}', 'states a license of its own: "GPL-2.0"', "2:2"),
        ('{"name": "demo",\n "dependencies": {"x": "file:../x"}}', "needs x from file:../x", "2:19"),
        ('{"name": "demo",\n "peerDependencies": {"x": "../x"}}', "needs x from ../x", "2:23"),
        ('{"name": "demo",\n "dependencies": {"x": "catalog:"}}', "needs x from catalog:", "2:19"),
        ('{"name": "demo",\n "dependencies": {"x": 1}}', "version of x is not a text", "2:19"),
        ('{"name": "demo",\n "dependencies": 7}', "`dependencies` are not an object", "2:2"),
        ('{"name": "demo",\n "bundledDependencies": ["x"]}', "would be missing in the package", "2:2"),
        ('{"name": "demo",\n "exports": "./gone.js"}', "leads to ./gone.js, which cannot be read", "2:2"),
        ('{"name": "demo",\n "exports": {".": ["./gone.mjs"]}}', "leads to ./gone.mjs", "2:2"),
        ('{"name": "demo",\n "exports": "package.json"}', "Node.js refuses 'package.json' in `exports`", "2:2"),
        ('{"name": "demo",\n "exports": 3}', "3 in `exports` is no file", "2:2"),
        ('{"name": "demo",\n "exports": {".": null}}', "finds nothing to import in `exports`", "2:2"),
        ('{"name": "demo",\n "bin": {"demo": "gone.js"}}', "leads to ./gone.js", "2:2"),
        ('{"name": "demo",\n "files": ["../a"]}', '"../a" of `files` leads out of the package', "2:2"),
        ('{"name": "demo",\n "files": ["a@(b)"]}', "form that Ferrule does not read", "2:2"),
        ('{"name": "demo",\n "files": ["."]}', "names the whole folder", "2:2"),
        ('{"name": "demo",\n "files": []}', "`files` names nothing", "2:2"),
        ('{"name": "demo",\n "files": "index.js"}', "`files` is not a list", "2:2"),
        ('{"name": "demo",\n "files": [7]}', "7 of `files` is not a name or a pattern", "2:2"),
        ('{"name": "demo",\n "description": 7}', "`description` is not a text", "2:2"),
        ('{"name": "demo",\n "x": NaN}', "NaN is no value of JSON", "2:7"),
        ('{"name": "demo",\n "x": "\\ud800"}', "\\ud800 is half of a character", "2:8"),
    ],
)
def test_package_json_that_cannot_be_packed(demo: Demo, written: str, says: str, position: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        planned(demo, written)
    (mistake,) = (m for m in caught.value.errors if says in m.message)
    assert mistake.where == f"packaging/js/package.json:{position}"
    assert mistake.hint


def test_package_json_of_a_hundred_thousand_levels_is_refused(demo: Demo) -> None:
    with pytest.raises(ConfigErrors, match="nested too deeply"):
        planned(demo, "[" * 100_000)


def test_all_mistakes_of_a_package_json_are_told_at_once(demo: Demo) -> None:
    with pytest.raises(ConfigErrors) as caught:
        planned(demo, {"name": "Demo", "version": "1", "files": ["../x"], "exports": "./gone.js"})
    assert len(caught.value.errors) == 4


def test_byte_order_mark_is_no_mistake(demo: Demo) -> None:
    assert json.loads(planned(demo, "\ufeff" + '{"name": "demo"}').manifest)["name"] == "demo"


def test_main_is_completed_as_node_does(demo: Demo) -> None:
    planned(demo, {"name": "demo", "main": "./lib"}, files=("lib/index.js",))


def test_javascript_that_nothing_leads_to_is_told(demo: Demo) -> None:
    with pytest.raises(ConfigErrors, match="does not say what is imported"):
        planned(demo, {"name": "demo"}, files=("index.js",))


def test_entry_points_may_lie_in_the_component(demo: Demo) -> None:
    exports = {".": "./lib/index.js", "./raw": "./component/index.js", "./*": "./lib/*.js", "./none": None}
    planned(demo, {"name": "demo", "exports": exports, "imports": {"#x": "./x.js"}}, files=("lib/index.js",))


def test_files_always_hold_the_component(demo: Demo) -> None:
    recipe = planned(demo, {"name": "demo", "files": ["./lib/", "component", "lib"]})
    assert json.loads(recipe.manifest)["files"] == ["lib", "lib", "component"]


def test_version_that_npm_would_shorten_is_refused(demo: Demo) -> None:
    demo.edit("version: {cargo: rust}", "version: 1.2.3+4\n  workspace: rust")
    with pytest.raises(ConfigErrors, match=r"npm drops what follows the \+"):
        planned(demo, {"name": "demo"})


def test_component_that_is_not_made_is_told() -> None:
    nothing = cast("Context", SimpleNamespace(targets=(Target(WASM),), platforms=PLATFORMS, action_for=lambda *_: None))
    with pytest.raises(PlanProblem, match=f"^component is not made for {WASM}$"):
        npm.plan(npm.NpmSpec(kind="npm", component="component", source="js"), nothing)


# What is packed


def packed(
    bench: Bench, *, transpiled: dict[str, bytes] | None = None, made: bytes = COMPONENT, **changes: Any
) -> Path:
    """Let the recipe pack what lies in the project's folder `js`; returns the tarball."""
    outputs = (Output("demo-1.2.3.core.wasm", "module"), Output("demo-1.2.3.wasm", "component"))
    component, files = bench.made(
        f"component@{WASM}", {"demo-1.2.3.core.wasm": MODULE, "demo-1.2.3.wasm": made}, outputs
    )
    stand_in, path = bench.root / "jco.py", bench.root / "transpiled"
    stand_in.write_text(JCO)
    for name, content in (TRANSPILED if transpiled is None else transpiled).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    tool = Tool("jco", "0.15.0", (sys.executable, str(stand_in), str(path)), "jco 0.15.0")
    recipe = NpmPackage("js", "demo", component, json.dumps(MANIFEST), ("LICENSE",), 315_532_800)
    context = bench.make(
        replace(recipe, **changes),
        Output(TARBALL, "package"),
        needed={component.id: files},
        toolchain=Toolchain("installed", {"jco": tool}, {}, Path("/")),
    )
    others: Any = context.facts.pop("files")
    assert context.facts == IDENTITY
    assert all(one["format"] == "wasm" for one in others.values())
    return context.output("package")


def content(tarball: Path) -> dict[str, bytes]:
    with tarfile.open(tarball) as members:
        return {m.name: members.extractfile(m).read() for m in members}  # type: ignore[union-attr]


@pytest.fixture
def sources(bench: Bench) -> Bench:
    for name, text in {
        "LICENSE": "licence",
        "js/package.json": '{"name": "demo"}',
        "js/README.md": "# Demo",
        "js/index.js": "export {};",
        "js/lib/more.js": "export {};",
        "js/library.js": "export {};",
        "js/.npmrc": "//registry.example/:_authToken=secret",
        "js/package-lock.json": "{}",
        "js/node_modules/x/index.js": "",
        "js/component/old.js": "left by a developer",
        "js/lib/component/mine.js": "",
    }.items():
        bench.source(name, text)
    return bench


ASYNC = {**TRANSPILED, "demo.js": b"WebAssembly.promising(exports['[async-lift]wait']);\n"}


@pytest.mark.parametrize(("stated", "written"), [(">=20", ">=25"), (">=25.1", ">=25.1"), ("^26", "^26")])
def test_a_component_with_asynchronous_functions_names_a_node_that_runs_it(
    sources: Bench, stated: str, written: str
) -> None:
    manifest = json.dumps({**MANIFEST, "engines": {"node": stated}})
    package = json.loads(content(packed(sources, transpiled=ASYNC, manifest=manifest))["package/package.json"])
    assert package["engines"] == {"node": written}


@pytest.mark.parametrize("engines", [{"node": ">=22"}, {}, {"node": "18 || 20"}])
def test_a_node_that_does_not_run_it_is_refused(sources: Bench, engines: dict[str, str]) -> None:
    with pytest.raises(BuildError, match=r"asynchronous functions needs Node\.js 25 or newer"):
        packed(sources, transpiled=ASYNC, manifest=json.dumps({**MANIFEST, "engines": engines}))


def test_package_holds_the_sources_the_component_and_its_loader(sources: Bench) -> None:
    contents = content(packed(sources))
    assert sorted(contents) == [
        "package/LICENSE",
        "package/README.md",
        "package/component/demo.core.wasm",
        "package/component/demo.core2.wasm",
        "package/component/demo.d.ts",
        "package/component/demo.js",
        "package/component/index.d.ts",
        "package/component/index.js",
        "package/component/interfaces/a-b.d.ts",
        "package/index.js",
        "package/lib/component/mine.js",
        "package/lib/more.js",
        "package/library.js",
        "package/package.json",
    ]
    assert json.loads(contents["package/package.json"]) == MANIFEST


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (None, "README.md .cache/x a/target/x a/node_modules/x a/yarn.lock a/b/kept.js index.js package.json"),
        (["a", "secret.txt"], "README.md a/target/x a/node_modules/x a/yarn.lock a/b/kept.js secret.txt package.json"),
        (["yarn.lock", "node_modules"], "README.md package.json"),
    ],
)
def test_files_are_those_that_npm_would_publish(files: list[str] | None, expected: str) -> None:
    names = [
        "README.md",
        ".cache/x",
        "a/target/x",
        "a/node_modules/x",
        "node_modules/x",
        "a/yarn.lock",
        "yarn.lock",
        "a/b/kept.js",
        "a/b/dropped.js",
        "a/b/.npmignore",
        ".npmignore",
        "secret.txt",
        "index.js",
        "package.json",
        ".npmrc",
        "a/.npmrc",
        "a/x.orig",
        "npm-debug.log",
        "component/x",
    ]
    ignore_files = {".npmignore": "secret.txt\n", "a/b/.npmignore": "*.js\n!kept.js\n"}
    manifest = {} if files is None else {"files": files}
    assert sorted(packed_names(tuple(names), manifest, ignore_files, ("component",))) == sorted(expected.split())


@pytest.mark.parametrize("target", ["./built.js", "./built"])
def test_a_module_that_would_be_missing_is_named(sources: Bench, target: str) -> None:
    sources.source("js/.gitignore", "built.js\n")
    sources.source("js/.npmignore", b"caf\xe9\n")  # npm reads it all the same
    sources.source("js/built.js")
    sources.source("js/lib/more.js", f"import {{ x }} from '.{target}';\nimport y from './generated.js';\n")
    with pytest.raises(BuildError, match=r"this imports built\.js, which would not be in the package") as caught:
        packed(sources)
    assert caught.value.where == "js/lib/more.js"


def test_module_that_was_compiled_once_is_packed_as_it_is(sources: Bench) -> None:
    contents = content(packed(sources))
    assert contents["package/component/demo.core2.wasm"] == MODULE
    assert contents["package/component/demo.core.wasm"] == SHIM


def test_loader_knows_the_identity_and_every_module(sources: Bench) -> None:
    contents = content(packed(sources))
    loader, types = (contents[f"package/component/index.{ending}"].decode() for ending in ("js", "d.ts"))
    assert f"identity = Object.freeze({json.dumps(IDENTITY)})" in loader
    assert "const MAIN = 'demo.core2.wasm';" in loader
    assert "case 'demo.core.wasm': return new URL('./demo.core.wasm', import.meta.url);" in loader
    assert "from './demo.js'" in loader
    assert "type ModuleName = 'demo.core.wasm' | 'demo.core2.wasm';" in types
    assert not [word for word in ("__STEM__", "__MAIN__", "__IDENTITY__", "__MODULES__") if word in loader + types]


def test_files_choose_what_is_packed(sources: Bench) -> None:
    manifest = json.dumps({**MANIFEST, "files": ["index.js", "lib", "component"]})
    own = {name for name in content(packed(sources, manifest=manifest)) if "/component/" not in name}
    assert own == {f"package/{name}" for name in ("LICENSE", "README.md", "index.js", "lib/more.js", "package.json")}


def test_files_that_name_nothing_are_an_error(sources: Bench) -> None:
    manifest = json.dumps({**MANIFEST, "files": ["index.js", "built", "!old", "LICENSE", "COPYING"]})
    with pytest.raises(BuildError, match=r"`files` names built, and no such file would be published"):
        packed(sources, manifest=manifest)


def test_programs_stay_programs_and_members_tell_nothing_of_the_machine(sources: Bench) -> None:
    program = sources.source("js/bin.js", "#!/usr/bin/env node")
    program.chmod(0o775)
    with tarfile.open(packed(sources)) as members:
        modes = {m.name: m.mode for m in members}
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(315_532_800, 0, 0, "", "")}
    assert modes.pop("package/bin.js") == 0o755
    assert set(modes.values()) == {0o644}


def test_licence_of_the_package_goes_before_that_of_the_project(sources: Bench) -> None:
    sources.source("js/LICENSE", "its own")
    assert content(packed(sources))["package/LICENSE"] == b"its own"


def test_entry_point_that_is_not_packed_is_an_error(sources: Bench) -> None:
    manifest = json.dumps({**MANIFEST, "exports": {".": "./index.js", "./raw": "./component/other.js"}})
    with pytest.raises(BuildError, match=r"leads to ./component/other.js, which is not in the package") as caught:
        packed(sources, manifest=manifest)
    assert caught.value.hint is not None
    assert "component/index.js" in caught.value.hint


def test_component_of_other_code_is_refused(sources: Bench) -> None:
    with pytest.raises(VerificationError, match=r"none of the code of its core module, demo-1\.2\.3\.core\.wasm"):
        packed(sources, transpiled={**TRANSPILED, "demo.core2.wasm": b"\0asm\1\0\0\0\6\2\0\0"})


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (b"\0asm\x0d\0\1\0", "0 sections 'ferrule'"),
        (COMPONENT + COMPONENT[8:], "2 sections 'ferrule'"),
        (with_custom_section(b"\0asm\x0d\0\1\0", "ferrule", b"{}"), "cannot be read"),
        (with_custom_section(b"\0asm\x0d\0\1\0", "ferrule", b"\xff"), "cannot be read"),
        (with_custom_section(b"\0asm\x0d\0\1\0", "ferrule", b"[1]"), "cannot be read"),
    ],
)
def test_component_that_does_not_say_what_it_is_is_refused(sources: Bench, made: bytes, says: str) -> None:
    with pytest.raises(VerificationError, match=rf"^demo-1\.2\.3\.wasm has .*{says}"):
        packed(sources, made=made)


def test_component_and_package_speak_of_the_same_section() -> None:
    assert package.SECTION == components.SECTION


# WASI, and libraries beside the component


WASI = b"wasi:clocks/wall-clock@0.2.6"
IMPORTS = b"\x01\x00" + bytes([len(WASI)]) + WASI + b"\x05\x00"
NEEDS_WASI = with_custom_section(
    b"\0asm\x0d\0\1\0" + b"\x0a" + bytes([len(IMPORTS)]) + IMPORTS, "ferrule", json.dumps(IDENTITY).encode()
)
SHIM_MANIFEST = "node_modules/@bytecodealliance/preview2-shim/package.json"


def test_wasi_comes_along_in_the_version_that_jco_was_made_with(sources: Bench) -> None:
    packages = content(
        packed(sources, made=NEEDS_WASI, transpiled={**TRANSPILED, SHIM_MANIFEST: b'{"version": "0.26.1"}'})
    )
    manifest = json.loads(packages["package/package.json"])
    assert manifest["dependencies"] == {"@bytecodealliance/preview2-shim": "0.26.1"}
    loader = packages["package/component/index.js"].decode()
    assert "import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';" in loader
    assert "...new WASIShim().getImportObject()" in loader
    types = packages["package/component/index.d.ts"].decode()
    assert "Omit<Parameters<typeof instantiate>[1], 'wasi:clocks/wall-clock@0.2.6'>" in types


def test_a_version_of_the_shim_that_the_package_names_stays(sources: Bench) -> None:
    manifest = json.dumps({**MANIFEST, "dependencies": {"@bytecodealliance/preview2-shim": "^0.26.0"}})
    transpiled = {**TRANSPILED, SHIM_MANIFEST: b'{"version": "0.26.1"}'}
    packages = content(packed(sources, made=NEEDS_WASI, transpiled=transpiled, manifest=manifest))
    assert json.loads(packages["package/package.json"])["dependencies"] == {
        "@bytecodealliance/preview2-shim": "^0.26.0"
    }


def test_without_wasi_nothing_comes_along(sources: Bench) -> None:
    packages = content(packed(sources))
    assert "dependencies" not in json.loads(packages["package/package.json"])
    assert b"WASIShim" not in packages["package/component/index.js"]


def test_a_jco_without_the_shim_is_broken(sources: Bench) -> None:
    with pytest.raises(ToolchainError, match="without preview2-shim"):
        packed(sources, made=NEEDS_WASI)


def test_the_main_package_asks_for_those_of_the_platforms(sources: Bench) -> None:
    library = Action("native", "native", "library", cast("Any", None), (Output("libz.so", "cdylib"),)).interface
    row = LibraryPackage("demo-linux-x64-gnu", (("os", "linux"), ("cpu", "x64"), ("libc", "glibc")), "z.node", library)
    packages = content(packed(sources, natives=(row,)))
    assert json.loads(packages["package/package.json"])["optionalDependencies"] == {"demo-linux-x64-gnu": "1.2.3"}
    assert b'"package": "demo-linux-x64-gnu"' in packages["package/native/index.js"]
    assert "package/component/index.js" in packages
