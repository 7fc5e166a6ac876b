"""Pulls an image by digest from a registry into an OCI layout (OCI distribution-spec 1.1, "Pulling manifests").

Home-made, because the Python libraries for registries re-serialise what they fetch or refuse an index, and asking for
skopeo or crane would be one more tool to install. Only public images are read: no credentials are looked for. HTTP is
urllib3's: it drops the token where a redirect leads to another host, and repeats a request that failed for a moment.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.parse
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import urllib3

from ferrule.core.errors import ConfigError, NetworkError, VerificationError
from ferrule.core.model import Digest
from ferrule.core.proxies import proxy_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from urllib3 import BaseHTTPResponse, PoolManager, Retry

    from ferrule.tools.host import Host

_ACCEPT: Final = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
_SECONDS: Final = 60.0
_CHUNK: Final = 1 << 20
_LARGEST_DOCUMENT: Final = 4 << 20
_LONGEST_WAIT: Final = 60  # seconds that a server may ask us to wait before the next attempt
_ATTEMPTS: Final = 3  # of a body that breaks off
_BUSY: Final = (429, 500, 502, 503, 504)
_UNAUTHORIZED: Final = 401
_OK: Final = 200
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def pull(reference: str, folder: Path, host: Host) -> None:
    """Write the image that `HOST/NAME@sha256:…` names, with all its platforms, as a layout; every blob is checked.

    Raises NetworkError where it cannot be had, VerificationError where the registry sends something else, ConfigError
    for a reference without a registry.
    """
    name, _, digest = reference.partition("@")
    registry, _, repository = re.sub(r":[^/:]+$", "", name).partition("/")
    if not repository or not ("." in registry or ":" in registry or registry == "localhost"):
        raise ConfigError(
            f"{name} does not name its registry", hint="write the whole name, as in registry.example/team/base@sha256:…"
        )
    if host.offline:
        raise NetworkError(f"{name} is not in the cache", hint="run the same command once without --offline")
    _Pull(registry, repository, folder, host.environment).image(Digest.parse(digest))


class _Pull:
    """One pull: the blobs written so far and the token that the registry gave."""

    def __init__(self, registry: str, repository: str, folder: Path, environment: Mapping[str, str]) -> None:
        scheme = "http" if urllib.parse.urlsplit(f"//{registry}").hostname in _LOOPBACK else "https"
        self._base = f"{scheme}://{registry}/v2/{repository}"
        self._name = f"{registry}/{repository}"
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._environment = environment
        self._token: str | None = None

    def image(self, digest: Digest) -> None:
        self._blobs.mkdir(parents=True)
        top = self._document(digest)
        for manifest in top.get("manifests", ()):
            self._manifest(self._document(_digest(manifest)))
        self._manifest(top)
        descriptor = {
            "mediaType": top["mediaType"],
            "digest": digest.oci,
            "size": (self._blobs / digest.hex).stat().st_size,
        }
        index = {"schemaVersion": 2, "manifests": [descriptor]}
        (self._folder / "index.json").write_text(json.dumps(index, sort_keys=True), encoding="utf-8")
        (self._folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")

    def _manifest(self, manifest: dict[str, Any]) -> None:
        for blob in (manifest.get("config"), *manifest.get("layers", ())):
            if blob is not None:
                self._fetch("blobs", _digest(blob), _size(blob))

    def _document(self, digest: Digest) -> dict[str, Any]:
        path = self._fetch("manifests", digest, _LARGEST_DOCUMENT)
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise VerificationError(f"{digest.oci} is not a manifest", where=self._name) from error
        if not isinstance(document, dict) or not isinstance(document.get("mediaType"), str):
            raise VerificationError(f"{digest.oci} is not a manifest", where=self._name)
        return document

    def _fetch(self, kind: str, digest: Digest, limit: int) -> Path:
        """A blob or manifest of at most `limit` bytes, asked for again where its body breaks off."""
        path = self._blobs / digest.hex
        for attempt in range(1, _ATTEMPTS + 1):
            if path.exists():
                break
            try:
                self._download(f"{self._base}/{kind}/{digest.oci}", path, digest, limit)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                if attempt == _ATTEMPTS:
                    hint = "run the same command again"
                    raise NetworkError(f"{self._name} broke off: {_reason(error)}", hint=hint) from error
        return path

    def _download(self, url: str, path: Path, digest: Digest, limit: int) -> None:
        aside = path.with_name(f"{path.name}.part")
        sha, size = hashlib.sha256(), 0
        with self._open(url) as answer, aside.open("wb") as stream:
            while chunk := answer.read(_CHUNK):
                sha.update(chunk)
                stream.write(chunk)
                size += len(chunk)
                if size > limit:
                    raise VerificationError(f"{digest.oci} is larger than it may be", where=self._name)
        if sha.hexdigest() != digest.hex:
            raise VerificationError(f"the registry sent something else than {digest.oci}", where=self._name)
        aside.replace(path)

    @contextmanager
    def _open(self, url: str) -> Iterator[BaseHTTPResponse]:
        """The answer to a request, made again with a token where the registry asks for one."""
        with self._get(url, self._token) as answer:
            challenge = answer.headers.get("WWW-Authenticate", "")
            refused = answer.status == _UNAUTHORIZED and challenge.lower().startswith("bearer ")
            if answer.status == _OK:
                yield answer
                return
            if not refused or self._token is not None:
                raise self._unreachable(f"it answers {answer.status} {answer.reason}")
        self._token = self._request_token(challenge)
        with self._open(url) as answer:
            yield answer

    def _request_token(self, challenge: str) -> str:
        """An anonymous token (distribution's token authentication specification)."""
        parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = parameters.pop("realm", "")
        try:
            parts = urllib.parse.urlsplit(realm)
        except ValueError:
            parts = urllib.parse.SplitResult("", "", "", "", "")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise self._unreachable("it asks for a log-in in a way that is not understood")
        try:
            with self._get(f"{realm}?{urllib.parse.urlencode(parameters)}", None) as answer:
                content = answer.read(_LARGEST_DOCUMENT) if answer.status == _OK else b""
            document = json.loads(content)
            return str(document.get("token") or document["access_token"])
        except (ValueError, KeyError, AttributeError, RecursionError) as error:
            raise self._unreachable("it gives no token to strangers; only public images can be a base") from error

    @contextmanager
    def _get(self, url: str, token: str | None) -> Iterator[BaseHTTPResponse]:
        headers = {"Accept": _ACCEPT, "Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        with _pool(url, self._environment) as pool:
            try:
                answer = pool.request(
                    *("GET", url),
                    headers=headers,
                    preload_content=False,
                    decode_content=False,
                    timeout=_SECONDS,
                    retries=self._retries(),
                )
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise self._unreachable(_reason(error)) from error
            try:
                yield answer
            finally:
                answer.close()

    def _retries(self) -> Retry:
        """A few attempts, with the pauses that the server asks for unless they are long."""
        too_long = self._unreachable

        class Patient(urllib3.Retry):
            def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
                seconds = super().get_retry_after(response)
                if seconds is not None and seconds > _LONGEST_WAIT:
                    raise too_long(f"it answers {response.status} and asks to wait {seconds:.0f} seconds")
                return seconds

        return Patient(
            total=8,
            connect=2,
            read=2,
            redirect=5,
            status=3,
            status_forcelist=_BUSY,
            backoff_factor=0.2,
            raise_on_status=False,
        )

    def _unreachable(self, why: str) -> NetworkError:
        return NetworkError(
            f"cannot pull {self._name}: {why}", hint="check the name, the network and the proxy settings"
        )


def _pool(url: str, environment: Mapping[str, str]) -> PoolManager:
    proxy = proxy_of(url, environment)
    if proxy is None:
        return urllib3.PoolManager()
    credentials = urllib3.util.parse_url(proxy).auth
    headers = urllib3.util.make_headers(proxy_basic_auth=urllib.parse.unquote(credentials)) if credentials else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers)


def _reason(error: Exception) -> str:
    """What went wrong in the words of the connection, without urllib3's own around them."""
    reason = getattr(error, "reason", None) or error
    return str(reason).rpartition(">: ")[2] or type(reason).__name__


def _digest(descriptor: dict[str, Any]) -> Digest:
    try:
        return Digest.parse(str(descriptor["digest"]))
    except (KeyError, ValueError, TypeError) as error:
        raise VerificationError("the registry's manifest refers to something without a SHA-256 digest") from error


def _size(descriptor: dict[str, Any]) -> int:
    size = descriptor.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise VerificationError("the registry's manifest refers to something without a size")
    return size
