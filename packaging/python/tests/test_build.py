"""The road from source: hatchling, the hook, and a program that stands in for Cargo."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from conftest import PACKAGE, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

CARGO = """\
import json, os, pathlib, sys
notes = pathlib.Path({notes!r})
notes.write_text(json.dumps({{"arguments": sys.argv[1:], "manifest": pathlib.Path("Cargo.toml").read_text()}}))
if {code}:
    print("error: no such luck", file=sys.stderr)
    sys.exit({code})
print(json.dumps({{"reason": "build-script-executed"}}))
print(json.dumps({{"reason": "compiler-artifact", "target": {{"kind": ["cdylib", "staticlib"]}},
                  "filenames": [{library!r}.replace(".so", ".a"), {library!r}]}}))
"""
MANIFEST = """[workspace]
members = ["boundary", "boundary-build", "email-validator", "email-validator-ffi", "email-validator-wasm"]
"""


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A project with the crates two folders up, as in the repository."""
    root = tmp_path / "checkout"
    project = root / "packaging" / "python"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("_native", "__pycache__", ".*cache", "dist"))
    for crate in ("boundary", "boundary-build", "email-validator", "email-validator-ffi", "email-validator-wasm"):
        (root / "rust" / crate).mkdir(parents=True)
        (root / "rust" / crate / "Cargo.toml").write_text(f'[package]\nname = "{crate}"\nversion = "0.7.0"\n')
    (root / "rust" / "Cargo.toml").write_text(MANIFEST)
    (root / "rust" / "Cargo.lock").write_text("version = 4\n")
    (root / "LICENSE").write_text("Apache\n")
    return project


@pytest.fixture
def build(tmp_path):
    """Call a hook of PEP 517 in a process of its own, with an environment that names what it needs and no more."""

    def call(hook: str, project: Path, path: Path | None = None, **environment: str):
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        program = f"from hatchling import build; print('made', build.{hook}({str(out)!r}))"
        empty = tmp_path / "empty"
        empty.mkdir(exist_ok=True)
        given = {
            "PATH": str(path or empty),
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=project, env=given, capture_output=True, text=True, check=False
        )
        made = [line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith("made ")]
        return (out / made[0] if made else None), done

    return call


@pytest.fixture
def cargo(tmp_path, library):
    """A folder for PATH with a Cargo that makes the library, and the place of its notes."""

    def make(code: int = 0) -> tuple[Path, Path]:
        folder, notes = tmp_path / "bin", tmp_path / "notes.json"
        folder.mkdir()
        built = tmp_path / "built" / "libemail_validator_ffi.so"
        built.parent.mkdir()
        shutil.copyfile(library, built)
        script = folder / "cargo.py"
        script.write_text(CARGO.format(notes=str(notes), library=str(built), code=code))
        program = folder / "cargo"  # a shell takes an interpreter with a space in its path, a first line does not
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n')
        program.chmod(0o755)
        return folder, notes

    return make


def unpacked_sdist(build, project: Path, folder: Path) -> Path:
    sdist, done = build("build_sdist", project)
    assert sdist is not None, done.stderr
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
        assert len({m.name for m in members}) == len(members)
        for member in members:
            archive.extract(member, folder) if sys.version_info < (3, 12) else archive.extract(
                member, folder, filter="data"
            )
    (inner,) = folder.iterdir()
    return inner


