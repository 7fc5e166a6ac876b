"""A package index: what it is asked before an upload, by which address, and what is attested."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest

from fakes.destinations import FILES, IndexServer, StandIn, host_of, publisher_of, reply, serving
from fakes.published import CANARY, release_of
from ferrule.app.publish import DESTINATIONS
from ferrule.app.publish.items import UploadFailed
from ferrule.app.publish.pypi import PypiSection
from ferrule.app.publish.twine_account import KNOWN
from ferrule.app.publish.web import Web, WebPatience

if TYPE_CHECKING:
    from fakes.destinations import Reply, Request
    from ferrule.tools.host import Host


def refused(folder: Path, server: IndexServer, **environment: str) -> list[tuple[str, str]]:
    """What the index says before anything is uploaded to it."""
    release = release_of(folder / "dist", FILES["pypi"])
    publisher = publisher_of("pypi", server, release, folder, **environment)
    return list(publisher.preflight(publisher.items))


def test_credentials_that_the_index_refuses_are_no_surprise_of_the_first_upload(tmp_path: Path) -> None:
    with serving(IndexServer()) as server:
        assert refused(tmp_path, server) == []
        assert server.requests == ["POST /legacy/"]
        (problem,) = refused(tmp_path, server, TWINE_PASSWORD="pypi-old")
        assert problem[0] == (
            "these credentials may not do this (403): Invalid or non-existent authentication information."
        )
        assert problem[1].startswith("renew them: set TWINE_USERNAME and TWINE_PASSWORD")
        assert server.state() == {}


@pytest.mark.parametrize("fault", ["404", "422", "500", "503"])
def test_an_index_that_says_nothing_of_them_is_no_reason_not_to_try(tmp_path: Path, fault: str) -> None:
    with serving(IndexServer(faults={0: fault})) as server:
        assert refused(tmp_path, server) == []


def test_an_address_for_uploads_that_cannot_be_reached(tmp_path: Path) -> None:
    with serving(IndexServer()) as server:
        server.faults = {0: "gone"}
        with pytest.raises(UploadFailed) as caught:
            refused(tmp_path, server)
        assert caught.value.message == f"twine would upload to {server.url}/legacy/: the connection broke off"
        assert caught.value.hint == "check that it can be reached; `upload` is another address"
        assert caught.value.wait is not None


@pytest.mark.parametrize(
    "name", ["TWINE_CERT", "TWINE_CLIENT_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"]
)
def test_certificates_are_the_affair_of_twine(tmp_path: Path, name: str) -> None:
    with serving(IndexServer()) as server:
        assert refused(tmp_path, server, TWINE_PASSWORD="pypi-old", **{name: certifi.where()}) == []
        assert server.requests == []


def test_an_index_that_twine_does_not_know_gives_no_token_to_a_workflow(tmp_path: Path) -> None:
    with serving(IndexServer()) as server:
        (problem,) = refused(tmp_path, server, TWINE_PASSWORD="", ACTIONS_ID_TOKEN_REQUEST_TOKEN=CANARY)
        assert problem[0] == "there are no credentials for it"


@dataclass
class Proxy(StandIn):
    """A proxy that leads to no host."""

    def answer(self, _request: Request) -> Reply:
        return reply(403, b"")


def web_of(host: Host) -> Web:
    """Requests as the environment of a machine leads them."""
    return Web(host.environment, time.monotonic, str, WebPatience(connect=5, piece=5, whole=5))


@pytest.mark.parametrize("repository", ["pypi", "testpypi"])
@pytest.mark.parametrize("mirror", ["http://127.0.0.1:{port}/simple", "https://mirror.example.org/simple"])
def test_no_host_is_shown_credentials_but_that_to_which_twine_uploads(
    tmp_path: Path, repository: str, mirror: str
) -> None:
    """A proxy sees which hosts are asked for; it leads to none."""
    with serving(IndexServer()) as server, serving(Proxy()) as proxy:
        release = release_of(tmp_path / "dist", FILES["pypi"])
        names = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), proxy.url)
        host = host_of(tmp_path / "home", server, NO_PROXY="127.0.0.1", **names)
        index = mirror.format(port=server.url.rpartition(":")[2])
        section = PypiSection(to="pypi", index=index, repository=repository)
        context = replace(publisher_of("pypi", server, release, tmp_path).context, host=host, web=web_of(host))
        publisher = DESTINATIONS["pypi"].opened(section, release, context)
        with pytest.raises(UploadFailed, match="twine would upload to"):
            list(publisher.preflight(publisher.items))
        assert proxy.requests == [f"CONNECT {KNOWN[repository].split('/')[2]}:443"]
        assert server.requests == []


def test_an_address_that_twine_does_not_know_is_asked_nothing(tmp_path: Path) -> None:
    """Also one of ~/.pypirc that `index-servers` does not list: twine would not read it."""
    with serving(IndexServer()) as server:
        release = release_of(tmp_path / "dist", FILES["pypi"])
        context = publisher_of("pypi", server, release, tmp_path, TWINE_PASSWORD="old").context
        section = PypiSection(to="pypi", index=f"{server.url}/simple", repository="corp")
        (tmp_path / "home" / ".pypirc").write_text(f"[corp]\nrepository = {server.url}/legacy/\n")
        publisher = DESTINATIONS["pypi"].opened(section, release, context)
        assert list(publisher.preflight(publisher.items)) == []
        assert server.requests == []


@pytest.mark.parametrize("key", ["", "ca_cert = /srv/ca.pem", "client_cert = /srv/me.pem"])
def test_a_repository_of_pypirc(tmp_path: Path, key: str) -> None:
    """It is asked, unless certificates are stated for it."""
    with serving(IndexServer()) as server:
        release = release_of(tmp_path / "dist", FILES["pypi"])
        context = publisher_of("pypi", server, release, tmp_path, TWINE_PASSWORD="old").context
        section = PypiSection(to="pypi", index="https://mirror.example.org/simple", repository="corp")
        rows = f"[distutils]\nindex-servers = corp\n[corp]\nrepository = {server.url}/legacy/\n{key}\n"
        (tmp_path / "home" / ".pypirc").write_text(rows)
        publisher = DESTINATIONS["pypi"].opened(section, release, context)
        assert len(list(publisher.preflight(publisher.items))) == (0 if key else 1)
        assert server.requests == ([] if key else ["POST /legacy/"])


def test_a_certificate_of_the_user_is_enough(tmp_path: Path) -> None:
    with serving(IndexServer()) as server:
        assert refused(tmp_path, server, TWINE_PASSWORD="", TWINE_CLIENT_CERT="/srv/me.pem") == []


IDENTITY = "https://github.com/example/demo"
SIGNER = """#!/bin/sh
test "$1" = sign && test -n "$ACTIONS_ID_TOKEN_REQUEST_URL" || exit 1
test -e "$2" && printf '{"version": 1, "of": "%s"}' "$(basename "$2")" > "$2.publish.attestation"
"""


TWINE = """#!/bin/sh
for file; do case $file in *.attestation) cat "$file" >> uploaded;; esac; done
echo "$*" >> called
"""


def signing(folder: Path, *, identity: str | None = IDENTITY, trusted: bool = True, password: str = ""):
    """A publisher in a workflow, with stand-ins for what signs, and for twine, which an index would have to trust."""
    release = release_of(folder / "dist", FILES["pypi"])
    url = "https://actions.example.org/token" if trusted else ""
    tokens = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": CANARY if trusted else "", "ACTIONS_ID_TOKEN_REQUEST_URL": url}
    publisher = publisher_of("pypi", StandIn(url="http://x"), release, folder, TWINE_PASSWORD=password, **tokens)
    (folder / "bin").mkdir()
    for name, text in (("pypi-attestations", SIGNER), ("twine", TWINE.replace(">> ", f">> {folder}/"))):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    host = replace(publisher.context.host, path=(folder / "bin", Path("/usr/bin"), Path("/bin")))
    section = PypiSection(to="pypi", index="https://index.example.org/simple", identity=identity)
    return DESTINATIONS["pypi"].opened(section, release, replace(publisher.context, host=host))


def test_a_keyring_is_started_once(tmp_path: Path) -> None:
    """By whatever needs it first; a row that is opened to look starts none."""
    publisher = signing(tmp_path)
    program = tmp_path / "bin" / "keyring"
    program.write_text(f"#!/bin/sh\necho started >> {tmp_path}/started\n")
    program.chmod(0o755)
    publisher = DESTINATIONS["pypi"].opened(
        publisher.section, release_of(tmp_path / "dist", FILES["pypi"]), publisher.context
    )
    assert not (tmp_path / "started").exists()
    assert list(publisher.preflight(publisher.items)) == []
    for item in publisher.items:
        publisher.call(item)
        publisher.upload(item)
    assert (tmp_path / "started").read_text() == "started\n"


def test_a_workflow_attests_what_it_uploads(tmp_path: Path) -> None:
    """The attestation is made beside a copy, and dist/ stays as it is; a second upload makes another."""
    name = "demo-1.2.3-py3-none-any.whl"
    publisher = signing(tmp_path)
    before = sorted((tmp_path / "dist").iterdir())
    assert list(publisher.preflight(publisher.items)) == []
    assert publisher.call(publisher.items[0]).startswith("pypi-attestations sign /")
    assert publisher.call(publisher.items[0]).endswith(f"{name}.publish.attestation")
    for _ in range(2):
        publisher.upload(publisher.items[0])
    assert (tmp_path / "uploaded").read_text() == f'{{"version": 1, "of": "{name}"}}' * 2
    assert " --attestations --repository pypi /" in (tmp_path / "called").read_text()
    assert sorted((tmp_path / "dist").iterdir()) == before


@pytest.mark.parametrize(
    ("identity", "trusted", "password"), [(None, True, ""), (IDENTITY, False, ""), (IDENTITY, True, "pypi-token")]
)
def test_nothing_is_attested_where_nobody_asks_or_can(
    tmp_path: Path, identity: str | None, trusted: bool, password: str
) -> None:
    publisher = signing(tmp_path, identity=identity, trusted=trusted, password=password)
    publisher.upload(publisher.items[0])
    assert not (tmp_path / "uploaded").exists()
    assert "--attestations" not in (tmp_path / "called").read_text()
    assert publisher.call(publisher.items[0]).startswith("twine ")


def test_what_signs_has_to_be_there(tmp_path: Path) -> None:
    publisher = signing(tmp_path)
    (tmp_path / "bin" / "pypi-attestations").unlink()
    assert list(publisher.preflight(publisher.items)) == [
        (
            "the row has `identity`, and pypi-attestations, which signs for it, is not installed",
            "pipx install pypi-attestations, or take `identity` out of the row",
        )
    ]
