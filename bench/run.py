"""Measures Ferrule beside the commands it replaces: python bench/run.py [--quick] [--rounds N] [--publish] [NAME…]."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "bench")]

import peers as other_tools  # noqa: E402 - needs the line above
from figures import Figure, Sample, chart, middle, ratios, seconds, table, total  # noqa: E402 - needs the line above

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from peers import Peer

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "benchmarks.svg"
FERRULE = (sys.executable, "-m", "ferrule")
MANY = 3  # targets, of which a cold build takes minutes: it is measured once
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"
APART = {
    "calls-": "<!-- measured calls -->\n",
    "sealing-": "<!-- measured sealing -->\n",
    "signals-": "<!-- measured signals -->\n",
    "machines-": "<!-- measured machines -->\n",
    "scale-": "<!-- measured scale -->\n",
}


@dataclass(slots=True)
class Bench:
    """A run of measurements: how often, in which folder, and what has to be said besides the figures."""

    folder: Path
    rounds: int | None
    quick: bool
    notes: list[str] = field(default_factory=list)

    def times(self, usual: int, quick: int) -> int:
        """How often to measure something that is usually measured that often."""
        return self.rounds or (quick if self.quick else usual)

    @property
    def log(self) -> Path:
        """What the measured commands say."""
        return RESULTS / "last.log"


def main() -> None:
    """Measure what was asked for, print the table and write bench/results."""
    options = arguments()
    names = options.names or [name for name in FIGURES if not (options.quick and name in COLD)]
    RESULTS.mkdir(exist_ok=True)
    os.environ["FERRULE_MACHINE_CACHE"] = "off"  # but for what measures it, nothing is made beforehand
    with tempfile.TemporaryDirectory(prefix="ferrule-bench-") as folder:
        bench = Bench(Path(folder), options.rounds, options.quick)
        bench.log.write_bytes(b"")
        measured: dict[str, Measured] = {}
        for name in names:
            print(f"measuring {name} …", file=sys.stderr)
            before = len(bench.notes)
            figures = FIGURES[name](bench)
            measured[name] = Measured(tuple(figures), tuple(bench.notes[before:]))
            if not options.quick:
                keep(known() | measured)
    if options.quick:
        print("- a quick run: fewer rounds, no cold builds unless they were named, and nothing is kept")
    print(table([figure for one in measured.values() for figure in one.figures]), end="")
    print("".join(f"- {note}\n" for note in bench.notes), end="")
    if options.publish and not options.quick:
        publish(known())


@dataclass(frozen=True, slots=True)
class Measured:
    """What one name was measured to be, and what has to be said of it."""

    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()


def known() -> dict[str, Measured]:
    """What was measured last of each name, in the order of the table; nothing of names that are no more."""
    file = RESULTS / "latest.json"
    rows = json.loads(file.read_text(encoding="utf-8")).get("measured", {}) if file.exists() else {}
    return {
        name: Measured(tuple(Figure(**row) for row in rows[name]["figures"]), tuple(rows[name]["notes"]))
        for name in FIGURES
        if name in rows
    }


def keep(measured: Mapping[str, Measured]) -> None:
    """Write what was measured, so that a run that ends early loses nothing."""
    rows = {name: asdict(measured[name]) for name in FIGURES if name in measured}
    text = json.dumps({"version": 2, "machine": machine(), "measured": rows}, indent=2, ensure_ascii=False)
    (RESULTS / "latest.json").write_text(f"{text}\n", encoding="utf-8")
    figures = [figure for one in measured.values() for figure in one.figures]
    (RESULTS / "latest.svg").write_text(chart(figures), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="--compare COMMIT [COMMIT] compares two commits instead: bench/compare.py."
    )
    parser.add_argument(
        "names", nargs="*", choices=[[], *FIGURES], metavar="NAME", help=f"of {', '.join(FIGURES)}; all"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and no cold builds unless they are named")
    parser.add_argument("--rounds", type=int, help="how often each command is run")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md too")
    return parser.parse_args()


def publish(measured: Mapping[str, Measured]) -> None:
    """Put tables and picture where readers find them; a table of which nothing was measured stays as it is."""
    found = [figure for one in measured.values() for figure in one.figures]
    beside = [f for f in found if not f.name.startswith(tuple(APART))]
    facts = f"\nMachine: {', '.join(machine().values())}.\n\n"
    text = PAGE.read_text(encoding="utf-8")
    if beside:
        said = "".join(f"- {note}\n" for one in measured.values() for note in one.notes)
        picture = "![Each figure as a share of its goal](images/benchmarks.svg)\n\n"
        text = between(text, BEGIN, f"{facts}{picture}{table(beside)}\n{said}\n")
        PICTURE.write_text(chart(beside), encoding="utf-8")
    for name, begin in APART.items():
        those = [f for f in found if f.name.startswith(name)]
        if those:
            text = between(text, begin, f"{facts}{table(those)}\n")
    PAGE.write_text(text, encoding="utf-8")


def between(text: str, begin: str, body: str) -> str:
    """A page with something else between a mark and the end that follows it."""
    before, mark, rest = text.partition(begin)
    after = rest.partition(END)[2]
    return before + mark + body + END + after


def machine() -> dict[str, str]:
    """What a reader has to know of the machine; no name and no path of it."""
    from ferrule import __version__  # noqa: PLC0415 - not needed for --help

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": f"{cores()} cores",
        "python": f"Python {platform.python_version()}",
        "ferrule": f"ferrule {__version__}",
    }


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Running


def run(bench: Bench, argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run a command to its end; its CPU time is that of all its descendants. Ends the program if it fails."""
    given = dict(os.environ if env is None else env)
    given["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT / "src"), given.get("PYTHONPATH"))))
    with bench.log.open("ab") as log:
        log.write(f"$ {' '.join(map(str, argv))}\n".encode())
        log.flush()
        started = time.monotonic()
        child = subprocess.Popen(
            list(map(str, argv)), cwd=cwd, env=given, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{argv[0]} ended with {child.returncode}; {bench.log} has what it said")
    return Sample(wall, usage.ru_utime + usage.ru_stime)


def together(rounds: int, *measures: Callable[[], Sample]) -> list[list[Sample]]:
    """Measure several things by turns, in one order and then in the other, so that none always meets a warm machine."""
    found: list[list[Sample]] = [[] for _ in measures]
    for number in range(rounds):
        pairs = list(zip(found, measures, strict=True))
        for samples, measure in pairs if number % 2 else reversed(pairs):
            samples.append(measure())
    return found


# Start-up


def start(bench: Bench) -> list[Figure]:
    """What commands cost that only look, beside the bare interpreter."""
    count = bench.times(41, 11)

    def ferrule(*arguments: str) -> Callable[[], Sample]:
        return lambda: run(bench, (*FERRULE, *arguments), ROOT)

    def bare() -> Sample:
        return run(bench, (sys.executable, "-c", "pass"), ROOT)

    def completion() -> Sample:
        words = {"_FERRULE_COMPLETE": "bash_complete", "COMP_WORDS": "ferrule build ", "COMP_CWORD": "2"}
        return run(bench, FERRULE, ROOT, {**os.environ, **words})

    goals = {"--version": 20.0, "--help": 60.0, "check": 150.0, "plan": 150.0, "build <Tab>": 60.0}
    measures = (bare, *(ferrule(command) for command in list(goals)[:-1]), completion)
    for measure in measures:
        measure()
    other, *looks = together(count, *measures)
    figures = []
    for (command, goal), samples in zip(goals.items(), looks, strict=True):
        cpu, least = middle(samples).cpu * 1000, middle(other).cpu * 1000
        what = f"ferrule {command}, CPU time"
        detail = f"{cpu / least:.1f} times bare Python's {least:.0f} ms, {count} rounds"
        figures.append(Figure(f"start-{command.split()[0].strip('-')}", what, cpu, "ms", goal, detail))
    return figures


# Planning


def planning(bench: Bench) -> list[Figure]:
    """A plan for a thousand targets, and how it grows to ten thousand."""
    count = bench.times(7, 3)
    argv = (sys.executable, str(ROOT / "bench" / "many.py"))
    told = {n: [told_by((*argv, str(n))) for _ in range(count)] for n in (1000, 10_000)}
    small, large = (min(t["plan"] for t in told[n]) for n in (1000, 10_000))
    peaks = {n: max(t["peak"] for t in told[n]) for n in told}
    actions = int(told[10_000][0]["actions"])
    return [
        Figure(
            *("plan-cpu", "planning 10,000 targets, CPU time", large, "s", 0.2),
            f"{actions:,} actions, {large / actions * 1e6:.0f} µs each; the best of {count}",
        ),
        Figure(
            *("plan-growth", "planning 10,000 targets to 1,000", large / small, "x", 11.0),
            f"{large * 1000:.0f} ms to {small * 1000:.0f} ms, the best of {count}; linear is 10",
        ),
        Figure(
            *("plan-memory", "memory at its peak, 10,000 targets", peaks[10_000], "MiB", 300),
            f"{peaks[1000]:.0f} MiB for 1,000",
        ),
    ]


def told_by(argv: Sequence[str], **variables: str) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **variables}
    done = subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{argv[-1]} ended with {done.returncode}: {done.stderr[-3000:]}")
    return {str(k): float(v) for k, v in json.loads(done.stdout).items()}


# What the engine and packing cost


def engine(bench: Bench) -> list[Figure]:
    """Nothing to do, with many actions and with many files; how fast files are hashed."""
    costs = {name: cost(bench, name) for name in ("actions", "files", "hash")}
    rate = costs["hash"]["theirs"] / costs["hash"]["ours"]
    many = big(bench, "actions")
    return [
        Figure(
            *("noop-action", "10,000 actions with nothing to do, CPU time of one", costs["actions"]["milliseconds"]),
            *("ms", 1.0, "the engine alone, everything imported"),
        ),
        Figure(
            *("noop-files", "30,000 source files with nothing to do, CPU time", costs["files"]["seconds"], "s", 0.25),
            "ferrule release with pretended compilers, start-up included; the median of 5",
        ),
        Figure(
            *("noop-actions", f"{many['count']:,.0f} actions with nothing to do, CPU time", many["seconds"], "s", 0.4),
            "ferrule release with pretended compilers, start-up included; the median of 5",
        ),
        Figure(
            *("hash-rate", "hashing a file to openssl doing it, CPU time", rate, "x", 1.25),
            f"{costs['hash']['ours']:.0f} MiB/s to {costs['hash']['theirs']:.0f} MiB/s",
        ),
    ]


def packing(bench: Bench) -> list[Figure]:
    """A large wheel, and an image for two architectures."""
    large, two = cost(bench, "wheel"), cost(bench, "image")
    return [
        Figure(
            *("wheel-cpu", "200 MiB of libraries into a wheel, CPU time", large["seconds"], "s", 2.0),
            f"{large['packed']:.0f} MiB when packed",
        ),
        Figure(
            *("image-cpu", "an image of 2 x 20 MiB for two architectures, CPU time", two["seconds"], "s", 1.0),
            "layers, configurations, manifests and index",
        ),
    ]


def large(bench: Bench) -> list[Figure]:
    """What a build prints, a library in packages, and a release that is verified, when they are large."""
    printed, few = big(bench, "output"), bench.quick
    packages = big(bench, "packages", *(["64"] if few else []))
    plain, packed = big(bench, "plain", *(["1"] if few else [])), big(bench, "packed", *(["64"] if few else []))
    three = sum(packages[name] for name in ("sdk-py", "sdk-c", "image"))
    passes = packages["hash"] + 3 * packages["compress"]
    return [
        *(
            Figure(
                *(f"big-output{kind}", f"300 MB that a compiler prints to cat into a file, {words}"),
                *(printed[f"ours{kind}"] / printed[f"theirs{kind}"], "x", 2.0),
                f"{seconds(printed[f'ours{kind}'])} to {seconds(printed[f'theirs{kind}'])} by a pipe, the best of 5",
            )
            for kind, words in (("-wall", "wall time"), ("", "CPU time"))
        ),
        Figure(
            *("big-output-memory", "memory at its peak, 300 MB that a compiler prints", printed["peak"], "MiB", 64),
            "the process that reads it",
        ),
        Figure(
            *("big-packing", "a library in wheel, SDK and image to one pass each, CPU time"),
            *(three / passes, "x", 1.5),
            f"{packages['gib']:.2g} GiB; {seconds(three)}, start-up included, to {seconds(packages['hash'])} to hash "
            f"it and 3 x {seconds(packages['compress'])} to compress it",
        ),
        Figure(
            *("big-packing-memory", "memory at its peak, a library in wheel, SDK and image", packages["peak"], "MiB"),
            *(128, f"{packages['gib']:.2g} GiB; most of it is the program itself"),
        ),
        Figure(
            *("big-verify", f"verifying {plain['gib']:.0f} GiB of files to hashing them, CPU time"),
            *(plain["ours"] / plain["theirs"], "x", 1.1),
            f"{seconds(plain['ours'])} to {seconds(plain['theirs'])}, the better of 2",
        ),
        Figure(
            *("big-verify-packed", "verifying packages to one pass each, CPU time"),
            *(packed["ours"] / packed["theirs"], "x", 1.1),
            f"{seconds(packed['ours'])} to {seconds(packed['theirs'])} to hash and unpack wheel, SDK and image with "
            f"{packed['mib']:.0f} MiB in each, and to hash that; the better of 2",
        ),
    ]


def big(bench: Bench, name: str, *numbers: str) -> dict[str, float]:
    """A measurement of something large, in a process of its own; a tenth of the actions in a quick run."""
    arguments = ("108",) if bench.quick and name == "actions" else numbers
    return told_by((sys.executable, str(ROOT / "bench" / "big.py"), name, *arguments))


def cost(bench: Bench, name: str) -> dict[str, float]:
    """The best of some rounds, each in a process of its own."""
    argv = (sys.executable, str(ROOT / "bench" / "engine.py"), name)
    rounds = [told_by(argv) for _ in range(bench.times(1 if name == "actions" else 3, 1))]  # that takes a minute
    return min(rounds, key=lambda told: told.get("seconds", told.get("milliseconds", -told.get("ours", 0.0))))


# Past one machine


def schedule(bench: Bench) -> list[Figure]:
    """A hundred targets of known durations on four jobs, and on four workers, to what no schedule could beat."""
    rounds = [machines("schedule") for _ in range(bench.times(1, 1))]
    least = 1 / 0.95
    ideal, listed, work = (rounds[0][name] for name in ("bound", "listed", "work"))
    found = []
    for name, where in (("local", "4 jobs"), ("workers", "4 workers")):
        took = min(told[name] for told in rounds)
        said = f"{seconds(took)} to {seconds(ideal)}; {seconds(work)} of work, an ideal list schedule {seconds(listed)}"
        what = f"100 targets on {where} to the bound of any schedule, wall time"
        found.append(Figure(f"machines-{name}", what, took / ideal, "x", least, said))
    return found


def merge(bench: Bench) -> list[Figure]:
    """A thousand shards of 10 MiB merged, to hashing them; and the memory it takes."""
    few, many = machines("merge", "10" if bench.quick else "100"), machines("merge", "100" if bench.quick else "1000")
    counts = [f"{told['shards']:,.0f}" for told in (few, many)]
    return [
        Figure(
            *("machines-merge", f"merging {counts[1]} shards to hashing their contents, wall time"),
            *(many["merge"] / many["hash"], "x", 1.1),
            f"{seconds(many['merge'])} to {seconds(many['hash'])}, {many['gib']:.1f} GiB; the better of 2",
        ),
        Figure(
            *("machines-merge-cpu", f"merging {counts[1]} shards to hashing their contents, CPU time"),
            *(many["merge-cpu"] / many["hash-cpu"], "x", 1.1),
            f"{seconds(many['merge-cpu'])} to {seconds(many['hash-cpu'])}",
        ),
        Figure(
            *("machines-merge-memory", f"memory at its peak, merging {counts[1]} shards to {counts[0]}"),
            *(many["peak"] / few["peak"], "x", 1.2),
            f"{many['peak']:.0f} MiB to {few['peak']:.0f} MiB",
        ),
    ]


def cluster(bench: Bench) -> list[Figure]:
    """What it costs to have an action made by a worker."""
    rounds = [machines("cluster") for _ in range(bench.times(3, 1))]
    chain, alone, many, local = (min(told[name] for told in rounds) for name in ("chain", "alone", "workers", "local"))
    rate = max(told["mib"] for told in rounds)
    return [
        Figure(
            *(
                "machines-action",
                "an action that does nothing, on a worker, more than here",
                (chain - alone) * 1000,
                "ms",
            ),
            *(None, f"{seconds(chain)} to {seconds(alone)}, one after another, each sent what the last one made"),
        ),
        Figure(
            *("machines-actions", "200 actions that do nothing, on 4 workers, each", many * 1000, "ms"),
            *(None, f"{seconds(local)} each on one job here; scheduler, workers and client share this machine"),
        ),
        Figure(
            *("machines-content", "bringing home what a worker made, 20 MiB", 20 / rate, "s"),
            *(None, f"{rate:.0f} MiB a second, over loopback"),
        ),
    ]


def machines(name: str, *numbers: str) -> dict[str, float]:
    """A measurement in a process of its own."""
    return told_by((sys.executable, str(ROOT / "bench" / "several_machines.py"), name, *numbers))


# Many actions over a slow and lossy link


def scale(bench: Bench) -> list[Figure]:
    """A thousand actions on workers behind a link that delays and loses; ten thousand on more, by what one costs."""
    from link import ALONE, problem  # noqa: PLC0415 - not for other systems

    refused = problem()
    if refused:
        bench.notes.append(f"scale: not measured, as there can be no network namespaces here: {refused}")
        return []

    def alone(name: str) -> dict[str, float]:
        argv = (*ALONE, sys.executable, str(ROOT / "bench" / "scale.py"), name)
        return told_by(argv, TMPDIR=str(bench.folder))

    many, lost, orders = (alone(name) for name in ("cluster", "losses", "orders"))
    figures = [*over_a_link(many), *workers_lost(lost)]
    if shutil.which("nginx") is None:
        bench.notes.append("scale: nginx is not installed, so the remote cache was not measured")
    else:
        figures += cache_over_a_link(alone("remote"))
    plan = min(told_by((sys.executable, str(ROOT / "bench" / "many.py"), "10000"))["plan"] for _ in range(3))
    return [*figures, *simulated(many, orders, plan)]


def over_a_link(many: Mapping[str, float]) -> list[Figure]:
    """What the link costs a run on workers."""
    how = "netem" if many["netem"] else "a program that forwards the packets"
    arrived, different, whole = (f"{many[name] / (1 << 20):.0f} MiB" for name in ("arrived", "contents", "all"))
    return [
        Figure(
            *("scale-schedule", "1,000 actions on 4 workers, 20 ms and 2 % loss away, to the bound of any schedule"),
            *(many["seconds"] / many["bound"], "x", 1 / 0.9),
            f"{seconds(many['seconds'])} to {seconds(many['bound'])}, wall time; the link is {how}",
        ),
        Figure(
            *("scale-bytes", "bytes that came in by the link for them, to those of different contents"),
            *(many["arrived"] / many["contents"], "x", 1.1),
            f"{arrived} to {different}; each as often as it was made would be {whole}",
        ),
    ]


def workers_lost(lost: Mapping[str, float]) -> list[Figure]:
    """What a worker that is killed costs."""
    what = f"actions made again that no lost worker had, {lost['killed']:.0f} workers killed one after another"
    detail = f"{lost['own']:.0f} of theirs: what ran, and what was on its way home"
    return [Figure("scale-lost", what, lost["others"], "actions", 0.0, detail)]


def cache_over_a_link(cost: Mapping[str, float]) -> list[Figure]:
    """What a remote cache takes, to the same bytes by plain connections and the ways of its requests."""
    figures = []
    for name, words in (
        ("put", "1,000 results put into a remote cache"),
        ("bring", "1,000 results brought from there"),
    ):
        parallel, requests = cost[f"{name}-parallel"], cost[f"{name}-requests"]
        ways = requests * 0.04 / parallel
        least, took = cost[f"{name}-plain"] + ways, cost[f"{name}-seconds"]
        arrived = cost[f"{name}-arrived"] / cost["contents"]
        figures += [
            Figure(
                *(
                    f"scale-{name}",
                    f"{words} over this link, to plain connections and the ways of {requests:,.0f} requests",
                ),
                *(took / least, "x", 1 / 0.9),
                f"{seconds(took)} to {seconds(cost[f'{name}-plain'])} + {seconds(ways)}, {parallel:.0f} at once",
            ),
            Figure(
                *(
                    f"scale-{name}-bytes",
                    f"{words}, bytes by the link to those of different contents",
                    arrived,
                    "x",
                    1.1,
                ),
                f"{cost[f'{name}-arrived'] / (1 << 20):.0f} MiB",
            ),
        ]
    return figures


def simulated(many: Mapping[str, float], orders: Mapping[str, float], plan: float) -> list[Figure]:
    """What ten thousand actions would take, and what limits them."""
    from simulated import Costs, drawn, makespan  # noqa: PLC0415 - as the others

    few, most = (orders[count] * 1000 for count in ("1000", "5000"))
    growth = Figure(
        *("scale-orders", "what the client computes for one of 5,000 actions, to one of 1,000", most / few, "x", 1.1),
        f"{most:.2f} ms to {few:.2f} ms, workers that take no time",
    )
    costs = Costs(plan, many["client"], many["scheduler"], many["contents"] / 300, 125e6, 0.02)
    figures = [growth]
    for mean in (many["work"] / 1000, 30.0):
        durations = drawn(10_000, mean)
        for workers in (10, 100):
            alone = costs.alone(durations, workers)
            parts = ", ".join(f"{name} {seconds(value)}" for name, value in alone.items())
            ratio = makespan(durations, workers, costs) / alone["work"]
            what = f"10,000 actions of {seconds(mean)} on {workers} workers to the bound, simulated"
            figures.append(Figure(f"scale-{workers}-{mean:.0f}", what, ratio, "x", None, f"alone: {parts}"))
    return figures


# The same commands without Ferrule


@dataclass(frozen=True, slots=True)
class Raw:
    """A command as a log of Ferrule says it, to be typed at a shell: without the jobserver that was there then."""

    argv: tuple[str, ...]
    cwd: Path
    env: dict[str, str]

    def elsewhere(self, *moves: tuple[Path, Path]) -> Raw:
        """The same in other folders."""

        def moved(text: str) -> str:
            for before, after in moves:
                text = text.replace(str(before), str(after))
            return text

        variables = {name: moved(value) for name, value in self.env.items()}
        return Raw(tuple(map(moved, self.argv)), Path(moved(str(self.cwd))), variables)


def logged(root: Path, action: str) -> Raw:
    """What Ferrule had Cargo compile for an action, by the log of its last run there."""
    from ferrule.core.safe_files import STATE  # noqa: PLC0415
    from ferrule.engine.state import log_file, logs_folder, work_folder  # noqa: PLC0415
    from ferrule.tools.zig import LINK_OBJECT  # noqa: PLC0415

    log = log_file(logs_folder(work_folder(root / STATE)), action)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    for line in (line for line in lines if line.startswith("$ cd ") and " --crate-type " in line):
        _, _, folder, _, *words = shlex.split(re.sub(r"\$'((?:[^'\\]|\\.)*)'", plain_quotes, line))
        count = next(n for n, word in enumerate(words) if "=" not in word)
        variables = dict(word.split("=", 1) for word in words[:count])
        free = {n: value for n, value in variables.items() if not n.endswith("MAKEFLAGS") and n != LINK_OBJECT}
        return Raw(tuple(without_object(words[count:])), Path(folder), {**os.environ, **free})
    sys.exit(f"{log} names no call of Cargo: delete .ferrule in {root}, and measure again")


def without_object(argv: Sequence[str]) -> Iterator[str]:
    """A command without the list of crates that Ferrule has linked in: it was in the folder of the action."""
    from ferrule.tools.zig import LINK_MARK  # noqa: PLC0415

    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        if LINK_MARK not in word and not (word == "-C" and LINK_MARK in following):
            yield word


def plain_quotes(quoted: re.Match[str]) -> str:
    """A word in the quotes of shells that know escapes ($'…') in those that all know."""
    return shlex.quote(quoted[1].encode().decode("unicode_escape"))


def copy_named(commands: Sequence[Raw], moves: tuple[tuple[Path, Path], ...]) -> None:
    """Copy files that commands name (scripts of the linker, lists of symbols) to where those moved look for them."""
    words = [word for command in commands for word in (*command.argv, *command.env.values())]
    for before, after in moves:
        for name in {name for word in words for name in re.findall(rf"{re.escape(str(before))}/[^\s=,:]+", word)}:
            source, target = Path(name), after / Path(name).relative_to(before)
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)


