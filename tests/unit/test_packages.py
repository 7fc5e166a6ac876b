"""Ferrule's own wheel and source distribution: complete, the same bytes anywhere, and one from the other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess  # noqa: TID251 - the build backend is a program
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKED = ("src", "docs/man", "README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", ".gitignore")


def build(folder: Path, target: Path, umask: int = 0o022) -> dict[str, bytes]:
    words = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    environment = {"PATH": os.defpath, "HOME": str(target)}
    subprocess.run(words, cwd=folder, check=True, env=environment, umask=umask, capture_output=True)
    return {path.name: path.read_bytes() for path in target.iterdir() if path.is_file()}


def copy(folder: Path) -> Path:
    for name in PACKED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, target)
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    build(copy(folder / "here"), folder / "build")
    return folder / "build"


def test_another_folder_another_day_and_another_umask_give_the_same_bytes(packages: Path, tmp_path: Path) -> None:
    other = copy(tmp_path / "far" / "away")
    for path in other.rglob("*"):
        os.utime(path, (2_000_000_000, 2_000_000_000))
    assert build(other, tmp_path / "build", umask=0o077) == {p.name: p.read_bytes() for p in packages.iterdir()}


def test_the_source_distribution_holds_the_sources_and_makes_the_same_wheel(packages: Path, tmp_path: Path) -> None:
    (archive,) = packages.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
        tar.extractall(tmp_path, filter="data")
    assert {name.split("/")[0] for name in names} == {
        *("src", "docs", "README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "PKG-INFO", ".gitignore"),
    }
    assert {name for name in names if name.startswith("src/")} == {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "egg-info" not in path.as_posix()
    }
    again = build(tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path / "build")
    (wheel,) = packages.glob("*.whl")
    assert again[wheel.name] == wheel.read_bytes()


def test_the_wheel_has_man_pages_and_a_description_whose_links_lead_somewhere(packages: Path) -> None:
    (path,) = packages.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(n for n in names if n.endswith("dist-info/METADATA"))).decode()
    assert {n.rpartition("/")[2] for n in names if "/share/man/man1/" in n} == {
        page.name for page in (ROOT / "docs" / "man").iterdir()
    }
    assert any(n.endswith(".data/data/share/man/man1/ferrule.1") for n in names)
    links = re.findall(r"\]\(([^)]*)\)", metadata)
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
