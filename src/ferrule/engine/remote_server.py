"""The server of a remote cache, which may be slow, down, refusing or lying: requests that end, and are counted.

By urllib3: connections that are kept, times for connecting and for each piece, lengths that are checked, and no
redirect that is followed unasked. What it lacks is an end to a server that sends a byte now and then; that is here.
"""

from __future__ import annotations

import base64
import threading
import urllib.parse
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal, get_args

import urllib3
from urllib3 import exceptions

from ferrule.core.errors import UsageError
from ferrule.core.proxies import proxy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from urllib3 import BaseHTTPResponse, PoolManager

Mode = Literal["read", "write"]

_PIECE: Final = 1 << 16
_LONGEST: Final = 200
_GRACE_SECONDS: Final = 1.0  # a request that can end itself does so a moment before
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HINT: Final = "write it as https://cache.example/path, and a secret as https://user:secret@cache.example/path"
_CONNECTIONS: Final = 24
_FULL_RATE: Final[Mapping[Mode, int]] = {"read": 8, "write": 4}
"""Requests under way that are each held to the whole rate of `Patience`; more of them share what these would have."""

_BUSY: Final = (429, 502, 503, 504)
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a remote cache is, whether it is written to, and what is shown to be let in; `url` holds no secret."""

    url: str
    mode: Mode = "read"
    authorization: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)


def address(url: str, *, mode: str, token: str | None, environment: Mapping[str, str]) -> Address:
    """Read an address as people write it; `token` is a bearer token (RFC 6750), `environment` names proxies.

    Raises UsageError, which never shows what was written: it may hold a secret.
    """
    where = "the address of the remote cache"
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError("not a URL", where=where, hint=_HINT) from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment:
        raise UsageError("not an http or https URL without query and fragment", where=where, hint=_HINT)
    if mode not in get_args(Mode):
        raise UsageError(f"{mode!r} is not a mode of a remote cache", where=where, hint="write read or write")
    authorization = _authorization(parts, token)
    if authorization and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise UsageError("the secret would travel in the clear", where=where, hint="use https")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    clean = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    return Address(clean, "write" if mode == "write" else "read", authorization, proxy_of(clean, environment))


def _authorization(parts: urllib.parse.SplitResult, token: str | None) -> str | None:
    """What HTTP's header says (RFC 7617 for a name and a password)."""
    if token:
        return f"Bearer {token}"
    if parts.username is None:
        return None
    pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds: to be let in, for the next piece, and for a small answer as a whole.

    Large ones may take longer by their size at `rate` (bytes a second), and more of it where many share the line. What
    an answer takes beyond `prompt` and its size adds up, to `late` at most; after that, or after so many `failures`, a
    server is left alone.
    """

    connect: float = 3.0
    piece: float = 5.0
    whole: float = 10.0
    rate: float = 256 << 10
    prompt: float = 0.5
    late: float = 30.0
    failures: int = 5


class RemoteFailure(Exception):  # noqa: N818 - it is not an error: the work goes on
    """A request failed; the message says briefly how, in printable characters."""

    def __init__(self, text: str) -> None:
        super().__init__("".join(c if c.isprintable() else "?" for c in text[:_LONGEST]))


class _Denied(RemoteFailure):
    """A failure that the next request would repeat."""


@dataclass(slots=True)
class _Record:
    """The requests of one kind so far; `off` is why no more are sent."""

    requests: int = 0
    failures: int = 0
    late: float = 0.0
    last: str = ""
    off: str = ""


@dataclass(slots=True)
class _UnderWay:
    """A request that has begun, with as many bytes to come or to go, and the most that were under way with it."""

    mode: Mode
    started: float
    size: int
    most: int = 0

    def fair(self, rate: float) -> float:
        """Seconds that its size takes by its share of the slowest line that is good enough."""
        return self.size / rate * max(1.0, self.most / _FULL_RATE[self.mode])


class Server:
    """A remote cache's server, for many threads; paths are `ac/…` and `cas/…`, and `monotonic` a clock in seconds."""

    def __init__(self, address: Address, monotonic: Callable[[], float], patience: Patience | None = None) -> None:
        self.address = address
        self._monotonic = monotonic
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._records: dict[Mode, _Record] = {"read": _Record(), "write": _Record()}
        self._pool: PoolManager | None = None
        self._notices: list[str] = []
        self._counts: Counter[str] = Counter()
        self._under_way: dict[int, _UnderWay] = {}  # by thread

    # Requests

    def get(self, path: str, limit: int) -> bytes | None:
        """A small content, None if there is none; raises RemoteFailure."""
        with self._request("GET", path) as response:
            if not self._is_there(response):
                return None
            return b"".join(self._pieces(response, limit))

    def pieces(self, path: str, size: int) -> Iterator[bytes]:
        """A content of known size, piece by piece, never more than that; raises RemoteFailure."""
        with self._request("GET", path, size=size) as response:
            if not self._is_there(response):
                raise RemoteFailure("it lacks what it says it has")
            length = response.headers.get("Content-Length", str(size))
            if length != str(size):
                raise RemoteFailure(f"it has {length} bytes for {path}, which are {size}")
            yield from self._pieces(response, size)

    def holds(self, path: str, size: int) -> bool:
        """Whether a content of that size is there already; raises RemoteFailure only if nothing may be written."""
        with self._request("HEAD", path, mode="write") as response:
            return response.status == 200 and response.headers.get("Content-Length") == str(size)  # noqa: PLR2004

    def put(self, path: str, content: Path | bytes, size: int) -> None:
        """Leave a content there; raises RemoteFailure."""
        with (
            BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream,
            self._request("PUT", path, size=size, body=stream, mode="write") as response,
        ):
            if not 200 <= response.status < 300:  # noqa: PLR2004
                raise _answered(response.status)
            for _ in self._pieces(response, _PIECE):
                pass

    # Results

    def mark_untrusted(self, text: str) -> None:
        """Record that the server sent wrong content: a failure, with one notice in a run."""
        trouble = RemoteFailure(text)
        with self._lock:
            self._counts["lies"] += 1
            if self._counts["lies"] == 1:
                self._notices.append(f"remote cache: {trouble}; it was refused, and is made here")
        self._fail("read", trouble)

    def notice(self, text: str) -> None:
        """Queue a notice for the user, once."""
        with self._lock:
            self._counts[text] += 1
            if self._counts[text] == 1:
                self._notices.append(text)

    def notices(self) -> list[str]:
        """Notices for the user since the last call."""
        with self._lock:
            notices, self._notices = self._notices, []
            return notices

    def is_off(self, mode: Mode) -> bool:
        """Whether no more requests are sent in this run; also true once a request takes longer than allowed."""
        record = self._records[mode]
        with self._lock:
            latest = self._monotonic() - _GRACE_SECONDS
            overdue = any(self._until(one) < latest for one in self._under_way.values() if one.mode == mode)
            if overdue and not record.off:
                self._switch_off(mode, "it does not answer in time")
            return bool(record.off)

    def sum_up(self) -> None:
        """Queue a notice of failures that were too few to end its use."""
        for mode, record in self._records.items():
            if record.failures and not record.off:
                what = "not used" if mode == "read" else "not kept"
                self.notice(
                    f"remote cache: {record.failures} of {record.requests} requests failed ({record.last}); "
                    f"what they were for was {what}, nothing else is different"
                )

    def _fail(self, mode: Mode, trouble: RemoteFailure) -> None:
        record = self._records[mode]
        with self._lock:
            record.failures += 1
            record.last = str(trouble)
            if not record.off and (isinstance(trouble, _Denied) or record.failures >= self._patience.failures):
                self._switch_off(mode, record.last)

    def _switch_off(self, mode: Mode, why: str) -> None:
        self._records[mode].off = why
        consequence = "not asked any more in this run; what is missing is made here"
        if mode == "write":
            consequence = "not written to any more in this run"
        self._notices.append(f"remote cache {self.address.url}: {why}; it is {consequence}")

    # One request

    @contextmanager
    def _request(
        self, method: str, path: str, *, size: int = 0, body: BinaryIO | None = None, mode: Mode = "read"
    ) -> Iterator[BaseHTTPResponse]:
        """An answer to be read within; whatever goes wrong with it raises RemoteFailure, and is counted."""
        if self.is_off(mode):
            raise RemoteFailure(self._records[mode].off)
        record, thread, patience = self._records[mode], threading.get_ident(), self._patience
        request = _UnderWay(mode, self._monotonic(), size)
        with self._lock:
            record.requests += 1
            self._under_way[thread] = request
            alike = [one for one in self._under_way.values() if one.mode == mode]
            for one in alike:
                one.most = max(one.most, len(alike))
            pool = self._pool = self._pool or self._connect()
        headers = {"Accept-Encoding": "identity"}
        if self.address.authorization:
            headers["Authorization"] = self.address.authorization
        if body is not None:
            headers |= {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        response: BaseHTTPResponse | None = None
        whole = False
        try:
            response = pool.request(
                *(method, f"{self.address.url}/{path}"),
                body=body,
                headers=headers,
                preload_content=False,
                decode_content=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=patience.connect, read=patience.piece),
                retries=urllib3.Retry(
                    total=1,
                    redirect=0,
                    backoff_factor=0.1,
                    status_forcelist=_BUSY,
                    raise_on_status=False,
                    respect_retry_after_header=False,
                ),
            )
            yield response
            whole = True
        except RemoteFailure as trouble:
            self._fail(mode, trouble)
            raise
        except (urllib3.exceptions.HTTPError, OSError) as error:
            failure = RemoteFailure(_what_happened(error))
            self._fail(mode, failure)
            raise failure from error
        finally:
            if response is not None:
                if not whole:
                    response.close()  # nobody knows what is still to come
                response.release_conn()
            with self._lock:
                self._under_way.pop(thread, None)
                fair = request.fair(patience.rate)
                record.late += max(0.0, self._monotonic() - request.started - patience.prompt - fair)
                if record.late > patience.late and not record.off:
                    self._switch_off(mode, "it is too slow")

    def _until(self, request: _UnderWay) -> float:
        """When a request must have its whole answer, by what is known now of how many share the line with it."""
        return request.started + self._patience.whole + request.fair(self._patience.rate)

    def _connect(self) -> PoolManager:
        if self.address.proxy is None:
            return urllib3.PoolManager(num_pools=1, maxsize=_CONNECTIONS)
        url = urllib3.util.parse_url(self.address.proxy)
        secret = urllib3.util.make_headers(proxy_basic_auth=urllib.parse.unquote(url.auth)) if url.auth else None
        return urllib3.ProxyManager(self.address.proxy, proxy_headers=secret, num_pools=1, maxsize=_CONNECTIONS)

    def _is_there(self, response: BaseHTTPResponse) -> bool:
        if response.status in {404, 410}:
            for _ in self._pieces(response, _PIECE):  # so that the connection can be used again
                pass
            return False
        if response.status != 200:  # noqa: PLR2004
            raise _answered(response.status)
        return True

    def _pieces(self, response: BaseHTTPResponse, limit: int) -> Iterator[bytes]:
        """What comes, as soon as it comes; raises RemoteFailure where it is more than wanted, or comes too slowly."""
        request, total = self._under_way[threading.get_ident()], 0
        while piece := response.read1(_PIECE):
            total += len(piece)
            if total > limit:
                raise RemoteFailure("it sends more than there is")
            if self._monotonic() > self._until(request):
                raise RemoteFailure("it does not answer in time")
            yield piece


def _answered(status: int) -> RemoteFailure:
    if status in {401, 403}:
        return _Denied(f"it refuses this identity ({status})")
    if 300 <= status < 400:  # noqa: PLR2004
        return RemoteFailure(f"it sends to another place, which is not followed ({status})")
    return RemoteFailure(f"it answers {status}")


def _what_happened(error: Exception) -> str:
    """A failure of a connection in a few words; those of the library are long, and name what is of no use."""
    reason = error.reason if isinstance(error, exceptions.MaxRetryError) else error
    words: dict[type[BaseException], str] = {
        exceptions.SSLError: "its certificate is not accepted",
        exceptions.ReadTimeoutError: "it does not answer in time",
        exceptions.ConnectTimeoutError: "it cannot be reached",
        exceptions.NewConnectionError: "it cannot be reached",
        exceptions.ProxyError: "the proxy does not lead to it",
        exceptions.ProtocolError: "it broke off",
    }
    matching = (text for kind, text in words.items() if isinstance(reason, kind))
    return next(matching, f"it cannot be used ({type(reason).__name__})")
