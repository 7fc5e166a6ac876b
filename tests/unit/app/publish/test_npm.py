"""npm: packages that only some may see are asked for with credentials, and by no other host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import FILES, NpmServer, npm_document, npm_package, publisher_of, reply, serving
from fakes.published import CANARY, release_of
from ferrule.app.publish import DESTINATIONS
from ferrule.app.publish.items import UploadFailed

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.destinations import Reply, Request
    from ferrule.app.publish.npm import NpmPublisher


@dataclass
class Restricted(NpmServer):
    """A registry that says of a restricted package, to those who may not see it, that there is none."""

    def answer(self, request: Request) -> Reply:
        return super().answer(request) if request.secret == f"Bearer {CANARY}" else reply(404, {"error": "not_found"})


def publisher(server: NpmServer, folder: Path, access: str) -> NpmPublisher:
    one = publisher_of("npm", server, release_of(folder / "dist", FILES["npm"]), folder)
    return replace(one, section=DESTINATIONS["npm"].section(to="npm", registry=server.url, access=access))


@pytest.mark.parametrize(("access", "presence"), [("restricted", "same"), ("public", "absent")])
def test_who_asks_for_a_restricted_package(tmp_path: Path, access: str, presence: str) -> None:
    with serving(Restricted()) as server:
        server.publish("@example/demo", npm_document(npm_package()))
        one = publisher(server, tmp_path, access)
        assert one.look(one.items[0]).presence == presence


def test_its_file_is_fetched_with_credentials_from_the_registry_alone(tmp_path: Path) -> None:
    with serving(Restricted()) as server:
        server.publish("@example/demo", npm_document(npm_package()))
        one = publisher(server, tmp_path, "restricted")
        assert one.fetch(one.items[0], tmp_path).read_bytes() == npm_package()
        row = server.packages["@example/demo"]["versions"]["1.2.3"]
        row["dist"]["tarball"] = f"{server.elsewhere}/demo.tgz"
        server.blobs["demo.tgz"] = npm_package()
        assert one.fetch(one.items[0], tmp_path).read_bytes() == npm_package()
        assert not server.leaked


def refused(server: NpmServer, folder: Path, npmrc: str | None = None, **environment: str) -> list[tuple[str, str]]:
    """What the registry says before anything is uploaded to it, to npm itself."""
    one = publisher_of("npm", server, release_of(folder / "dist", FILES["npm"]), folder, **environment)
    if npmrc is not None:
        (folder / "home" / ".npmrc").write_text(npmrc.replace("HOST", server.url.removeprefix("http:")))
    return list(one.preflight(one.items))


@pytest.mark.parametrize(
    ("npmrc", "message", "hint"),
    [
        ("", "nobody is logged in there", "npm login --registry http://"),
        ("HOST/:_authToken=old\n", "it does not accept the credentials (401)", "they are expired or wrong: npm login"),
    ],
)
def test_who_is_not_logged_in(tmp_path: Path, npmrc: str, message: str, hint: str) -> None:
    """Also where it is noticed by an upload."""
    with serving(NpmServer()) as server:
        ((said, do),) = refused(server, tmp_path, npmrc)
        assert said == message
        assert do.startswith(hint)
        one = publisher_of("npm", server, release_of(tmp_path / "dist", FILES["npm"]), tmp_path)
        (tmp_path / "home" / ".npmrc").write_text(npmrc.replace("HOST", server.url.removeprefix("http:")))
        with pytest.raises(UploadFailed) as caught:
            one.upload(one.items[0])
        assert caught.value.message == message
        assert server.state() == ({}, {})


def test_a_workflow_that_a_registry_trusts_logs_in_when_it_uploads(tmp_path: Path) -> None:
    with serving(NpmServer()) as server:
        assert refused(server, tmp_path, "", NPM_ID_TOKEN="x.y.z") == []


def test_a_registry_that_does_not_say_who_one_is(tmp_path: Path) -> None:
    with serving(NpmServer(whoami=reply(404, {"error": "no"}))) as server:
        assert refused(server, tmp_path) == []
        assert len(refused(server, tmp_path, "")) == 1


@pytest.mark.parametrize(
    ("name", "rights", "says"),
    [
        ("demo", {"me": "write"}, None),
        ("demo", {"me": "read", "you": "write"}, "me may only read demo"),
        ("demo", {"you": "write", "them\n": "write"}, "the name demo belongs to them , you, and not to me"),
        ("demo", {"you": "write", "team:developers": "write"}, None),  # its members are not listed, nor are owners
        ("demo", {"me": ["read"]}, None),
        ("@example/demo", {"you": "write"}, None),
        ("@example/demo", {"me": "read-only"}, "me may only read @example/demo"),
        ("demo", [], None),
        ("demo", {}, None),
        ("demo", b"no", None),
        ("demo", None, None),
    ],
)
def test_who_may_only_read_a_package(tmp_path: Path, name: str, rights, says: str | None) -> None:
    with serving(NpmServer(rights=rights)) as server:
        one = publisher_of("npm", server, release_of(tmp_path / "dist", FILES["npm"]), tmp_path)
        one = replace(one, packages={key: replace(package, name=name) for key, package in one.packages.items()})
        problems = [message for message, _ in one.preflight(one.items)]
        assert problems == ([says] if says else [])
