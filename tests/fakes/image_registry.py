"""A registry of images on this machine (OCI distribution-spec 1.1), with faults where they are asked for."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Registry(http.server.BaseHTTPRequestHandler):
    blobs: ClassVar[dict[str, bytes]] = {}
    token: ClassVar[str | None] = None
    failures: ClassVar[list[tuple[int, dict[str, str]]]] = []  # answers before the first right one
    cut: ClassVar[list[int]] = []  # bytes that are left out of answers
    blobs_at: ClassVar[str | None] = None  # where blobs are
    requests: ClassVar[list[tuple[str, str | None]]] = []  # path and credentials

    def do_GET(self):
        self.requests.append((self.path, self.headers.get("Authorization")))
        if self.failures:
            code, headers = self.failures.pop(0)
            return self.send(code, b"busy", headers)
        if self.path.startswith("/token?"):
            return self.send(200, json.dumps({"token": self.token}).encode())
        if self.token and self.headers.get("Authorization") != f"Bearer {self.token}":
            realm = f'Bearer realm="http://127.0.0.1:{self.server.server_port}/token",service="test",scope="pull"'
            return self.send(401, b"", {"WWW-Authenticate": realm})
        if self.blobs_at and "/blobs/" in self.path:
            return self.send(307, b"", {"Location": self.blobs_at + self.path})
        content = self.blobs.get(self.path.rpartition("/")[2])
        return self.send(404, b"") if content is None else self.send(200, content)

    def send(self, code, body, headers=None):
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) - self.cut.pop(0)] if self.cut and len(body) > self.cut[0] else body)

    def log_message(self, *_):
        """Silent: the test's output is the test's."""


def blobs_of(layout: Path) -> dict[str, bytes]:
    """The content of a layout by its digests."""
    return {f"sha256:{path.name}": path.read_bytes() for path in (layout / "blobs" / "sha256").iterdir()}


@contextmanager
def serving(blobs: Mapping[str, bytes], token: str | None = None, **more: Any) -> Iterator[str]:
    """Serve these blobs as long as the block runs; gives the registry's name."""
    handler = type("Handler", (Registry,), {"blobs": blobs, "token": token, "requests": [], **more})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
