"""A server of sccache for a while, which keeps what rustc made in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str] | None]:
    """What a build's environment says to use the server; None where sccache is not installed."""
    program = shutil.which("sccache")
    if program is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"SCCACHE_DIR": str(folder), "SCCACHE_SERVER_PORT": str(port), "SCCACHE_IDLE_TIMEOUT": "0"}

    def tell(option: str) -> None:
        # Its own folder: in the one of a build, what is removed afterwards would be in use.
        subprocess.run((program, option), env=os.environ | own, cwd="/", check=True, stdout=subprocess.DEVNULL)

    tell("--start-server")
    try:
        yield {**own, "FERRULE_COMPILER_CACHE": program}
    finally:
        tell("--stop-server")
