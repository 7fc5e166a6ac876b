"""One real release for all tests of this folder, made by the command line in the checkout itself, and its judges."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import judges
import pytest
from judges import CHECKOUT, OWN, VECTORS, ferrule, run
from released import Release

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Everything here needs the real toolchain."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def judged() -> None:
    """Every judge is on this machine from here on."""
    judges.provision()


@pytest.fixture(scope="session")
def setup(judged: None) -> None:  # noqa: ARG001
    """The toolchain is complete from here on, with an engine for containers, emulation of arm64, and Node.js."""
    ferrule("setup", "--with", "container", "--with", "emulation", "--with", "node")


@pytest.fixture(scope="session")
def release(setup: None, tmp_path_factory: pytest.TempPathFactory) -> Release:  # noqa: ARG001
    """A release of this checkout; what an earlier run compiled is taken from the project's cache."""
    dist = OWN / "dist"
    ferrule("release", "--output", dist)
    return Release(dist, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="session")
def programs(setup: None) -> dict[str, str]:  # noqa: ARG001
    """Where the programs of the toolchain are, as `ferrule doctor` says."""
    said = ferrule("doctor", "--json", "--no-probe", "--with", "container", "--with", "node").stdout
    return {row["tool"]: row["place"] for row in json.loads(said)}


@pytest.fixture(scope="session")
def vectors() -> list[dict]:
    """Candidate, options, answers of the look-ups and expected result: the promise for every language."""
    return json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def elsewhere(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same commit with the same changes, released in another folder without a cache, by another person."""
    place = tmp_path_factory.mktemp("a") / "longer path to another checkout" / "of-the-same-sources"
    run("git", "clone", "--quiet", "--no-hardlinks", CHECKOUT, place)
    run("git", "checkout", "--quiet", "--detach", release.manifest["source"]["commit"], cwd=place)
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=CHECKOUT).stdout
    for name in filter(None, listed.split("\0")):
        source, copy = CHECKOUT / name, place / name
        copy.unlink(missing_ok=True)
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
    given = {"TZ": "Pacific/Chatham", "LC_ALL": "C.UTF-8", "LANG": "tr_TR.UTF-8", "USER": "somebody"}
    ferrule("release", cwd=place, umask=0o077, **given)
    return place
