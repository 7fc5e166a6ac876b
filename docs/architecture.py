"""Draws the layers in docs/architecture.md from their contract in pyproject.toml: python docs/architecture.py."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
_BLOCK = re.compile(r"(?<=<!-- layers: python docs/architecture.py -->\n).*?(?=<!-- /layers -->)", re.DOTALL)


def drawing(project: Path) -> str:
    """The layers of the contract `layers`, the uppermost first."""
    settings = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(c["layers"] for c in settings["contracts"] if c.get("id") == "layers")
    return "\n```text\n" + "".join(f"{layer}\n" for layer in layers) + "```\n\n"


def page(text: str, project: Path) -> str:
    """The page, with its drawing replaced."""
    return _BLOCK.sub(drawing(project), text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), ROOT / "pyproject.toml"), encoding="utf-8")
