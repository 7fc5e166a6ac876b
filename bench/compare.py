"""Compares two commits by turns: python bench/compare.py COMMIT [COMMIT] [--rounds N]; the second is the working tree.

Each round runs every command of both, in one order and then in the other, so that what else the machine does meets both
alike; the ratio is of CPU times within a round. A command is slower where the median of the ratios is above the limit,
and so are three quarters of them above 1; instructions, where valgrind is there, need no rounds. The exit code is 1 if
one is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import instructions  # noqa: E402 - needs the line above

COMMANDS = {"--version": ("--version",), **instructions.COMMANDS}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A command in two commits: the ratio of the second to the first in each round, and of instructions if counted."""

    name: str
    ratios: tuple[float, ...]
    instructions: float | None = None

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the ratios."""
        low, middle, high = quantiles(self.ratios, n=4, method="inclusive")
        return low, middle, high

    @property
    def is_slower(self) -> bool:
        """Whether it takes more than is allowed of what it took, beyond what the rounds differ by."""
        low, middle, _ = self.quartiles
        measured = middle > instructions.ALLOWED and low > 1
        return measured if self.instructions is None else self.instructions > instructions.ALLOWED

    def line(self) -> str:
        """The comparison for people."""
        low, middle, high = self.quartiles
        counted = "" if self.instructions is None else f"; instructions {self.instructions:.3f}"
        counted += "  SLOWER" if self.is_slower else ""
        return f"{self.name:24} CPU time {middle:.2f} ({low:.2f} to {high:.2f}, {len(self.ratios)} rounds){counted}"


def main() -> None:
    """Measure both, print a line for each command, and name what got slower."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compare", action="store_true", help="what is done anyway")
    parser.add_argument("commits", nargs="+", metavar="COMMIT", help="one or two; alone, it is before the working tree")
    parser.add_argument("--rounds", type=int, default=15, help="how often each command is run (15)")
    options = parser.parse_args()
    if len(options.commits) > 2 or options.rounds < 2:  # noqa: PLR2004 - two are compared; quartiles need two
        parser.error("name one commit or two, and at least 2 rounds")
    found = compared(*options.commits, rounds=options.rounds)
    print(
        f"{' to '.join(reversed(options.commits if options.commits[1:] else [*options.commits, 'the working tree']))}"
    )
    print(*(comparison.line() for comparison in found), sep="\n")
    slower = [comparison.name for comparison in found if comparison.is_slower]
    if slower:
        sys.exit(f"slower by more than {instructions.ALLOWED - 1:.0%}: {', '.join(slower)}")


def compared(before: str, after: str | None = None, *, rounds: int) -> list[Comparison]:
    """Every command of two commits, measured by turns; None is the working tree."""
    with ExitStack() as stack:
        trees = [stack.enter_context(instructions.checkout_of(before))]
        if after is not None:
            trees.append(stack.enter_context(instructions.checkout_of(after)))
        else:  # a copy, which nobody changes meanwhile
            trees.append(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferrule-sources-"))))
            for name in ("src", "tests"):
                shutil.copytree(ROOT / name, trees[1] / name)
        projects = [stack.enter_context(instructions.project(tree)) for tree in trees]
        ratios: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for number in range(rounds):
            for name, arguments in COMMANDS.items():
                order = (0, 1) if number % 2 else (1, 0)
                took = {side: cpu(*projects[side], *arguments) for side in order}
                ratios[name].append(took[1] / took[0])
        counts = [
            {name: instructions.instructions(*one, *arguments) for name, arguments in COMMANDS.items()}
            for one in (projects if shutil.which("valgrind", path=os.defpath) else ())
        ]
    return [
        Comparison(name, tuple(values), counts[1][name] / counts[0][name] if counts else None)
        for name, values in ratios.items()
    ]


def cpu(demo: instructions.Demo, environment: dict[str, str], *arguments: str) -> float:
    """CPU seconds of a command and of all that it starts. Ends the program if it fails."""
    child = subprocess.Popen(
        [sys.executable, "-m", "ferrule", *arguments],
        cwd=demo.project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"ferrule {' '.join(arguments)} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
