"""This repository's own release on servers of every kind: the mark of that session, its release and its table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).parent

from judges import CHECKOUT, ferrule, provision, run, set_up  # noqa: E402
from tally import Tally, table  # noqa: E402

from sessions import leave_out, say_at_end  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

TALLIES = pytest.StashKey[list[Tally]]()
JUDGES = {
    "curl": ("curl",),
    "docker-registry": ("docker-registry",),
    "git": ("git",),
    "nginx": ("nginx",),
    "npm": ("npm",),
    "sha256sum": ("coreutils",),
    "skopeo": ("skopeo",),
}


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of this folder, and end with its table."""
    config.addinivalue_line("markers", "published: a whole release, killed and resumed; only where it is asked for")
    config.stash[TALLIES] = []
    say_at_end(config, lambda: table(config.stash[TALLIES]) if config.stash[TALLIES] else "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything here is for the session `published`, which asks for it by its mark."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.published)
    leave_out(config, items, "published")


@pytest.fixture(scope="session")
def tallies(pytestconfig: pytest.Config) -> Iterator[list[Tally]]:
    """What the table is made of."""
    tallies = pytestconfig.stash[TALLIES]
    yield tallies
    path = pytestconfig.getoption("--table")
    if path:
        path.write_text(table(tallies))


@pytest.fixture(scope="session")
def released(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The given release of a commit of this repository, or one that is made in a clone of what is committed."""
    provision(JUDGES)
    set_up("--with", "go", "--host-only")
    given = pytestconfig.getoption("--released")
    if given:
        return given.absolute()
    clone = tmp_path_factory.mktemp("released") / "clone"
    run("git", "clone", "--quiet", CHECKOUT, clone)
    ferrule("release", "email-validator", "--setup", cwd=clone)
    return clone / "dist" / "email-validator"


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of this folder in a repository of its own, released; its branch is one of a remote, too."""
    provision(JUDGES)
    folder, clone = (tmp_path_factory.mktemp("workspace") / name for name in ("origin", "clone"))
    shutil.copytree(HERE / "workspace", folder)
    run("git", "init", "--quiet", "--initial-branch=main", folder)
    run("git", "add", "--all", cwd=folder)
    run("git", "-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "--quiet", "-m", "1.2.3", cwd=folder)
    run("git", "clone", "--quiet", folder, clone)
    ferrule("release", "--setup", cwd=clone)
    return clone