def native_libraries(*systems: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The libraries of this repository, and its targets of these systems."""
    from ferrule.app.release import run as release  # noqa: PLC0415
    from ferrule.core.platforms import PLATFORMS  # noqa: PLC0415

    config = release.load(ROOT)
    triples = tuple(t.triple for t in config.targets if PLATFORMS[t.triple].system in systems)
    return tuple(a.name for a in config.artifacts if a.kind.name == "library"), triples


# Nothing to do


def idle(bench: Bench) -> list[Figure]:
    """A release of which everything is there, beside Cargo finding the same out for Linux alone, and through nox."""
    count = bench.times(9, 3)
    run(bench, (*FERRULE, "release", "--offline"), ROOT)
    libraries, triples = native_libraries("linux")
    commands = [logged(ROOT, f"{name}@{triple}") for name in libraries for triple in triples]

    def ours() -> Sample:
        return run(bench, (*FERRULE, "release", "--offline"), ROOT)

    def theirs() -> Sample:
        return total([run(bench, c.argv, c.cwd, c.env) for c in commands])

    theirs()
    size = bench.log.stat().st_size
    theirs()
    if b"Compiling" in bench.log.read_bytes()[size:]:
        sys.exit("the raw commands had something to do, so the two cannot be compared")
    ours()
    mine, other = together(count, ours, theirs)
    words = f"nothing to do: release of everything to {len(commands)} Cargo calls for Linux"
    took = f"everything, start-up included, the median of {count}"
    found = [
        Figure("idle", "nothing to do: release, wall time", middle(mine).wall * 1000, "ms", 60.0, took),
        Figure("idle-cpu", "nothing to do: release, CPU time", middle(mine).cpu * 1000, "ms", 40.0, took),
        *stats_of_a_file(bench),
        *ratios("idle", words, mine, other, wall=0.2),
    ]
    if not (ROOT / ".nox" / "release" / "installed").is_file():
        bench.notes.append("`nox -s release` with nothing to do: not measured, its environment is not set up")
        return found
    argv = (ROOT / "scripts" / "nox", "-s", "release")
    run(bench, argv, ROOT)
    through = [run(bench, argv, ROOT) for _ in range(count)]
    return [
        *found,
        Figure(
            "nox", "nothing to do: scripts/nox -s release, wall time", middle(through).wall * 1000, "ms", 200.0, took
        ),
    ]


def stats_of_a_file(bench: Bench) -> list[Figure]:
    """How often a release with nothing to do asks the system about a file, for each file that Git tracks."""
    strace = shutil.which("strace")
    if strace is None:
        bench.notes.append("strace: not installed, so the calls of a release with nothing to do were not counted")
        return []
    summary = bench.folder / "calls"
    run(bench, (strace, "-f", "-c", "-e", "trace=%%stat", "-o", summary, *FERRULE, "release", "--offline"), ROOT)
    calls = sum(int(line.split()[3]) for line in summary.read_text().splitlines() if "stat" in line.split()[-1:][0])
    files = len(tracked())
    what = "nothing to do: release, questions about files to files of the project"
    return [Figure("idle-stats", what, calls / files, "x", 1.2, f"{calls:,} to {files:,}")]


def peers(bench: Bench) -> list[Figure]:
    """A release with nothing to do, and an image for two architectures, beside other tools that are installed."""
    count = bench.times(5, 1)
    idlers, packers = other_tools.prepare(bench.folder, ROOT, copy_checkout, bench.notes)

    def again(peer: Peer) -> Sample:
        return run(bench, peer.argv, peer.cwd, peer.env)

    def ours() -> Sample:
        return run(bench, (*FERRULE, "release", "--offline"), ROOT)

    found: list[Figure] = []
    ours()
    for peer in idlers:
        again(peer)  # this one has something to do
        mine, other = together(
            count, lambda: run(bench, (*FERRULE, "release", "--offline"), ROOT), partial(again, peer)
        )
        words = f"nothing to do: release of everything to {peer.what}"
        found += ratios(f"idle-{peer.name}", words, mine, other, wall=1 / 7 if peer.name == "goreleaser" else None)
    for peer in packers:
        again(peer)
        took = middle([again(peer) for _ in range(count)])
        words = f"an image of 20 MiB, {peer.what}, wall time"
        found.append(
            Figure(f"image-{peer.name}", words, took.wall, "s", None, "for comparison; see above for both by ferrule")
        )
    return found


# Cold builds


def linux(bench: Bench) -> list[Figure]:
    """The Linux libraries from nothing."""
    return cold(bench, "linux", "linux")


def native(bench: Bench) -> list[Figure]:
    """All native libraries from nothing."""
    return cold(bench, "native", "linux", "macos")


def cold(bench: Bench, name: str, *systems: str) -> list[Figure]:
    """Libraries by Ferrule with nothing but tools and standard libraries, beside the same commands typed."""
    nothing = partial(fresh, bench, kept=("tools", "std"))
    libraries, triples = native_libraries(*systems)
    libraries = libraries[:1]  # the others are compiled in the same way
    words = [word for triple in triples for word in ("--target", triple)]

    def build(root: Path, cache: Path) -> Sample:
        argv = (*FERRULE, "build", *words, *libraries)
        return run(bench, argv, root, {**os.environ, "FERRULE_CACHE": str(cache)})

    def ours() -> Sample:
        with nothing() as folders:
            return build(*folders)

    with nothing() as (root, cache):
        build(root, cache)  # it fetches the crates, and says what the commands are
        commands = [logged(root, f"{library}@{triple}") for library in libraries for triple in triples]

        def raw(all_of: Callable[[list[Callable[[], Sample]]], Sample]) -> Sample:
            with nothing() as (there, cache_there):
                moves = ((root, there), (cache, cache_there))
                moved = [command.elsewhere(*moves) for command in commands]
                copy_named(commands, moves)
                return all_of([partial(run, bench, c.argv, c.cwd, c.env) for c in moved])

        mine, row, once = together(
            bench.times(2 if len(triples) < MANY else 1, 1),
            ours,
            lambda: raw(lambda each: total([one() for one in each])),
            lambda: raw(at_once),
        )
    title = f"cold build, {len(triples)} targets, to the same {len(triples)} commands"
    return [
        *ratios(name, f"{title} in a row", mine, row, wall=0.63, cpu=0.85),
        *ratios(f"{name}-at-once", f"{title} all at once", mine, once, wall=0.85 if len(triples) < MANY else 0.75),
    ]


def once(bench: Bench) -> list[Figure]:
    """What is not made twice on a machine."""
    import once as on_a_machine  # noqa: PLC0415

    def release(root: Path, environment: Mapping[str, str], name: str) -> Sample:
        return run(bench, (*FERRULE, "release", "--json", *filter(None, [name])), root, environment)

    releases = on_a_machine.Releases(partial(fresh, bench), release, bench.log)
    small = ROOT / "tests" / "targets" / "workspaces" / "program"
    return [
        *on_a_machine.clones(releases, "email-validator", "rust/email-validator/src/lib.rs"),
        *on_a_machine.others(releases, small),
    ]


def sccache(bench: Bench) -> list[Figure]:
    """The Linux libraries from nothing, but with what sccache has kept of an earlier build in a folder of this name."""
    from compiler_cache import served  # noqa: PLC0415

    libraries, triples = native_libraries("linux")
    libraries = libraries[:1]
    words = [word for triple in triples for word in ("--target", triple)]

    def build(env: Mapping[str, str]) -> Sample:
        with fresh(bench, name="kept") as (root, cache):
            environment = {**os.environ, **env, "FERRULE_CACHE": str(cache)}
            return run(bench, (*FERRULE, "build", "--offline", *words, *libraries), root, environment)

    with served(bench.folder / "sccache") as env:
        if env is None:
            bench.notes.append("sccache: not installed, not measured")
            return []
        build({})  # fetches the crates
        first = build(env)
        mine, other = together(bench.times(1, 1), lambda: build(env), lambda: build({}))
    with_it = f"cold build, {len(triples)} targets, with what sccache keeps, to one without"
    # What the server computes is none of the build's: only the clock tells.
    wall, _ = ratios("sccache", with_it, mine, other)
    filling = middle(other).wall
    return [
        wall,
        Figure(
            *("sccache-empty", f"cold build, {len(triples)} targets, that fills sccache, to one without, wall time"),
            *(first.wall / filling, "x", None, f"{seconds(first.wall)} to {seconds(filling)}"),
        ),
    ]


def at_once(measures: Sequence[Callable[[], Sample]]) -> Sample:
    """What several commands cost that are started together, as by `&` in a shell."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    started = time.monotonic()
    with ThreadPoolExecutor(len(measures)) as pool:
        samples = list(pool.map(lambda one: one(), measures))
    return Sample(time.monotonic() - started, total(samples).cpu)


@contextmanager
def fresh(bench: Bench, name: str = "", kept: Sequence[str] = ("tools",)) -> Iterator[tuple[Path, Path]]:
    """A copy of the tracked files with nothing built, and a cache with what is `kept` of this machine's.

    With a name, they are always at the same path.
    """
    from ferrule.cli import environment as process  # noqa: PLC0415

    folder = bench.folder / name if name else Path(tempfile.mkdtemp(prefix="cold-", dir=bench.folder))
    try:
        root, cache = folder / "checkout", folder / "cache"
        copy_checkout(root)
        cache.mkdir()
        for part in kept:
            (cache / part).symlink_to(process.cache_folder(dict(os.environ)).absolute() / part)
        yield root, cache
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_checkout(target: Path) -> None:
    """Copy what git tracks, as it stands in the working folder."""
    for name in tracked():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def tracked() -> list[str]:
    """The names of the files that Git tracks."""
    said = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, check=True, capture_output=True).stdout
    return [name for name in said.decode().split("\0") if name]


