"""Stand-ins for destinations on loopback, written from their documentation, with a fault at any request.

Each keeps what it has, counts how often a name was created and replaced, and remembers the credentials that it was
shown. `elsewhere` is another host, to which an answer may lead: nobody should
show it any (`leaked`), and nothing of ours should be sent there (`strayed`).
"""

# ruff: noqa: C901, N815, PLR0911 - a protocol is a list of cases, and http.server names its methods
from __future__ import annotations

import base64
import email.parser
import email.policy
import gzip
import hashlib
import hmac
import http.server
import io
import json
import os
import re
import signal
import socket
import sys
import tarfile
import tempfile
import threading
import time
import urllib.parse
import zipfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.crates import crates
from fakes.published import CANARY
from ferrule.app.publish import DESTINATIONS
from ferrule.app.publish.base import PublishContext
from ferrule.app.publish.web import Web, WebPatience
from ferrule.tools.host import Host
from ferrule.tools.secrets import Hider, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ferrule.app.publish.base import Publisher
    from ferrule.app.publish.items import Release

Reply = tuple[int, dict[str, str], bytes]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
STATUSES = (401, 403, 404, 409, 422, 429, 500, 503)
FAULTS = (
    *(str(status) for status in STATUSES),
    *("lost", "truncated", "altered", "slow", "gone", "redirect", "clock", "killed-before", "killed-after"),
)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: Any
    body: bytes
    target: str = ""
    """The path and query as they were sent."""

    @property
    def secret(self) -> str | None:
        return next((v for n in ("Authorization", "PRIVATE-TOKEN", "JOB-TOKEN") if (v := self.headers.get(n))), None)


def reply(status: int, document: Any = None, **headers: str) -> Reply:
    body = b"" if document is None else document if isinstance(document, bytes) else json.dumps(document).encode()
    return status, {k.replace("_", "-"): v for k, v in headers.items()}, body


HOSTILE: tuple[Any, ...] = (None, [], {}, 0, -1.5, True, "", "http://[", "\ud800\n", [None], [[]], [{}], {"id": "x"})
"""What may stand in place of any value of an answer."""


def is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), (dict, list))
    except ValueError:
        return False


def garblings(document: Any) -> Iterator[Callable[[Any], Any]]:
    """Each way to put something else in place of a value of a document, or of all of it; missing keys are ways too."""
    for path in paths_of(document):
        for shape in HOSTILE:
            yield lambda value, path=path, shape=shape: replaced(value, path, shape)


def paths_of(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inner:
        yield from paths_of(value, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], shape: Any) -> Any:
    """A document with one value replaced, as far as it has it."""
    if not path:
        return shape
    if isinstance(document, dict) and path[0] in document:
        return {**document, path[0]: replaced(document[path[0]], path[1:], shape)}
    if isinstance(document, list) and isinstance(path[0], int) and path[0] < len(document):
        return [replaced(v, path[1:], shape) if i == path[0] else v for i, v in enumerate(document)]
    return document


@dataclass
class StandIn:
    """A server: `answer` is its protocol; `faults` are by the number of the request, counted from 0."""

    faults: dict[int, str] = field(default_factory=dict)
    victim: int | None = None
    requests: list[str] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    created: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    url: str = ""
    elsewhere: str = ""
    leaked: list[str] = field(default_factory=list)
    strayed: list[str] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    stall: threading.Event = field(default_factory=threading.Event)
    garbling: Callable[[Any], Any] | None = None

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def state(self) -> Any:
        """What everybody can see there."""
        raise NotImplementedError

    def create(self, name: str) -> None:
        self.created[name] += 1


