"""A registry whose API is on another host than the one that its name says, as with Docker's own."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import SMALL, OciServer, publisher_of, serving
from fakes.published import CANARY, release_of
from ferrule.app.publish import DESTINATIONS, run
from ferrule.core.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_name_that_another_host_serves(tmp_path: Path) -> None:
    release = release_of(tmp_path / "dist", SMALL)
    with serving(OciServer()) as server:
        one = publisher_of("oci", server, release, tmp_path)
        settings = tmp_path / "home" / ".docker" / "config.json"
        pair = base64.b64encode(f"me:{CANARY}".encode()).decode()
        settings.write_text(json.dumps({"auths": {"https://index.images.example/v1/": {"auth": pair}}}))
        host = server.url.removeprefix("http://")
        keys = {"repository": "images.example/team/demo", "host": host}
        one = DESTINATIONS["oci"].opened(DESTINATIONS["oci"].section(to="oci", **keys), release, one.context)
        pace = run.Pace(lambda _: None, lambda _: None)
        run.publish({"oci": one}, pace)
        assert one.title == "images.example/team/demo"
        assert server.tags["1.2.3"] == server.tags["latest"]
        server.realm = f"{server.elsewhere}/token"
        other = replace(one, session=type(one.session)())
        with pytest.raises(PublishError, match="it wants the credentials to be sent to localhost"):
            run.publish({"oci": other}, pace)
        assert not server.leaked
