"""A package index: under which addresses a keyring knows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.destinations import FILES, IndexServer, StandIn, host_of, publisher_of, serving
from fakes.published import CANARY, release_of
from ferrule.app.publish.base import PublishContext
from ferrule.app.publish.credentials import of_pypirc
from ferrule.app.publish.items import UploadFailed
from ferrule.app.publish.pypi import PypiPublisher, PypiSection


def has_credentials(folder: Path, known: str, **keys: str) -> bool:
    """Whether credentials are found where the keyring knows one address, with a name."""
    program = folder / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ntest "$*" = "get {known}" && echo secret\n')
    program.chmod(0o755)
    host = host_of(folder / "home", StandIn(url="http://x"), TWINE_PASSWORD="", TWINE_USERNAME="")
    host = replace(host, path=(program.parent,), programs=folder / "none")
    section = PypiSection(to="pypi", index="https://index.example.org/simple", **keys)
    publisher = PypiPublisher(section, (), PublishContext(None, host, folder, folder, lambda: 0))
    return publisher._login(of_pypirc(host, section.repository)) is not None


@pytest.mark.parametrize(
    ("known", "keys"),
    [
        ("https://upload.index.example.org/legacy/ __token__", {}),
        ("https://index.example.org/legacy/ __token__", {"repository": "testpypi"}),
        ("https://uploads.example.org/ __token__", {"upload": "https://uploads.example.org/"}),
    ],
)
def test_the_keyring_is_asked_for_every_address(tmp_path: Path, known: str, keys) -> None:
    assert has_credentials(tmp_path, known, **keys)


def test_an_address_and_a_name_of_pypirc(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".pypirc").write_text("[corp]\nrepository = https://corp.example.org/up/\nusername = me\n")
    assert has_credentials(tmp_path, "https://corp.example.org/up/ me", repository="corp")


def test_a_keyring_that_knows_another(tmp_path: Path) -> None:
    assert not has_credentials(tmp_path, "https://another.example.org/ __token__")


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


def test_certificates_are_the_affair_of_twine(tmp_path: Path) -> None:
    with serving(IndexServer()) as server:
        assert refused(tmp_path, server, TWINE_PASSWORD="pypi-old", TWINE_CLIENT_CERT="/srv/me.pem") == []
        assert server.requests == []


def test_an_index_that_twine_does_not_know_gives_no_token_to_a_workflow(tmp_path: Path) -> None:
    with serving(IndexServer()) as server:
        (problem,) = refused(tmp_path, server, TWINE_PASSWORD="", ACTIONS_ID_TOKEN_REQUEST_TOKEN=CANARY)
        assert problem[0] == "there are no credentials for it"


@pytest.mark.parametrize(
    ("repository", "address"),
    [("pypi", "https://upload.index.example.org/legacy/"), ("testpypi", "https://index.example.org/legacy/")],
)
def test_what_twine_knows_itself(tmp_path: Path, repository: str, address: str) -> None:
    host = host_of(tmp_path, StandIn(url="http://x"), TWINE_PASSWORD="", ACTIONS_ID_TOKEN_REQUEST_TOKEN=CANARY)
    section = PypiSection(to="pypi", index="https://index.example.org/simple", repository=repository)
    publisher = PypiPublisher(section, (), PublishContext(None, host, tmp_path, tmp_path, lambda: 0))
    assert publisher._is_trusted()
    assert next(iter(publisher._uploads({}))) == address


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
    return replace(publisher, section=section, context=replace(publisher.context, host=host))


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
