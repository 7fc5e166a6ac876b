"""A registry of crates: in which order, what it is told, whom it may be shown a token by, and when it has a crate."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.crates import BASE, TOP, crates, packed
from fakes.destinations import CargoServer, StandIn, host_of, publisher_of, serving
from fakes.published import release_of
from ferrule.app.publish import DESTINATIONS, run
from ferrule.app.publish import crates as destination
from ferrule.app.publish.base import PublishContext
from ferrule.core.errors import PublishError, VerificationError
from ferrule.formats.crate import read_crate

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.publish.crates import CratesPublisher
    from ferrule.app.publish.items import Release


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return release_of(tmp_path / "dist", crates())


def publish(publisher: CratesPublisher) -> list[str]:
    said: list[str] = []
    run.publish({"crates": publisher}, run.Pace(lambda _: None, lambda event: said.append(event.what)))
    return said


def test_what_others_need_comes_first_and_is_described(release: Release, tmp_path: Path) -> None:
    with serving(CargoServer()) as server:
        publisher = publisher_of("crates", server, release, tmp_path)
        assert [item.name for item in publisher.items] == ["demo-base@1.2.3", "demo-top@1.2.3"]
        publish(publisher)
        base, top = server.told
    assert (base["readme"], base["readme_file"], base["rust_version"]) == ("# Base\n", "README.md", "1.85")
    assert top["license_file"] == "LICENSE"
    assert [(d["name"], d.get("explicit_name_in_toml"), d["kind"], d["target"]) for d in top["deps"]] == [
        ("demo-base", "base", "normal", None),
        ("other", None, "build", None),
        ("demo-base", None, "normal", "cfg(windows)"),
    ]
    assert not any("registry" in d for d in top["deps"])
    item = publisher.items[0]
    assert publisher.call(item) == f"PUT {server.url}/api/v1/crates/new (demo-base@1.2.3, {item.size} bytes)"
    gone = replace(publisher, known={})
    assert gone.call(item) == f"PUT .../api/v1/crates/new (demo-base@1.2.3, {item.size} bytes)"


def test_an_index_that_serves_it_later_is_waited_for(release: Release, tmp_path: Path) -> None:
    with serving(CargoServer(delay=3)) as server:
        publish(publisher_of("crates", server, release, tmp_path))
        assert set(server.created.values()) == {1}


def test_a_registry_that_refuses_with_200(release: Release, tmp_path: Path) -> None:
    says = r"demo-base@1\.2\.3: it answers 200: the name is reserved"
    with serving(CargoServer(refusal="the name is reserved")) as server, pytest.raises(PublishError, match=says):
        publish(publisher_of("crates", server, release, tmp_path))


def test_a_yanked_version_is_there(release: Release, tmp_path: Path) -> None:
    with serving(CargoServer()) as server:
        publish(publisher_of("crates", server, release, tmp_path))
        server.rows["demo-base"][0]["yanked"] = True
        publisher = publisher_of("crates", server, release, tmp_path)
        assert publisher.look(publisher.items[0]).detail == "it is yanked there"


def test_build_metadata_makes_no_other_version(release: Release, tmp_path: Path) -> None:
    with serving(CargoServer()) as server:
        server.rows["demo-base"] = [{"name": "demo-base", "vers": "1.2.3+b", "cksum": "0" * 64, "yanked": False}]
        with pytest.raises(PublishError, match=r"it has 1\.2\.3\+b, which counts as the same version"):
            publish(publisher_of("crates", server, release, tmp_path))


def test_a_private_registry_is_asked_with_the_token(release: Release, tmp_path: Path) -> None:
    with serving(CargoServer(private=True)) as server:
        publisher = publisher_of("crates", server, release, tmp_path)
        publish(publisher)
        pace = run.Pace(lambda _: None, lambda _: None)
        (tmp_path / "back").mkdir()
        assert {e.state.presence for e, _ in run.fetch_back({"c": publisher}, tmp_path / "back", pace)} == {"same"}
        assert not server.leaked


def test_the_token_goes_to_no_host_that_the_row_does_not_name(release: Release, tmp_path: Path) -> None:
    with serving(CargoServer()) as server:
        server.api = server.elsewhere
        with pytest.raises(PublishError, match="it wants the token to be sent to localhost") as caught:
            publish(publisher_of("crates", server, release, tmp_path))
        assert f"write api: {server.elsewhere} in targets.yaml" in str(caught.value)
        assert not server.leaked + server.strayed


def test_files_elsewhere_are_asked_for_without_the_token(release: Release, tmp_path: Path) -> None:
    with serving(CargoServer()) as server:
        server.downloads = f"{server.elsewhere}/{{prefix}}/{{lowerprefix}}/{{crate}}/{{version}}/{{sha256-checksum}}"
        publisher = publisher_of("crates", server, release, tmp_path)
        publish(publisher)
        content = server.files["demo-base", "1.2.3"]
        server.blobs[hashlib.sha256(content).hexdigest()] = content
        assert publisher.fetch(publisher.items[0], tmp_path).read_bytes() == content
        assert not server.leaked


def test_what_is_known_before(release: Release, tmp_path: Path) -> None:
    with serving(CargoServer()) as server:
        with pytest.raises(PublishError, match="there are no credentials for it") as caught:
            publish(publisher_of("crates", server, release, tmp_path, CARGO_REGISTRY_TOKEN=""))
        assert caught.value.hint == "set CARGO_REGISTRY_TOKEN, or run cargo login"
        only = packed("demo-base-1.2.3", {"Cargo.toml": BASE.replace('license = "MIT"', 'publish = ["corp"]')})
        release = release_of(tmp_path / "only", {"demo-base-1.2.3.crate": ("crate", only)})
        with pytest.raises(PublishError, match="demo-base may not be published to the default registry") as caught:
            publish(publisher_of("crates", server, release, tmp_path))
        assert "which has corp" in str(caught.value.hint)


@pytest.mark.parametrize(("status", "noticed"), [(401, True), (403, False), (404, False), (500, False)])
def test_a_token_that_the_registry_does_not_know(release: Release, tmp_path: Path, status: int, noticed: bool) -> None:
    with serving(CargoServer(unknown=status)) as server:
        publisher = publisher_of("crates", server, release, tmp_path, CARGO_REGISTRY_TOKEN="an-old-one")
        problems = [message for message, _ in publisher.preflight(publisher.items)]
        assert problems == (["it does not accept the credentials (401): who?"] if noticed else [])
        assert not any(request.startswith("PUT") for request in server.requests)


def replace_section(publisher: CratesPublisher, **keys: str):
    values = {"to": "crates", "index": publisher.section.index, **keys}
    return DESTINATIONS["crates"].section(**values)


def test_a_dependency_of_which_nothing_says_where_it_is_from(tmp_path: Path) -> None:
    release = release_of(
        tmp_path / "d", {"demo-top-1.2.3.crate": ("crate", packed("demo-top-1.2.3", {"Cargo.toml": TOP}))}
    )
    with serving(CargoServer()) as server:
        publisher = publisher_of("crates", server, release, tmp_path)
        named = replace(publisher, section=replace_section(publisher, registry="corp"), known={})
        assert "demo-top: nothing says from which registry demo-base comes" in dict(named.preflight(publisher.items))


def test_an_index_without_an_api(release: Release, tmp_path: Path) -> None:
    class Index(CargoServer):
        def answer(self, request):
            status, headers, body = super().answer(request)
            return status, headers, body.replace(b'"api"', b'"none"')

    with serving(Index()) as server, pytest.raises(PublishError, match="takes no uploads"):
        publish(publisher_of("crates", server, release, tmp_path))


def test_crates_in_a_circle(tmp_path: Path) -> None:
    manifest = BASE.replace("[features]", '[dev-dependencies]\ndemo-top = "1"\n\n[features]')
    files = {**crates(), "demo-base-1.2.3.crate": ("crate", packed("demo-base-1.2.3", {"Cargo.toml": manifest}))}
    packages = {}
    for name, (_, content) in files.items():
        (tmp_path / name).write_bytes(content)
        packages[name] = read_crate(tmp_path / name)
    with pytest.raises(VerificationError, match="these crates need each other"):
        destination.in_order(packages)


def test_a_release_without_crates(tmp_path: Path) -> None:
    host = host_of(tmp_path / "home", StandIn(url="http://x"))
    context = PublishContext(None, host, tmp_path, tmp_path, lambda: 0)
    section = DESTINATIONS["crates"].section(to="crates", index="https://index.example.org")
    release = release_of(tmp_path / "dist", {"demo.zip": ("sdk", b"x")})
    assert DESTINATIONS["crates"].opened(section, release, context).items == ()
