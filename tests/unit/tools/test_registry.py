from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from fakes.image_registry import blobs_of, serving
from ferrule.core.errors import ConfigError, NetworkError, VerificationError
from ferrule.core.model import Digest
from ferrule.formats import oci
from ferrule.formats.archive_member import Member
from ferrule.tools.host import Host
from ferrule.tools.registry import pull


def machine(tmp_path, *, offline=False):
    return Host((), {}, tmp_path, "Linux", "x86_64", is_root=False, offline=offline, python=Path("/usr/bin/python3"))


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
    with ExitStack() as stack:
        yield lambda blobs, token=None, **more: stack.enter_context(serving(blobs, token, **more))


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
