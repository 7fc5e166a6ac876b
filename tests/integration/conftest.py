"""One real release for all tests of this folder, made by the command line in the checkout itself, and its judges."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import judges
import pytest
from agreement import expected_line
from judges import CHECKOUT, OWN, VECTORS, ferrule, run, set_up
from released import HOST, LINUX, Release

from sessions import say_at_end

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
# Beside the toolchain itself: Go, what runs JavaScript, and on Linux what runs images and programs of arm64.
MORE = ("--with", "go", "--with", "node", *(("--with", "container", "--with", "emulation") if HOST in LINUX else ()))
LONG = {"reproduced", "followed", "portable", "sealed_box", "signal_stats", "service"}
"""Fixtures that build for minutes: what asks for them is for the session `rehearse`."""
OF = {"release": "email-validator", "sealed_box": "sealed-box", "signal_stats": "signal-stats", "service": "service"}
"""Fixtures that are a release of this repository, and its name."""

LEFT_OUT = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-agreement", action="store_true", help="write the table of docs/agreement.md anew")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks of this folder, and end with what was left out."""
    config.addinivalue_line("markers", "consumer: a program as a user writes it runs what a finished release holds")
    config.addinivalue_line("markers", "only_on(*targets, reason): on other machines the test is left out, and said")
    config.stash[LEFT_OUT] = Counter()
    say_at_end(config, lambda: "\n".join(left_out(config.stash[LEFT_OUT])))


@pytest.hookimpl(tryfirst=True)  # before those that go by these marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything here needs the real toolchain, and some of it a machine of a certain kind, or minutes of its own."""
    dist = config.getoption("--released", default=None)
    if dist and not (dist / "manifest.json").is_file():
        raise pytest.UsageError(f"--released names {dist}, which is no release: take the folder of one, as dist/NAME")
    name = json.loads((dist / "manifest.json").read_bytes())["project"] if dist else ""
    for item in items:
        if HERE in item.path.parents:
            built = (LONG - OF.keys() if dist else LONG).intersection(getattr(item, "fixturenames", ()))
            takes_long = built or item.get_closest_marker("rehearsal")
            item.add_marker(pytest.mark.rehearsal if takes_long else pytest.mark.integration)
    unfit = [(item, reason) for item in items if (reason := unsuited(item) or unsuited_to(name, item))]
    items[:] = [item for item in items if item not in dict(unfit)]
    config.hook.pytest_deselected(items=[item for item, _ in unfit])
    config.stash[LEFT_OUT].update(reason for _, reason in unfit)


def left_out(counts: Counter[str]) -> list[str]:
    """What was left out on this machine, and why."""
    return [f"left out on {HOST}: {count} tests: {reason}" for reason, count in sorted(counts.items())]


def unsuited(item: pytest.Item) -> str:
    """Why this machine is not for a test, empty if it is."""
    marks = item.iter_markers("only_on")
    return next((mark.kwargs["reason"] for mark in marks if HOST not in mark.args), "")


def unsuited_to(name: str, item: pytest.Item) -> str:
    """Why a test is not for a given release, empty if it is, or if none is given."""
    others = {OF[one] for one in OF if name and one in getattr(item, "fixturenames", ()) and OF[one] != name}
    return f"they are of {', '.join(sorted(others))}, and {name} was given" if others else ""


@pytest.fixture(scope="session")
def judged() -> None:
    """Every judge is on this machine from here on."""
    judges.provision()


@pytest.fixture(scope="session")
def given(pytestconfig: pytest.Config) -> Path | None:
    """A finished release to judge, if there is one: it is made once, and used on machines of every kind."""
    dist = pytestconfig.getoption("--released", default=None)
    return dist and dist.absolute()


@pytest.fixture(scope="session")
def tools(given: Path | None) -> tuple[str, ...]:
    """What `ferrule setup` is to set up: all that a release needs, or what is used of it on this machine."""
    return MORE if given is None else ("--host-only", *MORE)


@pytest.fixture(scope="session")
def setup(judged: None, tools: tuple[str, ...]) -> None:  # noqa: ARG001
    """The toolchain is complete from here on."""
    set_up(*tools)


@pytest.fixture(scope="session")
def release(setup: None, given: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Release:  # noqa: ARG001
    """The given release, or one of this checkout; what an earlier run compiled is taken from the project's cache."""
    return Release(given or release_of(OF["release"]), tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="session")
def sealed_box(setup: None, given: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Release:  # noqa: ARG001
    """The same of sealed-box."""
    return Release(given or release_of(OF["sealed_box"]), tmp_path_factory.mktemp("unpacked-box"))


@pytest.fixture(scope="session")
def signal_stats(setup: None, given: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Release:  # noqa: ARG001
    """The same of signal-stats."""
    return Release(given or release_of(OF["signal_stats"]), tmp_path_factory.mktemp("unpacked-stats"))


@pytest.fixture(scope="session")
def service(setup: None, given: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Release:  # noqa: ARG001
    """The same of the service."""
    folder = tmp_path_factory.mktemp("unpacked-service")
    return Release(given or release_of(OF["service"]), folder, image="service-image")


def release_of(name: str) -> Path:
    """One release of this repository, made in its checkout."""
    ferrule("release", name, "--output", OWN / "dist")
    return OWN / "dist" / name


@pytest.fixture(scope="session")
def programs(setup: None, tools: tuple[str, ...]) -> dict[str, str]:  # noqa: ARG001
    """Where the programs of the toolchain are, as `ferrule doctor` says."""
    output = ferrule("doctor", "--json", "--no-probe", *tools).stdout
    return {row["tool"]: row["path"] for row in json.loads(output)}


@pytest.fixture(scope="session")
def vectors() -> list[dict]:
    """Candidate, options, answers of the look-ups and expected result: the promise for every language."""
    return json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def expected(vectors: list[dict]) -> str:
    """All that a consumer has to print."""
    return "".join(f"{expected_line(vector)}\n" for vector in vectors)


@pytest.fixture(scope="session")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every program that was started for `reproduced`, with its arguments, as strace writes it."""
    return tmp_path_factory.mktemp("reproduced") / "trace"


@pytest.fixture(scope="session")
def reproduced(release: Release, trace: Path) -> Iterator[dict]:
    """What `ferrule reproduce` says of the release: the only other one that is built here, by somebody else."""
    watched = ("strace", "--follow-forks", "--seccomp-bpf", "--trace=execve", "--abbrev=none", "--string-limit=4096")
    command = (*watched, "--quiet=all", "--output", trace, sys.executable, "-m", "ferrule", "reproduce")
    with tempfile.TemporaryDirectory(prefix="ferrule-tests-") as work:  # other users may not enter pytest's folders
        asked = ("--release", OF["release"], "--against", release.dist, "--work", work, "--json")
        done = run(*command, *asked, cwd=CHECKOUT, ok=False, PYTHONPATH=str(CHECKOUT / "src"))
        assert done.returncode in (0, 6), done.stderr
        yield json.loads(done.stdout)


@pytest.fixture(scope="session")
def elsewhere(reproduced: dict) -> Path:
    """The same commit with the same changes in another folder, where it was released without a cache."""
    return Path(reproduced["second"])
