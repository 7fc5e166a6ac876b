"""Python packages: what is known of each, and for which reason no wheel can be made of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.workspaces import EXPORTED, PYO3, PYPROJECT, crate, lock
from ferrule.app.init import python
from ferrule.app.init import run as init
from ferrule.app.init.findings import PythonPackage, Uncovered
from ferrule.app.init.project_files import list_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.app.init.findings import Finding
    from ferrule.tools.host import Host

HATCH = '[project]\nname = "demo"\n[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


def read(root: Path, pyproject: str, sources: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """Findings of a package with modules."""
    (root / "pyproject.toml").write_text(pyproject)
    for name, text in (sources or {}).items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tuple(python.read(list_files(root)))


@pytest.mark.parametrize(
    ("old", "new", "where", "reason"),
    [
        ('name = "demo-ext"\n', "", "5:1", "no name"),
        ('dynamic = ["version"]\n', "", "5:1", "states no version"),
        ('requires-python = ">=3.11"', 'requires-python = "<4"', "8:1", "does not say its oldest Python"),
        ("[project]", '[tool.maturin]\nbindings = "bin"\n[project]', "6:1", "no programs into wheels"),
        ("[project]", '[tool.maturin]\nbindings = "x"\n[project]', "6:1", "knows no bindings 'x'"),
        ("dynamic", 'readme = "README.md"\ndynamic', "7:1", "README.md"),
    ],
)
def test_a_package_that_cannot_be_released_has_the_first_reason(
    tmp_path: Path, old: str, new: str, where: str, reason: str
) -> None:
    (package,) = read(tmp_path, PYPROJECT.replace(old, new))
    assert isinstance(package, PythonPackage)
    assert package.refused is not None
    assert (package.refused.where, reason in package.refused.reason) == (f"pyproject.toml:{where}", True)


def test_a_good_package_names_its_crate_and_version(tmp_path: Path) -> None:
    text = PYPROJECT.replace('dynamic = ["version"]', 'version = "1.2.3"')
    (package,) = read(
        tmp_path, f'{text}[tool.maturin]\nmanifest-path = "rust/ext/Cargo.toml"\nfeatures = ["pyo3/abi3"]\n'
    )
    assert isinstance(package, PythonPackage)
    assert (package.folder, package.crate, package.version) == (".", "rust/ext", ("1.2.3", "pyproject.toml:7:1"))
    assert package.refused is None


def test_setuptools_rust_is_not_covered(tmp_path: Path) -> None:
    (one,) = read(tmp_path, '[build-system]\nrequires = ["setuptools", "setuptools-rust"]\n')
    assert isinstance(one, Uncovered)
    assert (one.where, one.what) == ("pyproject.toml:1:1", "the Python package in .")


@pytest.mark.parametrize(
    "text", ["from . import _native", "from ._native import f", 'load("demo._native")', "import a._native"]
)
def test_a_package_that_imports_what_a_wheel_brings_is_known(tmp_path: Path, text: str) -> None:
    (package,) = read(tmp_path, HATCH, {"src/demo/__init__": text, "src/demo/x": ""})
    assert isinstance(package, PythonPackage)
    assert (package.loads, package.several) == ("demo", False)


def test_the_package_that_loads_is_named_among_several(tmp_path: Path) -> None:
    (package,) = read(tmp_path, HATCH, {"a/__init__": "", "b/__init__": "from ._native import f"})
    assert isinstance(package, PythonPackage)
    assert (package.loads, package.several) == ("b", True)


def test_a_package_that_opens_the_library_itself_is_not_covered(tmp_path: Path) -> None:
    text = "import ctypes\n\nlibrary = ctypes.CDLL('libdemo.so')\n"
    (one,) = read(tmp_path, HATCH, {"demo/__init__": text, "demo/a": "_native"})
    assert isinstance(one, Uncovered)
    assert one.where == "demo/__init__.py:3:1"
    assert read(tmp_path, HATCH, {"demo/__init__": "x = 1\n"}) == ()


def test_a_version_that_is_not_the_crates_and_a_crate_that_is_not_there_are_named(tmp_path: Path, host: Host) -> None:
    files = {"Cargo.toml": crate("demo", types='["cdylib"]', needs=PYO3), "Cargo.lock": lock(demo="pyo3")}
    stated = PYPROJECT.replace('dynamic = ["version"]', 'version = "1.0"')
    for name, text in {**files, "src/lib.rs": EXPORTED, "pyproject.toml": stated}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    rows = {one.what: one for one in init.propose(tmp_path, host).description.uncovered}
    assert rows["the Python package in ."].where == "pyproject.toml:7:1"
    assert rows["the Python package in ."].reason.startswith("it states 1.0, and the crate 1.2.3")
    (tmp_path / "pyproject.toml").write_text(f'{PYPROJECT}[tool.maturin]\nmanifest-path = "gone/Cargo.toml"\n')
    reasons = {one.reason for one in init.propose(tmp_path, host).description.uncovered}
    assert {"there is no crate in gone", "no pyproject.toml with maturin as its backend builds it"} <= reasons