class _Handler(http.server.BaseHTTPRequestHandler):
    stand_in: StandIn
    lock: threading.Lock
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        body = b"".join(self._chunks()) if chunked else self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(urllib.parse.parse_qsl(parts.query))
        request = Request(self.command, urllib.parse.unquote(parts.path), query, self.headers, body, self.path)
        server = self.stand_in
        with self.lock:
            number = len(server.requests)
            server.requests.append(f"{self.command} {self.path}")
            server.answers.append(b"")
            fault = server.faults.get(number)
        if act := server.meanwhile.pop(number, None):
            act()
        with self.lock:
            self._act(request, fault, number)

    def _chunks(self) -> Iterator[bytes]:
        """The body that a client sends in pieces, as Git does of more than a megabyte (RFC 9112, 7.1)."""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # a trailer

    def _act(self, request: Request, fault: str | None, number: int) -> None:
        server = self.stand_in
        if fault == "killed-before":
            os.kill(server.victim, signal.SIGKILL)
            return self._drop()
        if fault == "gone":
            return self._drop()
        if fault == "redirect":
            location = f"{server.elsewhere}{self.path}"
            return self._send(reply(307, b"", Location=location))
        if fault == "429":
            return self._send(reply(429, {"message": f"slow down {CANARY}"}, Retry_After="7"))
        if fault == "clock":
            date, after = "Tue, 01 Jan 2019 00:00:00 GMT", "Tue, 01 Jan 2019 00:00:09 GMT"
            return self._send(reply(503, b"", Date=date, Retry_After=after))
        if fault and fault.isdigit():
            return self._send(reply(int(fault), {"message": f"no, {request.secret or CANARY}"}))
        if fault == "slow":
            server.stall.wait(1.5)
            return self._drop()
        status, headers, body = server.answer(request)
        server.answers[number] = body
        if fault == "killed-after":
            os.kill(server.victim, signal.SIGKILL)
            return self._drop()
        if fault == "lost":
            return self._drop()
        if fault == "garbled" and server.garbling and is_json(body):
            body = json.dumps(server.garbling(json.loads(body))).encode()
        if fault == "altered" and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        self._send((status, headers, body), cut=len(body) // 2 + 1 if fault == "truncated" else None)
        return None

    def _send(self, answer: Reply, cut: int | None = None) -> None:
        status, headers, body = answer
        self.send_response_only(status)
        headers = {"Date": "Mon, 02 Feb 2026 00:00:00 GMT", "Connection": "close", **headers}
        for name, value in {**headers, "Content-Length": headers.get("Content-Length", str(len(body)))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:-cut] if cut < len(body) else b"")

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = do_MKCOL = do_OPTIONS = do_PROPFIND = _handle
    do_CONNECT = _handle

    def log_message(self, *_):
        """Silent: the test's output is the test's."""


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    stand_in: StandIn

    def _handle(self) -> None:
        for name in ("Authorization", "PRIVATE-TOKEN", "JOB-TOKEN", "Cookie", "X-Amz-Security-Token"):
            if self.headers.get(name):
                self.stand_in.leaked.append(f"{self.command} {self.path} {name}")
        body = self.stand_in.blobs.get(self.path.rpartition("/")[2].partition("?")[0])
        if self.command not in {"GET", "HEAD"}:
            self.stand_in.strayed.append(f"{self.command} {self.path}")
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = do_MKCOL = do_OPTIONS = do_PROPFIND = _handle

    def log_message(self, *_):
        """Silent."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        """A client that was killed is no error of the server's."""


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """Serve it as long as the block runs."""
    handler = type("Handler", (_Handler,), {"stand_in": stand_in, "lock": threading.Lock()})
    other = type("Other", (_Elsewhere,), {"stand_in": stand_in})
    servers = [_Server(("127.0.0.1", 0), handler), _Server(("127.0.0.1", 0), other)]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    # Another name, as some clients take another port of one name for the same host.
    names = ("127.0.0.1", "localhost")
    stand_in.url, stand_in.elsewhere = (f"http://{n}:{s.server_port}" for n, s in zip(names, servers, strict=True))
    try:
        yield stand_in
    finally:
        stand_in.stall.set()
        for server in servers:
            server.shutdown()
            server.server_close()


@dataclass
class PutServer(StandIn):
    """Takes PUT with If-None-Match, in folders that exist (RFC 9110; RFC 4918)."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    free: tuple[str, ...] = ("GET", "OPTIONS")
    refused: tuple[str, ...] = ()

    def answer(self, request: Request) -> Reply:
        path = request.path
        if request.method in self.refused:
            return reply(403, b"")
        if request.method == "OPTIONS" and "OPTIONS" in self.free:
            return reply(200, b"", Allow="OPTIONS, GET, PUT, MKCOL")
        if request.method == "GET":
            return reply(200, self.files[path]) if path in self.files else reply(404, b"")
        if f"Basic {base64.b64encode(f'me:{CANARY}'.encode()).decode()}" != request.secret:
            return reply(401, b"")
        if request.method in {"OPTIONS", "PROPFIND"}:
            return reply(501, b"")
        if request.method == "MKCOL":
            self.folders.add(path.rstrip("/"))
            return reply(201, b"")
        if path.rpartition("/")[0] not in self.folders:
            return reply(409, b"")
        if path in self.files:
            if request.headers.get("If-None-Match") == "*":
                return reply(412, b"")
            self.replaced[path] += 1
        self.create(path)
        self.files[path] = request.body
        return reply(201, b"")

    def state(self) -> Any:
        return self.files


@dataclass
class S3Server(StandIn):
    """PutObject, GetObject and HeadObject of a bucket, with signatures that are checked (SigV4, in a header).

    `keeps` says whether it keeps checksums of what it has.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    keeps: bool = True
    region: str = "eu-west-1"
    secret: str = CANARY

    def answer(self, request: Request) -> Reply:
        if not self.is_signed(request):
            return xml(403, "SignatureDoesNotMatch", "The request signature does not match.")
        if not request.path.startswith("/bucket/"):
            return xml(404, "NoSuchBucket", "There is no such bucket.")
        if request.method in {"GET", "HEAD"}:
            return self.served(request)
        if hashlib.sha256(request.body).hexdigest() != request.headers["x-amz-content-sha256"]:
            return xml(400, "XAmzContentSHA256Mismatch", "The body is another one.")
        if request.path in self.files:
            if request.headers.get("If-None-Match") == "*":
                return xml(412, "PreconditionFailed", "At least one of the conditions does not hold.")
            self.replaced[request.path] += 1
        self.create(request.path)
        self.files[request.path] = request.body
        return reply(200, b"")

    def served(self, request: Request) -> Reply:
        if request.path not in self.files:
            return xml(404, "NoSuchKey", "There is no such key.")
        content = self.files[request.path]
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        wants = self.keeps and request.headers.get("x-amz-checksum-mode") == "ENABLED"
        return reply(200, content, **({"x_amz_checksum_sha256": checksum} if wants else {}))

    def is_signed(self, request: Request) -> bool:
        pattern = (
            r"AWS4-HMAC-SHA256 Credential=AKID/(\d{8})/([^/]+)/s3/aws4_request, SignedHeaders=(\S+), Signature=(\w+)"
        )
        match = re.fullmatch(pattern, request.secret or "")
        if match is None or match[2] != self.region:
            return False
        day, region, names, signature = match.groups()
        if {"host", "x-amz-date", "x-amz-content-sha256"} - {*names.split(";")}:
            return False
        headers = [f"{name}:{request.headers.get(name, '').strip()}" for name in names.split(";")]
        path, digest = urllib.parse.quote(request.path, safe="/~"), request.headers["x-amz-content-sha256"]
        canonical = "\n".join([request.method, path, "", *headers, "", names, digest])
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        moment, scope = request.headers["x-amz-date"], f"{day}/{region}/s3/aws4_request"
        key = f"AWS4{self.secret}".encode()
        for part in (day, region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashed}".encode()
        return moment.startswith(day) and hmac.new(key, text, hashlib.sha256).hexdigest() == signature

    def state(self) -> Any:
        return self.files


