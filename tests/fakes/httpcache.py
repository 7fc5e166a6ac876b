"""An HTTP cache on loopback that does what Bazel's protocol asks for, until a test has it misbehave."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class Request(BaseHTTPRequestHandler):
    """One connection; `cache` is whose."""

    protocol_version = "HTTP/1.1"
    cache: Cache

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        output = {"Content-Length": str(len(body)), **{name.replace("_", "-"): v for name, v in headers.items()}}
        for name, value in output.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    @property
    def content(self) -> bytes:
        """What a well-behaved cache would send."""
        return self.cache.contents.get(self.path, b"")

    def handle_any(self) -> None:
        self.cache.requests.append((self.command, self.path, self.headers.get("Authorization")))
        if self.cache.trick is not None and self.cache.trick(self):
            return
        if self.command == "PUT":
            self.cache.contents[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(201)
        elif self.path in self.cache.contents:
            self.answer(200, self.content)
        else:
            self.answer(404, b"not found")

    do_GET = do_HEAD = do_PUT = handle_any  # noqa: N815 - the standard library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """The other side went away, as it should where it is maltreated."""


@dataclass
class Cache:
    """Contents by path, every request so far (method, path, Authorization), and a trick that takes requests over."""

    contents: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    trick: Callable[[Request], bool] | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        handler = type("Bound", (Request,), {"cache": self})
        self._server = _Quiet(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """From now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def asked(self, method: str) -> list[str]:
        """Paths of all requests of a kind."""
        return [path for m, path, _ in self.requests if m == method]

    def kept(self, kind: str) -> dict[str, bytes]:
        """Contents below `ac` or `cas`."""
        return {path: content for path, content in self.contents.items() if f"/{kind}/" in path}
