"""Draws docs/images/release.svg from a real release of a folder: python bench/picture.py FOLDER [OUTPUT].

Shows the display as it stands when the most actions are at work, and what follows at the end. FOLDER is a checkout in
which something is left to do: a fresh copy, or one with a change.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from rich.console import Console  # noqa: E402 - needs the line above
from rich.terminal_theme import TerminalTheme  # noqa: E402
from rich.text import Text  # noqa: E402

from ferrule.app.release import run as release  # noqa: E402
from ferrule.cli import environment  # noqa: E402
from ferrule.engine.events import ActionFinished, ActionProgress, ActionStarted, RunFinished, WorkForeseen  # noqa: E402
from ferrule.reporting import table  # noqa: E402
from ferrule.reporting.report import counted, duration, expectation  # noqa: E402
from ferrule.reporting.terminal import Terminal  # noqa: E402

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ferrule.engine.events import Event

WIDTH = 148
_SETTLED = 4.0
"""Seconds after which a moment is worth a picture."""
_THEME = TerminalTheme(
    (16, 20, 26),
    (214, 222, 235),
    [
        *((40, 46, 56), (226, 103, 103), (126, 192, 139), (222, 184, 102)),
        *((110, 160, 220), (190, 140, 210), (98, 186, 196), (214, 222, 235)),
    ],
)


class Witness:
    """Hands every event to the real display, and keeps what that shows when the most actions are at work."""

    def __init__(self, display: Terminal) -> None:
        self.display = display
        self.running: set[str] = set()
        self.most = 0
        self.moment: list[str] = []
        self.beginning = self.ending = ""

    def __call__(self, event: Event, /) -> None:
        """Show an event, and look whether this is the moment."""
        self.display(event)
        match event:
            case ActionStarted(action):
                self.running.add(action.id)
            case ActionFinished(outcome):
                self.running.discard(outcome.action.id)
            case ActionProgress() if len(self.running) > self.most and self.elapsed() > _SETTLED:
                self.most = len(self.running)
                self.moment = drawn(self.display._progress.get_renderable())  # noqa: SLF001 - nothing else shows it
            case RunFinished(outcomes, seconds):
                self.ending = f"{counted(outcomes)}, in {duration(seconds)}"
            case WorkForeseen(forecast):
                self.beginning = expectation(forecast)

    def elapsed(self) -> float:
        """Seconds since the display began."""
        return max((task.elapsed or 0.0 for task in self.display._progress.tasks), default=0.0)  # noqa: SLF001


def drawn(what: RenderableType) -> list[str]:
    """The lines of something that rich draws, with its colours as escape sequences."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(what)
    return captured.get().rstrip("\n").split("\n")


def main() -> None:
    """Release and draw."""
    folder = Path(sys.argv[1]).absolute()
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "images" / "release.svg"  # noqa: PLR2004
    config = release.load(folder)
    context = environment.run_context(jobs=None, offline=False, rust_source=None)
    display = Terminal(io.StringIO(), colour=True, width=WIDTH, quiet=False)
    witness = Witness(display)
    with display:
        report = release.run(config, release.make_plan(config, context), context, witness, output=folder / "dist")
    closing = io.StringIO()
    table.show(report, closing, colour=False, width=WIDTH)
    head, *rows = closing.getvalue().rstrip("\n").split("\n")

    screen = Console(record=True, file=io.StringIO(), width=WIDTH, highlight=False)
    screen.print("[dim]$[/] [bold]ferrule release[/]")
    screen.print(witness.beginning)
    for line in witness.moment:
        screen.print(Text.from_ansi(line))
    screen.print("  ⋮", style="dim")
    screen.print(witness.ending)
    screen.print(head, style="bold")
    for row in rows:
        screen.print(row, markup=False)
    screen.print(f"{len(report.placed)} files in dist/")
    svg = screen.export_svg(title="ferrule release", theme=_THEME, unique_id="release")
    # No font from elsewhere: pages that show a picture load none, and the file itself says how far lines reach.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", "font-family: ui-monospace, Menlo, Consolas, monospace")
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
