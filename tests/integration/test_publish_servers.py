"""The release on real servers: published, published again, fetched back, and as pip, skopeo and npm get it."""

from __future__ import annotations

import json
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import publish_servers
import pytest
from judges import run as judge
from released import LINUX

from fakes.destinations import IndexServer, NpmServer, StandIn, host_of, publisher_of, serving
from fakes.published import CANARY
from fakes.toolchain import sums_agree
from ferrule.app import verify
from ferrule.app.publish import DESTINATIONS, run
from ferrule.app.publish.base import PublishContext
from ferrule.app.publish.items import UploadFailed
from ferrule.app.publish.web import Web
from ferrule.app.release.publication import publication
from ferrule.core.errors import PublishError
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.app.publish.base import Publisher
    from ferrule.app.publish.items import Release

pytestmark = pytest.mark.only_on(*LINUX, reason="the servers are those of Debian")


def pace() -> run.Pace:
    return run.Pace(time.sleep, lambda _: None)


@pytest.fixture(scope="module")
def release_to_publish(release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    return publication(release.dist, "v0.0.0", tmp_path_factory.mktemp("page") / "copy")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        yield {
            "pypi": stack.enter_context(publish_servers.index(folder / "index")),
            "oci": stack.enter_context(publish_servers.registry(folder / "registry")),
            "http": stack.enter_context(publish_servers.put_server(folder / "put")),
        }


@pytest.fixture(scope="module")
def publishers(
    release_to_publish: Release, addresses: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Publisher]:
    folder = tmp_path_factory.mktemp("user")
    host = host_of(folder / "home", StandIn(url="http://127.0.0.1:1"))
    context = PublishContext(Web(host.environment, time.monotonic), host, folder, folder, time.time_ns)
    keys = {
        "pypi": {"index": f"{addresses['pypi']}/simple", "upload": f"{addresses['pypi']}/"},
        "oci": {"repository": f"{addresses['oci']}/team/demo"},
        "http": {"url": f"{addresses['http']}/releases"},
    }
    return {
        n: DESTINATIONS[n].opened(DESTINATIONS[n].section(to=n, **k), release_to_publish, context)
        for n, k in keys.items()
    }


@pytest.fixture(scope="module")
def published(publishers: dict[str, Publisher]) -> dict[str, Publisher]:
    entries = run.publish(publishers, pace())
    assert {entry.state.presence for entry in entries} == {"absent"}
    return publishers


def test_published_again_it_changes_nothing(published: dict[str, Publisher]) -> None:
    assert {entry.state.presence for entry in run.publish(published, pace())} == {"same"}


def test_everything_is_fetched_back(published: dict[str, Publisher], tmp_path: Path) -> None:
    assert {entry.state.presence for entry, _ in run.fetch_back(published, tmp_path, pace())} == {"same"}
    assert sums_agree(tmp_path / "http")
    assert verify.examine(tmp_path / "http").passed


def test_pip_gets_the_wheel(published: dict[str, Publisher], tmp_path: Path) -> None:
    by_name = {item.name: item.digest for item in published["pypi"].items}
    name = next(iter(by_name)).partition("-")[0]
    options = ("--no-deps", "--no-cache-dir", "--index-url", published["pypi"].title, "--dest", str(tmp_path))
    judge(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *options, name)
    (file,) = tmp_path.iterdir()
    assert Digest.of_file(file) == by_name[file.name]


def test_skopeo_gets_the_image_by_both_tags(published: dict[str, Publisher], release, addresses) -> None:
    top = json.loads((release.dist / "image" / "index.json").read_bytes())["manifests"][0]["digest"]
    for tag in (release.manifest["release"], "latest"):
        raw = judge(
            "skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{addresses['oci']}/team/demo:{tag}"
        ).stdout
        assert Digest.of(raw.encode()).oci == top
    assert published["oci"].title.endswith("/team/demo")


def test_other_bytes_are_refused_by_ferrule_and_by_the_index(published, tmp_path: Path) -> None:
    """Even by an upload that nothing has asked about before."""
    item = published["pypi"].items[0]
    changed = tmp_path / item.name
    shutil.copyfile(item.source, changed)
    with changed.open("ab") as stream:
        stream.write(b"\n")
    other = type(item)(item.name, Digest.of_file(changed), changed, changed.stat().st_size)
    with pytest.raises(PublishError, match="other bytes"):
        run.publish({"pypi": replace(published["pypi"], items=(other,))}, pace())
    with pytest.raises(UploadFailed, match="HTTPError: 4"):
        published["pypi"].upload(other)


@pytest.mark.parametrize("html", [False, True], ids=["json", "html"])
@pytest.mark.parametrize("hashes", [True, False], ids=["digests", "no digests"])
def test_twine_and_an_index_that_fails(release_to_publish, tmp_path: Path, html: bool, hashes: bool) -> None:
    """A lost answer, a busy server, a file that somebody else uploaded meanwhile."""
    with serving(IndexServer(html=html, hashes=hashes)) as server:
        publisher = publisher_of("pypi", server, release_to_publish, tmp_path)
        count = len(publisher.items)
        server.faults = {count + 1: "lost", count + 3: "503"}  # after what is asked of it first
        run.publish({"pypi": publisher}, pace())
        assert set(server.created.values()) == {1}
        assert len(server.files) == count
        assert not server.leaked


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        (None, "403 Forbidden", "the name may belong to somebody else"),
        ("401", "401", "renew them"),
    ],
)
def test_what_twine_is_told_is_said_without_the_secret(
    release_to_publish, tmp_path: Path, fault, message, hint
) -> None:
    with serving(IndexServer(taken=True)) as server:
        publisher = publisher_of("pypi", server, release_to_publish, tmp_path)
        server.faults = {len(publisher.items) + 1: fault} if fault else {}
        with pytest.raises(PublishError, match=message) as caught:
            run.publish({"pypi": publisher}, pace())
        assert hint in caught.value.hint
        assert CANARY not in str(caught.value)
        assert server.files == {}


def test_npm_publishes_and_installs(release_to_publish, tmp_path: Path) -> None:
    with serving(NpmServer()) as server:
        publisher = publisher_of("npm", server, release_to_publish, tmp_path)
        entries = run.publish({"npm": publisher}, pace())
        assert {entry.state.presence for entry in entries} == {"absent"}
        assert {entry.state.presence for entry in run.publish({"npm": publisher}, pace())} == {"same"}
        assert set(server.created.values()) == {1}
        (package,) = server.packages.values()
        assert package["dist-tags"] == {"latest": release_to_publish.version}
        (tmp_path / "back").mkdir()
        assert {e.state.presence for e, _ in run.fetch_back({"npm": publisher}, tmp_path / "back", pace())} == {"same"}
        (tmp_path / "app").mkdir()
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--registry", server.url)
        judge("npm", "install", *options, package["name"], cwd=tmp_path / "app", HOME=str(tmp_path / "home"))
        assert (tmp_path / "app" / "node_modules" / package["name"] / "package.json").exists()
        assert not server.leaked
