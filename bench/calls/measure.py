"""How the programs of this folder that are written in Python measure a call."""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from time import process_time
from timeit import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SHORT = "joe.doe@example.com"
MANY = [f"joe.{number:03}@example.com" for number in range(1000)]
BLOCKED = ["INVALID"]
ASSOCIATED, MESSAGE, LARGE = b"to whom", bytes(64), bytes(64 << 10)

_REPEATED = 100


def tell(calls: Mapping[str, tuple[Callable[[], object], int]]) -> None:
    """Print what each call costs for one of its inputs, of which it has as many as the number beside it."""
    told = {name: {"ns": nanoseconds(call) / n, "memory": memory(call, n)} for name, (call, n) in calls.items()}
    json.dump(told, sys.stdout)


def nanoseconds(call: Callable[[], object]) -> float:
    """CPU time of one call, from as many as take a fifth of a second."""
    count, seconds = Timer(call, timer=process_time).autorange()
    return seconds / count * 1e9


def memory(call: Callable[[], object], inputs: int) -> str:
    """What Python holds for one input: blocks as long as the result is kept, and the most bytes during the call.

    Blocks that come and go are counted by nothing that Python has; neither is what the library itself allocates.
    """
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.take_snapshot()
        kept = [call() for _ in range(_REPEATED)]
        after = tracemalloc.take_snapshot()
        blocks = sum(row.count_diff for row in after.compare_to(before, "filename")) / len(kept)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        peak = tracemalloc.get_traced_memory()[1] - size
    finally:
        tracemalloc.stop()
    return f"{blocks / inputs:.1f} blocks kept, {peak / inputs:.0f} B at most"
