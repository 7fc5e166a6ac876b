"""The results of `ferrule abi`, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console

from ferrule.core.printable import printable
from ferrule.reporting.wrapping import wrapped

if TYPE_CHECKING:
    from typing import TextIO

    from ferrule.formats.interfaces.versions import Comparison


def show(comparison: Comparison, stream: TextIO, *, colour: bool, width: int | None, quiet: bool) -> None:
    """Write a line for each change, breaking ones first, and the version that they require."""
    console = Console(file=stream, no_color=not colour, highlight=False, soft_wrap=True)
    breaking = [c for c in comparison.changes if c.breaking]
    compatible = [c for c in comparison.changes if not c.breaking]
    for change in () if quiet else breaking:
        text = printable(f"BREAKS  {change.of}: {change.item} {change.what}")
        console.print(wrapped(text, width), style="red", markup=False)
    for change in () if quiet else compatible:
        console.print(wrapped(printable(f"adds    {change.of}: {change.item} {change.what}"), width), markup=False)
    count = f"{len(breaking)} breaking, {len(compatible)} compatible" if comparison.changes else "none"
    console.print(f"changes since {comparison.recorded}: {count}", markup=False)
    if comparison.changes:
        needed = f"required version: {comparison.needed.version} or later ({comparison.needed.why})"
        console.print(wrapped(needed, width), markup=False)
    for problem in comparison.problems:
        console.print(wrapped(f"ERROR   {printable(problem)}", width), style="bold red", markup=False)
    if not comparison.problems:
        console.print(f"version {comparison.release} is high enough", style="bold", markup=False)


def as_json(comparison: Comparison) -> str:
    """All changes, the version that they require, and whether that of the release is high enough."""
    document = {
        "ok": not comparison.problems,
        "recorded": comparison.recorded,
        "release": comparison.release,
        "needed": {"version": comparison.needed.version, "bump": comparison.needed.bump, "why": comparison.needed.why},
        "problems": list(comparison.problems),
        "changes": [{"of": c.of, "item": c.item, "what": c.what, "breaking": c.breaking} for c in comparison.changes],
    }
    return json.dumps(document, indent=2)
