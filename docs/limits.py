"""Writes the table of kinds and targets in docs/limits.md from the code: python docs/limits.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from ferrule.core.platforms import PLATFORMS  # noqa: E402 - needs the line above
from ferrule.kinds import KINDS  # noqa: E402

PAGE = ROOT / "docs" / "limits.md"
_NO = "-"
_BLOCK = re.compile(r"(?<=<!-- kinds: python docs/limits.py -->\n).*?(?=<!-- /kinds -->)", re.DOTALL)


def table() -> str:
    """For each kind that is made for targets, which of them."""
    able = {name: [not kind.unsupported(row) for row in PLATFORMS.values()] for name, kind in KINDS.items()}
    kinds = [name for name, cells in able.items() if not all(cells)]
    lines = ["| target | " + " | ".join(f"`{name}`" for name in kinds) + " |", "| --- |" + " :-: |" * len(kinds)]
    for number, triple in enumerate(PLATFORMS):
        cells = ["yes" if able[name][number] else _NO for name in kinds]
        lines.append(f"| `{triple}` | " + " | ".join(cells) + " |")
    return "\n" + "\n".join(lines) + "\n\n"


def page(text: str) -> str:
    """The page, with its table replaced."""
    return _BLOCK.sub(lambda _: table(), text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
