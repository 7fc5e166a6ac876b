"""What programs answer, of their version above all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.tools.run import ToolFailed, ToolMissing, capture

if TYPE_CHECKING:
    from ferrule.tools.host import Host

_PATIENCE_SECONDS = 60


def probe_output(host: Host, *argv: str | Path, **more: str) -> str:
    """What a program prints when it is asked; nothing where there is none, or it does not work.

    It is asked outside of the project, whose files it might go by; `more` goes into its environment.
    """
    words = [str(word) for word in argv]
    try:
        return capture(words, env=host.children | more, cwd=Path("/"), timeout=_PATIENCE_SECONDS).stdout.strip()
    except (ToolFailed, ToolMissing):
        return ""
