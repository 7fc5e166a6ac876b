"""Pulls an image by digest from a registry into an OCI layout (OCI distribution-spec 1.1, "Pulling manifests").

Home-made, because the Python libraries for registries re-serialise what they fetch or refuse an index, and asking for
skopeo or crane would be one more tool to install. Only public images are read: no credentials are looked for.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import ConfigError, NetworkError, VerificationError
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from pathlib import Path

    from ferrule.tools.host import Host

_ACCEPT: Final = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
_SECONDS: Final = 60.0
_CHUNK: Final = 1 << 20
_LARGEST_DOCUMENT: Final = 4 << 20
_LOOPBACK: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


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
    _Pull(registry, repository, folder).image(Digest.parse(digest))


class _Pull:
    """One pull: the blobs written so far and the token that the registry gave."""

    def __init__(self, registry: str, repository: str, folder: Path) -> None:
        scheme = "http" if _LOOPBACK.fullmatch(registry) else "https"
        self._base = f"{scheme}://{registry}/v2/{repository}"
        self._name = f"{registry}/{repository}"
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
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
                self._fetch("blobs", _digest(blob))

    def _document(self, digest: Digest) -> dict[str, Any]:
        path = self._fetch("manifests", digest, limit=_LARGEST_DOCUMENT)
        try:
            document = json.loads(path.read_bytes())
        except ValueError as error:
            raise VerificationError(f"{digest.oci} is no manifest", where=self._name) from error
        if not isinstance(document, dict) or not isinstance(document.get("mediaType"), str):
            raise VerificationError(f"{digest.oci} is no manifest", where=self._name)
        return document

    def _fetch(self, kind: str, digest: Digest, limit: int | None = None) -> Path:
        import hashlib  # noqa: PLC0415

        path = self._blobs / digest.hex
        if path.exists():
            return path
        sha, size = hashlib.sha256(), 0
        with self._open(f"{self._base}/{kind}/{digest.oci}") as answer, path.open("wb") as stream:
            try:
                while chunk := answer.read(_CHUNK):
                    sha.update(chunk)
                    stream.write(chunk)
                    size += len(chunk)
                    if limit is not None and size > limit:
                        raise VerificationError(f"{digest.oci} is larger than a manifest may be", where=self._name)
            except (OSError, ValueError) as error:
                raise NetworkError(f"{self._name} broke off: {error}", hint="run the same command again") from error
        if sha.hexdigest() != digest.hex:
            raise VerificationError(f"the registry sent something else than {digest.oci}", where=self._name)
        return path

    def _open(self, url: str) -> HTTPResponse:
        import urllib.error  # noqa: PLC0415

        try:
            return _get(url, self._token)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or self._token is not None or not challenge.lower().startswith("bearer "):  # noqa: PLR2004
                raise self._unreachable(f"it answers {error.code} {error.reason}") from error
            self._token = self._ask_token(challenge)
            return self._open(url)
        except OSError as error:
            raise self._unreachable(str(error)) from error

    def _ask_token(self, challenge: str) -> str:
        """An anonymous token (distribution's token authentication specification)."""
        from urllib.parse import urlencode  # noqa: PLC0415

        told = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = told.pop("realm", "")
        if not realm.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise self._unreachable("it asks for a log-in in a way that is not understood")
        try:
            with _get(f"{realm}?{urlencode(told)}", None) as answer:
                document = json.loads(answer.read(_LARGEST_DOCUMENT))
            return str(document.get("token") or document["access_token"])
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise self._unreachable("it gives no token to strangers; only public images can be a base") from error

    def _unreachable(self, why: str) -> NetworkError:
        return NetworkError(
            f"cannot pull {self._name}: {why}", hint="check the name, the network and the proxy settings"
        )


def _get(url: str, token: str | None) -> HTTPResponse:
    import urllib.request  # noqa: PLC0415

    headers = {"Accept": _ACCEPT, **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - https, or loopback
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=_SECONDS)  # noqa: S310
    return answer


def _digest(descriptor: dict[str, Any]) -> Digest:
    try:
        return Digest.parse(str(descriptor["digest"]))
    except (KeyError, ValueError, TypeError) as error:
        raise VerificationError("the registry's manifest refers to something without a SHA-256 digest") from error
