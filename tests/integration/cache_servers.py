"""Real servers of a remote cache, on loopback: as the documentation says they are set up."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess  # noqa: TID251 - a server is a program
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from judges import CHECKOUT, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = CHECKOUT / "docs" / "how-to" / "shared-cache.md"
READER, WRITER = "reader:r3ad-canary", "writer:wr1te-canary"


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """The server of the how-to, with people who read and people who write; yields host and port."""
    output = re.search(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert output
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "content").mkdir(parents=True)
    users = {name: f"{name}:{{PLAIN}}{secret}\n" for name, _, secret in (u.partition(":") for u in (READER, WRITER))}
    (folder / "readers").write_text("".join(users.values()))
    (folder / "writers").write_text(users["writer"])
    server = output[1]
    for there, here in {
        "listen 8080": f"listen 127.0.0.1:{port}",
        "/var/cache/ferrule": f"{folder}/content",
        "/etc/nginx/cache-": f"{folder}/",
    }.items():
        assert there in server
        server = server.replace(there, here)
    places = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ access_log {folder}/accesses; {places}\n{server}}}\n"
    )
    argv = [program("nginx"), "-c", f"{folder}/nginx.conf", "-e", f"{folder}/errors"]
    with running(argv, port):
        yield f"127.0.0.1:{port}"


@contextmanager
def running(argv: list[str], port: int) -> Iterator[None]:
    """A server, from when it answers to the end of the block."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env={"PATH": os.defpath})
    try:
        until = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, f"{argv[0]} ended with {process.returncode}"
            assert time.monotonic() < until, f"{argv[0]} does not answer"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10):
        return True
    return False
