"""An extension module through the real cibuildwheel, in a stand-in for its images or in the images themselves."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).parent

import standin  # noqa: E402
from agreement import expected_line  # noqa: E402
from example import lay_out  # noqa: E402
from judges import VECTORS, ferrule, set_up  # noqa: E402
from released import HOST, LINUX, X86, Release  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NAME = "ferrule-pyext-standin"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--manylinux", action="store_true", help="build in the genuine images, which are pulled")
    parser.addoption("--wheels", type=Path, help="try the wheels of this finished release in the images too")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks of this folder."""
    config.addinivalue_line("markers", "images: tries something in the images, which are for Linux")
    config.addinivalue_line("markers", "pyext: cibuildwheel at work, for minutes; only where it is asked for")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything here takes minutes, and is for the session `pyext`, which asks for it by its mark."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.pyext)
    asked = "pyext" in config.option.markexpr
    unfit = ("images",) if asked and HOST not in LINUX else () if asked else ("pyext",)
    left_out = [item for item in items if any(item.get_closest_marker(mark) for mark in unfit)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def surroundings() -> dict[str, str]:
    """What uv needs to trust whom the machine trusts."""
    named = {"SSL_CERT_FILE": str(CERTIFICATES)} if CERTIFICATES.exists() else {}
    return {name: value for name, value in named.items() if name not in os.environ}  # noqa: TID251


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A container engine that answers, which the example's project asks for anyway."""
    project = lay_out(tmp_path_factory.mktemp("engine"))
    set_up(cwd=project)
    rows = json.loads(ferrule("doctor", "--json", "--no-probe", cwd=project).stdout)
    return next(row["path"] for row in rows if row["tool"] == "container")


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[str | None]:
    """The stand-in's digest; None for the genuine images, and where no image is needed."""
    if pytestconfig.getoption("--manylinux", default=False) or HOST not in LINUX:
        yield None
        return
    assert HOST == X86, "the stand-in is of x86_64; on other machines: -- --manylinux"
    engine = request.getfixturevalue("engine")
    yield standin.make(engine, NAME)
    standin.remove(engine, NAME)


@pytest.fixture(scope="session")
def project(image: str | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, for this machine."""
    return standin.narrow(lay_out(tmp_path_factory.mktemp("pyext")), image)


@pytest.fixture(scope="session")
def release(project: Path, surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """What the command line makes of it."""
    ferrule("release", "--setup", cwd=project, **surroundings)
    return Release(project / "dist", tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="session")
def expected() -> str:
    """All that a consumer has to print."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    return "".join(f"{expected_line(vector)}\n" for vector in vectors)
