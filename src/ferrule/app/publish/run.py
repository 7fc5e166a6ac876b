"""A release published everywhere: look, refuse or upload, look again, make visible. The story on a page.

What is at a destination decides what is done, never what was done before: a run that was killed is finished by the
same command, on any machine, and two at once do no harm where a destination lets one of them create a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

from ferrule.app.publish.items import Item, Phase, State, UploadFailed, compared, unknown
from ferrule.core.errors import PublishError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, Publisher

ATTEMPTS: Final = 4
"""How often something is uploaded, or asked, before it is left for the next run."""

LOOKS: Final = 7
"""How often is asked whether what was accepted is served: for about a minute, as indexes are made after uploads."""

LONGEST_WAIT: Final = 120.0
"""Seconds that a server may ask to wait; where it asks for more, the run ends and says so."""

PHASES: Final[tuple[Phase, ...]] = get_args(Phase)

_VISIBLE: Final = ("an upload is accepted, and not served yet", "run the same command again in some minutes")

What = Literal["same", "uploading", "uploaded", "lost", "waiting", "fetched"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a destination, with what was there when everything was looked at."""

    destination: str
    publisher: Publisher
    item: Item
    state: State


@dataclass(frozen=True, slots=True)
class PublishEvent:
    """Something that happened to an item; `detail` says more of a failure."""

    what: What
    destination: str
    item: Item
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run waits: `sleep` takes seconds, and `listen` hears what happens."""

    sleep: Callable[[float], None]
    listen: Callable[[PublishEvent], None]


def publish(
    publishers: Mapping[str, Publisher], pace: Pace, problems: Sequence[PublishError] = ()
) -> tuple[Entry, ...]:
    """Bring everything to every destination; what was there before. Raises PublishError.

    Nothing is uploaded anywhere if anything cannot be right somewhere. `problems` are those of the release itself.
    """
    entries = look_everywhere(publishers, pace)
    refuse(entries, pace, (*problems, *empty(publishers)))
    for entry in ordered(entries):
        if entry.state.presence == "same":
            pace.listen(PublishEvent("same", entry.destination, entry.item, entry.state.detail))
        else:
            _settle(entry, pace)
    return entries


def ordered(entries: Sequence[Entry]) -> Iterator[Entry]:
    """In the order of uploads: everything is everywhere before anything becomes visible anywhere, where it can wait."""
    for phase in PHASES:
        yield from (entry for entry in entries if entry.item.phase == phase)


def look_everywhere(publishers: Mapping[str, Publisher], pace: Pace) -> tuple[Entry, ...]:
    """What there is of everything. A destination that cannot be asked for one item is not asked for the next."""
    entries: list[Entry] = []
    for name, publisher in publishers.items():
        state: State | None = None
        for item in publisher.items:
            if state is None or state.presence != "unknown":
                state = _look(name, publisher, item, pace)
            entries.append(Entry(name, publisher, item, state))
    return tuple(entries)


def empty(publishers: Mapping[str, Publisher]) -> Iterator[PublishError]:
    """A problem for each destination to which nothing of the release goes."""
    for name, publisher in publishers.items():
        if not publisher.items:
            hint = f"take {name} out of targets.yaml, or add an artifact that goes there"
            yield PublishError("nothing of this release goes there", where=publisher.title, hint=hint)


def refuse(entries: Sequence[Entry], pace: Pace, problems: Sequence[PublishError] = ()) -> None:
    """Raise PublishError with everything that keeps a release from being published, if anything does.

    What is published everywhere already needs no credentials, and no tag any more.
    """
    missing = not entries or any(entry.state.presence == "absent" for entry in entries)
    errors = [*(problems if missing else ())]
    errors += [
        PublishError(f"{entry.item.name}: {entry.state.detail}", where=entry.publisher.title, hint=entry.state.hint)
        for entry in entries
        if entry.state.presence == "other"
    ]
    errors += [
        PublishError(entry.state.detail, where=entry.publisher.title, hint=entry.state.hint)
        for entry in entries
        if entry.state.presence == "unknown"
    ]
    for name, publisher in {entry.destination: entry.publisher for entry in entries}.items():
        own = [entry for entry in entries if entry.destination == name]
        unknown_there = any(entry.state.presence == "unknown" for entry in own)
        pending = [entry.item for entry in own if entry.state.presence == "absent" and not unknown_there]
        errors += [
            PublishError(message, where=publisher.title, hint=hint)
            for message, hint in (_preflight(name, publisher, pending, pace) if pending else ())
        ]
    if errors:
        raise all_of(errors)


def all_of(errors: Sequence[PublishError]) -> PublishError:
    """One failure that says them all, each with its hint; one that stands for many destinations is said once."""
    unique = list(dict.fromkeys((e.where, e.message, e.hint) for e in errors))
    if len(unique) == 1:
        return errors[0]

    lines = [
        "\n  ".join([f"{where}: {message}", *([f"hint: {hint}"] if hint else [])]) for where, message, hint in unique
    ]
    return PublishError("\n".join(["nothing was published:", *lines]))


def fetch_back(publishers: Mapping[str, Publisher], folder: Path, pace: Pace) -> Iterator[tuple[Entry, Path | None]]:
    """Download everything as a user does, into a folder for each destination: what was fetched, and whether it is ours.

    An item without bytes is looked at instead.
    """
    for name, publisher in publishers.items():
        target = folder / name
        target.mkdir()
        for item in publisher.items:
            path: Path | None = None
            try:
                path = publisher.fetch(item, target)
                state = _look(name, publisher, item, pace) if path is None else _compared(path, item)
            except UploadFailed as failure:
                state = unknown(failure.message, failure.hint)
            pace.listen(PublishEvent("fetched", name, item, state.detail))
            yield Entry(name, publisher, item, state), path


def _compared(path: Path, item: Item) -> State:
    return compared(Digest.of_file(path), item)


def _preflight(name: str, publisher: Publisher, pending: Sequence[Item], pace: Pace) -> tuple[Problem, ...]:
    """What would keep these items from being uploaded, asked several times where that may help."""
    for attempt in range(ATTEMPTS):
        try:
            return tuple(publisher.preflight(pending))
        except UploadFailed as error:
            failure = error
        if failure.wait is None or attempt == ATTEMPTS - 1 or not _wait(name, pending[0], failure.wait, attempt, pace):
            break
    return ((failure.message, failure.hint),)


def _look(name: str, publisher: Publisher, item: Item, pace: Pace) -> State:
    """What is there, asked several times where that may help."""
    for attempt in range(ATTEMPTS):
        try:
            state = publisher.look(item)
        except UploadFailed as failure:
            state = unknown(failure.message, failure.hint, failure.wait)
        if state.presence != "unknown" or state.wait is None or attempt == ATTEMPTS - 1:
            break
        if not _wait(name, item, state.wait, attempt, pace):
            return unknown(f"{state.detail}; it asks to wait {state.wait:.0f} s", "run the same command again then")
    return state


def _wait(name: str, item: Item, asked: float, attempt: int, pace: Pace) -> bool:
    """Wait as long as a server asks, and longer each time; False if it asks for too much."""
    if asked > LONGEST_WAIT:
        return False
    seconds = asked if asked > 1 else float(2**attempt)
    pace.listen(PublishEvent("waiting", name, item, f"{seconds:.0f} s"))
    pace.sleep(seconds)
    return True


def _settle(entry: Entry, pace: Pace) -> None:
    """Upload an item until it is there. Raises PublishError where it does not get there."""
    name, publisher, item = entry.destination, entry.publisher, entry.item
    for attempt in range(ATTEMPTS):
        pace.listen(PublishEvent("uploading", name, item))
        failure: UploadFailed | None = None
        try:
            publisher.upload(item)
        except UploadFailed as error:
            failure = error
            pace.listen(PublishEvent("lost", name, item, error.message))
        state = _seen(name, publisher, item, pace, accepted=failure is None)
        if state.presence == "same":
            pace.listen(PublishEvent("uploaded", name, item))
            return
        if state.presence != "absent":
            raise PublishError(f"{item.name}: {state.detail}", where=publisher.title, hint=state.hint)
        if failure is None:
            raise PublishError(f"{item.name}: {_VISIBLE[0]}", where=publisher.title, hint=_VISIBLE[1])
        if failure.wait is None or attempt == ATTEMPTS - 1 or not _wait(name, item, failure.wait, attempt, pace):
            asks = f"; it asks to wait {failure.wait:.0f} s" if (failure.wait or 0) > LONGEST_WAIT else ""
            raise PublishError(f"{item.name}: {failure.message}{asks}", where=publisher.title, hint=failure.hint)


def _seen(name: str, publisher: Publisher, item: Item, pace: Pace, *, accepted: bool) -> State:
    """What is there after an upload; where that was accepted, it may take a moment until it is served."""
    state = _look(name, publisher, item, pace)
    for attempt in range(LOOKS - 1 if accepted else 0):
        if state.presence != "absent":
            break
        _wait(name, item, 0, attempt, pace)
        state = _look(name, publisher, item, pace)
    return state
