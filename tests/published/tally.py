"""The table of a session: what was published where, how often that was interrupted, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

_HEAD = ("destination", "server", "files", "kills", "lost", "twice", "overwritten")


@dataclass(frozen=True)
class Tally:
    """One destination: names that it has in the end, and how often a run was killed at one of its requests.

    `lost` are names that an undisturbed run brings and the killed ones did not, `twice` those that the server created
    more than once, `overwritten` those whose bytes changed after they were there.
    """

    destination: str
    server: str
    files: int
    kills: int
    lost: int
    twice: int
    overwritten: int


def table(tallies: list[Tally]) -> str:
    """The table in Markdown, with a line of sums."""
    rows = [(t.destination, t.server, t.files, t.kills, t.lost, t.twice, t.overwritten) for t in tallies]
    numbers = [sum(row[column] for row in rows) for column in range(2, len(_HEAD))]
    lines = [_HEAD, tuple("---" for _ in _HEAD), *rows, ("all", "", *numbers)]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
