"""Cargo.lock against the manifests: what is stale, and what fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.cargo_lock import crate_names, lock_problems, locked_crates, satisfies
from ferrule.core.cargo_workspace import read_workspace

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = '[package]\nname = "a"\nversion = "1.2.3"\n[dependencies]\nold = { package = "itoa", version = "1" }\n'
ITOA = '[[package]]\nname = "itoa"\nversion = "1.0.9"\nsource = "registry+https://registry.example/index"\n'
LOCK = f'version = 4\n[[package]]\nname = "a"\nversion = "1.2.3"\ndependencies = [\n "itoa",\n]\n{ITOA}'


def problems(root: Path, lock: str | bytes, manifest: str = MANIFEST) -> list[str]:
    (root / "src").mkdir(exist_ok=True)
    (root / "src" / "lib.rs").touch()
    (root / "Cargo.toml").write_text(manifest)
    (root / "Cargo.lock").write_bytes(lock.encode() if isinstance(lock, str) else lock)
    return [f"{error.where}: {error.message}" for error in lock_problems(root, read_workspace(root))]


def test_the_crates_of_a_lock_file(tmp_path: Path):
    problems(tmp_path, LOCK)
    assert locked_crates(tmp_path, read_workspace(tmp_path)) == {"a", "itoa"}
    (tmp_path / "Cargo.lock").unlink()
    assert locked_crates(tmp_path, read_workspace(tmp_path)) == frozenset()


def test_a_lock_that_fits(tmp_path: Path):
    assert problems(tmp_path, LOCK) == []
    assert problems(tmp_path, LOCK.replace('"itoa",', '"itoa 1.0.9",')) == []


@pytest.mark.parametrize(
    ("lock", "manifest", "message"),
    [
        (LOCK.replace("1.2.3", "1.2.2"), MANIFEST, "Cargo.lock:3:1: Cargo.lock has a 1.2.2, and Cargo.toml says 1.2.3"),
        (LOCK.replace('"a"', '"b"'), MANIFEST, "Cargo.lock:1:1: Cargo.lock does not list the crate a"),
        (LOCK, MANIFEST + 'sha2 = "1"\n', "Cargo.lock:3:1: Cargo.lock does not have sha2, which Cargo.toml requires"),
        (LOCK, MANIFEST.replace('"1"', '"2"'), "Cargo.lock:3:1: Cargo.lock has itoa 1.0.9, and Cargo.toml requires 2"),
        (LOCK, MANIFEST.partition("old")[0], "Cargo.lock:3:1: Cargo.lock has itoa for a, and Cargo.toml does not"),
        ("a = = 1", MANIFEST, "Cargo.lock:1:5: this Cargo.lock cannot be read: Invalid value"),
        ("package = 1", MANIFEST, "Cargo.lock:1:1: this is not a Cargo.lock"),
        ("[[package]]\nname = 1", MANIFEST, "Cargo.lock:1:1: this is not a Cargo.lock"),
        ("package = [1]", MANIFEST, "Cargo.lock:1:1: this is not a Cargo.lock"),
        (LOCK.replace('"itoa",', "1,"), MANIFEST, "Cargo.lock:1:1: this is not a Cargo.lock"),
        ("x = " + "[" * 9999, MANIFEST, "Cargo.lock: this Cargo.lock is nested too deeply"),
        (b"\xff", MANIFEST, "Cargo.lock:1:1: this Cargo.lock cannot be read: it is not UTF-8"),
    ],
)
def test_a_lock_that_is_stale_or_damaged(tmp_path: Path, lock: str | bytes, manifest: str, message: str):
    (line,) = problems(tmp_path, lock, manifest)
    assert line.startswith(message)


@pytest.mark.parametrize(
    ("version", "requirement", "fits"),
    [
        ("1.4.2", "1.2", True),
        ("1.1.9", "1.2", False),
        ("2.0.0", "1", False),
        ("0.3.1", "0.3", True),
        ("0.4.0", "^0.3", False),
        ("0.0.4", "0.0.3", False),
        ("0.9.0", "0", True),
        ("1.2.9", "~1.2.3", True),
        ("1.3.0", "~1.2", False),
        ("1.0.0", "=1.0", True),
        ("1.1.0", "=1.0", False),
        ("1.5.0", "1.*", True),
        ("1.5.0", "1.4.*", False),
        ("9.0.0", "*", True),
        ("1.5.0", ">=1.2, <1.5", False),
        ("1.5.0", ">1.4, <=1.5", True),
        ("1.4.9", ">1.4", False),
        ("1.0.0-rc.1", "2", True),
        ("1.0.0", "whatever", True),
    ],
)
def test_requirements_as_cargo_reads_them(version: str, requirement: str, fits: bool):
    assert satisfies(version, requirement) is fits


def test_where_no_lock_is_nothing_is_wrong_with_it(tmp_path: Path):
    problems(tmp_path, LOCK)
    (tmp_path / "Cargo.lock").unlink()
    assert list(lock_problems(tmp_path, read_workspace(tmp_path))) == []


@pytest.mark.parametrize("version", ["99", "'4'"])
def test_a_lock_of_a_newer_cargo(tmp_path: Path, version: str):
    (message,) = problems(tmp_path, LOCK.replace("version = 4", f"version = {version}", 1))
    assert message == f"Cargo.lock:1:1: version {version.strip(chr(39))} of Cargo.lock is of a newer Cargo"


def test_names_of_all_crates():
    assert crate_names('[[package]]\nname = "cc"\n[[package]]\nname = "a"\nsource = "x"\n') == {"cc", "a"}
