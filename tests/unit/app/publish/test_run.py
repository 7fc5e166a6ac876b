"""What is there decides: every fault at every request ends in one state, and nothing is replaced."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.published import Shelf, ShelfPublisher, items_of, release_of
from ferrule.app.publish import run
from ferrule.app.publish.items import ABSENT, UploadFailed, other, unknown
from ferrule.core.errors import PublishError
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ferrule.app.publish.items import Item, Release, State


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def release(tmp_path: Path) -> Release:
    folder = tmp_path / "dist"
    return release_of(folder, {"a.whl": ("wheel", b"a"), "b.tar.gz": ("sdk", b"b")})


def pace(waits: list[float] | None = None, events: list[run.PublishEvent] | None = None) -> run.Pace:
    return run.Pace(
        waits.append if waits is not None else lambda _: None,
        events.append if events is not None else lambda _: None,
    )


def at(number: int, what: Callable[[str, Item, Callable[[], None]], None]):
    """A fault at one request, counted from 0."""
    count = iter(range(1000))

    def fault(kind: str, item: Item, act: Callable[[], None]) -> None:
        if next(count) == number:
            what(kind, item, act)
        else:
            act()

    return fault


def requests_of(release: Release) -> int:
    publisher = ShelfPublisher(Shelf(), items_of(release))
    run.publish({"shelf": publisher}, pace())
    return len(publisher.calls)


def killed_before(_kind, _item, _act):
    raise Killed


def killed_after(_kind, _item, act):
    act()
    raise Killed


def lost(_kind, _item, act):
    act()
    raise UploadFailed("the connection broke off", wait=1)


def busy(_kind, _item, _act):
    raise UploadFailed("it answers 503", wait=7)


def refused(_kind, _item, _act):
    raise UploadFailed("it does not accept the credentials (401)", "renew them")


def undisturbed(release: Release) -> dict[str, Digest]:
    return {item.name: item.digest for item in items_of(release)}


@pytest.mark.parametrize("fault", [killed_before, killed_after, lost, busy, refused], ids=lambda f: f.__name__)
def test_after_any_fault_at_any_request_the_next_run_ends_as_an_undisturbed_one(release: Release, fault) -> None:
    for number in range(requests_of(release)):
        shelf = Shelf()
        with contextlib.suppress(Killed, PublishError):
            run.publish({"shelf": ShelfPublisher(shelf, items_of(release), at(number, fault))}, pace())
        run.publish({"shelf": ShelfPublisher(shelf, items_of(release))}, pace())
        assert shelf.files == undisturbed(release), number
        assert set(shelf.created.values()) == {1}, number


@pytest.mark.parametrize("fault", [lost, busy], ids=lambda f: f.__name__)
def test_a_passing_fault_needs_no_second_run(release: Release, fault) -> None:
    for number in range(requests_of(release)):
        shelf = Shelf()
        run.publish({"shelf": ShelfPublisher(shelf, items_of(release), at(number, fault))}, pace())
        assert shelf.files == undisturbed(release)
        assert not shelf.refused


def test_two_at_once_upload_nothing_twice(release: Release) -> None:
    """At each request of one, another publishes everything."""
    for number in range(requests_of(release)):
        shelf = Shelf()

        def meanwhile(_kind, _item, act, shelf=shelf):
            run.publish({"shelf": ShelfPublisher(shelf, items_of(release))}, pace())
            act()

        run.publish({"shelf": ShelfPublisher(shelf, items_of(release), at(number, meanwhile))}, pace())
        assert shelf.files == undisturbed(release)
        assert set(shelf.created.values()) == {1}


def test_what_is_there_is_not_uploaded(release: Release) -> None:
    shelf = Shelf()
    run.publish({"shelf": ShelfPublisher(shelf, items_of(release))}, pace())
    again, events = ShelfPublisher(shelf, items_of(release), refuses=(("no token", "get one"),)), []
    entries = run.publish({"shelf": again}, pace(events=events), [PublishError("no tag")])
    assert [call for call in again.calls if call.startswith("upload")] == []
    assert {entry.state.presence for entry in entries} == {"same"}
    assert [event.what for event in events] == ["same"] * 4


def test_other_bytes_anywhere_keep_everything_from_being_uploaded(release: Release) -> None:
    first, second = Shelf(), Shelf({"b.tar.gz": Digest.of(b"other")})
    publishers = {
        "one": ShelfPublisher(first, items_of(release), title="one", refuses=(("no token", "export X"),)),
        "two": ShelfPublisher(second, items_of(release), title="two"),
    }
    with pytest.raises(PublishError) as caught:
        run.publish(publishers, pace(), [PublishError("there is no tag v1.2.3", where="demo", hint="git tag v1.2.3")])
    assert first.files == {}
    assert len(second.files) == 1
    assert str(caught.value).splitlines() == [
        "nothing was published:",
        "demo: there is no tag v1.2.3",
        "  hint: git tag v1.2.3",
        "two: b.tar.gz: it has other bytes there: sha256 d9298a10d1b0…, here 3e23e8160039…",
        "  hint: a published file is never replaced: release a new version",
        "one: no token",
        "  hint: export X",
    ]


def test_one_problem_is_said_by_itself(release: Release) -> None:
    publisher = ShelfPublisher(Shelf(), items_of(release), refuses=(("no token", "export X"),))
    with pytest.raises(PublishError, match="the shelf: no token"):
        run.publish({"shelf": publisher}, pace())


def test_a_preflight_that_cannot_be_made_is_a_problem(release: Release) -> None:
    publisher = ShelfPublisher(Shelf(), items_of(release))
    publisher.preflight = lambda _: (_ for _ in ()).throw(UploadFailed("it cannot be reached", "is it up?"))
    with pytest.raises(PublishError, match="it cannot be reached"):
        run.publish({"shelf": publisher}, pace())


@pytest.mark.parametrize("failures", [1, run.ATTEMPTS - 1, run.ATTEMPTS])
def test_a_preflight_of_which_an_answer_is_lost_is_made_again(release: Release, failures: int) -> None:
    publisher, waits = ShelfPublisher(Shelf(), items_of(release)), list[float]()
    lost_answers = iter(range(failures))

    def preflight(_pending):
        if next(lost_answers, None) is not None:
            raise UploadFailed("the connection broke off", "see whether it is up", wait=1)
        yield from ()

    publisher.preflight = preflight
    if failures == run.ATTEMPTS:
        with pytest.raises(PublishError, match="the connection broke off"):
            run.publish({"shelf": publisher}, pace(waits))
        assert publisher.shelf.files == {}
    else:
        run.publish({"shelf": publisher}, pace(waits))
        assert publisher.shelf.files
    assert waits == [1, 2, 4][:failures]


def test_what_cannot_be_told_is_refused_after_asking_several_times(release: Release) -> None:
    waits: list[float] = []
    publisher = ShelfPublisher(Shelf(), items_of(release)[:1], busy)
    with pytest.raises(PublishError, match="it answers 503"):
        run.publish({"shelf": publisher}, pace(waits))
    assert waits == [7, 7, 7]
    assert len(publisher.calls) == run.ATTEMPTS


def test_a_server_that_asks_for_too_long_a_wait_ends_the_run(release: Release) -> None:
    def later(_kind, _item, _act):
        raise UploadFailed("it answers 429", wait=3600)

    waits: list[float] = []
    for fault in (later, at(1, later)):
        with pytest.raises(PublishError, match="asks to wait 3600 s"):
            run.publish({"shelf": ShelfPublisher(Shelf(), items_of(release)[:1], fault)}, pace(waits))
    assert waits == []


def test_what_is_visible_comes_last_over_all_destinations(release: Release) -> None:
    calls: list[str] = []

    def noted(kind, item, act):
        if kind == "upload":
            calls.append(item.name)
        act()

    items = (replace(items_of(release)[0], name="latest", source=None, phase="move"), *items_of(release))
    run.publish({name: ShelfPublisher(Shelf(), items, noted, title=name) for name in "xy"}, pace())
    assert calls == [*["a.whl", "b.tar.gz", "SHA256SUMS"] * 2, *["manifest.json"] * 2, *["latest"] * 2]


def test_an_upload_that_is_served_late_is_waited_for(release: Release) -> None:
    class Slow(ShelfPublisher):
        late = 2

        def look(self, item: Item) -> State:
            state = super().look(item)
            if state is ABSENT or not self.late:
                return state
            self.late -= 1
            return ABSENT

    shelf, waits = Shelf(), list[float]()
    run.publish({"shelf": Slow(shelf, items_of(release)[:1])}, pace(waits))
    assert (waits, dict(shelf.created)) == ([1, 2], {"a.whl": 1})
    never = Slow(Shelf(), items_of(release)[:1])
    never.late = 100
    with pytest.raises(PublishError, match="accepted, and not served yet"):
        run.publish({"shelf": never}, pace())


def test_other_bytes_that_come_in_between_are_refused(release: Release) -> None:
    shelf = Shelf()

    def meanwhile(_kind, item, act):
        shelf.files[item.name] = Digest.of(b"of somebody else")
        act()

    with pytest.raises(PublishError, match="other bytes"):
        run.publish({"shelf": ShelfPublisher(shelf, items_of(release), at(4, meanwhile))}, pace())
    assert shelf.files == {"a.whl": Digest.of(b"of somebody else")}


def test_everything_is_fetched_back(release: Release, tmp_path: Path) -> None:
    tag = replace(items_of(release)[0], name="latest", source=None, phase="move")
    shelf = Shelf()
    publisher = ShelfPublisher(shelf, (*items_of(release), tag))
    run.publish({"shelf": publisher}, pace())
    shelf.files["b.tar.gz"] = Digest.of(b"other")
    del shelf.files["SHA256SUMS"]
    folder = tmp_path / "fetched"
    folder.mkdir()
    entries = {e.item.name: e.state for e, _ in run.fetch_back({"shelf": publisher}, folder, pace())}
    assert {name: state.presence for name, state in entries.items()} == {
        "a.whl": "same",
        "b.tar.gz": "other",
        "SHA256SUMS": "unknown",
        "manifest.json": "same",
        "latest": "same",
    }


def test_states_say_what_to_do() -> None:
    assert (other("x").hint, unknown("x").hint) == (
        "a published file is never replaced: release a new version",
        "run the same command again",
    )
