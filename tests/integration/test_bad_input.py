"""Problems that people make, met by the real toolchain: each is named with its place, and the rest still gets done."""

from __future__ import annotations

import re

import pytest
from adder import lay_out
from judges import ferrule

CODE = "adder-ffi/src/lib.rs"
CONFIG, BUILD = 3, 5  # exit codes, as ferrule --help lists them
SIBLING = "other@x86_64-unknown-linux-gnu"


@pytest.fixture
def adder(setup, tmp_path):  # noqa: ARG001
    return lay_out(tmp_path / "adder")


def test_without_a_mistake_it_is_released(adder):
    adder.ferrule("release", "--quiet", ok=True)
    assert {"adder-c-1.2.3-x86_64-unknown-linux-gnu.tar.gz", "SHA256SUMS", "manifest.json"} < adder.dist()


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (
            "targets.yaml",
            "x86_64-unknown-linux-gnu",
            "x86_64-unknown-linux-gun",
            (
                'targets.yaml:8:3: there is no target "x86_64-unknown-linux-gun"\n'
                "  hint: did you mean x86_64-unknown-linux-gnu?\n"
            ),
        ),
        (
            "targets.yaml",
            "crate: adder-ffi, header",
            "crate: adder-fii, header",
            'targets.yaml:10:34: there is no crate "adder-fii"\n  hint: did you mean adder-ffi?\n',
        ),
        (
            "adder-ffi/Cargo.toml",
            'crate-type = ["cdylib", "staticlib"]',
            "proc-macro = true",
            "the crate adder-ffi is a procedural macro",
        ),
        (
            "targets.yaml",
            "[LICENSE]",
            "[LICENCE]",
            'targets.yaml:6:19: "LICENCE" does not exist\n',
        ),
    ],
    ids=["target", "crate", "macro", "licence"],
)
def test_nothing_is_started_for_a_description_that_is_mistaken(adder, name, old, new, told):
    adder.edit(name, old, new)
    done = adder.ferrule("release")
    assert done.returncode == CONFIG
    assert told in re.sub(r"^ +\d* \| ?.*\n", "", done.stderr, flags=re.MULTILINE)  # without the line that is shown
    assert adder.dist() == set()
    assert not (adder.root / ".ferrule" / "work").exists()


@pytest.mark.parametrize(
    ("name", "old", "new", "failed", "told"),
    [
        (
            CODE,
            "left.wrapping_add(right)",
            "left.wrapping_add(rigth)",
            "native@x86_64-unknown-linux-gnu failed\n",
            "adder-ffi/src/lib.rs:6:23: cannot find value `rigth` in this scope [E0425]\n",
        ),
        (
            CODE,
            'extern "C" fn',
            'extern "C" fn fn',
            "header failed\n",
            'adder-ffi/src/lib.rs`:\n  | Error("expected identifier, found keyword `fn`")\n',
        ),
        (
            "adder-ffi/cbindgen.toml",
            "cpp_compat = true",
            "cpp_compat = 12",
            "header failed\n",
            "TOML parse error at line 2, column 14",
        ),
    ],
    ids=["compile error", "header", "configuration of cbindgen"],
)
def test_siblings_of_what_failed_are_finished_and_nothing_is_placed(adder, name, old, new, failed, told):
    adder.edit(name, old, new)
    done = adder.ferrule("release")
    assert done.returncode == BUILD
    assert failed in done.stdout
    assert told in done.stdout
    assert "command: cd " not in done.stdout
    assert "  hint: " in done.stdout
    assert f"{SIBLING} built in" in done.stderr
    assert "sdk@x86_64-unknown-linux-gnu skipped: " in done.stderr
    assert adder.dist() == set()


def test_a_stale_lock_file_is_told_and_left_alone(adder):
    adder.edit("Cargo.lock", 'name = "adder-ffi"\nversion = "1.2.3"', 'name = "adder-ffi"\nversion = "1.2.2"')
    before = (adder.root / "Cargo.lock").read_bytes()
    done = adder.ferrule("release")
    assert done.returncode == CONFIG
    assert re.search(
        r"Cargo\.lock:\d+:1: Cargo\.lock has adder-ffi 1\.2\.2, and adder-ffi/Cargo\.toml says 1\.2\.3", done.stderr
    )
    assert "hint: run cargo update --workspace, look at the change of Cargo.lock, and commit it" in done.stderr
    assert (adder.root / "Cargo.lock").read_bytes() == before
    assert adder.dist() == set()


def test_once_mended_only_what_failed_is_made(adder):
    adder.edit(CODE, "left.wrapping_add(right)", "left.wrapping_add(rigth)")
    assert adder.ferrule("release").returncode == BUILD
    adder.edit(CODE, "left.wrapping_add(rigth)", "left.wrapping_add(right)")
    done = adder.ferrule("release", ok=True)
    assert f"{SIBLING} built in" not in done.stderr
    assert "native@x86_64-unknown-linux-gnu built in" in done.stderr


def test_a_mistake_leaves_the_release_before_it_alone(adder):
    adder.ferrule("release", "--quiet", ok=True)
    before = adder.dist()
    adder.edit(CODE, "left.wrapping_add(right)", "left.wrapping_add(rigth)")
    assert adder.ferrule("release").returncode == BUILD
    assert adder.dist() == before


def test_a_symbol_that_was_not_declared_is_an_error(adder):
    adder.edit("targets.yaml", "header: header}\n  header:", 'header: header, exports: ["add_*"]}\n  header:')
    done = adder.ferrule("release")
    assert done.returncode == 6
    assert "adder_add" in done.stdout
    assert adder.dist() == set()


def test_wit_that_does_not_parse_is_named(elsewhere):
    wit = elsewhere / "rust" / "email-validator-wasm" / "wit" / "email-validator.wit"
    good = wit.read_text()
    wit.write_text(good.replace("record email-validation-config", "rekord email-validation-config"))
    try:
        done = ferrule("build", "component", "--target", "all", cwd=elsewhere, ok=False)
    finally:
        wit.write_text(good)
    assert done.returncode == CONFIG
    assert re.search(r"email-validator.wit:\d+:\d+", done.stderr), done.stderr
