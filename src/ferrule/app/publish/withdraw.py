"""A version taken back, as far as destinations let one: offered for each, and done where a program can do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.app.publish.items import UploadFailed
from ferrule.app.publish.run import look_everywhere
from ferrule.core.errors import PublishError
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ferrule.app.publish.base import Publisher, Withdrawal
    from ferrule.app.publish.run import Pace


@dataclass(frozen=True, slots=True)
class Offer:
    """What the destination of a row offers: one thing that can be done there, or None with the reason."""

    destination: str
    title: str
    withdrawal: Withdrawal | None
    reason: str = ""


def offers(publishers: Mapping[str, Publisher], reason: str, pace: Pace) -> Iterator[Offer]:
    """What every destination offers for the version that it has. Raises PublishError for one that cannot be asked.

    Only what is there as it was published is withdrawn: other bytes of that name are somebody else's.
    """
    entries = look_everywhere(publishers, pace)
    for name, publisher in publishers.items():
        own = [entry for entry in entries if entry.destination == name]
        for entry in own:
            if entry.state.presence == "unknown":
                raise PublishError(entry.state.detail, where=publisher.title, hint=entry.state.hint)
        if not any(entry.state.presence == "same" for entry in own):
            yield Offer(name, publisher.title, None, "nothing of this release is there")
            continue
        try:
            possible = tuple(publisher.withdrawals(reason))
        except UploadFailed as failure:
            raise PublishError(failure.message, where=publisher.title, hint=failure.hint) from failure
        for withdrawal in possible:
            yield Offer(name, publisher.title, withdrawal)
        if not possible:
            yield Offer(name, publisher.title, None, "it offers nothing: what is published stays")


def withdraw(chosen: Iterator[Offer], listen: Callable[[Offer], None]) -> None:
    """Do what can be done by a program; `listen` hears of each. Raises PublishError after all were tried."""
    failures: list[PublishError] = []
    for offer in chosen:
        if offer.withdrawal is None or offer.withdrawal.act is None:
            continue
        try:
            offer.withdrawal.act()
        except UploadFailed as failure:
            message = f"{offer.withdrawal.subject}: {failure.message}"
            failures.append(PublishError(message, where=offer.title, hint=failure.hint))
        else:
            listen(offer)
    if failures:
        lines = [f"  {error.where}: {error.message}\n    hint: {error.hint}" for error in failures]
        raise failures[0] if len(failures) == 1 else PublishError("\n".join(["this was not done:", *lines]))
