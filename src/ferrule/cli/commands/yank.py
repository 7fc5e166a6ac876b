"""`ferrule yank`: a published version that nobody should use any more."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.app.publish import withdraw
from ferrule.cli import completion, publishing
from ferrule.cli.messages import echo, waiting
from ferrule.cli.options import shared
from ferrule.core.errors import UsageError
from ferrule.core.one_line import is_one_line
from ferrule.core.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ferrule.app.publish.withdraw import Offer

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@shared
@click.argument("name", required=False, shell_complete=lambda *words: completion.releases(*words))  # noqa: PLW0108
@click.option("--reason", metavar="TEXT", required=True, help="Why, on one line: people are shown it.")
@click.option("--to", "rows", metavar="ROW", multiple=True, help="Only this destination; may be given several times.")
@click.option("--from", "source", type=_FOLDER, help="The release as it was published [default: dist/ of the project].")
@click.option("--yes", is_flag=True, help="Do it, if the release is named too; without, it is only printed.")
@click.option("--confirm", metavar="RELEASE", help="Name and version, as in 'demo 1.2.3'; asked for on a terminal.")
def yank(
    directory: Path,
    name: str | None,
    reason: str,
    rows: tuple[str, ...],
    source: Path | None,
    confirm: str | None,
    *,
    yes: bool,
    **options: bool,
) -> None:
    """Print how a published version is taken back, or do it.

    Nothing is deleted: what a lock file names stays. What can be done by a program is done only when it is asked for
    twice, by --yes and by the name of the release. NAME is one of several releases.

    \b
    Example:
      ferrule yank --reason "wrong results on ARM"
      ferrule yank --reason "wrong results on ARM" --yes --confirm "demo 1.2.3"
    """
    if not reason.strip() or not is_one_line(reason):
        raise UsageError("the reason is not one line of text", hint="write why in one sentence")
    say = partial(publishing.echo, quiet=options["quiet"], as_json=options["as_json"])
    with publishing.opened(directory, source, release=name, rows=rows, say=say) as opened:
        with waiting("asking every destination"):
            offers = tuple(withdraw.offers(opened.publishers, reason.strip(), publishing.pace(lambda _: None)))
        release = f"{opened.manifest.project} {opened.manifest.release}"
        _show(offers, as_json=options["as_json"], hide=opened.hide)
        if not yes:
            say(f"nothing was done; to do what a program can: --yes --confirm {release!r}")
            return

        if confirm is None and sys.stdin.isatty():
            confirm = click.prompt(f"type {release!r} to withdraw it", err=True)
        if confirm != release:
            hint = f"add --confirm {release!r}"
            raise UsageError(f"nothing was done: the release is {release}, and it was not named", hint=hint)
        withdraw.withdraw(iter(offers), lambda offer: say(printable(f"{offer.destination}: {_subject(offer)}: done")))


def _subject(offer: Offer) -> str:
    return offer.withdrawal.subject if offer.withdrawal else offer.title


def _show(offers: Sequence[Offer], *, as_json: bool, hide: publishing.Hide) -> None:
    for offer in offers:
        withdrawal = offer.withdrawal
        if as_json:
            values = {"destination": offer.destination, "subject": _subject(offer), "reason": offer.reason}
            if withdrawal:
                by = "hand" if withdrawal.act is None else "program"
                values |= {"call": withdrawal.call, "effect": withdrawal.effect, "by": by}
            click.echo(hide(json.dumps({key: value for key, value in values.items() if value})))
        elif withdrawal is None:
            echo(printable(hide(f"{offer.destination}: {offer.reason}")))
        else:
            by = "by hand" if withdrawal.act is None else "with --yes"
            echo(printable(hide(f"{offer.destination}: {withdrawal.subject} ({by}): {withdrawal.call}")))
            echo(printable(f"    then {withdrawal.effect}"))
