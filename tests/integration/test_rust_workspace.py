"""The Rust workspace by Rust's own judges: its tests with the compiler that releases it, its format, its lints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from judges import CHECKOUT, OWN, ferrule, provision, run

pytestmark = pytest.mark.integration

RUST = CHECKOUT / "rust"
FOLDER = OWN / "rust"


@pytest.fixture(scope="module")
def checkers():
    """rustfmt and clippy: of the Rust on the PATH, else of the distribution's."""
    provision({"cargo-fmt": ("rustfmt-web",), "cargo-clippy": ("rust-web-clippy",)})


def test_its_own_tests_pass(release):
    assert release
    found = {one["tool"]: one for one in json.loads(ferrule("doctor", "--no-probe", "--json").stdout)}
    cargo, rustc = (Path(found[name]["place"]) for name in ("cargo", "rustc"))
    done = run(cargo, "test", "--locked", cwd=RUST, RUSTC=str(rustc), CARGO_TARGET_DIR=str(FOLDER / "tests"))
    passed = [int(n) for n in re.findall(r"test result: ok\. (\d+) passed; 0 failed", done.stdout)]
    assert sum(passed) >= 50, done.stdout


def test_it_is_formatted(checkers):
    run("cargo", "fmt", "--check", cwd=RUST)


def test_clippy_finds_nothing(checkers):
    arguments = ("clippy", "--locked", "--all-targets", "--", "-D", "warnings")
    run("cargo", *arguments, cwd=RUST, CARGO_TARGET_DIR=str(FOLDER / "clippy"))
