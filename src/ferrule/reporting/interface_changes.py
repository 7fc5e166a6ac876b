"""What `ferrule abi` found, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from typing import TextIO

    from ferrule.formats.interfaces.versions import Comparison


def show(found: Comparison, stream: TextIO, *, colour: bool, quiet: bool) -> None:
    """One line a change, breaking ones first, and what follows for the version."""
    console = Console(file=stream, no_color=not colour, highlight=False, soft_wrap=True)
    breaking = [c for c in found.changes if c.breaking]
    compatible = [c for c in found.changes if not c.breaking]
    for change in () if quiet else breaking:
        console.print(f"BREAKS  {change.of}: {change.item} {change.what}", style="red", markup=False)
    for change in () if quiet else compatible:
        console.print(f"adds    {change.of}: {change.item} {change.what}", markup=False)
    count = f"{len(breaking)} breaking, {len(compatible)} compatible" if found.changes else "none"
    console.print(f"changes since {found.recorded}: {count}", markup=False)
    if found.changes:
        console.print(f"needed: {found.needed.version} or later ({found.needed.why})", markup=False)
    for problem in found.problems:
        console.print(f"WRONG   {problem}", style="bold red", markup=False)
    if not found.problems:
        console.print(f"the version {found.release} says so", style="bold", markup=False)


def as_json(found: Comparison) -> str:
    """All changes, the version that they ask for, and whether the release has one that says so."""
    told = {
        "ok": not found.problems,
        "recorded": found.recorded,
        "release": found.release,
        "needed": {"version": found.needed.version, "bump": found.needed.bump, "why": found.needed.why},
        "problems": list(found.problems),
        "changes": [{"of": c.of, "item": c.item, "what": c.what, "breaking": c.breaking} for c in found.changes],
    }
    return json.dumps(told, indent=2)