# Calls of the library


def calls(bench: Bench) -> list[Figure]:
    """A call of the library, by every road that users have, beside cgo."""
    from calls import cost, roads  # noqa: PLC0415

    run(bench, (*FERRULE, "release", "email-validator"), ROOT)
    made = roads.built(ROOT, bench.folder / "calls", tools_of(ROOT, "--with", "go", "--with", "node"))
    return cost.figures(roads.rounds(made, bench.times(9, 1)))


def sealing(bench: Bench) -> list[Figure]:
    """A call of sealed-box, by every way that users have, beside cgo."""
    from calls import cost, roads  # noqa: PLC0415
    from calls import sealing as sealed  # noqa: PLC0415

    run(bench, (*FERRULE, "release", "sealed-box"), ROOT)
    made = sealed.built(ROOT, bench.folder / "sealing", tools_of(ROOT, "--with", "go", "--with", "node"))
    return cost.figures(roads.rounds(made, bench.times(9, 1)), sealed.TABLE)


def signals(bench: Bench) -> list[Figure]:
    """signal-stats from Go beside cgo, and from Python beside NumPy, where it is installed."""
    from calls import numerics, roads  # noqa: PLC0415

    run(bench, (*FERRULE, "release", "signal-stats"), ROOT)
    made = numerics.built(ROOT, bench.folder / "signals", tools_of(ROOT, "--with", "go")["go"])
    if "numpy" not in made:
        bench.notes.append("signals: this Python has no NumPy, so nothing was measured beside it")
    return numerics.figures(roads.rounds(made, bench.times(9, 1)))


