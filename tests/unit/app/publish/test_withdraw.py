"""A version taken back: what each destination offers, and that only what is offered is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.destinations import (
    FILES,
    SERVERS,
    SMALL,
    CargoServer,
    NpmServer,
    npm_document,
    npm_package,
    publisher_of,
    serving,
)
from fakes.published import Shelf, ShelfPublisher, items_of, release_of
from ferrule.app.publish import run, withdraw
from ferrule.app.publish.base import Withdrawal
from ferrule.app.publish.items import UploadFailed
from ferrule.core.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.publish.items import Release


def pace() -> run.Pace:
    return run.Pace(lambda _: None, lambda _: None)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return release_of(tmp_path / "dist", {"a.whl": ("wheel", b"a")})


def shelf_of(release: Release, act=None) -> ShelfPublisher:
    publisher = ShelfPublisher(Shelf(), items_of(release))
    publisher.offers = lambda reason: (Withdrawal("demo", f"mark it: {reason}", "it is marked", act),)
    return publisher


def test_what_is_not_there_is_not_withdrawn(release: Release) -> None:
    (offer,) = withdraw.offers({"shelf": shelf_of(release)}, "bad", pace())
    assert (offer.withdrawal, offer.reason) == (None, "nothing of this release is there")


def test_what_is_offered_is_done(release: Release) -> None:
    done: list[str] = []
    publishers = {"shelf": shelf_of(release, lambda: done.append("marked")), "hand": shelf_of(release)}
    publishers["plain"] = ShelfPublisher(Shelf(), items_of(release))
    run.publish(publishers, pace())
    offers = list(withdraw.offers(publishers, "bad", pace()))
    assert [offer.withdrawal.call if offer.withdrawal else offer.reason for offer in offers] == [
        "mark it: bad",
        "mark it: bad",
        "it offers nothing: what is published stays",
    ]
    assert done == []
    withdraw.withdraw(iter(offers), lambda offer: done.append(offer.destination))
    assert done == ["marked", "shelf"]


def test_all_are_tried_before_failures_are_said(release: Release) -> None:
    def fail() -> None:
        raise UploadFailed("it answers 403", "use other credentials")

    done: list[str] = []
    one = {"one": shelf_of(release, fail)}
    three = {**one, "two": shelf_of(release, lambda: done.append("two")), "three": shelf_of(release, fail)}
    run.publish(three, pace())
    with pytest.raises(PublishError, match="this was not done:") as caught:
        withdraw.withdraw(withdraw.offers(three, "bad", pace()), lambda _: None)
    assert str(caught.value).count("demo: it answers 403\n    hint: use other credentials") == 2
    assert done == ["two"]
    with pytest.raises(PublishError, match="demo: it answers 403") as caught:
        withdraw.withdraw(withdraw.offers(one, "bad", pace()), lambda _: None)
    assert caught.value.hint == "use other credentials"


def test_what_cannot_be_asked(release: Release) -> None:
    def busy(*_):
        raise UploadFailed("it answers 503")

    publisher = shelf_of(release)
    publisher.fault = busy
    with pytest.raises(PublishError, match="it answers 503"):
        list(withdraw.offers({"shelf": publisher}, "bad", pace()))


@pytest.mark.parametrize("name", ["github", "gitea", "gitlab"])
def test_a_page_says_it_first_and_once(name: str, tmp_path: Path) -> None:
    release = release_of(tmp_path / "dist", SMALL)
    with serving(SERVERS[name]()) as server:
        publisher = publisher_of(name, server, release, tmp_path)
        with pytest.raises(UploadFailed, match=r"there is no release|it answers 404"):
            next(iter(publisher.withdrawals("bad"))).act()
        run.publish({name: publisher}, pace())
        before = server.state()
        for _ in range(2):
            withdraw.withdraw(withdraw.offers({name: publisher}, "bad", pace()), lambda _: None)
        assert server.words == ["> **Withdrawn:** bad\n\n"]
        assert server.state() == before
        assert not server.replaced


def test_crates_are_yanked(tmp_path: Path) -> None:
    with serving(CargoServer()) as server:
        publisher = publisher_of("crates", server, release_of(tmp_path / "dist", FILES["crates"]), tmp_path)
        run.publish({"crates": publisher}, pace())
        offers = list(withdraw.offers({"crates": publisher}, "bad", pace()))
        assert offers[0].withdrawal.call == "cargo yank demo-top@1.2.3"
        withdraw.withdraw(iter(offers), lambda _: None)
        assert all(row["yanked"] for rows in server.rows.values() for row in rows)
        quiet = publisher_of(
            "crates", server, release_of(tmp_path / "d", FILES["crates"]), tmp_path, CARGO_REGISTRY_TOKEN=""
        )
        with pytest.raises(PublishError, match="must be logged in"):
            withdraw.withdraw(withdraw.offers({"crates": quiet}, "bad", pace()), lambda _: None)


def test_npm_deprecates(tmp_path: Path) -> None:
    with serving(NpmServer()) as server:
        server.publish("@example/demo", npm_document(npm_package()))
        publisher = publisher_of("npm", server, release_of(tmp_path / "dist", FILES["npm"]), tmp_path)
        (offer,) = withdraw.offers({"npm": publisher}, "it's bad", pace())
        assert offer.withdrawal.call.startswith("npm deprecate @example/demo@1.2.3 'it'\"'\"'s bad' --registry ")
        withdraw.withdraw(iter([offer]), lambda _: None)
        assert server.packages["@example/demo"]["versions"]["1.2.3"]["deprecated"] == "it's bad"


def test_what_is_by_hand(tmp_path: Path) -> None:
    """A package index, taps, images and Go modules: a person does it, and is told how."""
    kinds = {**SMALL, **FILES["pypi"], "go/go.mod": ("gomodule", b"module example.org/demo\n")}
    release = release_of(tmp_path / "dist", kinds)
    with serving(SERVERS["pypi"]()) as server:
        (one,) = publisher_of("pypi", server, release, tmp_path).withdrawals("bad")
        assert (one.subject, one.act) == ("demo", None)
        assert "yank, with the reason: bad" in one.call
    with serving(SERVERS["oci"]()) as server:
        publisher = publisher_of("oci", server, release, tmp_path)
        assert list(publisher.withdrawals("bad")) == []  # nothing points at this version
        run.publish({"oci": publisher}, pace())
        (one,) = publisher.withdrawals("bad")
        assert one.subject.endswith("/team/demo:latest")
    for name in ("http", "s3"):
        with serving(SERVERS[name]()) as server:
            assert list(publisher_of(name, server, release, tmp_path).withdrawals("bad")) == []
