"""Counts the instructions of commands that people wait for: python bench/instructions.py [--keep].

A count depends on the interpreter and the C library, and not on what else a machine does; two of one source differ by a
thousandth. With --keep it becomes the newest of bench/instructions.json, with which a test compares, and the picture of
the history is drawn anew.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "src"), str(ROOT / "bench"), str(ROOT / "tests")]

from figures import history  # noqa: E402

from fakes.toolchain import Demo  # noqa: E402 - needs the line above

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = ROOT / "bench" / "instructions.json"
PICTURE = ROOT / "docs" / "images" / "instructions.svg"
COMMANDS = {
    "release, nothing to do": ("release",),
    "check": ("check",),
    "plan": ("plan",),
    "--help": ("--help",),
}
ALLOWED = 1.10
"""What a command may take of what it took, and no more."""

_LAY_OUT = "import sys; from pathlib import Path; from fakes.toolchain import lay_out; lay_out(Path(sys.argv[1]))"
_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
"""Counts as callgrind does, in half the time."""


def interpreter() -> str:
    """Whose counts they are: a count of one interpreter says nothing about another."""
    build = f"{platform.python_implementation()} {platform.python_version()}, {platform.python_compiler()}"
    return f"{build}, {platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}"


def counted(tree: Path, commands: dict[str, tuple[str, ...]] = COMMANDS) -> dict[str, int]:
    """Instructions of each command of the ferrule in a checkout, in a small project that is released."""
    with project(tree) as (demo, environment):
        return {name: instructions(demo, environment, *arguments) for name, arguments in commands.items()}


@contextmanager
def project(tree: Path) -> Iterator[tuple[Demo, dict[str, str]]]:
    """The project with pretended compilers of a checkout, released by its ferrule; and the environment of commands."""
    with tempfile.TemporaryDirectory(prefix="ferrule-counted-") as folder:
        demo, source = Demo(Path(folder)), str(tree / "src")
        environment = {**demo.environment, "PYTHONPATH": source, "PYTHONHASHSEED": "0"}
        subprocess.run(
            [sys.executable, "-c", _LAY_OUT, folder],
            env={**os.environ, "PYTHONPATH": os.pathsep.join((source, str(tree / "tests")))},
            check=True,
        )
        for arguments in (("release", "-j", "1"), ("release",), ("check",), ("plan",), ("--help",)):
            ferrule(demo, environment, *arguments)  # what is compiled and remembered at a first time is not counted
        yield demo, environment


def instructions(demo: Demo, environment: dict[str, str], *arguments: str) -> int:
    """Instructions of a command that ran before; those of programs that it starts are not among them."""
    if arguments == ("release",):  # what stands for it is kept for each environment, and valgrind has one of its own
        ferrule(demo, environment, *arguments, judge=_VALGRIND)
    said = ferrule(demo, environment, *arguments, judge=_VALGRIND)
    match = re.search(r"I\s+refs:\s+([\d,]+)", said)
    if match is None:
        sys.exit(f"valgrind counted nothing: {said[-1000:]}")
    return int(match[1].replace(",", ""))


def ferrule(demo: Demo, environment: dict[str, str], *arguments: str, judge: tuple[str, ...] = ()) -> str:
    """Run a command to its end; what it wrote to standard error. Ends the program if it fails."""
    argv = [*judge, sys.executable, "-m", "ferrule", *arguments]
    if judge:
        argv[0] = shutil.which(judge[0], path=os.defpath) or sys.exit("valgrind is not here: apt-get install valgrind")
    done = subprocess.run(argv, cwd=demo.project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"ferrule {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-1000:]}")
    return done.stderr


@contextmanager
def checkout_of(commit: str) -> Iterator[Path]:
    """What is needed of a commit, in a folder of its own. Raises CalledProcessError where Git does not have it."""
    with tempfile.TemporaryDirectory(prefix="ferrule-sources-") as folder:
        packed = subprocess.run(
            ["git", "archive", commit, "src", "tests", "pyproject.toml"], cwd=ROOT, check=True, capture_output=True
        )
        subprocess.run(["tar", "-x"], input=packed.stdout, cwd=folder, check=True)
        yield Path(folder)


def slower(now: dict[str, int], before: dict[str, int]) -> list[str]:
    """A line for each command that takes more than is allowed of what it took."""
    return [
        f"{name}: {count:,} instructions, {count / before[name]:.2f} times the {before[name]:,} of before"
        for name, count in now.items()
        if name in before and count > ALLOWED * before[name]
    ]


def kept() -> list[dict[str, Any]]:
    """What was counted of commits, the oldest first: commit, interpreter, counts."""
    entries: list[dict[str, Any]] = json.loads(KEPT.read_text(encoding="utf-8"))["history"] if KEPT.exists() else []
    return entries


def keep(commit: str, counts: dict[str, int]) -> None:
    """Put counts behind those of before, or in place of those of the same commit; and draw them."""
    before = [entry for entry in kept() if (entry["commit"], entry["python"]) != (commit, interpreter())]
    entries = [*before, {"commit": commit, "python": interpreter(), "counts": counts}]
    KEPT.write_text(json.dumps({"version": 1, "history": entries}, indent=2) + "\n", encoding="utf-8")
    PICTURE.write_text(history(entries), encoding="utf-8")


def main() -> None:
    """Count, compare with the newest counts of this interpreter, and keep them if that was asked for."""
    commits = [word for word in sys.argv[1:] if word != "--keep"]
    for commit in commits or ["HEAD"]:
        with checkout_of(commit) as tree:
            counts = counted(tree)
        before = next((e["counts"] for e in reversed(kept()) if e["python"] == interpreter()), {})
        print(commit, *(f"{name}: {count:,}" for name, count in counts.items()), *slower(counts, before), sep="\n")
        if "--keep" in sys.argv:
            names = ("git", "log", "-1", "--format=%h", "--abbrev=12", commit)
            keep(subprocess.run(names, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip(), counts)


if __name__ == "__main__":
    main()
