"""What `ferrule verify` found, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from typing import TextIO

    from ferrule.core.model import Verdict


def show(found: list[Verdict], stream: TextIO, *, colour: bool, quiet: bool) -> None:
    """One line a file with the claims that hold, one for each that does not, and the sum of it."""
    console = Console(file=stream, no_color=not colour, highlight=False, soft_wrap=True)
    by_subject: dict[str, list[Verdict]] = {}
    for verdict in found:
        by_subject.setdefault(verdict.subject, []).append(verdict)
    for subject, verdicts in by_subject.items():
        good = ", ".join(v.claim for v in verdicts if v.problem is None)
        if good and not quiet:
            console.print(f"ok      {subject}: {good}", markup=False)
        for verdict in verdicts:
            if verdict.problem is not None:
                console.print(f"WRONG   {subject}: {verdict.claim}: {verdict.problem}", style="red", markup=False)
    wrong = sum(v.problem is not None for v in found)
    console.print(
        f"{len(found)} claims about {len(by_subject)} files: {f'{wrong} do not hold' if wrong else 'all hold'}"
        if found
        else "nothing was claimed, so nothing was checked",
        style="bold red" if wrong or not found else "bold",
        markup=False,
    )


def as_json(found: list[Verdict]) -> str:
    """All verdicts, and whether every claim holds."""
    verdicts = [{"subject": v.subject, "claim": v.claim, "problem": v.problem} for v in found]
    return json.dumps({"ok": bool(found) and all(v.problem is None for v in found), "verdicts": verdicts}, indent=2)
