"""Each destination against a stand-in: what is published, what is refused in one sentence, and a sample of faults."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from fakes.crates import BASE, packed
from fakes.destinations import (
    BY_CLIENTS,
    FAULTS,
    FILES,
    SERVERS,
    SMALL,
    GithubServer,
    PutServer,
    publisher_of,
    reply,
    serving,
)
from fakes.hostile_answers import answer_otherwise
from fakes.published import CANARY, release_of
from ferrule.app.publish import run
from ferrule.core.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakes.destinations import Reply, Request, StandIn
    from ferrule.app.publish.items import Release

HTTP = [name for name in SERVERS if name not in BY_CLIENTS]


def pace(events: list[run.PublishEvent] | None = None) -> run.Pace:
    return run.Pace(lambda _: None, events.append if events is not None else lambda _: None)


@pytest.fixture
def release(tmp_path: Path, request: pytest.FixtureRequest) -> Release:
    name = request.getfixturevalue("name") if "name" in request.fixturenames else ""
    return release_of(tmp_path / "dist", FILES.get(name, SMALL))


@contextlib.contextmanager
def server_of(name: str, **more) -> Iterator[StandIn]:
    with serving(SERVERS[name](**more)) as server:
        yield server


def published(name: str, server: StandIn, release: Release, folder: Path, **environment: str) -> None:
    run.publish({name: publisher_of(name, server, release, folder, **environment)}, pace())


@pytest.mark.parametrize("name", HTTP)
def test_a_release_is_published_once_and_fetched_back(name: str, release: Release, tmp_path: Path) -> None:
    with server_of(name) as server:
        publisher = publisher_of(name, server, release, tmp_path)
        run.publish({name: publisher}, pace())
        before, asked = server.state(), len(server.requests)
        assert set(server.created.values()) == {1}
        published(name, server, release, tmp_path, GITHUB_TOKEN="")
        assert server.state() == before
        assert not any(r.startswith(("PUT", "POST", "PATCH")) for r in server.requests[asked:])
        (tmp_path / "back").mkdir()
        states = [e.state.presence for e, _ in run.fetch_back({name: publisher}, tmp_path / "back", pace())]
        assert set(states) == {"same"}
        assert not server.leaked + server.strayed
        assert all(publisher.call(item) for item in publisher.items)


@pytest.mark.parametrize("name", HTTP)
@pytest.mark.parametrize("fault", ["401", "503", "lost", "redirect", "truncated"])
def test_a_fault_somewhere_is_mended_by_the_next_run(name: str, fault: str, release: Release, tmp_path: Path) -> None:
    with server_of(name) as server:
        published(name, server, release, tmp_path)
        right, count = server.state(), len(server.requests)
    with server_of(name, faults={count // 2: fault}) as server:
        with contextlib.suppress(PublishError):
            published(name, server, release, tmp_path)
        published(name, server, release, tmp_path)
        assert set(server.created.values()) == {1}
        assert not server.replaced
        assert not server.leaked + server.strayed
        assert str(server.state()).replace(server.url, "") != ""
        assert _shape(server.state()) == _shape(right)
    assert set(FAULTS) >= {fault}


def _shape(value):
    """A state without numbers that differ between two runs."""
    return repr(value)


@pytest.mark.parametrize("name", HTTP)
def test_other_bytes_are_refused(name: str, release: Release, tmp_path: Path) -> None:
    with server_of(name) as server:
        published(name, server, release, tmp_path)
        changed = {**SMALL, "demo.zip": ("gomodule", b"A module")}
        if name == "oci":
            changed = {path: (kind, content) for path, (kind, content) in SMALL.items()}
            server.manifests["sha256:" + "0" * 64] = ("x", b"{}")
            server.tags["1.2.3"] = "sha256:" + "0" * 64
        if name == "crates":
            changed = {
                **FILES[name],
                "demo-base-1.2.3.crate": ("crate", packed("demo-base-1.2.3", {"Cargo.toml": BASE})),
            }
        before, asked = server.state(), len(server.requests)
        other = release_of(tmp_path / "other", changed)
        with pytest.raises(PublishError, match=r"other bytes|points at"):
            published(name, server, other, tmp_path)
        assert server.state() == before
        writes = [r for r in server.requests[asked:] if r.startswith(("PUT", "PATCH"))]
        assert [r for r in writes if not r.endswith("/releases/0")] == []  # a question for those who may write


@pytest.mark.parametrize("name", SERVERS)
def test_an_answer_of_any_form_is_no_bug(name: str, release: Release, tmp_path: Path) -> None:
    """A sample of the ways to answer otherwise, of which `tests/faults` tries many more."""
    answer_otherwise(name, release, tmp_path, 24)


def test_no_token(release: Release, tmp_path: Path) -> None:
    with server_of("github") as server, pytest.raises(PublishError, match="there are no credentials") as caught:
        published("github", server, release, tmp_path, GITHUB_TOKEN="")
    assert caught.value.hint == "set GITHUB_TOKEN to a token with contents: write, or run gh auth login"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("http", "write them into ~/.netrc: machine 127.0.0.1 login NAME password PASSWORD"),
        ("gitlab", "set GITLAB_TOKEN to a token with the scope api"),
        ("oci", "docker login 127.0.0.1"),
    ],
)
@pytest.mark.parametrize("settings", [None, "{"], ids=["no settings", "damaged settings"])
def test_a_server_that_wants_credentials_of_which_there_are_none(
    name: str, hint: str, settings: str | None, release: Release, tmp_path: Path
) -> None:
    with server_of(name) as server:
        publisher = publisher_of(name, server, release, tmp_path, GITLAB_TOKEN="", NETRC=str(tmp_path / "none"))
        docker = tmp_path / "home" / ".docker" / "config.json"
        docker.unlink() if settings is None else docker.write_text(settings)
        before, pauses = server.state(), list[float]()
        with pytest.raises(PublishError, match=r"it wants credentials, and there are none \(401\)") as caught:
            run.publish({name: publisher}, run.Pace(pauses.append, lambda _: None))
        assert (caught.value.hint or "").startswith(hint)
        assert not pauses
        assert server.state() == before


@pytest.mark.parametrize("more", [{}, {"free": ("GET",)}], ids=["asked at PROPFIND", "asked at OPTIONS"])
def test_what_a_server_that_takes_put_says_of_credentials(release: Release, tmp_path: Path, more) -> None:
    """Nothing is sent there before, nor to a row beside it."""
    with server_of("http", **more) as server, server_of("gitea") as beside:
        rows = {
            "beside": publisher_of("gitea", beside, release, tmp_path),
            "http": publisher_of("http", server, release, tmp_path, NETRC=str(tmp_path / "none")),
        }
        with pytest.raises(PublishError, match=r"it wants credentials, and there are none \(401\)") as caught:
            run.publish(rows, pace())
        assert caught.value.hint == "write them into ~/.netrc: machine 127.0.0.1 login NAME password PASSWORD"
        assert beside.state() == {}
        assert not any(request.startswith(("PUT", "MKCOL")) for request in server.requests)
        wrong = {"NETRC": str(tmp_path / "netrc")}
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password old\n")
        with pytest.raises(PublishError, match=r"it does not accept the credentials \(401\)"):
            run.publish({**rows, "http": publisher_of("http", server, release, tmp_path, **wrong)}, pace())
        assert beside.state() == server.state() == {}


def test_a_folder_above_that_wants_other_credentials(release: Release, tmp_path: Path) -> None:
    """It is asked nothing: what is written to lies below it."""

    @dataclass
    class Below(PutServer):
        def answer(self, request: Request) -> Reply:
            return reply(401, b"") if request.path == "/releases/" else super().answer(request)

    with serving(Below()) as server:
        published("http", server, release, tmp_path)
        assert server.state()


def test_a_server_that_knows_put_and_no_other_method(release: Release, tmp_path: Path) -> None:
    with server_of("http", refused=("OPTIONS", "PROPFIND")) as server:
        published("http", server, release, tmp_path)
        assert server.state()


def test_a_token_that_expired(release: Release, tmp_path: Path) -> None:
    with server_of("github") as server, pytest.raises(PublishError, match="does not accept the credentials") as caught:
        published("github", server, release, tmp_path, GITHUB_TOKEN="ghp_old")
    assert caught.value.hint == "the credentials are missing, expired or wrong: renew them"


def test_a_token_that_may_only_read(release: Release, tmp_path: Path) -> None:
    with server_of("github", push=False) as server, pytest.raises(PublishError, match="may only read"):
        published("github", server, release, tmp_path)
    assert server.state() == {}


@pytest.mark.parametrize("name", ["github", "gitea"])
def test_a_token_that_may_only_read_what_its_owner_may_write(name: str, release: Release, tmp_path: Path) -> None:
    with server_of(name, reads=True) as server:
        with pytest.raises(PublishError, match=r"Resource not accessible by personal access token") as caught:
            published(name, server, release, tmp_path)
        assert (caught.value.hint or "").startswith("use a token that may write; set GIT")
        assert server.state() == {}


@pytest.mark.parametrize(("scopes", "refused"), [(("read_api",), True), (("api", "read_user"), False), ((), False)])
def test_scopes_of_a_token_of_gitlab(scopes: tuple[str, ...], refused: bool, release: Release, tmp_path: Path) -> None:
    with server_of("gitlab", scopes=scopes) as server:
        if refused:
            with pytest.raises(PublishError, match="the token has the scope read_api, which may only read"):
                published("gitlab", server, release, tmp_path)
            assert server.state() == ({}, {})
        else:
            published("gitlab", server, release, tmp_path)


def with_commit(release: Release) -> Release:
    return replace(release, manifest=replace(release.manifest, commit="0123456789abcdef0123456789abcdef01234567"))


@pytest.mark.parametrize("name", ["github", "gitea", "gitlab"])
def test_tags(name: str, release: Release, tmp_path: Path) -> None:
    release = with_commit(release)
    with server_of(name, tag_commit=None) as server:
        with pytest.raises(PublishError, match=r"it has no tag v1\.2\.3") as caught:
            published(name, server, release, tmp_path)
        assert caught.value.hint == "git push origin v1.2.3"
        server.tag_commit = "f" * 40
        with pytest.raises(PublishError, match="is of commit ffffffffffff"):
            published(name, server, release, tmp_path)
        server.tag_commit = release.manifest.commit
        published(name, server, release, tmp_path)


def test_a_published_release_that_is_fixed_lacks_a_file(release: Release, tmp_path: Path) -> None:
    with serving(GithubServer(immutable=True)) as server:
        published("github", server, release, tmp_path)
        del server.assets[min(server.assets)]
        with pytest.raises(PublishError, match="published without it, and cannot be changed"):
            published("github", server, release, tmp_path)


def test_a_file_of_which_only_the_name_is_there_is_sent_again(release: Release, tmp_path: Path) -> None:
    with serving(GithubServer()) as server:
        publisher = publisher_of("github", server, release, tmp_path)
        publisher.upload(publisher.items[0])
        server.store(min(server.releases), publisher.items[1].name, b"", state="starter")
        run.publish({"github": publisher}, pace())
        assert set(server.created.values()) == {1}
        assert not server.replaced


def test_files_go_to_no_host_that_the_row_does_not_name(release: Release, tmp_path: Path) -> None:
    with serving(GithubServer()) as server:
        publisher = publisher_of("github", server, release, tmp_path)
        publisher.upload(publisher.items[0])
        row = next(iter(server.releases.values()))
        row["upload_url"] = row["upload_url"].replace(server.url, server.elsewhere)
        with pytest.raises(PublishError, match="which the row does not name"):
            run.publish({"github": publisher}, pace())
        assert not server.leaked + server.strayed


def test_a_registry_may_not_send_credentials_elsewhere(release: Release, tmp_path: Path) -> None:
    with server_of("oci") as server:
        server.realm = f"{server.elsewhere}/token"
        with pytest.raises(PublishError, match="it wants the credentials to be sent to"):
            published("oci", server, release, tmp_path)
        assert not server.leaked + server.strayed


def test_latest_moves_only_forward(release: Release, tmp_path: Path) -> None:
    with server_of("oci") as server:
        published("oci", server, release, tmp_path)
        newer = dict(server.tags)
        text = next(c for _, c in server.manifests.values() if b"image.version" in c)
        for version, moves in (("1.10.0", False), ("1.0.0", True), ("", None)):
            content = text.replace(b'"1.2.3"', f'"{version}"'.encode())
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            server.manifests[digest] = ("application/vnd.oci.image.index.v1+json", content)
            server.tags["latest"] = digest
            if moves is None:
                with pytest.raises(PublishError, match="does not state its version"):
                    published("oci", server, release, tmp_path)
                continue
            published("oci", server, release, tmp_path)
            assert (server.tags["latest"] == newer["latest"]) is moves


@pytest.mark.parametrize("name", HTTP)
def test_no_secret_is_in_a_message(name: str, release: Release, tmp_path: Path) -> None:
    """Each status at each of the first requests: servers here repeat the credentials that they get."""
    for number in range(6):
        with server_of(name, faults=dict.fromkeys(range(number, 99), "403")) as server:
            events: list[run.PublishEvent] = []
            with pytest.raises(PublishError) as caught:
                run.publish({name: publisher_of(name, server, release, tmp_path)}, pace(events))
            assert CANARY not in f"{caught.value}{events}"


def test_a_server_that_is_down(release: Release, tmp_path: Path) -> None:
    with server_of("http") as server:
        publisher = publisher_of("http", server, release, tmp_path)
    with pytest.raises(PublishError, match="it cannot be reached"):
        run.publish({"http": publisher}, pace())
