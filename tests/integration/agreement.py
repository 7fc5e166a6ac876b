"""The agreement of all consumers: what each should have printed, what it printed, and the table of both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- agreement -->\n", "<!-- end -->\n"
SHOWN = 3
"""So many differences of one consumer are shown; the first tell what is wrong."""
DIGITS = 16
"""So much of a digest tells files apart in a table."""
HEAD = ("consumer", "vectors", "runs", "sha256")


@dataclass(frozen=True, slots=True)
class Used:
    """What of the release a consumer ran, and its digest; without one where it was built from the sources."""

    what: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What one consumer came to: vectors with the expected bytes, of how many, and the first other ones in words."""

    consumer: str
    passed: int
    total: int
    used: Used
    differences: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every line is there, with the expected bytes, and no other."""
        return self.passed == self.total and not self.differences

    def cells(self) -> tuple[str, ...]:
        """The row of the table, as texts."""
        return self.consumer, f"{self.passed} of {self.total}", self.used.what, self.used.sha256[:DIGITS] or "-"


def expected_line(vector: dict) -> str:
    """The line that every consumer has to print for a vector, without its end."""
    return json.dumps(vector["expected"], ensure_ascii=False, separators=(",", ":"))


def judge(consumer: str, vectors: list[dict], printed: str, used: Used) -> Row:
    """Compare all that a consumer printed with all that it should have printed."""
    expected = [expected_line(vector) for vector in vectors]
    lines = printed.split("\n")
    ended = lines.pop() == ""
    pairs = list(zip(vectors, expected, lines, strict=False))
    differences = [_difference(*pair) for pair in pairs if pair[1] != pair[2]]
    passed = len(pairs) - len(differences)
    if len(lines) != len(expected) or not ended:
        differences.insert(0, f"{len(lines)} whole lines for {len(expected)} vectors")
    assert differences or printed == "".join(f"{line}\n" for line in expected)
    return Row(consumer, passed, len(vectors), used, tuple(differences[:SHOWN]))


def _difference(vector: dict, wanted: str, got: str) -> str:
    return (
        f"{vector['name']}: {vector['candidate']!r} with {json.dumps(vector['options'])}\n"
        f"  expected {wanted}\n  got      {got}"
    )


def aligned(rows: list[Row]) -> list[str]:
    """The table for a terminal."""
    return [line.rstrip() for line in _columns(rows, "  ")]


def markdown(rows: list[Row]) -> str:
    """The table for a page."""
    return "".join(f"| {line} |\n" for line in _columns(rows, " | "))


def _columns(rows: list[Row], between: str) -> list[str]:
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    cells.insert(1, tuple("-" * width for width in widths))
    return [between.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]


def caption(release: str, manifest: Path) -> str:
    """What a table is of. No commit is named: it may be gone by the time that somebody looks for it."""
    built = datetime.fromtimestamp(manifest.stat().st_mtime, UTC)
    return f"Release {release}, as it was built on {built.day} {built:%B %Y}:"


def written(page: str, rows: list[Row], release: str, begin: str = BEGIN) -> str:
    """The page with the table of these rows between its marks."""
    before, mark, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    assert mark
    assert end
    return f"{before}{begin}\n{release}\n\n{markdown(rows)}\n{END}{after}"


def promised(page: str, begin: str = BEGIN) -> list[tuple[str, ...]]:
    """The rows that a page holds, without digests, which are those of the release that it names."""
    table = page.partition(begin)[2].partition(END)[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|"))[:-1] for line in lines]