def test_a_finished_library_enters_the_wheel(tmp_path, checkout, build, library, run_python):
    wheel, done = build("build_wheel", checkout, FERRULE_LIBRARY=str(library), FERRULE_INTERFACE="unreleased")
    assert wheel is not None, done.stderr
    assert wheel.name.startswith("ferrule_email_validator-0.7.0-py3-none-")
    assert not wheel.name.endswith("-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert len(set(names)) == len(names)
    assert f"{PACKAGE}/py.typed" in names
    assert f"{PACKAGE}/_native/{library.name}" in names
    described = (tmp_path / "site" / PACKAGE / "_native" / "__init__.py").read_text()
    assert 'VERSION: str = "0.7.0"\n' in described
    assert 'INTERFACE: str = "unreleased"\n' in described
    (info,) = (n for n in names if n.endswith("/WHEEL"))
    assert "Root-Is-Purelib: false" in (tmp_path / "site" / info).read_text()
    program = f"import {PACKAGE} as p; print(p.__version__, bool(p.is_valid_email('joe@example.com')))"
    assert run_python(program, tmp_path / "site").stdout == "0.7.0 True\n"


def test_wheels_are_the_same_bytes(checkout, build, library):
    made = [build("build_wheel", checkout, FERRULE_LIBRARY=str(library))[0].read_bytes() for _ in range(2)]
    assert made[0] == made[1]


def test_a_missing_library_is_named(checkout, build):
    wheel, done = build("build_wheel", checkout, FERRULE_LIBRARY="/nowhere/lib.so")
    assert wheel is None
    assert "FERRULE_LIBRARY names /nowhere/lib.so, which is not a file" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_cargo_it_is_said_what_is_missing(checkout, build):
    wheel, done = build("build_wheel", checkout)
    assert wheel is None
    assert "Cargo was not found on PATH. Install Rust with Cargo, or set FERRULE_LIBRARY" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_cargo_is_heard(checkout, build, cargo):
    folder, _ = cargo(101)
    wheel, done = build("build_wheel", checkout, path=folder)
    assert wheel is None
    assert "error: no such luck" in done.stderr
    assert "exit code 101" in done.stderr


def test_a_checkout_is_built_where_it_lies(checkout, build, cargo):
    folder, notes = cargo()
    wheel, done = build("build_wheel", checkout, path=folder)
    assert wheel is not None, done.stderr
    noted = json.loads(notes.read_text())
    assert noted["arguments"][:3] == ["build", "--release", "--lib"]
    assert "--package=email-validator-ffi" in noted["arguments"]
    assert noted["manifest"] == MANIFEST


def test_a_source_distribution_builds_with_its_version_and_without_the_members_it_leaves_out(
    tmp_path, checkout, build, cargo
):
    source = unpacked_sdist(build, checkout, tmp_path / "unpacked")
    assert source.name == "ferrule_email_validator-0.7.0"
    assert (source / "LICENSE").is_file()
    assert not (source / "rust" / "email-validator-wasm").exists()
    folder, notes = cargo()
    wheel, done = build("build_wheel", source, path=folder)
    assert wheel is not None, done.stderr
    assert wheel.name.startswith("ferrule_email_validator-0.7.0-py3-none-")
    members = '["boundary", "boundary-build", "email-validator", "email-validator-ffi"]'
    assert f"members = {members}\n" in json.loads(notes.read_text())["manifest"]
    assert (source / "rust" / "Cargo.toml").read_text() == MANIFEST
    with zipfile.ZipFile(wheel) as archive:
        assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())


def test_a_source_distribution_makes_itself_again(tmp_path, checkout, build):
    source = unpacked_sdist(build, checkout, tmp_path / "first")
    again = unpacked_sdist(build, source, tmp_path / "second")
    # What Python compiled of the hook while it made the second one is of no archive.
    files = [{p.relative_to(s) for p in s.rglob("*") if p.is_file() and p.suffix != ".pyc"} for s in (source, again)]
    assert files[0] == files[1]


def test_an_editable_install_finds_its_library(checkout, build, library, run_python):
    wheel, done = build("build_editable", checkout, FERRULE_LIBRARY=str(library))
    assert wheel is not None, done.stderr
    assert run_python(f"import {PACKAGE} as p; print(p.__version__)", checkout / "src").stdout == "0.7.0\n"
    wheel, done = build("build_wheel", checkout, FERRULE_LIBRARY=str(library))
    with zipfile.ZipFile(wheel) as archive:
        assert len(set(archive.namelist())) == len(archive.namelist())


def test_nothing_is_left_in_the_temporary_folder(tmp_path, checkout, build, library):
    before = {p.name for p in tmp_path.iterdir()} | {"out", "empty"}
    build("build_wheel", checkout, FERRULE_LIBRARY=str(library))
    build("build_wheel", checkout)
    assert {p.name for p in tmp_path.iterdir()} == before