def xml(status: int, code: str, message: str) -> Reply:
    return reply(
        status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    )


@dataclass
class GithubServer(StandIn):
    """GitHub's REST API for releases and their assets, as far as a release needs it."""

    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    assets: dict[int, dict[str, Any]] = field(default_factory=dict)
    tag_commit: str | None = COMMIT
    push: bool = True
    reads: bool = False
    immutable: bool = False
    authorization: str = f"Bearer {CANARY}"
    digests: bool = True
    prefix: str = "/repos/o/r"
    drafts_by_tag: bool = False
    attestations: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: iter(range(1, 10_000)))

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix(self.prefix)
        known = request.secret == self.authorization
        if request.secret and not known:
            return reply(401, {"message": "Bad credentials"})
        for method, pattern, act in self.routes():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                if not known and method != "GET":
                    return reply(401, {"message": "Requires authentication"})
                return act(request, known, *match.groups())
        return reply(404, {"message": "Not Found"})

    def routes(self):
        return (
            ("GET", "", lambda *_: reply(200, {"permissions": {"push": self.push}})),
            ("GET", r"/git/ref/tags/(.+)", self.tag),
            ("GET", r"/git/tags/(.+)", lambda *_: reply(200, {"object": {"type": "commit", "sha": self.tag_commit}})),
            ("GET", r"/releases/tags/(.+)", self.by_tag),
            ("GET", "/releases", self.listed),
            ("POST", "/releases", self.make),
            ("POST", "/releases/generate-notes", self.asked),
            ("PATCH", "/releases/0", self.asked),
            ("PATCH", r"/releases/(\d+)", self.change),
            ("GET", r"/releases/(\d+)/assets", self.assets_of),
            ("POST", r"/releases/(\d+)/assets", self.upload),
            ("DELETE", r"/releases/assets/(\d+)", self.delete),
            ("GET", r"/releases/assets/(\d+)", self.download),
            ("GET", r"/download/(\d+)", self.public),
            ("GET", r"/attestations/(sha256:[0-9a-f]{64})", self.attested),
        )

    def asked(self, request, _known):
        """What only those may ask who may write."""
        if self.reads:
            return reply(403, {"message": "Resource not accessible by personal access token"})
        return (
            reply(200, {"name": "", "body": ""}) if request.method == "POST" else reply(404, {"message": "Not Found"})
        )

    def attested(self, _request, _known, digest):
        if digest not in self.attestations:
            return reply(404, {"message": "Not Found"})
        return reply(200, self.attestations[digest])

    def tag(self, _request, _known, name):
        if self.tag_commit is None:
            return reply(404, {"message": "Not Found"})
        return reply(200, {"ref": f"refs/tags/{name}", "object": {"type": "tag", "sha": "f" * 40}})

    def visible(self, known):
        return [r for r in self.releases.values() if known or not r["draft"]]

    def by_tag(self, _request, known, tag):
        rows = [r for r in self.visible(known) if r["tag_name"] == tag and (self.drafts_by_tag or not r["draft"])]
        return reply(200, rows[0]) if rows else reply(404, {"message": "Not Found"})

    def listed(self, request, known):
        return reply(200, self.visible(known) if request.query.get("page", "1") == "1" else [])

    def make(self, request, _known):
        values = json.loads(request.body)
        if any(r["tag_name"] == values["tag_name"] and not r["draft"] for r in self.releases.values()):
            return reply(422, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]})
        number = next(self.numbers)
        row = {**values, "id": number, "immutable": False}
        row["upload_url"] = f"{self.url}{self.prefix}/releases/{number}/assets{{?name,label}}"
        self.releases[number] = row
        self.create(f"release {values['tag_name']}")
        return reply(201, row)

    def change(self, request, _known, number):
        row, values = self.releases[int(number)], json.loads(request.body)
        if "body" in values:
            self.words += [values["body"]] if values["body"] != row.get("body") else []
            row |= values
            return reply(200, row)
        row["draft"] = values["draft"]
        row["immutable"] = self.immutable and not row["draft"]
        return reply(200, row)

    def rows(self, number):
        return [{k: v for k, v in a.items() if k != "content"} for a in self.assets.values() if a["release"] == number]

    def assets_of(self, request, known, number):
        if self.releases[int(number)]["draft"] and not known:
            return reply(404, {"message": "Not Found"})
        return reply(200, self.rows(int(number)) if request.query.get("page", "1") == "1" else [])

    def content_of(self, request):
        return request.body

    def upload(self, request, _known, number):
        name, release = request.query["name"], self.releases[int(number)]
        if release["immutable"]:
            return reply(422, {"message": "Cannot upload assets to an immutable release."})
        if any(a["name"] == name and a["release"] == int(number) for a in self.assets.values()):
            return reply(422, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]})
        return self.store(int(number), name, self.content_of(request))

    def store(self, release, name, content, state="uploaded"):
        number = next(self.numbers)
        sha = hashlib.sha256(content).hexdigest()
        self.blobs[sha] = content
        row = {"id": number, "name": name, "release": release, "state": state, "size": len(content), "content": content}
        row["url"] = f"{self.url}{self.prefix}/releases/assets/{number}"
        row["browser_download_url"] = f"{self.url}{self.prefix}/download/{number}"
        if self.digests:
            row["digest"] = f"sha256:{sha}"
        self.assets[number] = row
        self.create(name)
        return reply(201, {k: v for k, v in row.items() if k != "content"})

    def delete(self, _request, _known, number):
        row = self.assets.pop(int(number))
        if row["state"] == "uploaded":
            self.replaced[row["name"]] += 1
        else:
            self.created[row["name"]] -= 1
        return reply(204, b"")

    def download(self, request, known, number):
        if not known:
            return reply(404, b"")
        return self.public(request, known, number)

    def public(self, _request, _known, number):
        sha = hashlib.sha256(self.assets[int(number)]["content"]).hexdigest()
        return reply(302, b"", Location=f"{self.elsewhere}/{sha}?signature=x")

    def state(self) -> Any:
        return {
            (r["tag_name"], r["draft"]): {a["name"]: a["content"] for a in self.assets.values() if a["release"] == n}
            for n, r in self.releases.items()
        }


