"""A server with a gate before it: the gate counts what comes and what takes effect, and ends a publisher at a request.

What a gate lets through is answered by a stand-in, or by a real server that gets the request as it is.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fakes.destinations import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.destinations import Reply, Request

Moment = Literal["first", "before", "after", "next"]
WRITES = frozenset({"PUT", "POST", "PATCH", "MKCOL"})
_NO_WRITE = ("/blobs/uploads/", "/git-upload-pack", "/releases/generate-notes", "/releases/0")
"""What is sent by POST or PATCH and changes nothing: a session for an upload, what Git asks for, and questions of those
who may write."""
_NOTHING = re.compile(rb'name=":action"\r\n\r\nfile_upload\r\n--[^\r\n]+--\r\n')
"""The end of a form by which a package index is sent nothing, to see whom it lets upload."""
_PROBE = b"0000"
"""What Git sends before a large push, to see whether it may (http-protocol, "git-receive-pack")."""
_OF_A_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})


@dataclass(frozen=True)
class Boundary:
    """Where a run is killed: `first` at a run's first request, before anything; else about the write `number`.

    Writes are counted from 1 over all runs: `before` it reaches the server, `after` it took effect and its answer is
    lost, or at the `next` request.
    """

    destination: str
    moment: Moment
    number: int = 0


class KilledError(ConnectionError):
    """The publisher is gone, and with it the connection."""


@dataclass
class Gate(StandIn):
    """A server behind a gate; `accepted` counts by their names the writes that took effect."""

    name: str = ""
    inner: Callable[[Request], Reply] = lambda _: (500, {}, b"")
    armed: Boundary | None = None
    accepted: Counter[str] = field(default_factory=Counter)
    stamps: list[float] = field(default_factory=list)
    since_start: int = 0
    just_wrote: bool = False

    def arm(self, boundary: Boundary | None) -> None:
        """Have a new run killed there, None for nowhere."""
        self.armed, self.victim, self.since_start, self.just_wrote = boundary, None, 0, False

    def answer(self, request: Request) -> Reply:
        asks = request.path.endswith(_NO_WRITE) or request.body == _PROBE or _NOTHING.search(request.body[:1000])
        writes = request.method in WRITES and not asks
        done, self.since_start = len(self.stamps), self.since_start + 1
        if self.is_at("first", True) or self.is_at("next", self.just_wrote and self.number <= done):
            self.kill()
        if self.is_at("before", writes and self.number == done + 1):
            self.kill()
        reply = self.inner(request)
        if writes and reply[0] < http.client.MULTIPLE_CHOICES:
            self.stamps.append(time.monotonic())
            self.accepted[name_of(request)] += 1
            self.just_wrote = True
            if self.is_at("after", self.number <= done + 1):
                self.kill()
        return reply

    @property
    def number(self) -> int:
        return self.armed.number if self.armed else 0

    def is_at(self, moment: Moment, reached: bool) -> bool:
        return self.armed is not None and self.armed.moment == moment and reached and self.victim is not None

    def kill(self) -> None:
        assert self.victim is not None
        os.kill(self.victim, signal.SIGKILL)
        self.armed = None
        raise KilledError


def name_of(request: Request) -> str:
    """What a write is about: its address, or the digest or file that its query or form names."""
    by_query = request.query.get("digest") or request.query.get("name")
    in_form = request.method == "POST" and re.search(rb'filename="([^"]+)"', request.body[:100_000])
    form = in_form[1].decode() if in_form and not by_query else ""
    return f"{request.method} {by_query or form or request.path}"


def forwarding(address: str) -> Callable[[Request], Reply]:
    """What a real server answers to requests that it gets as they are."""
    parts = urllib.parse.urlsplit(address)

    def forward(request: Request) -> Reply:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            # One by one, as a name may come several times: clients of images list so what they accept.
            for name, value in request.headers.items():
                if name.lower() not in {*_OF_A_CONNECTION, "content-length"}:
                    connection.putheader(name, value)
            if request.method in WRITES:
                connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body or None)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        kept = {n.title(): v for n, v in answer.getheaders() if n.lower() not in _OF_A_CONNECTION}
        if request.method != "HEAD":
            kept.pop("Content-Length", None)
        return answer.status, kept, body

    return forward
