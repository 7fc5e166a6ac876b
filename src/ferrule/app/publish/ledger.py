"""What a run of `ferrule publish` did, a line of JSON each: it explains, and nothing ever reads it to decide."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ferrule.core.safe_files import open_more, open_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ferrule.app.publish.run import PublishEvent

FILE: Final = "publish.jsonl"
"""Its name in .ferrule/."""


class Ledger:
    """Writes events at the end of a file, as far as that is possible; `now_ns` is the clock."""

    def __init__(self, path: Path, release: str, now_ns: Callable[[], int], hide: Callable[[str], str]) -> None:
        self._path = path
        self._release = release
        self._now_ns = now_ns
        self._hide = hide

    def __call__(self, event: PublishEvent) -> None:
        """Record one event; a disk that takes none keeps no release from being published.

        A line that a killed run left half-written stays as it is, and the next one begins below it.
        """
        row = {
            "time": self._now_ns() // 1_000_000_000,
            "release": self._release,
            "what": event.what,
            "destination": event.destination,
            "item": event.item.name,
            "sha256": event.item.digest.hex,
            **({"detail": event.detail} if event.detail else {}),
        }
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            line = self._hide(json.dumps(row, sort_keys=True)).encode() + b"\n"
            with open_more(self._path) as stream:
                stream.write(b"\n" + line if _is_torn(self._path) else line)


def _is_torn(path: Path) -> bool:
    """Whether a file ends within a line."""
    with open_regular(path) as stream:
        if stream.seek(0, os.SEEK_END) == 0:
            return False
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) != b"\n"
