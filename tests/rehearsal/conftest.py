"""This repository released in parts, by its own workflow and by hand, beside the release of one machine."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAME = "email-validator"
"""The release of this repository that holds an artifact of nearly every kind."""

from folders import files  # noqa: E402
from judges import CHECKOUT, ferrule, run  # noqa: E402

from sessions import leave_out  # noqa: E402


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything here takes many minutes, and is for the session `rehearse`, which asks for it by its mark."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.rehearsal)
    leave_out(config, items, "rehearsal")


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed here."""
    path = tmp_path_factory.mktemp("repository") / "clone"
    run("git", "clone", "--quiet", CHECKOUT, path)
    return path


@pytest.fixture(scope="session")
def alone(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The release that one machine makes of the same commit, by path."""
    path = tmp_path_factory.mktemp("alone") / "clone"
    run("git", "clone", "--quiet", repository, path)
    ferrule("release", NAME, cwd=path)
    return files(path / "dist" / NAME)
