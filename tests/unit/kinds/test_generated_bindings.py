"""Bindings as an artifact's section asks for them: planned, written into the sources, packed, refused where stale."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fakes.toolchain import lay_out
from fakes.triples import ARM, MAC, X86
from ferrule.app.release import run as release
from ferrule.core.errors import BuildError, ConfigErrors
from ferrule.core.facts import BuildIdentity
from ferrule.core.model import Output
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Tool, Toolchain
from ferrule.kinds.base import BINDINGS, LEFT_TO_AUTHOR, PlanProblem
from ferrule.kinds.generated_bindings import GeneratedBindings
from ferrule.kinds.npm import bindings as npm_bindings
from ferrule.kinds.npm.package import NpmPackage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo

MODULE = "packaging/python/src/demo/_bindings.py"


@pytest.fixture
def bound(tmp_path: Path) -> Demo:
    demo = lay_out(tmp_path)
    demo.edit("sdk-py: {kind: wheel, library: native,", "sdk-py: {kind: wheel, library: native, bindings: header,")
    return demo


def test_the_command_writes_them_into_the_sources(bound: Demo) -> None:
    done = bound.ferrule("bindings")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{MODULE}: written",
        "  left to the author: demo_copy: nothing frees what it allocates: there is no demo_string_free",
    ]
    text = (bound.project / MODULE).read_text()
    assert "def add(a: int, b: int) -> int:" in text
    assert bound.ferrule("bindings").stdout.splitlines()[0] == f"{MODULE}: unchanged"
    assert json.loads(bound.ferrule("bindings", "--json").stdout) == [
        {
            "path": MODULE,
            "changed": False,
            "left": {"demo_copy": "nothing frees what it allocates: there is no demo_string_free"},
        }
    ]
    assert bound.ferrule("bindings", "--quiet").stdout == ""


def packed(demo: Demo) -> list[bytes]:
    """The module in every wheel, and in the source distribution."""
    texts = []
    for path in sorted(demo.dist.glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            texts.append(wheel.read("demo/_bindings.py"))
    (path,) = demo.dist.glob("demo-1.2.3.tar.gz")
    with tarfile.open(path) as sdist:
        stream = sdist.extractfile("demo-1.2.3/src/demo/_bindings.py")
        assert stream is not None
        return [*texts, stream.read()]


def test_a_release_packs_them_whether_or_not_they_are_in_the_sources(bound: Demo) -> None:
    done = bound.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr
    assert not (bound.project / MODULE).exists()
    texts = packed(bound)
    assert len(texts) == 4
    assert len(set(texts)) == 1
    bound.ferrule("bindings")
    assert (bound.project / MODULE).read_bytes() == texts[0]
    assert {outcome.state for outcome in bound.run().outcomes} == {"built", "cached"}
    assert packed(bound) == texts


def test_a_go_module_has_them_beside_its_loader(bound: Demo) -> None:
    bound.edit(
        "go: {kind: gomodule, library: native,", "go: {kind: gomodule, library: native, bindings: header, ship: true,"
    )
    path = "internal/ferrule/bindings/bindings.go"
    assert f"packaging/go/{path}: written" in bound.ferrule("bindings").stdout
    (bound.project / "packaging/go" / path).write_text("// what lies here is left out\n")
    assert {outcome.state for outcome in bound.run().outcomes} == {"built", "cached"}
    text = (bound.dist / "go" / path).read_text()
    assert "func (library *Library) Add(a int32, b int32) int32 {" in text
    assert '"example.com/demo/internal/ferrule/native"' in text


JAVASCRIPT = "packaging/js/native/bindings"


def in_javascript(bound: Demo, **package: object) -> None:
    """The npm package has a native library, and bindings of it."""
    bound.edit(
        "npm: {kind: npm, component: component, source: packaging/js}",
        "npm: {kind: npm, library: native, bindings: header, source: packaging/js}",
    )
    document = {"name": "demo", "dependencies": {"koffi": "^3.3.4"}, **package}
    (bound.project / "packaging/js/package.json").write_text(json.dumps(document, indent=1))


def test_an_npm_package_has_them_beside_what_finds_the_library_with_types(bound: Demo) -> None:
    in_javascript(bound)
    done = bound.ferrule("bindings")
    assert [line for line in done.stdout.splitlines() if "js" in line.partition(":")[0]] == [
        f"{JAVASCRIPT}.js: written",
        f"{JAVASCRIPT}.d.ts: written",
    ]
    assert {outcome.state for outcome in bound.run().outcomes} == {"built", "cached"}
    with tarfile.open(bound.dist / "demo-1.2.3.tgz") as package:
        names = package.getnames()
        streams = {name: package.extractfile(f"package/native/{name}") for name in ("index.js", "index.d.ts")}
        texts = {name: stream.read().decode() for name, stream in streams.items() if stream}
    assert [name for name in names if "native/" in name] == [
        f"package/native/{name}" for name in ("bindings.d.ts", "bindings.js", "index.d.ts", "index.js")
    ]
    assert re.search(r'\nexport const INTERFACE = "[0-9a-f]{64}";\n', texts["index.js"])
    assert texts["index.d.ts"].endswith("export declare const INTERFACE: string;\n")


@pytest.mark.parametrize("suffix", ["js", "d.ts"])
def test_others_in_an_npm_package_are_refused(bound: Demo, suffix: str) -> None:
    in_javascript(bound)
    (bound.project / "packaging/js/native").mkdir()
    (bound.project / f"{JAVASCRIPT}.{suffix}").write_text("// of an older header\n")
    errors = {(error.where, error.message) for outcome in bound.run().outcomes if (error := outcome.error)}
    assert errors == {(f"{JAVASCRIPT}.{suffix}", "these bindings are not those of the header as it is now")}


@pytest.mark.parametrize(
    ("package", "message"),
    [
        ({"dependencies": {}}, "package.json:3:2: the bindings call the library by koffi, and this does not depend"),
        ({"dependencies": []}, "does not depend on it"),
        ({"dependencies": {"koffi": "^2.16.0"}}, "4:3: .* need koffi 3.3.4 or a newer one below 4, and .* asks for"),
        ({"dependencies": {"koffi": "*"}}, r"4:3: .* this asks for \*"),
        ({"dependencies": {"koffi": ">=3.3.4"}}, "this asks for >=3.3.4"),
        ({"dependencies": {"koffi": "~3.3.3"}}, "this asks for ~3.3.3"),
        ({"dependencies": {"koffi": "^3"}}, r"this asks for \^3"),
        ({"dependencies": {"koffi": "^3.4.0 || ^2.9.0"}}, r"this asks for \^3.4.0 || \^2.9.0"),
        ({"engines": {"node": ">=18"}}, '`engines` says node ">=18", and the bindings need Node.js 20 or newer'),
        ({"engines": {"node": "20 || 18"}}, r'says node "20 \|\| 18", and'),
        ({"engines": {"node": "18 - 22"}}, 'says node "18 - 22", and'),
        ({"engines": {"node": "<= 24"}}, 'says node "<= 24", and'),
        ({"engines": {"node": 20}}, "says node 20, and"),
    ],
)
def test_what_bindings_need_of_package_json_is_asked_for(bound: Demo, package: dict[str, object], message: str) -> None:
    in_javascript(bound, **package)
    with pytest.raises(ConfigErrors, match=message):
        release.make_plan(release.load(bound.project), bound.context)


@pytest.mark.parametrize(
    "package",
    [
        {"dependencies": {"koffi": "3.4.0"}},
        {"dependencies": {"koffi": ">=3.3.4 <4"}},
        {"dependencies": {"koffi": ">=3.4 <4"}, "engines": {"node": "^20.1 || >= 22"}},
        {"dependencies": {"koffi": "^3.3.4 || ~3.5"}, "engines": {"node": "20 - 24"}},
        {"dependencies": {"koffi": "3.4.x"}, "engines": {"node": "<26 >=20"}},
        {"dependencies": {}, "peerDependencies": {"koffi": "^3.10.0"}, "engines": {"node": ">=22"}},
    ],
)
def test_what_bindings_need_may_be_said_in_several_ways(bound: Demo, package: dict[str, object]) -> None:
    in_javascript(bound, **package)
    plan = release.make_plan(release.load(bound.project), bound.context)
    assert "npm@bindings" in {action.id for action in plan.actions}


def test_a_version_that_is_no_text_is_reported_once_and_the_hint_names_where_it_stands(bound: Demo) -> None:
    in_javascript(bound, dependencies={"koffi": None})
    with pytest.raises(ConfigErrors) as caught:
        release.make_plan(release.load(bound.project), bound.context)
    assert [error.message for error in caught.value.errors] == ["the version of koffi is not a text"]
    document = {"name": "demo", "peerDependencies": {"koffi": "*"}}
    (bound.project / "packaging/js/package.json").write_text(json.dumps(document))
    with pytest.raises(ConfigErrors) as caught:
        release.make_plan(release.load(bound.project), bound.context)
    assert [error.hint for error in caught.value.errors] == ['write "peerDependencies": {"koffi": "^3.3.4"}']


def test_an_addon_of_nodejs_needs_none() -> None:
    row: Any = SimpleNamespace(file="demo.node")
    with pytest.raises(PlanProblem, match="this one is an addon of Node-API"):
        npm_bindings.plan(cast("Any", None), "header", "native", "demo", "js", (row,))


def test_libraries_of_different_interfaces_have_no_bindings_in_common() -> None:
    rows: Any = tuple(SimpleNamespace(library=SimpleNamespace(id=name)) for name in ("one", "other"))
    action: Any = SimpleNamespace()
    package = NpmPackage("js", "", None, "{}", (), 0, rows, bindings=action)
    facts = {name: SimpleNamespace(identity=BuildIdentity("f", name)) for name in ("one", "other")}
    context: Any = SimpleNamespace(recorded=facts.__getitem__)
    with pytest.raises(BuildError, match="have different interfaces, and the bindings have one for all"):
        package._native(context)


def test_an_npm_package_without_a_library_has_none(bound: Demo) -> None:
    in_javascript(bound)
    bound.edit("npm: {kind: npm, library: native,", "npm: {kind: npm, component: component,")
    with pytest.raises(ConfigErrors, match="bindings call a native library, and this names none"):
        release.make_plan(release.load(bound.project), bound.context)


def test_a_build_puts_them_into_what_packs_them_alone(bound: Demo) -> None:
    bound.edit("go: {kind: gomodule, library: native,", "go: {kind: gomodule, library: native, bindings: header,")
    done = bound.ferrule("build", "go", "sdk-py", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    out = bound.project / ".ferrule" / "out"
    names = {str(path.relative_to(out)) for path in out.rglob("*bindings*") if path.is_file()}
    assert names == {"go/go/internal/ferrule/bindings/bindings.go"}


def test_a_go_module_without_a_library_has_none(bound: Demo) -> None:
    bound.edit("go: {kind: gomodule, library: native,", "go: {kind: gomodule, component: component, bindings: header,")
    bound.edit("\nrequire ", "\nrequire github.com/tetratelabs/wazero v1.12.0\nrequire ", "packaging/go/go.mod")
    with pytest.raises(ConfigErrors, match="bindings call a native library, and this names none"):
        release.make_plan(release.load(bound.project), bound.context)


def test_others_in_the_sources_are_refused(bound: Demo) -> None:
    (bound.project / MODULE).write_text("# of an older header\n")
    errors = {(error.where, error.message) for outcome in bound.run().outcomes if (error := outcome.error)}
    assert errors == {(MODULE, "these bindings are not those of the header as it is now")}
    done = bound.ferrule("release", "--quiet")
    assert done.returncode != 0
    assert "write them anew: ferrule bindings" in done.stdout


def test_where_nothing_is_generated_the_command_says_so(tmp_path: Path) -> None:
    done = lay_out(tmp_path).ferrule("bindings")
    assert done.returncode == 2
    assert "no artifact has generated bindings" in done.stderr


def test_a_header_that_cannot_be_read_has_none(bound: Demo) -> None:
    bound.edit("header: {kind: header, crate: demo-ffi}", "header: {kind: header, file: odd.h}")
    (bound.project / "odd.h").write_text("int demo_add(int a, int b);\nchar *demo_copy(const char *t);\nstruct {\n")
    done = bound.ferrule("bindings")
    assert done.returncode != 0
    assert "odd.h: the header cannot be read" in done.stderr + done.stdout


def test_several_headers_have_none(bound: Demo) -> None:
    bound.edit("header: {kind: header, crate: demo-ffi}", 'header: {kind: header, files: ["inc/*.h"]}')
    (bound.project / "inc").mkdir()
    (bound.project / "inc" / "one.h").write_text("int demo_add(int a, int b);\n")
    with pytest.raises(ConfigErrors, match="header names a list of headers, and bindings are made of one"):
        release.make_plan(release.load(bound.project), bound.context)


ZIG = """#!/bin/sh
grep -q fails include/demo.h && echo "bindings.c:1: cannot include that" >&2 && exit 1
echo '# 1 "include/demo.h"'
case "$*" in *macos*) echo 'int demo_mac(void);';; *) cat include/demo.h;; esac
"""


@pytest.mark.parametrize(
    ("text", "targets", "message"),
    [
        ("int demo_linux(void);\n", (X86, MAC), f"declares something else for {MAC} than for {X86}"),
        ("int demo_mac(void);\n", (X86, MAC), None),
        ("int demo_linux(void);\n", (X86, ARM), None),
        ("int demo_fails(void);\n", (X86,), f"demo.h cannot be preprocessed for {X86}"),
    ],
)
def test_bindings_serve_every_target(bench: Bench, text: str, targets: tuple[str, ...], message: str | None) -> None:
    zig = bench.source("zig", ZIG)
    zig.chmod(0o755)
    header, files = bench.made("header", {"demo.h": text.encode()}, (Output("demo.h", "header"),))
    recipe = GeneratedBindings(header, tuple(PLATFORMS[t] for t in targets), "python", "demo", "src/demo/_bindings.py")
    outputs = (Output("_bindings.py", BINDINGS), Output("left.json", LEFT_TO_AUTHOR))
    toolchain = Toolchain("installed", {"zig": Tool("zig", "0.17.0", (str(zig),), "zig 0.17.0")}, {}, bench.root)
    with pytest.raises(BuildError, match=message) if message else nullcontext():
        made = bench.make(recipe, *outputs, needed={"header": files}, toolchain=toolchain)
        assert "def " in made.output(BINDINGS).read_text()
