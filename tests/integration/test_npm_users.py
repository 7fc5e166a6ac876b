"""The npm package as npm, TypeScript and publint judge it, and as programs in Node.js and in a browser use it."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
import wasmtime
from judges import VECTORS, program, run
from node_programs import JAVASCRIPT, installed, judges_of_javascript, npm
from released import sha256

from consumers import SOURCES
from fakes.triples import WASM
from ferrule.formats.wasm import custom_sections, with_custom_section

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.consumer

PACKAGE = "ferrule-email-validator"
CORE = "component/email-validator.core.wasm"
STRICT = (
    *("--strict", "--noEmit", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--verbatimModuleSyntax"),
    *("--noUnusedLocals", "--target", "es2022", "--types", ""),
)
# A core module as the validator's, which traps with its third call.
TRAPPING = r"""
(module
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 16) "\00\00\00\00\20\00\00\00\16\00\00\00")
  (data (i32.const 32) "{\"decision\":\"Allowed\"}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "cabi_post_is-valid-email") (param i32))
  (func (export "is-valid-email") (param i32 i32 i32 i32 i32 i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (i32.gt_u (global.get $calls) (i32.const 2)) (then unreachable))
    (i32.const 16)))
"""


@pytest.fixture(scope="module")
def node(programs: dict[str, str]) -> str:
    return programs["node"]


@pytest.fixture(scope="module")
def user(release, node, tmp_path_factory) -> Path:
    """A folder with the installed package."""
    return installed(release, node, tmp_path_factory.mktemp("a user's") / "program")


@pytest.fixture(scope="module")
def package(user) -> Path:
    return user / "node_modules" / PACKAGE


@pytest.fixture(scope="module")
def judging(node) -> Path:
    return judges_of_javascript(node)


def test_npm_sees_what_was_packed(release, node, package, tmp_path):
    output = run(*npm(node), "pack", "--dry-run", "--json", "--offline", release.made("package"), cwd=tmp_path).stdout
    ((result),) = json.loads(output)
    assert (result["name"], result["version"], result["filename"]) == (
        PACKAGE,
        release.manifest["release"],
        release.made("package").name,
    )
    assert {file["path"] for file in result["files"]} == {
        *("package.json", "README.md", "LICENSE", "THIRD-PARTY-LICENSES", "index.js", "index.d.ts"),
        *(f"component/index.{ending}" for ending in ("js", "d.ts")),
        *(f"component/email-validator.{ending}" for ending in ("js", "d.ts")),
        *(f"component/email-validator.core{number}.wasm" for number in ("", "2", "3")),
        *(f"component/interfaces/ferrule-email-validator-{name}.d.ts" for name in ("logger", "overrides")),
    }
    assert {file["path"] for file in result["files"]} == {
        p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file()
    }


def test_the_package_holds_the_module_that_was_compiled_once(release, package):
    assert sha256(package / CORE) == sha256(release.made("module", WASM))


def test_the_package_says_what_it_holds(release, package):
    facts = release.manifest["facts"]
    (component,) = [f for name, f in facts.items() if name.startswith("component@")]
    (npm_facts,) = [f for name, f in facts.items() if name.startswith("npm@")]
    document = json.loads(custom_sections((package / CORE).read_bytes(), "ferrule")[0])
    assert {k: document[k] for k in ("fingerprint", "interface")} == {
        k: component[k] for k in ("fingerprint", "interface")
    }
    modules = {f"package/{path.relative_to(package).as_posix()}" for path in package.rglob("*.wasm")} - {
        f"package/{CORE}"
    }
    assert {"files", *document} == npm_facts.keys()
    assert modules == npm_facts["files"].keys()
    assert document == {name: output for name, output in npm_facts.items() if name != "files"}
    assert json.dumps(document["interface"]) in (package / "component" / "index.js").read_text()


def test_publint_finds_nothing(node, judging, package):
    output = run(
        node, judging / "node_modules" / "publint" / "src" / "cli.js", "run", package, "--strict", "--pack", "false"
    ).stdout
    assert "All good!" in output


@pytest.mark.parametrize(
    ("files", "options"),
    [
        (("typed.ts",), ("--module", "node20", "--lib", "es2022")),
        (
            ("typed.ts", "component.ts"),
            ("--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom"),
        ),
        (("typed.ts", "component.ts"), ("--module", "nodenext", "--lib", "es2022,dom")),
    ],
)
def test_typescript_takes_the_types_and_finds_mistakes_by_them(node, judging, user, files, options):
    for name in files:
        shutil.copy(JAVASCRIPT / name, user)
    tsc = judging / "node_modules" / "typescript" / "bin" / "tsc"
    run(node, tsc, *STRICT, *options, *files, cwd=user)


def test_a_program_in_node_gives_the_same_bytes(node, user, expected):
    for source in (SOURCES / "node").iterdir():
        shutil.copy(source, user)
    assert run(node, "main.mjs", VECTORS, cwd=user).stdout == expected


def test_a_page_in_a_browser_gives_the_same_bytes(user, expected):
    output = run(sys.executable, SOURCES / "browser" / "main.py", program("chromium"), user, VECTORS).stdout
    assert output == expected


def test_it_behaves(node, user, package, tmp_path):
    (section,) = custom_sections((package / CORE).read_bytes(), "ferrule")
    trapping = tmp_path / "trapping.wasm"
    trapping.write_bytes(with_custom_section(bytes(wasmtime.wat2wasm(TRAPPING)), "ferrule", section))
    shutil.copy(JAVASCRIPT / "behaviour.mjs", user)
    output = run(node, "--test-reporter=tap", "behaviour.mjs", package / CORE, trapping, cwd=user).stdout
    assert "# fail 0" in output
    assert "# skipped 0" in output