@dataclass
class GiteaServer(GithubServer):
    """The API of Gitea and Forgejo: no digests, files as multipart, drafts found by their tag, and names twice."""

    authorization: str = f"token {CANARY}"
    digests: bool = False
    prefix: str = "/api/v1/repos/o/r"
    drafts_by_tag: bool = True

    def tag(self, _request, _known, name):
        return reply(404, {"message": "Not Found"}) if name else reply(500)

    def routes(self):
        plural = ("GET", r"/git/refs/tags/(.+)", self.plural)
        return (plural, *super().routes())

    def plural(self, _request, _known, name):
        row = {"ref": f"refs/tags/{name}", "object": {"type": "commit", "sha": self.tag_commit}}
        return reply(200, [row]) if self.tag_commit else reply(404, {"message": "Not Found"})

    def content_of(self, request):
        return multipart(request)["attachment"]

    def public(self, _request, _known, number):
        return reply(200, self.assets[int(number)]["content"])


def multipart(request: Request) -> dict[str, bytes]:
    """The fields of a form (RFC 7578)."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    parts = message.iter_parts()
    return {str(p.get_param("name", header="content-disposition")): p.get_payload(decode=True) or b"" for p in parts}


@dataclass
class GitlabServer(StandIn):
    """GitLab's REST API for generic packages and releases: a package takes a name twice, the newest is served."""

    files: dict[str, list[bytes]] = field(default_factory=dict)
    releases: dict[str, dict[str, str]] = field(default_factory=dict)
    tag_commit: str | None = COMMIT
    access: int = 40
    scopes: tuple[str, ...] = ()
    words: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix("/api/v4/projects/o/r")
        if request.secret != CANARY:
            return reply(401, {"message": "401 Unauthorized"})
        if request.path == "/api/v4/personal_access_tokens/self":
            return reply(200, {"scopes": self.scopes}) if self.scopes else reply(404, {"message": "404"})
        if path == "":
            return reply(200, {"permissions": {"project_access": {"access_level": self.access}}})
        if path.startswith("/repository/tags/"):
            return (
                reply(200, {"commit": {"id": self.tag_commit}}) if self.tag_commit else reply(404, {"message": "404"})
            )
        if path.startswith("/packages/generic/"):
            return self.package(request, path)
        tag = path.removeprefix("/releases").strip("/").partition("/")[0]
        if request.method == "POST" and path == "/releases":
            return self.make(json.loads(request.body))
        if request.method == "POST" and tag in self.releases:
            row = json.loads(request.body)
            self.releases[tag].setdefault(row["name"], row["url"])
            return reply(201, row)
        if request.method == "PUT" and tag in self.releases:
            self.words.append(json.loads(request.body)["description"])
            return reply(200, {})
        if request.method == "GET" and tag in self.releases:
            links = [{"name": n, "url": u} for n, u in self.releases[tag].items()]
            description = self.words[-1] if self.words else None
            return reply(200, {"tag_name": tag, "description": description, "assets": {"links": links}})
        return reply(404, {"message": "404 Not Found"})

    def package(self, request, path):
        if request.method == "GET":
            return reply(200, self.files[path][-1]) if path in self.files else reply(404, {"message": "404"})
        self.create(path)
        if path in self.files and self.files[path][-1] != request.body:
            self.replaced[path] += 1
        self.files.setdefault(path, []).append(request.body)
        return reply(201, {"message": "201 Created"})

    def make(self, values):
        if values["tag_name"] in self.releases:
            return reply(409, {"message": "Release already exists"})
        self.create(values["tag_name"])
        self.releases[values["tag_name"]] = {row["name"]: row["url"] for row in values["assets"]["links"]}
        return reply(201, values)

    def state(self) -> Any:
        return {name: contents[-1] for name, contents in self.files.items()}, {
            tag: {name: url.removeprefix(self.url) for name, url in links.items()}
            for tag, links in self.releases.items()
        }


