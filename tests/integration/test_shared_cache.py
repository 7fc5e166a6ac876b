"""A remote cache on a real server, set up as the documentation says; compilers are pretended ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from cache_servers import READER, WRITER, nginx
from released import LINUX

from fakes.toolchain import Demo, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from subprocess import CompletedProcess  # noqa: TID251 - what the command line ended with

pytestmark = pytest.mark.only_on(*LINUX, reason="nginx as Debian builds it is the judge")

ASKS_WHAT_IT_IS = re.compile(r"\S+ (-vV\b.*|-print-file-name=\S+|-V|--version|version)")
LATE = re.compile(r"it does not answer in time|it is too slow|it cannot be reached")
MOST_ATTEMPTS = 5
CANARIES = [user.partition(":")[2] for user in (READER, WRITER)]


@pytest.fixture(scope="module")
def server(judged: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:  # noqa: ARG001
    """Host and port, and the folder of contents."""
    folder = tmp_path_factory.mktemp("nginx")
    with nginx(folder) as path:
        yield path, folder / "content"


@pytest.fixture
def clone(tmp_path: Path) -> Callable[[], Demo]:
    """Makes fresh clones of the project, in folders of different lengths."""
    result: list[Demo] = []

    def another() -> Demo:
        folder = tmp_path / ("clone" + "-again" * len(result))
        folder.mkdir()
        result.append(lay_out(folder))
        return result[-1]

    return another


def release(demo: Demo, user: str, place: str, mode: str = "read") -> CompletedProcess[str]:
    done = demo.ferrule("release", FERRULE_REMOTE_CACHE=f"http://{user}@{place}/team", FERRULE_REMOTE_CACHE_MODE=mode)
    assert done.returncode == 0, done.stderr
    for canary in CANARIES:
        assert canary not in done.stdout + done.stderr
        assert not [path for path in demo.project.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]
    return done


def punctual(
    clone: Callable[[], Demo], user: str, place: str, mode: str = "read"
) -> tuple[Demo, CompletedProcess[str]]:
    """A release in a fresh clone with a server that answered in time: a run leaves a late one alone, and says so."""
    for _ in range(MOST_ATTEMPTS):
        demo = clone()
        done = release(demo, user, place, mode)
        if LATE.search(done.stderr) is None:
            return demo, done
    pytest.fail(done.stderr)


def compilations(demo: Demo) -> list[str]:
    return [call for call in demo.calls if not ASKS_WHAT_IT_IS.fullmatch(call)]


def test_fresh_clone_with_a_full_cache_starts_no_compiler(server: tuple[str, Path], clone: Callable[[], Demo]) -> None:
    location, contents = server
    first = clone()
    # Who may only read changes nothing there, whatever is asked.
    denied = release(first, READER, location, "write")
    assert "it refuses this identity (401); it is not written to any more in this run" in denied.stderr
    assert not list(contents.rglob("cas/*"))
    second, done = punctual(clone, WRITER, location, "write")
    assert compilations(second), done.stderr
    third, done = punctual(clone, READER, location)
    assert compilations(third) == [], done.stderr
    assert "14 remote" in done.stderr
    assert re.search(r"demo-1\.2\.3\.wasm .* remote$", done.stdout, re.MULTILINE)
    assert first.files() == second.files() == third.files()
    assert "note:" not in done.stderr
    # Bits that flip on the server's disk are noticed, and whoever may write puts things right.
    damaged = sorted(contents.rglob("cas/*"))
    for path in damaged:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    fourth = clone()
    assert "it was refused, and is made here" in release(fourth, WRITER, location, "write").stderr
    assert fourth.files() == first.files()
    fifth = clone()
    release(fifth, READER, location)
    assert fifth.files() == first.files()


def test_stranger_is_not_let_in_and_builds(server: tuple[str, Path], demo: Demo) -> None:
    path, _ = server
    done = release(demo, "reader:wrong-password", path)
    assert done.stderr.count("it refuses this identity (401)") == 1
    assert "wrong-password" not in done.stderr
    assert compilations(demo)