# Extension modules


def wheels(bench: Bench) -> list[Figure]:
    """Wheels of an extension module for five Pythons, beside maturin that links by zig too, both from nothing."""
    from ferrule.cli.environment import run_context  # noqa: PLC0415 - not for --help
    from ferrule.tools import maturin, zig  # noqa: PLC0415

    host = run_context(jobs=None, offline=True, rust_source=None).host
    linker, program = (
        Path(tool.find(host, tool.TOOL.version).argv[0])  # type: ignore[union-attr]
        for tool in (zig, maturin)
    )
    target = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}[platform.machine()]
    folders = [bench.folder / name for name in ("wheels-ferrule", "wheels-maturin")]
    for folder in folders:
        shutil.copytree(ROOT / "tests" / "targets" / "workspaces" / "extension", folder)
    ours, theirs = folders
    text = (ours / "targets.yaml").read_text()
    (ours / "targets.yaml").write_text(text.replace("x86_64-pc-windows-gnullvm: {}", f'{target}: {{glibc: "2.17"}}'))
    run(bench, (*FERRULE, "setup"), ours)
    tools = tools_of(ours)
    names = ("3.10", "3.11", "3.12", "3.13", "3.14")
    maturin.hide_interpreters(theirs / "interpreters", [f"python{name}" for name in names])
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(theirs / "interpreters"), str(Path(tools["cargo"]).parent), os.environ["PATH"])),
        "CARGO_ZIGBUILD_ZIG_PATH": str(linker),
        "RUSTC": tools["rustc"],  # the same compiler: two of one version may be optimized differently
    }
    options = ("build", "--zig", "--release", "--locked", "--target", target, "--compatibility", "manylinux2014")
    command = (program, *options, "--out", "wheels", *(word for name in names for word in ("-i", f"python{name}")))
    mine, other = run(bench, (*FERRULE, "build", "ext", "-o", "wheels"), ours), run(bench, command, theirs, environment)
    made = [sorted((folder / "wheels").rglob("*.whl")) for folder in folders]
    if [path.name for path in made[0]] != [path.name for path in made[1]]:
        bench.notes.append(f"wheels: the names differ: {[[path.name for path in paths] for paths in made]}")
    sizes = [sum(path.stat().st_size for path in paths) / 1024 for paths in made]
    figures = ratios(
        "wheels", f"{len(made[0])} wheels of an extension module to maturin --zig", [mine], [other], cpu=1.1
    )
    what = "the same wheels, size (with licences, bill and list of crates) to those of maturin"
    detail = f"{sizes[0]:.0f} KiB to {sizes[1]:.0f} KiB"
    return [*figures, Figure("wheels-size", what, sizes[0] / sizes[1], "x", None, detail)]


def tools_of(project: Path, *options: str) -> dict[str, str]:
    """Paths of the programs that Ferrule uses in a project, by name, and those that `doctor` has with these options."""
    argv = (*FERRULE, "doctor", "--json", "--no-probe", *options)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    text = subprocess.run(argv, cwd=project, env=environment, check=True, capture_output=True, text=True).stdout
    return {row["tool"]: row["path"] for row in json.loads(text)}


FIGURES: dict[str, Callable[[Bench], list[Figure]]] = {
    "start": start,
    "plan": planning,
    "engine": engine,
    "packing": packing,
    "big": large,
    "idle": idle,
    "peers": peers,
    "linux": linux,
    "native": native,
    "once": once,
    "sccache": sccache,
    "wheels": wheels,
    "calls": calls,
    "sealing": sealing,
    "signals": signals,
    "schedule": schedule,
    "merge": merge,
    "cluster": cluster,
    "scale": scale,
}
COLD = frozenset({"big", "linux", "native", "once", "sccache", "wheels", "schedule", "merge", "cluster", "scale"})

if __name__ == "__main__":
    main()
