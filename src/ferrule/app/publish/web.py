"""HTTP for destinations: requests that end, credentials that go to one host only, and failures in a few words.

By urllib3. A question may be asked again and may be led to another host, without its credentials; what changes
something is sent once, and never to where a redirect leads: whether to send it again, what is there then decides.
"""

from __future__ import annotations

import base64
import copy
import email.utils
import hashlib
import json
import re
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Final

import urllib3
from urllib3 import exceptions

from ferrule.app.publish import address
from ferrule.app.publish.items import ABSENT, Item, State, UploadFailed, compared, other
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.one_line import one_line
from ferrule.core.proxies import proxy_of
from ferrule.tools.secrets import HIDDEN, SHORTEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from urllib3 import BaseHTTPResponse, PoolManager

_LARGEST_DOCUMENT: Final = 64 << 20
_CHUNK: Final = 1 << 16
_REDIRECTS: Final = 5
_BUSY: Final = frozenset({408, 423, 425, 429, 500, 502, 503, 504})
_SOON: Final = 1.0  # seconds until a connection that broke off is tried again
_LONGEST: Final = 200
_LIMITS: Final = frozenset({403, 429})
_MINUTE: Final = 60.0
_URL_SAFE: Final = str.maketrans("-_", "+/")

Auth = Mapping[str, str]
"""The headers that show who asks, which go to one host only."""

OK: Final = 200
CREATED: Final = 201
NOT_FOUND: Final = 404
GONE: Final = 410
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class WebPatience:
    """Seconds until a connection stands, for the next piece of an answer, and for an answer as a whole.

    A large body may take longer, by its size at `rate` (bytes a second).
    """

    connect: float = 10.0
    piece: float = 60.0
    whole: float = 120.0
    rate: float = 64 << 10


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that arrived whole; `headers` have lower-case names. `anonymous`: nobody's credentials were there.

    `shown` are those that the question showed, wherever they come from.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    anonymous: bool = False
    shown: tuple[str, ...] = field(default=(), repr=False)

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The document in the body. Raises UploadFailed if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise UploadFailed("its answer is not JSON", wait=_SOON) from error

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004


