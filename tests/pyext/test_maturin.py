"""The example's wheels by maturin and zig, without an image: released, judged by others, installed, and made twice."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from example import lay_out
from judges import CHECKOUT, VECTORS, ferrule, run
from released import HOST, Release, sha256

if TYPE_CHECKING:
    from pathlib import Path

CONSUMERS = CHECKOUT / "tests" / "consumers"
ALONE = ("-I", "-X", "utf8")
TAGS = ("cp311-abi3", "cp314-cp314t", "pp311-pypy311_pp73")


def narrowed(project: Path) -> Path:
    """The example for this machine alone, for the stable interface and two Pythons that have none."""
    path = project / "targets.yaml"
    text = re.sub(rf"^  (?!{HOST})\w+-\w+-[\w-]+: .*\n", "", path.read_text(), flags=re.MULTILINE)
    path.write_text(text.replace("reads: [rust]", "reads: [rust], pythons: [abi3, cp314t, pp311]"))
    return project


@pytest.fixture(scope="module")
def made(surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Release:
    project = narrowed(lay_out(tmp_path_factory.mktemp("maturin")))
    ferrule("release", "--setup", cwd=project, **surroundings)
    return Release(project / "dist", tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="module")
def wheels(made: Release) -> dict[str, Path]:
    """The wheels by Python and interface."""
    return {tag: next(made.dist.glob(f"*-{tag}-*.whl")) for tag in TAGS}


def test_there_is_a_wheel_for_each_python_and_no_other(made, wheels):
    assert sorted(path.name for path in made.dist.glob("*.whl")) == sorted(path.name for path in wheels.values())
    ferrule("verify", made.dist, cwd=made.dist.parent)


@pytest.mark.images
def test_auditwheel_gives_them_a_tag_as_old_as_promised(wheels):
    for wheel in wheels.values():
        answer = " ".join(run(sys.executable, "-m", "auditwheel", "show", wheel).stdout.split())
        tag = answer.partition('consistent with the following platform tag: "')[2].partition('"')[0]
        assert tag in wheel.name


def test_abi3audit_finds_nothing_beyond_the_stable_interface(wheels):
    run(sys.executable, "-m", "abi3audit", "--strict", wheels["cp311-abi3"])


def test_twine_takes_them(wheels):
    run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", *wheels.values())


def test_every_vector_in_a_clean_environment(wheels, expected, tmp_path):
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "environment")
    python = tmp_path / "environment" / "bin" / "python"
    quiet = ("--disable-pip-version-check", "--python", python)
    run(sys.executable, "-m", "pip", *quiet, "install", "--no-index", "--only-binary=:all:", wheels["cp311-abi3"])
    assert run(python, *ALONE, CONSUMERS / "python-extension" / "main.py", VECTORS).stdout == expected


def test_the_same_bytes_from_another_folder(wheels, surroundings, tmp_path):
    project = narrowed(lay_out(tmp_path / "elsewhere"))
    ferrule("release", cwd=project, **surroundings)
    for wheel in wheels.values():
        assert sha256(project / "dist" / wheel.name) == sha256(wheel)
    shutil.rmtree(project)