@dataclass
class OciServer(StandIn):
    """A registry (OCI distribution-spec 1.1) that wants a token of its own."""

    contents: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    referrers: dict[str, Any] = field(default_factory=dict)
    realm: str = ""

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix("/v2/team/demo")
        if request.path == "/token":
            pair = f"Basic {base64.b64encode(f'me:{CANARY}'.encode()).decode()}"
            return reply(200, {"token": "t0ken-0123456789"}) if request.secret == pair else reply(401, b"")
        if request.secret != "Bearer t0ken-0123456789":
            realm = self.realm or f"{self.url}/token"
            return reply(401, b"", WWW_Authenticate=f'Bearer realm="{realm}",service="x",scope="y"')
        kind, _, name = path.lstrip("/").partition("/")
        if request.method == "POST":
            return reply(202, b"", Location="/v2/team/demo/blobs/uploads/7?state=x")
        if kind == "blobs" and request.method == "PUT":
            digest = request.query["digest"]
            if digest != f"sha256:{hashlib.sha256(request.body).hexdigest()}":
                return reply(400, {"errors": [{"code": "DIGEST_INVALID"}]})
            if digest not in self.contents:
                self.create(digest)
            self.contents[digest] = request.body
            return reply(201, b"")
        if kind == "blobs":
            return reply(200, self.contents[name]) if name in self.contents else reply(404, b"")
        if kind == "referrers":
            return reply(200, self.referrers[name]) if name in self.referrers else reply(404, b"")
        if request.method == "PUT":
            return self.put_manifest(request, name)
        digest = self.tags.get(name, name)
        if digest not in self.manifests:
            return reply(404, b"")
        media_type, content = self.manifests[digest]
        return reply(200, content, Docker_Content_Digest=digest, Content_Type=media_type)

    def put_manifest(self, request, name):
        digest = f"sha256:{hashlib.sha256(request.body).hexdigest()}"
        document = json.loads(request.body)
        needed = [*document.get("manifests", ()), *filter(None, [document.get("config")]), *document.get("layers", ())]
        if not all(d["digest"] in self.contents or d["digest"] in self.manifests for d in needed):
            return reply(404, {"errors": [{"code": "MANIFEST_BLOB_UNKNOWN"}]})
        if ":" in name and name != digest:
            return reply(400, {"errors": [{"code": "DIGEST_INVALID"}]})
        if digest not in self.manifests:
            self.create(digest)
        self.manifests[digest] = (request.headers["Content-Type"], request.body)
        if ":" not in name:
            if self.tags.get(name, digest) != digest and name != "latest":
                self.replaced[name] += 1
            self.tags[name] = digest
        return reply(201, b"")

    def state(self) -> Any:
        return self.contents, self.manifests, self.tags