class Web:
    """Requests to destinations; `hide` removes secrets from what servers say, `monotonic` is a clock in seconds."""

    def __init__(
        self,
        environment: Mapping[str, str],
        monotonic: Callable[[], float],
        hide: Callable[[str], str] = str,
        patience: WebPatience | None = None,
    ) -> None:
        self._environment = environment
        self._monotonic = monotonic
        self._hide = hide
        self._patience = patience or WebPatience()
        self._pools: dict[str | None, PoolManager] = {}
        self._login = "docs/how-to/publish.md says where they belong"

    def with_login(self, hint: str) -> Web:
        """The same for one destination, of which `hint` says what gives it credentials where there are none."""
        other_web = copy.copy(self)
        other_web._login = hint  # noqa: SLF001 - of the same class
        return other_web

    def ask(
        self, url: str, *, auth: Auth | None = None, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> Answer:
        """Ask a question; redirects are followed, without credentials where they lead to another host.

        404 and 410 are answers, as is 401 to a question without credentials. Raises UploadFailed for all other
        failures.
        """
        answer, _ = self._followed(method, url, auth, headers or {}, None)
        fine = answer.is_success or answer.status in {NOT_FOUND, GONE}
        if not fine and not (answer.status == UNAUTHORIZED and auth is None):
            raise self.refusal(answer)
        return answer

    def look(
        self,
        url: str,
        item: Item,
        folder: Path,
        *,
        auth: Auth | None = None,
        accept: str = "*/*",
        missing: State = ABSENT,
    ) -> State:
        """Download what is there into `folder` and hash it; `missing` where nothing is. Raises UploadFailed."""
        try:
            return compared(self.download(url, folder / "looked-at", item.size, auth=auth, accept=accept), item)
        except NotThere:
            return missing
        except TooLarge:
            return other("it has a larger file there")

    def download(self, url: str, path: Path, limit: int, *, auth: Auth | None = None, accept: str = "*/*") -> Digest:
        """Write what is there to a file, and return its digest. Raises UploadFailed, also for more than `limit` bytes.

        A file that is not there raises NotThere.
        """
        sha = hashlib.sha256()
        with path.open("wb") as stream:

            def keep(piece: bytes) -> None:
                sha.update(piece)
                stream.write(piece)

            answer, _ = self._followed("GET", url, auth, {"Accept": accept}, keep, limit)
        if answer.status in {NOT_FOUND, GONE}:
            raise NotThere
        if not answer.is_success:
            raise self.refusal(answer)
        return Digest(sha.hexdigest())

    def send(
        self,
        method: str,
        url: str,
        *,
        auth: Auth | None,
        body: Path | bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send something once, and return the answer, whatever its status. Raises UploadFailed where none came."""
        if isinstance(body, bytes):
            return self._exchange(method, url, auth, headers or {}, body, len(body), None, _LARGEST_DOCUMENT)
        size = body.stat().st_size
        with body.open("rb") as stream:
            return self._exchange(method, url, auth, headers or {}, stream, size, None, _LARGEST_DOCUMENT)

    def refusal(self, answer: Answer, hint: str = "") -> UploadFailed:
        """What an answer other than the one that was hoped for means, and whether to try again."""
        status, location = answer.status, answer.headers.get("location")
        words = self._words_of(answer)
        if (wait := _limited(answer)) is not None:
            return UploadFailed(f"its limit of requests is reached ({status}){words}", wait=wait)
        if status in _BUSY:
            return UploadFailed(f"it answers {status}{words}", wait=retry_after(answer.headers))
        if 300 <= status < 400:  # noqa: PLR2004
            match = re.match(r"[^:/?#]+://(?:[^/?#]*@)?([^/?#]+)", location or "")
            host = one_line(match[1]) if match else "nowhere"
            return UploadFailed(
                f"it leads to another address ({status}, {host}), where nothing is sent",
                hint=hint or "correct the address in targets.yaml",
            )
        if status == UNAUTHORIZED and answer.anonymous:
            text = f"it wants credentials, and there are none ({status})"
            return UploadFailed(text + words, hint=hint or self._login)
        hints = {
            401: "the credentials are missing, expired or wrong: renew them",
            403: "use credentials that may write there; the name may belong to somebody else",
            404: "correct the name or address; without rights, many servers say this too",
            413: "the file is larger than the server takes: ask its owner to raise the limit",
        }
        meaning = {401: "it does not accept the credentials", 403: "these credentials may not do this"}
        text = f"{meaning[status]} ({status})" if status in meaning else f"it answers {status}"
        return UploadFailed(text + words, hint=hint or hints.get(status, "see what it says"))

    def _words_of(self, answer: Answer) -> str:
        """What the server says in its answer, on one line and without secrets."""
        text = answer.body[:4096].decode("utf-8", "replace")
        if text.lstrip().startswith("<"):
            # S3 and its like say it in XML; of other pages nothing is worth a line.
            match = re.search(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)", text)
            text = f"{match[1]}: {match[2]}" if match else ""
        try:
            document = json.loads(answer.body)
            value = next(document[k] for k in ("message", "error", "detail", "errors") if document.get(k))
            first = value[0] if isinstance(value, list) and isinstance(value[0], dict) else {}
            text = str(first.get("detail") or first.get("message") or value)
        except (ValueError, RecursionError, AttributeError, StopIteration):
            pass
        for secret in sorted(answer.shown, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        # Secrets first: cut in the middle one would not be known any more.
        shown = one_line(self._hide(text).strip())[:_LONGEST]
        return f": {shown}" if shown else ""

    def _followed(
        self,
        method: str,
        url: str,
        auth: Auth | None,
        headers: Mapping[str, str],
        keep: Callable[[bytes], None] | None,
        limit: int = _LARGEST_DOCUMENT,
    ) -> tuple[Answer, str]:
        anonymous = auth is None
        for _ in range(_REDIRECTS + 1):
            answer = self._exchange(method, url, auth, headers, b"", 0, keep, limit)
            location = answer.headers.get("location")
            if answer.status not in {301, 302, 303, 307, 308} or not location:
                return replace(answer, anonymous=anonymous), url
            target = join(url, location)
            before, after = split(url), split(target)
            if before.scheme == "https" and after.scheme != "https":
                raise UploadFailed("it leads from https to an address that is not", hint="correct the address")
            if before[:2] != after[:2]:
                auth = None
            url = target
        raise UploadFailed("it redirects without end", wait=_SOON)

    def _exchange(
        self,
        method: str,
        url: str,
        auth: Auth | None,
        headers: Mapping[str, str],
        body: Any,  # noqa: ANN401 - bytes or a stream of them
        size: int,
        keep: Callable[[bytes], None] | None,
        limit: int,
    ) -> Answer:
        """One request and its answer; of a success `keep` takes the pieces. Raises UploadFailed."""
        parts = split(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UploadFailed("its address is not a URL of http or https", hint="correct the address in targets.yaml")
        if auth:
            refuse_open(url)
        if not all(re.fullmatch(r"[\t\x20-\x7e]+", value) for value in (auth or {}).values()):
            raise UploadFailed("the credentials hold a character that no header may", hint="see where they come from")
        sent = {"User-Agent": "ferrule", "Accept-Encoding": "identity", **headers, **(auth or {})}
        if method not in {"GET", "HEAD"}:
            sent["Content-Length"] = str(size)
        patience = self._patience
        until = self._monotonic() + patience.whole + max(size, 0) / patience.rate
        response: BaseHTTPResponse | None = None
        try:
            response = self._pool(url).request(
                *(method, url),
                body=body or None,
                headers=sent,
                preload_content=False,
                decode_content=False,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(connect=patience.connect, read=patience.piece),
            )
            content, taken = [], keep if keep and 200 <= response.status < 300 else None  # noqa: PLR2004
            for piece in self._pieces(response, limit if taken else _LARGEST_DOCUMENT, until):
                if taken:
                    taken(piece)
                else:
                    content.append(piece)
            lower = {name.lower(): value for name, value in response.headers.items()}
            secrets = tuple(_secrets(auth or {}))
            return Answer(response.status, lower, b"".join(content), anonymous=auth is None, shown=secrets)
        except (exceptions.HTTPError, OSError) as error:
            raise UploadFailed(_what_happened(error), hint="check that it can be reached", wait=_SOON) from error
        finally:
            if response is not None:
                response.close()
                response.release_conn()

    def _pieces(self, response: BaseHTTPResponse, limit: int, until: float) -> Iterator[bytes]:
        total = 0
        while piece := response.read1(_CHUNK):
            total += len(piece)
            if total > limit:
                raise TooLarge
            if self._monotonic() > until + total / self._patience.rate:
                raise UploadFailed("it does not answer in time", wait=_SOON)
            yield piece

    def _pool(self, url: str) -> PoolManager:
        proxy = proxy_of(url, self._environment)
        if proxy not in self._pools:
            self._pools[proxy] = self._connected(proxy)
        return self._pools[proxy]

    def _connected(self, proxy: str | None) -> PoolManager:
        bundle = self._environment.get("SSL_CERT_FILE")
        if proxy is None:
            return urllib3.PoolManager(ca_certs=bundle)
        url = urllib3.util.parse_url(proxy)
        secret = urllib3.util.make_headers(proxy_basic_auth=urllib.parse.unquote(url.auth)) if url.auth else None
        return urllib3.ProxyManager(proxy, proxy_headers=secret, ca_certs=bundle)


def split(url: str) -> urllib.parse.SplitResult:
    """The parts of an address. Raises UploadFailed for what is none."""
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise _no_address() from error
    return parts


def refuse_open(url: str) -> None:
    """Raise UploadFailed for an address to which credentials would travel without TLS."""
    parts = split(url)
    if parts.scheme == "http" and parts.hostname not in address.LOOPBACK:
        raise UploadFailed("the credentials would travel in the clear", hint="use https")


def join(base: str, url: str) -> str:
    """An address that may be relative to another. Raises UploadFailed for what is none."""
    try:
        return urllib.parse.urljoin(base, url)
    except ValueError as error:
        raise _no_address() from error


def _no_address() -> UploadFailed:
    return UploadFailed("it names an address that is none", hint="see what is wrong there", wait=_SOON)


def json_body(values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Web.send` by which a document is sent."""
    return {"body": json.dumps(values).encode(), "headers": {"Content-Type": "application/json"}}


def form(field: str, name: str, source: Path) -> dict[str, Any]:
    """The arguments of `Web.send` by which a file is sent as a field of a form (RFC 7578)."""
    return fields({field: (name, source.read_bytes(), "application/octet-stream")})


def fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Web.send` by which fields of a form are sent: texts, or names, bytes and types of files."""
    body, kind = urllib3.encode_multipart_formdata(values)
    return {"body": body, "headers": {"Content-Type": kind}}


def bearer(token: str) -> Auth:
    """A token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, password: str) -> Auth:
    """A name and a password (RFC 7617)."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def _secrets(auth: Auth) -> Iterator[str]:
    """What of the headers that show who asks is nobody's business: a token, a name with its password, the password."""
    for value in auth.values():
        kind, _, token = value.rpartition(" ")
        pair = _decoded(token) if kind.lower() == "basic" else ""
        yield from (text for text in (token, pair, pair.partition(":")[2]) if len(text) >= SHORTEST)


def _decoded(token: str) -> str:
    """A name with its password, in either alphabet of base64, padded or not, as npm sends it (`_auth`)."""
    with suppress(ValueError):
        return base64.b64decode(f"{token.translate(_URL_SAFE).rstrip('=')}==").decode("utf-8", "replace")
    return ""


class NotThere(UploadFailed):
    """A file that was to be downloaded is not there."""

    def __init__(self) -> None:
        super().__init__("it is not there")


class TooLarge(UploadFailed):
    """An answer is longer than it may be: where it is a file, that is another one."""

    def __init__(self) -> None:
        super().__init__("what is there is larger than it should be")


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds that a server asks to wait (RFC 9110, 10.2.3); a date counts from the server's own clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        then = email.utils.parsedate_to_datetime(text)
        now = email.utils.parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError):
        return _SOON


def clock_of(headers: Mapping[str, str], otherwise: float) -> float:
    """A server's own clock, in seconds since 1970, as its answer states it (RFC 9110, 6.6.1)."""
    try:
        return email.utils.parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return otherwise


def _limited(answer: Answer) -> float | None:
    """The seconds until a forge takes requests again, if it refuses one for a limit of them; else None.

    GitHub answers 403 or 429, with `retry-after`, or with the end of its period, or with words and nothing else, which
    mean a minute at least (its REST API, "Rate limits"). The time is counted from the server's own clock.
    """
    headers = answer.headers
    if answer.status not in _LIMITS:
        return None
    if "retry-after" in headers:
        return retry_after(headers)
    reset = headers.get("x-ratelimit-reset", "").strip()
    if headers.get("x-ratelimit-remaining", "").strip() == "0" and re.fullmatch(r"[0-9]{1,12}", reset):
        return max(_SOON, float(reset) - clock_of(headers, float(reset) - _MINUTE))
    return _MINUTE if b"secondary rate limit" in answer.body[:4096] else None


def _what_happened(error: Exception) -> str:
    """A failure of a connection in a few words; those of the library are long, and may hold the whole URL."""
    words: dict[type[BaseException], str] = {
        exceptions.SSLError: "its certificate is not accepted",
        exceptions.ReadTimeoutError: "it does not answer in time",
        exceptions.ConnectTimeoutError: "it cannot be reached",
        exceptions.NewConnectionError: "it cannot be reached",
        exceptions.ProxyError: "the proxy does not lead to it",
        exceptions.ProtocolError: "the connection broke off",
    }
    matching = (text for kind, text in words.items() if isinstance(error, kind))
    return next(matching, f"the connection failed ({type(error).__name__})")
