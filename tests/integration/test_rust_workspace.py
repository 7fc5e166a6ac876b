"""The Rust workspace by Rust's own judges: its tests with the compiler that releases it, its format, its lints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judges import CHECKOUT, OWN, provision, run

pytestmark = pytest.mark.integration

RUST = CHECKOUT / "rust"
FOLDER = OWN / "rust"


@pytest.fixture(scope="module")
def checkers():
    """rustfmt and clippy: of the Rust on the PATH, else of the distribution's."""
    provision({"cargo-fmt": ("rustfmt-web",), "cargo-clippy": ("rust-web-clippy",)})


def test_its_own_tests_pass(programs):
    cargo, rustc = Path(programs["cargo"]), Path(programs["rustc"])
    environment = {"RUSTC": str(rustc), "RUSTDOC": str(rustc.with_name("rustdoc"))}
    done = run(cargo, "test", "--locked", cwd=RUST, CARGO_TARGET_DIR=str(FOLDER / "tests"), **environment)
    passed = [int(n) for n in re.findall(r"test result: ok\. (\d+) passed; 0 failed", done.stdout)]
    assert sum(passed) >= 110, done.stdout


def test_hostile_calls_end_with_a_status(programs):
    cargo, environment = Path(programs["cargo"]), {"RUSTC": programs["rustc"]}
    argv = (cargo, "test", "--locked", "-p", "calls", "--test", "hostile")
    done = run(*argv, cwd=RUST / "fuzz", CARGO_TARGET_DIR=str(FOLDER / "tests"), **environment)
    assert "test result: ok. 8 passed; 0 failed" in done.stdout


@pytest.mark.usefixtures("checkers")
def test_it_is_formatted():
    run("cargo", "fmt", "--check", cwd=RUST)
    run("cargo", "fmt", "--all", "--check", cwd=RUST / "fuzz")


@pytest.mark.usefixtures("checkers")
def test_clippy_finds_nothing():
    arguments = ("clippy", "--locked", "--all-targets", "--", "-D", "warnings")
    run("cargo", *arguments, cwd=RUST, CARGO_TARGET_DIR=str(FOLDER / "clippy"))