@dataclass
class IndexServer(StandIn):
    """A package index: the simple API (PEP 691) and the upload API that twine speaks."""

    files: dict[str, bytes] = field(default_factory=dict)
    html: bool = False
    hashes: bool = True
    taken: bool = False
    attested: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def answer(self, request: Request) -> Reply:
        if request.method == "POST":
            if f"Basic {base64.b64encode(f'__token__:{CANARY}'.encode()).decode()}" != request.secret:
                return reply(403, b"Invalid or non-existent authentication information.")
            return self.upload(request)
        match = re.fullmatch(r"/files/(.+)", request.path)
        if match:
            return reply(200, self.files[match[1]]) if match[1] in self.files else reply(404, b"")
        match = re.fullmatch(r"/integrity/(.+)", request.path)
        if match:
            return reply(200, self.provenance[match[1]]) if match[1] in self.provenance else reply(404, b"")
        rows = {n: hashlib.sha256(c).hexdigest() for n, c in self.files.items()}
        if not rows:
            return reply(404, b"")
        if self.html:
            links = "".join(
                f'<a href="/files/{n}{f"#sha256={s}" if self.hashes else ""}">{n}</a>' for n, s in rows.items()
            )
            return reply(200, links.encode(), Content_Type="text/html")
        listed = [
            {"filename": n, "url": f"/files/{n}", "hashes": {"sha256": s} if self.hashes else {}}
            | ({"provenance": f"/integrity/{n}"} if n in self.provenance else {"provenance": None})
            for n, s in rows.items()
        ]
        kind = "application/vnd.pypi.simple.v1+json"
        return reply(200, {"meta": {}, "name": "demo", "files": listed}, Content_Type=kind)

    def upload(self, request):
        head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
        parts = {p.get_param("name", header="content-disposition"): p for p in message.iter_parts()}
        if (part := parts.get("content")) is None:
            return reply(400, b"Upload payload does not have a file.")
        if self.taken:
            return reply(403, b"The user 'me' isn't allowed to upload to project 'demo'.")
        name, content = str(part.get_filename()), part.get_payload(decode=True)
        if name in self.files:
            return reply(400, b"File already exists.")
        if "attestations" in parts:
            self.attested[name] = json.loads(parts["attestations"].get_payload(decode=True))
        self.create(name)
        self.files[name] = content
        return reply(200, b"")

    def state(self) -> Any:
        return self.files


@dataclass
class NpmServer(StandIn):
    """A registry of npm packages, as npm publish and npm install speak to it (npm/registry, "Registry API")."""

    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    attestations: dict[str, Any] = field(default_factory=dict)
    rights: Any = None
    whoami: Reply | None = None

    def answer(self, request: Request) -> Reply:
        known = request.secret == f"Bearer {CANARY}"
        if request.path.endswith("/collaborators"):
            return reply(404, {"error": "no"}) if self.rights is None or not known else reply(200, self.rights)
        if request.path == "/-/whoami" and self.whoami:
            return self.whoami
        if request.path.startswith("/-/npm/v1/attestations/"):
            name = request.path.removeprefix("/-/npm/v1/attestations/")
            return reply(200, self.attestations[name]) if name in self.attestations else reply(404, {"error": "no"})
        if request.path == "/-/whoami":
            return reply(200, {"username": "me"}) if known else reply(401, {"error": "no"})
        if request.path.startswith("/files/"):
            name = request.path.removeprefix("/files/")
            return reply(200, self.files[name]) if name in self.files else reply(404, {"error": "no"})
        name = request.path.lstrip("/")
        if request.method == "GET":
            return reply(200, self.packages[name]) if name in self.packages else reply(404, {"error": "not_found"})
        return self.publish(name, json.loads(request.body)) if known else reply(401, {"error": "no"})

    def publish(self, name, document):
        package = self.packages.setdefault(name, {"name": name, "versions": {}, "dist-tags": {}})
        for version, row in document["versions"].items():
            if version in package["versions"] and "_attachments" not in document:
                package["versions"][version] |= {"deprecated": row.get("deprecated", "")}
                continue
            if version in package["versions"]:
                return reply(403, {"error": "You cannot publish over the previously published versions"})
            content = base64.b64decode(next(iter(document["_attachments"].values()))["data"])
            file = f"{name.replace('/', '-')}-{version}.tgz"
            integrity = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
            dist: dict[str, Any] = {"integrity": integrity, "tarball": f"{self.url}/files/{file}"}
            if f"{name}@{version}" in self.attestations:
                url = f"{self.url}/-/npm/v1/attestations/{name}@{version}"
                dist["attestations"] = {"url": url, "provenance": {}}
            self.create(file)
            self.files[file] = content
            package["versions"][version] = {**row, "dist": dist}
            package["dist-tags"] |= document["dist-tags"]
        return reply(201, {"ok": True})

    def state(self) -> Any:
        tags = {name: package["dist-tags"] for name, package in self.packages.items()}
        return self.files, tags


