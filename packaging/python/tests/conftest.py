"""The package under test: the one FERRULE_LIBRARY makes of these sources, otherwise the one that is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parent.parent
VECTORS = PROJECT.parent.parent / "rust" / "vectors" / "email-validator.json"
PACKAGE = "ferrule_email_validator"


def assemble(folder: Path, library: bytes, name: str, **known: str) -> Path:
    """Lay the package into a folder with a library, as a wheel does."""
    shutil.copytree(
        PROJECT / "src" / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("_native", "__pycache__")
    )
    native = folder / PACKAGE / "_native"
    native.mkdir()
    (native / name).write_bytes(library)
    lines = [f"{key} = {value!r}\n" for key, value in {"LIBRARY": name, "VERSION": "0.1.0", **known}.items()]
    (native / "__init__.py").write_text("".join(lines), encoding="utf-8")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    """Choose before any test module imports the package."""
    given = os.environ.get("FERRULE_LIBRARY")
    if given:
        place = tempfile.TemporaryDirectory()
        config.add_cleanup(place.cleanup)
        sys.path.insert(0, str(assemble(Path(place.name), Path(given).read_bytes(), Path(given).name)))
    elif importlib.util.find_spec(PACKAGE) is None:
        pytest.exit("install the package, or set FERRULE_LIBRARY to a finished library", returncode=4)


@pytest.fixture(scope="session")
def library() -> Path:
    """The native library that the package under test loaded."""
    from ferrule_email_validator import _native  # noqa: PLC0415 - chosen above

    return Path(_native.__file__ or "").with_name(_native.LIBRARY)


@pytest.fixture
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in a fresh interpreter that finds the package in a folder."""

    def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


@dataclass(frozen=True)
class Vector:
    """One line of the file that every language's tests read."""

    name: str
    candidate: str
    options: dict[str, object]
    overrides: dict[str, list[str]]
    expected: dict[str, str]


@pytest.fixture(scope="session")
def vectors() -> list[Vector]:
    """All test vectors."""
    return [Vector(**line) for line in json.loads(VECTORS.read_text(encoding="utf-8"))]


@pytest.fixture
def unraisable() -> Iterator[list[BaseException | None]]:
    """What ends in `sys.unraisablehook` while a test runs."""
    seen: list[BaseException | None] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda args: seen.append(args.exc_value)
    yield seen
    sys.unraisablehook = before
