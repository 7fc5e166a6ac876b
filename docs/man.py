"""Writes the man pages in docs/man/ from the help of the commands: python docs/man.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import click  # noqa: E402 - needs the line above
from click_man.core import generate_man_page  # noqa: E402

from ferrule import __version__  # noqa: E402
from ferrule.cli import cli  # noqa: E402
from ferrule.cli.commands import SUMMARIES  # noqa: E402

FOLDER = ROOT / "docs" / "man"


def pages() -> dict[str, str]:
    """Each page by its name: `ferrule.1` and one for each command, without a date, which would change every day."""
    whole = click.Context(cli, info_name="ferrule", **cli.context_settings)
    cli.short_help = "build and release a Cargo workspace from targets.yaml"
    cli.commands = {name: one for name in SUMMARIES if (one := cli.get_command(whole, name))}
    contexts = [click.Context(one, info_name=name, parent=whole) for name, one in cli.commands.items()]
    for context in contexts:
        context.command.short_help = SUMMARIES[context.info_name or ""]
    return {f"{context.command_path.replace(' ', '-')}.1": _page(context) for context in (whole, *contexts)}


def _page(context: click.Context) -> str:
    page = generate_man_page(context, version=f"ferrule {__version__}", date="DATE").replace('"DATE"', '""')
    # An example is shown line by line, as it is typed: in roff text of a paragraph is filled.
    return re.sub(r"^\x08\nExample:\n((?: .*\n?)+)", r".SH EXAMPLES\n.nf\n\1.fi\n", page, flags=re.MULTILINE) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.1"):
        old.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