@dataclass
class CargoServer(StandIn):
    """A registry of crates: a sparse index, and the Web API by which Cargo publishes (The Cargo Book, "Registries")."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    api: str = ""
    downloads: str = ""
    private: bool = False
    refusal: str = ""
    unknown: int = 401
    delay: int = 0

    def answer(self, request: Request) -> Reply:
        known = request.secret == CANARY
        if self.private and not known:
            return reply(401, b"")
        if request.path == "/index/config.json":
            more = {"auth-required": True} if self.private else {}
            return reply(200, {"dl": self.downloads or f"{self.url}/dl", "api": self.api or self.url, **more})
        if request.path.startswith("/index/"):
            rows = self.rows.get(request.path.rpartition("/")[2], [])
            if not rows or self.delay > 0:
                self.delay -= bool(rows)
                return reply(404, b"")
            return reply(200, "".join(f"{json.dumps(row)}\n" for row in rows).encode())
        if request.path.endswith("/owners"):
            return reply(200, {"users": []}) if known else reply(self.unknown, {"errors": [{"detail": "who?"}]})
        if request.path == "/api/v1/crates/new":
            return self.publish(request.body) if known else reply(403, {"errors": [{"detail": "must be logged in"}]})
        yank = re.fullmatch(r"/api/v1/crates/([^/]+)/([^/]+)/yank", request.path)
        if yank and request.method == "DELETE":
            for row in self.rows[yank[1]] if known else ():
                row["yanked"] |= row["vers"] == yank[2]
            return reply(200, {"ok": True}) if known else reply(403, {"errors": [{"detail": "must be logged in"}]})
        match = re.fullmatch(r"/dl/([^/]+)/([^/]+)/download", request.path)
        if match and match.groups() in self.files:
            return reply(200, self.files[match.groups()])
        return reply(404, b"")

    @staticmethod
    def need(one: dict[str, Any]) -> dict[str, Any]:
        """A dependency as an index has it, which is not quite as a registry is told of it."""
        rename = one.get("explicit_name_in_toml")
        row = {key: one[key] for key in ("name", "features", "optional", "default_features", "target", "kind")}
        return {**row, "req": one["version_req"], **({"name": rename, "package": one["name"]} if rename else {})}

    def publish(self, body: bytes) -> Reply:
        size = int.from_bytes(body[:4], "little")
        about, rest = json.loads(body[4 : 4 + size]), body[4 + size :]
        content = rest[4:]
        assert len(content) == int.from_bytes(rest[:4], "little")
        name, version = about["name"], about["vers"]
        needed = [need["name"] for need in about["deps"] if need["name"].startswith("demo-")]
        if self.refusal or any(need not in self.rows for need in needed):
            return reply(200, {"errors": [{"detail": self.refusal or f"no known crate named {needed}"}]})
        if (name, version) in self.files:
            return reply(200, {"errors": [{"detail": f"crate {name}@{version} already exists"}]})
        self.create(f"{name}@{version}")
        self.told.append(about)
        self.files[name, version] = content
        row = {"name": name, "vers": version, "cksum": hashlib.sha256(content).hexdigest(), "yanked": False}
        row |= {"deps": [self.need(one) for one in about["deps"]], "features": about["features"]}
        self.rows.setdefault(name, []).append(row)
        return reply(200, {"warnings": {"invalid_categories": []}})

    def state(self) -> Any:
        return self.files, self.rows


# A small release, and how each destination is reached


def layout() -> dict[str, tuple[str, bytes]]:
    """An image of one platform, as a layout: its files by their paths in a release."""

    def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        files[f"image/blobs/sha256/{digest}"] = ("image", content)
        return {
            "mediaType": f"application/vnd.oci.image.{media_type}",
            "digest": f"sha256:{digest}",
            "size": len(content),
        }

    files: dict[str, tuple[str, bytes]] = {}
    layer, config = descriptor("layer.v1.tar", b"a layer"), descriptor("config.v1+json", b"{}")
    values = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    manifest = descriptor("manifest.v1+json", json.dumps({**values, "config": config, "layers": [layer]}).encode())
    values = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}
    notes = {"org.opencontainers.image.version": "1.2.3"}
    index = descriptor("index.v1+json", json.dumps({**values, "manifests": [manifest], "annotations": notes}).encode())
    files["image/index.json"] = ("image", json.dumps({**values, "manifests": [index]}).encode())
    files["image/oci-layout"] = ("image", b'{"imageLayoutVersion":"1.0.0"}')
    return files


SMALL: dict[str, tuple[str, bytes]] = {
    "demo-1.2.3.tar.gz": ("sdk", b"an sdk" * 500),
    "demo.zip": ("gomodule", b"a module"),
    **layout(),
}


def npm_package() -> bytes:
    """A package as npm packs it."""
    content = json.dumps({"name": "@example/demo", "version": "1.2.3"}).encode()
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("package/package.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def python_wheel() -> bytes:
    """A wheel that twine takes."""
    metadata = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.2.3\nDescription-Content-Type: text/plain\n\nA demo.\n"
    files = {
        "demo-1.2.3.dist-info/METADATA": metadata,
        "demo-1.2.3.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "demo-1.2.3.dist-info/RECORD": b"",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npm_document(content: bytes) -> dict[str, Any]:
    """What npm sends of a package."""
    row = {"name": "@example/demo", "version": "1.2.3"}
    data = base64.b64encode(content).decode()
    tags = {"latest": "1.2.3"}
    return {"versions": {"1.2.3": row}, "dist-tags": tags, "_attachments": {"demo.tgz": {"data": data}}}


FILES: dict[str, dict[str, tuple[str, bytes]]] = {
    "npm": {"demo.tgz": ("npm", npm_package())},
    "pypi": {"demo-1.2.3-py3-none-any.whl": ("wheel", python_wheel())},
    "crates": crates(),
    "go": {
        "go/go.mod": ("gomodule", b"module example.org/demo\n\ngo 1.25\n"),
        "go/lib.so": ("gomodule", b"\x7fELF"),
    },
    "homebrew": {"demo.rb": ("homebrew", b'class Demo < Formula\n  version "1.2.3"\nend\n')},
}
"""What is published where that is not the same small release."""


def section_of(name: str, server: StandIn) -> Any:
    """The row of targets.yaml for a stand-in."""
    keys = {
        "http": {"url": f"{server.url}/releases"},
        "s3": {"bucket": "bucket", "region": "eu-west-1", "endpoint": server.url, "prefix": "demo"},
        "github": {"repository": "o/r", "api": server.url, "uploads": server.url},
        "gitea": {"repository": "o/r", "url": server.url},
        "gitlab": {"project": "o/r", "url": server.url},
        "oci": {"repository": f"{server.url.removeprefix('http://')}/team/demo"},
        "pypi": {"index": f"{server.url}/simple", "upload": f"{server.url}/legacy/"},
        "npm": {"registry": server.url},
        "crates": {"index": f"{server.url}/index"},
        "go": {"repository": "https://git.example.org/demo.git"},
        "homebrew": {"repository": "https://git.example.org/demo.git"},
    }
    section = DESTINATIONS[name].section
    assert section is not None
    return section(to=name, **keys[name])


SERVERS: dict[str, type[StandIn]] = {
    "http": PutServer,
    "s3": S3Server,
    "github": GithubServer,
    "gitea": GiteaServer,
    "gitlab": GitlabServer,
    "oci": OciServer,
    "pypi": IndexServer,
    "npm": NpmServer,
    "crates": CargoServer,
}
BY_CLIENTS = frozenset({"pypi", "npm"})
"""Where the ecosystem's own client uploads, which takes a second a file."""


