"""Do the tests notice? Changes one thing at a time in a sample of the sources and runs the tests that reach it.

`scripts/nox -s mutants` measures first which test reaches which line. Each mutant is printed with its place and the
test that killed it; one that no test can tell from the original stands in equivalent.toml with the reason.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from coverage import CoverageData

from mutants.mutations import Mutation, mutations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ROOT / "src" / "ferrule"
EQUIVALENT: Final = Path(__file__).with_name("equivalent.toml")
ROOMS: Final = ("engine", "kinds", "config", "formats", "tools", "toolchain", "app")
SEED: Final = 20261129
GOAL: Final = 0.95
TESTS_A_MUTANT: Final = 120
SECONDS_A_MUTANT: Final = 120.0
CPU_SECONDS: Final = 240  # of one process; a loaded machine is slow, and no mutant dies of that
TIMEOUT: Final = 900


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutation of a module (its path below src/ferrule), the tests that reach it, and what became of it."""

    module: str
    mutation: Mutation
    tests: tuple[str, ...]
    state: str = ""
    killer: str = ""

    @property
    def place(self) -> str:
        return f"src/ferrule/{self.module}:{self.mutation.line}"


def sample(
    rooms: Iterable[str],
    number: int,
    seed: int,
    reach: Mapping[str, Mapping[int, list[str]]],
    seconds: Mapping[str, float],
) -> list[Mutant]:
    """As many mutants of each room, chosen by a seed; the same sources give the same sample."""
    chosen: list[Mutant] = []
    rooms = tuple(rooms)
    for room in rooms:
        files = sorted((SOURCES / room).rglob("*.py"))
        every = [(p.relative_to(SOURCES).as_posix(), m) for p in files for m in mutations(p.read_text("utf-8"))]
        generator = random.Random(f"{seed} {room}")
        for module, mutation in generator.sample(every, min(len(every), -(-number // len(rooms)))):
            own = (Path("tests/unit", module).parent / f"test_{Path(module).name}").as_posix()
            tests = _tests(own if (ROOT / own).is_file() else None, mutation, reach.get(module, {}), seconds)
            chosen.append(Mutant(module, mutation, tests))
    return chosen


def _tests(
    own: str | None, mutation: Mutation, lines: Mapping[int, list[str]], seconds: Mapping[str, float]
) -> tuple[str, ...]:
    """The file of the module's own tests, if there is one, then others that reach the line: the fastest, and not all.

    The own ones all count, for nobody sees what a program reaches that they start. For what runs at import, the others
    are those that reach any line of the module. A fixture that several tests share is set up once, in the first of
    them: what it reaches, every test of that file may notice.
    """
    contexts = set(lines.get(mutation.line, ()))
    if contexts == {""}:  # it runs at import
        contexts = {test for tests in lines.values() for test in tests}
    names = {context.partition("|")[0].partition("[")[0] for context in contexts - {""}}
    shared = {context.partition("::")[0] for context in contexts if context.endswith("|setup")}
    names |= {test for test in seconds if test.partition("::")[0] in shared}
    order = sorted((name for name in names if name.partition("::")[0] != own), key=lambda n: (seconds.get(n, 0.0), n))
    spent = accumulate(seconds.get(name, 0.0) for name in order)
    others = (
        name
        for number, (name, until) in enumerate(zip(order, spent, strict=True))
        if number == 0 or (until <= SECONDS_A_MUTANT and number < TESTS_A_MUTANT)
    )
    return (*((own,) if own else ()), *others)


def read_seconds(report: Path) -> dict[str, float]:
    """How long each test took, all its parameters together, as pytest's report says."""
    seconds: dict[str, float] = {}
    # The file is our own: pytest wrote it a moment ago.
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('file')}::{(case.get('name') or '').partition('[')[0]}"
        seconds[name] = seconds.get(name, 0.0) + float(case.get("time", "0"))
    return seconds


def read_reach(file: Path) -> dict[str, dict[int, list[str]]]:
    """Which tests reach which line of which module, as coverage recorded it in whatever checkout."""
    data = CoverageData(str(file))
    data.read()
    return {name.rpartition("/src/ferrule/")[2]: data.contexts_by_lineno(name) for name in data.measured_files()}


def copy_checkout(folder: Path) -> Path:
    """A copy of everything that Git tracks or would add, in which one file at a time is changed."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    author = ("-c", "user.name=mutants", "-c", "user.email=mutants@example.invalid")
    subprocess.run(["git", *author, "commit", "-q", "-m", "copy"], cwd=folder, check=True)
    return folder


def judge(mutant: Mutant, folder: Path) -> Mutant:
    """Change the copy in `folder`, run the tests that reach the change, and change it back."""
    if not mutant.tests:
        return replace(mutant, state="survived", killer="no test reaches it")
    file = folder / "src" / "ferrule" / mutant.module
    original = file.read_text("utf-8")
    try:
        file.write_text(mutant.mutation.source, "utf-8")
        code, output = _pytest(folder, mutant.tests)
    finally:
        file.write_text(original, "utf-8")
    if code == 0:
        return replace(mutant, state="survived")
    failed = next((line.split()[1] for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))), "")
    failed = failed or ("no end" if code < 0 else f"exit code {code}")
    return replace(mutant, state="killed", killer=failed)


def _pytest(folder: Path, tests: Iterable[str]) -> tuple[int, str]:
    limit = ("sh", "-c", f'ulimit -t {CPU_SECONDS} && exec "$@"', "sh")
    pytest = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=no", "-m", "")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment |= {"PYTHONPATH": str(folder / "src"), "HOME": str(folder.parent)}
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*limit, *pytest, *tests],
        cwd=folder,
        env=environment,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with all that its tests have started
        process.communicate()
        return -1, ""  # it hangs, and that is noticed
    return process.returncode, output


def clean_failures(killers: Iterable[str], folder: Path) -> set[str]:
    """Those of the tests that fail without any mutation: what they killed says nothing."""
    tests = sorted({k.partition("[")[0] for k in killers if "::" in k})
    if not tests or _pytest(folder, tests)[0] == 0:
        return set()
    return {test for test in tests if _pytest(folder, [test])[0]}


def equivalents() -> dict[tuple[str, str], str]:
    """Reasons of mutants that no test can tell from the original, by module and label."""
    document = tomllib.loads(EQUIVALENT.read_text("utf-8"))
    return {(m["module"], m["mutation"]): m["reason"] for m in document.get("mutant", [])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=210, metavar="N", help="mutants in all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--room", action="append", choices=ROOMS, help="only this room")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT / ".coverage", help="what coverage recorded")
    parser.add_argument("--report", type=Path, help="pytest's report (JUnit), for the seconds that each test takes")
    parser.add_argument("--only", action="append", metavar="TEXT", help="only mutants whose place or change has it")
    options = parser.parse_args()
    rooms = tuple(options.room or ROOMS)
    reasons = equivalents()
    seconds = read_seconds(options.report) if options.report else {}
    chosen = [
        mutant
        for mutant in sample(rooms, options.sample, options.seed, read_reach(options.data), seconds)
        if not options.only or any(text in f"{mutant.place} {mutant.mutation.label}" for text in options.only)
    ]
    counted = [m for m in chosen if (m.module, m.mutation.label) not in reasons]
    with tempfile.TemporaryDirectory(prefix="mutants-") as base:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(options.jobs):
            copies.put(copy_checkout(Path(base, str(number), "ferrule")))

        def work(mutant: Mutant) -> Mutant:
            folder = copies.get()
            try:
                verdict = judge(mutant, folder)
            finally:
                copies.put(folder)
            label = " ".join(verdict.mutation.label.split())
            print(f"{verdict.state:8}  {verdict.place}  {label}  {verdict.killer}", flush=True)
            return verdict

        with ThreadPoolExecutor(options.jobs) as pool:
            verdicts = list(pool.map(work, counted))
        failing = clean_failures((v.killer for v in verdicts), copies.get())
    if failing:
        print("these tests fail without any mutation:", *sorted(failing), sep="\n  ")
        return 1
    killed = sum(v.state == "killed" for v in verdicts)
    for room in rooms:
        own = [v for v in verdicts if v.module.split("/")[0] == room]
        print(f"{room:10} {sum(v.state == 'killed' for v in own):4} of {len(own):4}")
    share = killed / len(verdicts)
    print(f"{killed} of {len(verdicts)} mutants died ({share:.1%}); {len(chosen) - len(counted)} are equivalent")
    return 0 if share >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
