"""npm: packages that only some may see are asked for with credentials, and by no other host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import FILES, NpmServer, npm_document, npm_package, publisher_of, reply, serving
from fakes.published import CANARY, release_of
from ferrule.app.publish import DESTINATIONS

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
