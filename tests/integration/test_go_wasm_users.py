"""Go bindings of WebAssembly modules: every type there and back, modules that mean harm, many goroutines at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import wasmtime
from judges import CHECKOUT, OWN, VECTORS, ferrule, run

from fakes.triples import WASM
from ferrule.formats.wasm import custom_sections, with_custom_section

MODULE = "example.org/ferrule/email-validator"
TYPES = Path(__file__).parent / "types-world"
HOSTILE = Path(__file__).parent / "hostile-modules"
PURE = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
RACE = {**PURE, "CGO_ENABLED": "1"}


@pytest.fixture(scope="module")
def types_world(setup, programs) -> Path:  # noqa: ARG001
    """The Go module of a world with every type, released as a stranger's project; compiled once for many runs."""
    project = OWN / "types-world"
    shutil.copytree(TYPES, project, dirs_exist_ok=True)
    ferrule("release", cwd=project)
    return project / "dist" / "go"


def test_every_type_goes_there_and_back(types_world, programs):
    go = Path(programs["go"])
    assert run(go.with_name("gofmt"), "-l", types_world).stdout == ""
    run(go, "vet", "-composites=false", "./...", cwd=types_world, **PURE)
    run(go, "test", "-race", "-count=1", "./...", cwd=types_world, **RACE)


