"""Prints what the npm package answers to the vectors of a file in a page: main.py CHROMIUM FOLDER VECTORS.

FOLDER has the installed package in its node_modules. With `--serve` in place of CHROMIUM, the page waits for a browser
of yours.
"""

# ruff: noqa: T201, TID251 - a program of its own, which prints and starts a browser

from __future__ import annotations

import itertools
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

HERE = Path(__file__).resolve().parent
PATIENCE = 120  # seconds for a browser to start on a busy machine and to answer
TYPES = {".html": "text/html", ".mjs": "text/javascript", ".js": "text/javascript", ".json": "application/json"}
TYPES |= {".wasm": "application/wasm"}
# As strict as a page may be that uses the package.
POLICY = "default-src 'none'; connect-src 'self'; script-src 'self' 'nonce-map' 'wasm-unsafe-eval'"
# A page of ours in a machine of ours: containers seldom allow the namespaces of the sandbox.
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server")


class Site(ThreadingHTTPServer):
    """The page, the package and the vectors, on this machine only; `said` gets what the page sends."""

    daemon_threads = True

    def __init__(self, folder: Path, vectors: Path) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.places = {
            "/": HERE / "index.html",
            "/page.mjs": HERE / "page.mjs",
            "/answers.mjs": HERE.parent / "node" / "answers.mjs",
            "/vectors.json": vectors,
        }
        self.modules = (folder / "node_modules").resolve()
        self.said: queue.Queue[tuple[str, bytes]] = queue.Queue()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def file(self, path: str) -> Path | None:
        """The file that an address stands for, if there is one."""
        if path in self.places:
            return self.places[path]
        expected = (self.modules / unquote(path).removeprefix("/node_modules/")).resolve()
        return expected if expected.is_relative_to(self.modules) and expected.is_file() else None


class Page(BaseHTTPRequestHandler):
    """One request."""

    server: Site

    def do_GET(self) -> None:
        file = self.server.file(self.path)
        self.reply(404 if file is None else 200, file.read_bytes() if file else b"", file.suffix if file else "")

    def do_POST(self) -> None:
        self.server.said.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.reply(204, b"", "")

    def reply(self, code: int, content: bytes, suffix: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", TYPES.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: standard output belongs to the answers."""


def answers(browser: str, folder: Path, vectors: Path) -> bytes:
    """What the page sent; raises SystemExit with what it, or the browser, had to say instead."""
    with Site(folder, vectors) as site, tempfile.TemporaryDirectory(prefix="browser-") as profile:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        if browser == "--serve":
            print(site.address, file=sys.stderr, flush=True)
            return told(site, "", None)
        with (Path(profile) / "log").open("w+b") as log:
            process = subprocess.Popen(
                [browser, *FLAGS, *QUIET, f"--user-data-dir={profile}/profile", site.address],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                return told(site, f"{profile}/log", process)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                site.shutdown()


def told(site: Site, log: str, process: subprocess.Popen[bytes] | None) -> bytes:
    for _ in range(PATIENCE) if process else itertools.count():
        try:
            path, body = site.said.get(timeout=1)
        except queue.Empty:
            if process and process.poll() is not None:
                break
            continue
        if path != "/answers":
            raise SystemExit(f"the page failed: {body.decode()}")
        return body
    output = Path(log).read_text(encoding="utf-8", errors="replace")[-4000:]
    raise SystemExit(f"the page said nothing within {PATIENCE} s, or the browser ended; it said:\n{output}")


if __name__ == "__main__":
    sys.stdout.buffer.write(answers(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
