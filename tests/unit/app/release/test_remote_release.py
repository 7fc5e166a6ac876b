"""Whole releases that share finished actions, with pretended compilers and a pretended cache."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.httpcache import Cache, Request
from fakes.toolchain import Demo, lay_out, wait_until
from ferrule.app.release import run as release
from ferrule.core.errors import ToolchainError
from ferrule.engine.events import ActionFinished
from ferrule.engine.remote_server import Address
from ferrule.reporting import table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.core.model import Report
    from ferrule.engine.events import Event
    from ferrule.engine.remote_server import Mode

SHARED = 14


@pytest.fixture
def cache() -> Iterator[Cache]:
    with Cache() as cache:
        yield cache


def run(demo: Demo, cache: Cache, mode: Mode, events: list[Event] | None = None, *, offline: bool = False) -> Report:
    host = replace(demo.context.host, offline=offline)
    context = replace(demo.context, host=host, remote=Address(cache.url, mode))
    config = release.load(demo.project)
    plan = release.make_plan(config, context)
    listen = events.append if events is not None else lambda _: None
    return release.run(config, plan, context, listen, output=demo.dist)


def test_release_of_a_fresh_clone_is_fetched(cache: Cache, tmp_path: Path) -> None:
    first, second = (lay_out(tmp_path / name) for name in ("one", "another-place"))
    built = run(first, cache, "write")
    events: list[Event] = []
    result = run(second, cache, "read", events)
    assert first.files() == second.files()
    assert [(o.action.id, o.key, o.files, o.facts) for o in built.outcomes] == [
        (o.action.id, o.key, o.files, o.facts) for o in result.outcomes
    ]
    states = [e.outcome.state for e in events if isinstance(e, ActionFinished)]
    assert (states.count("remote"), states.count("built")) == (SHARED, len(states) - SHARED)
    assert {o.action.kind for o in result.outcomes if o.state == "remote"} == {
        *(
            "library",
            "header",
            "component",
            "npm",
            "goprogram",
            "wheel",
        ),  # of the wheels, the source distribution
    }
    assert next(row.state for row in table.rows(result) if row.file.endswith(".tgz")) == "remote"
    # What was fetched is known here from now on.
    cache.requests.clear()
    assert {o.state for o in run(second, cache, "write").outcomes} == {"cached"}
    assert cache.requests == []


def test_offline_asks_nobody(cache: Cache, demo: Demo) -> None:
    assert not run(demo, cache, "write", offline=True).failed
    assert cache.requests == []


def test_command_line_takes_address_and_mode(cache: Cache, tmp_path: Path) -> None:
    first, second = (lay_out(tmp_path / name) for name in ("one", "two"))
    written = first.ferrule("release", "--remote-cache", cache.url, "--remote-cache-mode", "write", "-q")
    assert (written.returncode, written.stderr) == (0, "")
    token = {"FERRULE_REMOTE_CACHE_TOKEN": "t0ken-canary"}
    done = second.ferrule("release", "--json", FERRULE_REMOTE_CACHE=cache.url, **token)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["remote"] == SHARED
    assert "canary" not in done.stdout + done.stderr
    assert cache.requests[-1][2] == "Bearer t0ken-canary"
    assert first.files() == second.files()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"FERRULE_REMOTE_CACHE": "u:canary@h"}, "not an http or https URL"),
        ({"FERRULE_REMOTE_CACHE": "http://u:canary@cache.example"}, "in the clear"),
        ({"FERRULE_REMOTE_CACHE": "https://h", "FERRULE_REMOTE_CACHE_MODE": "rw"}, "'rw' is not a mode"),
    ],
)
def test_mistaken_address_is_told_without_its_secret(variables: dict[str, str], said: str, demo: Demo) -> None:
    done = demo.ferrule("release", **variables)
    assert done.returncode == 2
    assert said in done.stderr
    assert "canary" not in done.stderr


def test_interrupt_does_not_wait_for_a_server_that_says_nothing(cache: Cache, demo: Demo) -> None:
    def silent(request: Request) -> bool:
        return request.cache.over.wait()

    cache.trick = silent
    process = demo.start("release", FERRULE_REMOTE_CACHE=cache.url)
    wait_until(lambda: cache.requests, "a request")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_kill_in_the_middle_of_a_content_costs_nothing(cache: Cache, tmp_path: Path) -> None:
    first, second = (lay_out(tmp_path / name) for name in ("one", "two"))
    run(first, cache, "write")
    halves: list[str] = []

    def half(request: Request) -> bool:
        if not request.path.startswith("/cas/"):
            return False
        request.send_response(200)
        request.send_header("Content-Length", str(len(request.content)))
        request.end_headers()
        request.wfile.write(request.content[: len(request.content) // 2])
        request.wfile.flush()
        halves.append(request.path)
        return request.cache.over.wait()

    cache.trick = half
    process = second.start("release", FERRULE_REMOTE_CACHE=cache.url)
    wait_until(lambda: halves, "half a content")
    process.kill()
    process.communicate(timeout=60)
    cache.trick = None
    run(second, cache, "read")
    assert second.files() == first.files()


def test_compiler_cache_runs_rustc_and_counts_in_no_key(demo: Demo) -> None:
    (demo.root / "bin" / "keeper").symlink_to(sys.executable)
    config = release.load(demo.project)
    context = demo.context
    host = replace(context.host, environment={**context.host.environment, "SCCACHE_DIR": "/x", "RUSTC_WRAPPER": "/y"})
    given = release.engine_of(config, None, replace(context, host=host, compiler_cache="keeper")).site.environment
    assert (given["RUSTC_WRAPPER"], given["SCCACHE_DIR"]) == (str(demo.root / "bin" / "keeper"), "/x")
    plain = release.engine_of(config, None, replace(context, host=host)).site.environment
    assert plain["RUSTC_WRAPPER"] == ""  # which keeps Cargo from those of its settings
    assert "SCCACHE_DIR" not in plain
    plan = release.make_plan(config, context)
    first = release.run(config, plan, replace(context, compiler_cache="keeper"), lambda _: None, output=demo.dist)
    again = release.run(config, plan, context, lambda _: None, output=demo.dist)
    assert ({o.state for o in first.outcomes}, {o.state for o in again.outcomes}) == ({"built"}, {"cached"})


def test_compiler_cache_that_is_missing_is_told(demo: Demo) -> None:
    with pytest.raises(ToolchainError, match="the compiler cache none is not on this machine"):
        release.engine_of(release.load(demo.project), None, replace(demo.context, compiler_cache="none"))
