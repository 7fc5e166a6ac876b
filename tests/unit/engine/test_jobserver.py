from __future__ import annotations

import os
import stat
import subprocess  # noqa: TID251 - children are what this is for
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from ferrule.engine.jobserver import Jobserver

TAKE_ALL = """
import os, sys
path = os.environ["MAKEFLAGS"].partition("fifo:")[2]
pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
taken = 0
try:
    while os.read(pipe, 1):
        taken += 1
except BlockingIOError:
    pass
if sys.argv[1] == "back":
    os.write(pipe, b"+" * taken)
print(taken)
"""


def tokens(server: Jobserver) -> int:
    """How many can be taken; all are given back."""
    taken = 0
    while server.acquire():
        taken += 1
    for _ in range(taken):
        server.release()
    return taken


def child(server: Jobserver, mode: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", TAKE_ALL, mode], env=server.environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def pipe_of(server: Jobserver) -> Path:
    return Path(server.environment["CARGO_MAKEFLAGS"].partition("fifo:")[2])


def test_a_token_is_waited_for_and_given_back() -> None:
    over = threading.Event()
    with Jobserver(1) as server:
        assert server.acquire()
        threading.Timer(0.2, server.release).start()
        with server.borrowed(over) as mine:
            assert mine
            assert tokens(server) == 0
        assert tokens(server) == 1


def test_a_token_that_never_comes_is_not_waited_for_any_longer() -> None:
    over = threading.Event()
    with Jobserver(1) as server:
        assert server.acquire()
        threading.Timer(0.2, over.set).start()
        with server.borrowed(over) as mine:
            assert not mine
        assert tokens(server) == 0


def test_nothing_is_taken_from_what_was_opened_since(tmp_path: Path) -> None:
    with Jobserver(1) as server, server.borrowed(threading.Event()):
        server.__exit__(None, None, None)
        with (tmp_path / "file").open("w+b") as stream:  # has the number that the pipe had
            stream.write(b"content")
            stream.seek(0)
            assert not server.acquire()
            server.release()
            assert stream.read() == b"content"


@pytest.mark.parametrize("jobs", [1, 2, 1024])
def test_as_many_tokens_as_jobs(jobs: int) -> None:
    with Jobserver(jobs) as server:
        assert tokens(server) == jobs
        assert tokens(server) == jobs


def test_pipe_lies_where_the_next_run_sweeps_unless_make_could_misread_the_path(tmp_path: Path) -> None:
    for name, there in (("work", True), ("two words", False), ("$x", False), ("absent", False)):
        work = tmp_path / name
        if name != "absent":
            work.mkdir()
        with Jobserver(2, work) as server:
            assert (work in pipe_of(server).parents) == there
            assert child(server, "back") == 2


def test_no_token_is_given_twice() -> None:
    with Jobserver(2) as server:
        assert [server.acquire() for _ in range(3)] == [True, True, False]
        server.release()
        assert [server.acquire() for _ in range(2)] == [True, False]


def test_children_see_what_is_left_and_give_back() -> None:
    with Jobserver(3) as server:
        server.acquire()
        assert child(server, "back") == 2
        assert tokens(server) == 2


def test_what_a_child_took_to_its_grave_comes_back() -> None:
    with Jobserver(3) as server:
        assert child(server, "keep") == 3
        assert not server.acquire()
        server.refill()
        assert tokens(server) == 3


def test_what_a_child_gave_too_much_is_taken_away() -> None:
    with Jobserver(2) as server:
        server.release()
        server.release()
        server.refill()
        assert tokens(server) == 2


def test_make_and_cargo_find_it() -> None:
    with Jobserver(2) as server:
        assert set(server.environment) == {"MAKEFLAGS", "CARGO_MAKEFLAGS"}
        assert server.environment["MAKEFLAGS"].startswith("-j --jobserver-auth=fifo:/")
        assert len(server.environment["MAKEFLAGS"].split(" ")) == 2


def test_nothing_is_left_behind() -> None:
    with Jobserver(2) as server:
        path = pipe_of(server)
        assert path.is_fifo()
    assert not path.parent.exists()


def test_nobody_else_may_take_tokens() -> None:
    with Jobserver(2) as server:
        assert pipe_of(server).parent.stat().st_mode & 0o077 == 0


def test_folder_for_temporary_files_with_a_space_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "with space"
    path.mkdir()
    program = (
        "from ferrule.engine.jobserver import Jobserver\nwith Jobserver(1) as s: print(s.environment['MAKEFLAGS'])"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == 2


def test_the_pipe_has_a_name_that_make_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spaced, plain = tmp_path / "a b", tmp_path / "work"
    for folder in (spaced, plain):
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spaced))
    for work, parent in ((plain, plain), (spaced, Path("/tmp")), (None, Path("/tmp")), (tmp_path / "x", Path("/tmp"))):
        with Jobserver(1, work) as server:
            assert pipe_of(server).parent.parent == parent
    monkeypatch.setattr(tempfile, "tempdir", str(plain))
    with Jobserver(1, spaced) as server:
        assert pipe_of(server).parent.parent == plain


def test_nobody_else_can_take_tokens() -> None:
    before = os.umask(0)
    try:
        with Jobserver(1) as server:
            assert stat.S_IMODE(pipe_of(server).stat().st_mode) == 0o600
    finally:
        os.umask(before)
