"""Every fault at every request of every destination: nothing lost, twice, replaced or shown; the next run ends well."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import (
    BY_CLIENTS,
    FAULTS,
    FILES,
    SERVERS,
    SMALL,
    publisher_of,
    serving,
)
from fakes.git_server import GitServer
from fakes.hostile_answers import answer_otherwise
from fakes.published import CANARY, release_of
from ferrule.app.publish import run
from ferrule.core.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.destinations import StandIn
    from ferrule.app.publish.items import Release

pytestmark = [pytest.mark.faults, pytest.mark.thorough]

ALL = {**SERVERS, "go": GitServer, "homebrew": GitServer}
"""Every destination with a server; Git serves those that are repositories."""
CLIENTS = sorted(ALL.keys() - SERVERS.keys() | BY_CLIENTS)
HTTP = tuple(name for name in SERVERS if name not in BY_CLIENTS)
NAMES_TWICE = frozenset({"gitlab", "gitea"})
"""These create a name twice if they are asked to: between two publishers at once nothing can keep them from it."""


def pace(events: list[run.PublishEvent] | None = None) -> run.Pace:
    return run.Pace(lambda _: None, events.append if events is not None else lambda _: None)


@pytest.fixture
def release(tmp_path: Path, name: str) -> Release:
    return release_of(tmp_path / "dist", FILES.get(name, SMALL))


def publish(name: str, server: StandIn, release: Release, folder: Path) -> str:
    """What a run says, all of it."""
    events: list[run.PublishEvent] = []
    try:
        run.publish({name: publisher_of(name, server, release, folder)}, pace(events))
    except PublishError as error:
        return f"{error}{events}"
    return f"{events}"


def publish_and_be_killed(name: str, server: StandIn, release: Release, folder: Path) -> None:
    """A run in a process of its own, which the server ends at one of its requests."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            publish(name, server, release, folder)
        os._exit(0)
    server.victim = child
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


def visible(server: StandIn) -> str:
    """What is there in the end, without numbers and addresses that differ between servers."""
    return repr(server.state()).replace(server.url, "").replace(server.elsewhere, "")


def requests_of(name: str, release: Release, folder: Path) -> tuple[int, str]:
    with serving(ALL[name]()) as server:
        publish(name, server, release, folder)
        return len(server.requests), visible(server)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", HTTP)
def test_the_next_run_ends_as_an_undisturbed_one(
    name: str, fault: str, release: Release, tmp_path: Path, record_property
) -> None:
    count, right = requests_of(name, release, tmp_path)
    step = 4 if fault == "slow" else 1
    record_property(f"faults: at requests to {name}", len(range(0, count, step)))
    for number in range(0, count, step):
        with serving(ALL[name](faults={number: fault})) as server:
            if fault.startswith("killed"):
                publish_and_be_killed(name, server, release, tmp_path)
            else:
                assert CANARY not in publish(name, server, release, tmp_path)
            server.faults.clear()
            publish(name, server, release, tmp_path)
            assert visible(server) == right, number
            assert set(server.created.values()) == {1}, number
            assert not server.replaced
            assert not server.leaked + server.strayed


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CLIENTS)
def test_after_a_fault_at_any_request_of_a_client(name: str, fault: str, tmp_path: Path, record_property) -> None:
    """twine, npm and Git upload: a client that outlives the run that started it is a second publisher."""
    release = release_of(tmp_path / "dist", FILES[name])
    count, right = requests_of(name, release, tmp_path)
    assert count > 2
    record_property(f"faults: at requests to {name}", count)
    for number in range(count):
        with serving(ALL[name](faults={number: fault})) as server:
            if fault.startswith("killed"):
                publish_and_be_killed(name, server, release, tmp_path)
            else:
                assert CANARY not in publish(name, server, release, tmp_path)
            server.faults.clear()
            publish(name, server, release, tmp_path)
            assert visible(server) == right, number
            assert set(server.created.values()) == {1}, number
            assert not server.replaced
            assert not server.leaked


@pytest.mark.parametrize("name", [*HTTP, "go", "homebrew"])
def test_two_at_once(name: str, release: Release, tmp_path: Path, record_property) -> None:
    """At each request of one, another publishes the whole release."""
    count, right = requests_of(name, release, tmp_path)
    record_property(f"faults: second publishers at {name}", count)
    for number in range(count):
        with serving(ALL[name]()) as server:

            def meanwhile(server: StandIn = server) -> None:
                publish(name, server, release, tmp_path / "other")

            (tmp_path / "other").mkdir(exist_ok=True)
            server.meanwhile[number] = meanwhile
            publish(name, server, release, tmp_path)
            publish(name, server, release, tmp_path)
            assert not server.replaced
            assert not server.leaked + server.strayed
            if name in NAMES_TWICE:
                assert max(server.created.values()) <= 2
            elif name == "github":
                drafts = {n: c for n, c in server.created.items() if n.startswith("release ")}
                assert {n: c for n, c in server.created.items() if n not in drafts and c != 1} == {}, number
                assert sum(drafts.values()) <= 2
            else:
                assert visible(server) == right, number
                assert set(server.created.values()) == {1}


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_answers_of_any_form(name: str, release: Release, tmp_path: Path, record_property) -> None:
    """Something else in place of any value of any answer: a sentence, and no credentials to anybody."""
    record_property(f"faults: other answers of {name}", answer_otherwise(name, release, tmp_path, 300))