@pytest.mark.consumer
def test_goroutines_that_share_validators_get_every_vector_right(release, programs, vectors, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(CHECKOUT / "tests" / "consumers" / "go", source)
    run(programs["go"], "mod", "edit", f"-replace={MODULE}={release.dist / 'go'}", cwd=source, **PURE)
    run(programs["go"], "build", "-race", "-o", tmp_path / "vectors", cwd=source, **RACE)
    for road in ("native", "wasm"):
        output = run(tmp_path / "vectors", VECTORS, road, "16").stdout
        assert [json.loads(line) for line in output.splitlines()] == [vector["expected"] for vector in vectors]


# Modules that mean harm

ALLOWED = r'"\00\00\00\00\40\00\00\00\16\00\00\00"'
SKELETON = r"""
(module
  (import "ferrule:email-validator/logger@0.1.0" "debug" (func $debug {debug}))
  {more}
  {memory}
  {realloc}
  (func (export "cabi_post_is-valid-email") (param $result i32) {post})
  (func $call (export "is-valid-email") {call}
    (if (i32.eqz (local.get $length)) (then (return (i32.const 16))))
    {body})
  (data (i32.const 16) "\00\00\00\00\40\00\00\00\16\00\00\00")
  (data (i32.const 64) "{{\"decision\":\"Allowed\"}}")
  (data (i32.const 128) {result})
  (data (i32.const 160) "\ff\fe"))
"""
DEFAULTS = {
    "debug": "(param i32 i32)",
    "more": "",
    "memory": '(memory (export "memory") 1)',
    "post": "",
    "call": "(param $at i32) (param $length i32) (param i32 i32 i32 i32) (result i32)",
    "body": "(i32.const 128)",
    "result": ALLOWED,
}
REALLOC = '(func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) {})'
UNLESS_EMPTY = "(if (i32.eqz (local.get $size)) (then (return (i32.const 1024))))"
LATER = "(if (i32.ne (local.get $result) (i32.const 16)) (then {}))"

CALLED = {
    "result outside": ({"body": "(i32.const 0xfffffff0)"}, "lie outside its memory"),
    "result at the very end": ({"body": "(i32.const 65528)"}, "lie outside its memory"),
    "result not aligned": ({"body": "(i32.const 18)"}, "is not a multiple of 4"),
    "unknown case": ({"result": r'"\07\00\00\00\40\00\00\00\16\00\00\00"'}, "7 is none of 2 cases"),
    "text outside": ({"result": r'"\00\00\00\00\40\00\00\00\ff\ff\ff\ff"'}, "lie outside its memory"),
    "text wraps around": ({"result": r'"\00\00\00\00\ff\ff\ff\ff\02\00\00\00"'}, "lie outside its memory"),
    "text not UTF-8": ({"result": r'"\00\00\00\00\a0\00\00\00\02\00\00\00"'}, "its text is not UTF-8"),
    "trap": ({"body": "unreachable"}, "unreachable"),
    "endless recursion": (
        {
            "body": "(call $call (local.get 0) (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))"
            " (i32.const 1) i32.add"
        },
        "stack overflow",
    ),
    "division by zero": ({"body": "(i32.div_u (i32.const 1) (i32.const 0))"}, "divide by zero"),
    "room outside": ({"realloc": f"{UNLESS_EMPTY} (i32.const 65530)"}, "lie outside its memory"),
    "room that wraps around": ({"realloc": f"{UNLESS_EMPTY} (i32.const -1)"}, "lie outside its memory"),
    "import while its memory is written": (
        {"realloc": f"{UNLESS_EMPTY} (call $debug (i32.const 64) (i32.const 1)) (i32.const 1024)"},
        "when it must not",
    ),
    "import after its result was read": (
        {"post": LATER.format("(call $debug (i32.const 64) (i32.const 1))")},
        "when it must not",
    ),
    "trap after its result was read": ({"post": LATER.format("unreachable")}, "unreachable"),
    "import with text outside": (
        {"body": "(call $debug (i32.const 65535) (i32.const 2)) (i32.const 128)"},
        "lie outside its memory",
    ),
    "import with text that is not UTF-8": (
        {"body": "(call $debug (i32.const 160) (i32.const 2)) (i32.const 128)"},
        "its text is not UTF-8",
    ),
    "another text than a decision": ({"result": r'"\00\00\00\00\40\00\00\00\02\00\00\00"'}, "cannot read"),
    "another error": ({"result": r'"\01\00\00\00\40\00\00\00\ff\ff\ff\ff"'}, "lie outside its memory"),
}
"""What a module has in other places than it should, and what is said of it once it is called."""

OPENED = {
    "no memory": ({"memory": "(memory 1)"}, "it exports no memory"),
    "no room": ({"realloc": None}, "it exports no function cabi_realloc of the right type"),
    "another import": ({"more": '(import "env" "clock" (func))'}, "env"),
    "an import of another type": ({"debug": "(param i64)"}, "signature mismatch"),
    "a start that calls an import": (
        {"more": '(func (export "_initialize") (call $debug (i32.const 64) (i32.const 1)))'},
        "when it must not",
    ),
    "a function of another type": (
        {"call": "(param $length i32) (result i32)"},
        "it exports no function is-valid-email of the right type",
    ),
}
"""The same, for modules that cannot be opened."""


def module(identity: bytes, *, realloc: str | None = "(i32.const 1024)", **parts: str) -> bytes:
    function = "" if realloc is None else REALLOC.format(realloc)
    text = SKELETON.format(**{**DEFAULTS, **parts}, realloc=function)
    return with_custom_section(bytes(wasmtime.wat2wasm(text)), "ferrule", identity)


@pytest.mark.consumer
def test_modules_that_mean_harm_end_in_errors(release, programs, tmp_path):
    (identity,) = custom_sections(release.made("module", WASM).read_bytes(), "ferrule")
    expected = {name: {"called": output} for name, (_, output) in CALLED.items()}
    expected |= {name: {"opened": output} for name, (_, output) in OPENED.items()}
    for name, (parts, _) in {**CALLED, **OPENED}.items():
        (tmp_path / f"{name}.wasm").write_bytes(module(identity, **parts))
    (tmp_path / "expected.json").write_text(json.dumps(expected))
    folder = tmp_path / "go"
    shutil.copytree(release.dist / "go", folder)
    shutil.copy(HOSTILE / "hostile_test.go", folder)
    run(programs["go"], "test", "-run", "TestHostileModules", ".", cwd=folder, HOSTILE_MODULES=str(tmp_path), **PURE)
