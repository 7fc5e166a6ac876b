from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from ferrule.core.errors import ConfigError, NetworkError, VerificationError
from ferrule.core.model import Digest
from ferrule.formats import oci
from ferrule.formats.archive_member import Member
from ferrule.tools.host import Host
from ferrule.tools.registry import pull


def machine(tmp_path, *, offline=False):
    return Host((), {}, tmp_path, "Linux", "x86_64", is_root=False, offline=offline, python=Path("/usr/bin/python3"))


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


@pytest.fixture
def base(tmp_path):
    """A layout of two platforms, as a registry would hold it."""
    layer = oci.write_layer(tmp_path / "l.tar.gz", [Member("etc", folder=True), Member("etc/x", b"1")], 0)
    images = [
        oci.PlatformImage(p, (layer,), oci.image_config(p, [layer], epoch=0)) for p in ("linux/amd64", "linux/arm64")
    ]
    oci.write_layout(tmp_path / "base", images, epoch=0)
    return tmp_path / "base"


@pytest.fixture
def serve():
    servers = []

    def start(blobs, token=None, **more):
        handler = type("Handler", (Registry,), {"blobs": blobs, "token": token, "requests": [], **more})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def blobs_of(layout):
    return {f"sha256:{p.name}": p.read_bytes() for p in (layout / "blobs" / "sha256").iterdir()}


@pytest.mark.parametrize("token", [None, "secret"])
def test_pulls_all_platforms_and_every_digest_is_right(tmp_path, base, serve, token):
    index = oci.read_layout(base).index.digest
    pull(f"{serve(blobs_of(base), token)}/team/base:1@{index.oci}", tmp_path / "pulled", machine(tmp_path))
    pulled = oci.read_layout(tmp_path / "pulled")
    assert pulled.index.digest == index
    assert [i.platform for i in pulled.images] == ["linux/amd64", "linux/arm64"]


def test_other_bytes_are_refused(tmp_path, base, serve):
    blobs = blobs_of(base)
    index = oci.read_layout(base).index.digest
    lying = {name: content if name == index.oci else content + b" " for name, content in blobs.items()}
    with pytest.raises(VerificationError, match="something else"):
        pull(f"{serve(lying)}/team/base@{index.oci}", tmp_path / "pulled", machine(tmp_path))


def test_what_is_no_manifest_is_refused(tmp_path, serve):
    digest = Digest.of(b"[]")
    with pytest.raises(VerificationError, match="not a manifest"):
        pull(f"{serve({digest.oci: b'[]'})}/team/base@{digest.oci}", tmp_path / "pulled", machine(tmp_path))


def test_an_image_that_is_not_there_is_told(tmp_path, serve):
    with pytest.raises(NetworkError, match="404"):
        pull(f"{serve({})}/team/base@{Digest.of(b'').oci}", tmp_path / "pulled", machine(tmp_path))


def test_offline_and_nameless_registries_are_told(tmp_path):
    digest = Digest.of(b"").oci
    with pytest.raises(NetworkError, match="not in the cache"):
        pull(f"registry.example/base@{digest}", tmp_path / "a", machine(tmp_path, offline=True))
    with pytest.raises(ConfigError, match="does not name its registry"):
        pull(f"team/base@{digest}", tmp_path / "b", machine(tmp_path))


def test_a_server_that_is_away_is_told(tmp_path):
    with pytest.raises(NetworkError, match="cannot pull"):
        pull(f"127.0.0.1:9/base@{Digest.of(b'').oci}", tmp_path / "a", machine(tmp_path))


def test_the_token_stays_with_the_registry_that_gave_it(tmp_path, base, serve):
    index = oci.read_layout(base).index.digest
    elsewhere, requests = [], []
    storage = serve(blobs_of(base), requests=elsewhere)
    registry = serve(blobs_of(base), "secret", blobs_at=f"http://{storage}", requests=requests)
    pull(f"{registry}/team/base@{index.oci}", tmp_path / "pulled", machine(tmp_path))
    assert oci.read_layout(tmp_path / "pulled").index.digest == index
    assert elsewhere
    assert {credentials for _, credentials in elsewhere} == {None}
    assert "Bearer secret" in {credentials for _, credentials in requests}


def test_a_redirect_within_the_registry_keeps_the_token(tmp_path, base, serve):
    index = oci.read_layout(base).index.digest
    requests = []
    registry = serve(blobs_of(base), "secret", blobs_at="/moved", requests=requests)
    with pytest.raises(NetworkError, match="redirect"):  # it leads on to itself for ever
        pull(f"{registry}/team/base@{index.oci}", tmp_path / "pulled", machine(tmp_path))
    assert ("Bearer secret", True) in {(credentials, path.startswith("/moved")) for path, credentials in requests}


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_registry_is_asked_again(tmp_path, base, serve, status):
    index = oci.read_layout(base).index.digest
    failures = [(status, {"Retry-After": "0"}), (status, {})]
    registry = serve(blobs_of(base), failures=failures)
    pull(f"{registry}/team/base@{index.oci}", tmp_path / "pulled", machine(tmp_path))
    assert failures == []


def test_a_registry_that_stays_busy_is_left(tmp_path, serve):
    requests = []
    registry = serve({}, failures=[(503, {})] * 99, requests=requests)
    with pytest.raises(NetworkError, match="503"):
        pull(f"{registry}/team/base@{Digest.of(b'').oci}", tmp_path / "a", machine(tmp_path))
    assert len(requests) == 4


def test_a_long_wait_is_not_waited(tmp_path, serve):
    registry = serve({}, failures=[(429, {"Retry-After": "3600"})])
    with pytest.raises(NetworkError, match="asks to wait 3600 seconds"):
        pull(f"{registry}/team/base@{Digest.of(b'').oci}", tmp_path / "a", machine(tmp_path))


def test_a_body_that_breaks_off_is_fetched_again(tmp_path, base, serve):
    index = oci.read_layout(base).index.digest
    cut = [5]
    pull(f"{serve(blobs_of(base), cut=cut)}/team/base@{index.oci}", tmp_path / "pulled", machine(tmp_path))
    assert cut == []
    assert oci.read_layout(tmp_path / "pulled").index.digest == index


def test_a_body_that_always_breaks_off_is_told(tmp_path, base, serve):
    index, requests = oci.read_layout(base).index.digest, []
    registry = serve(blobs_of(base), cut=[5] * 99, requests=requests)
    with pytest.raises(NetworkError, match="broke off"):
        pull(f"{registry}/team/base@{index.oci}", tmp_path / "pulled", machine(tmp_path))
    assert len(requests) == 3


def test_a_blob_larger_than_its_manifest_says_is_refused(tmp_path, base, serve):
    index = oci.read_layout(base).index.digest
    grown = {name: c if c.startswith(b"{") else c * 9 for name, c in blobs_of(base).items()}
    with pytest.raises(VerificationError, match="larger than it may be"):
        pull(f"{serve(grown)}/team/base@{index.oci}", tmp_path / "pulled", machine(tmp_path))


@pytest.mark.parametrize("realm", ["http://localhost.example/token", "http://[", "file:///etc/passwd", ""])
def test_a_token_is_asked_of_nobody_else(tmp_path, serve, realm):
    registry = serve({}, failures=[(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'})])
    with pytest.raises(NetworkError, match="in a way that is not understood"):
        pull(f"{registry}/team/base@{Digest.of(b'').oci}", tmp_path / "a", machine(tmp_path))