def host_of(folder: Path, server: StandIn, **environment: str) -> Host:
    """A machine whose user keeps credentials of a stand-in where clients keep them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".netrc").write_text(f"machine 127.0.0.1 login me password {CANARY}\n")
    (folder / ".netrc").chmod(0o600)
    # Rows name repositories by https alone; Git itself is led from there to the stand-in.
    settings = f'[url "{server.url}/"]\n\tinsteadOf = https://git.example.org/\n'
    (folder / ".gitconfig").write_text(f"{settings}[user]\n\tname = me\n\temail = me@example.org\n")
    (folder / ".docker").mkdir(exist_ok=True)
    auth = base64.b64encode(f"me:{CANARY}".encode()).decode()
    registry = server.url.removeprefix("http://")
    (folder / ".npmrc").write_text(f"//{registry}/:_authToken={CANARY}\nupdate-notifier=false\n")
    (folder / ".docker" / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
    names = (
        "GITHUB_TOKEN",
        "GITEA_TOKEN",
        "GITLAB_TOKEN",
        "TWINE_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "CARGO_REGISTRY_TOKEN",
    )
    tokens = {**dict.fromkeys(names, CANARY), "AWS_ACCESS_KEY_ID": "AKID"}
    values = {"HOME": str(folder), "TWINE_USERNAME": "__token__", **tokens, **environment}
    path = (Path(sys.executable).parent, Path("/usr/bin"), Path("/bin"))
    values["PATH"] = os.pathsep.join(map(str, path))
    values = {name: value for name, value in values.items() if value}
    return Host(path, values, folder, "Linux", "x86_64", False, False, Path(sys.executable))


def publisher_of(name: str, server: StandIn, release: Release, folder: Path, **environment: str) -> Publisher:
    """What publishes a release to a stand-in, as a command would make it; it does not wait long for a slow server."""
    host = host_of(folder / "home", server, **environment)
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix="scratch"))  # a run finds none of another
    hide = Hider(secrets_of(host.environment))
    web = Web(host.environment, time.monotonic, hide, WebPatience(connect=5, piece=0.4, whole=5))
    opened = DESTINATIONS[name].opened
    assert opened is not None
    return opened(section_of(name, server), release, PublishContext(web, host, folder, scratch, time.time_ns))
