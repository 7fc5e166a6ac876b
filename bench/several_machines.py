"""What more than one machine costs, each measured in a process of its own; prints JSON: NAME [NUMBER].

`merge` takes the number of shards, so that memory can be compared; each has a content of 10 MiB.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests"), str(ROOT / "src")]
MIB = 1 << 20
TARGET = "x86_64-unknown-linux-gnu"
WORKERS, TARGETS = 4, 100

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ferrule.core.model import Action
    from ferrule.engine.scheduler import Engine


@dataclass(frozen=True, slots=True)
class Nap:
    """An action of known duration, in seconds, that writes so many bytes; `turn` makes it another one."""

    seconds: float
    size: int = 4
    turn: int = 0

    def make(self, context: Any) -> None:  # noqa: ANN401 - an ActionContext
        """Sleep, and write."""
        time.sleep(self.seconds)
        context.output("file").write_bytes(os.urandom(self.size))


def action(name: str, nap: Nap, *needs: str) -> Action:
    from ferrule.core.model import Action, Output  # noqa: PLC0415

    return Action(name, name, "nap", nap, (Output("out", "file"),), TARGET, needs)


# How well a plan keeps machines busy


def matrix(scale: float, turn: int) -> list[Action]:
    """A hundred targets, each compiled (0.5 to 2.5 s) and then packed (0.1 s), and one that needs all of them."""
    chance = random.Random(7)
    made = [action(f"t{n}", Nap(chance.uniform(0.5, 2.5) * scale, turn=turn)) for n in range(TARGETS)]
    packed = [action(f"p{n}", Nap(0.1 * scale, turn=turn), f"t{n}") for n in range(TARGETS)]
    return [*made, *packed, action("all", Nap(0.1 * scale, turn=turn), *(a.id for a in packed))]


def bound(actions: Sequence[Action], machines: int) -> float:
    """Seconds below which no schedule can be: the longest path, and all work over all machines (Graham, 1969)."""
    ends: dict[str, float] = {}
    for one in actions:
        ends[one.id] = one.recipe.seconds + max((ends[need] for need in one.needs), default=0.0)
    return max(*ends.values(), sum(one.recipe.seconds for one in actions) / machines)


def listed(actions: Sequence[Action], machines: int) -> float:
    """Seconds that a list schedule takes, longest path first, where nothing costs anything but the actions."""
    import heapq  # noqa: PLC0415

    after = dict.fromkeys((one.id for one in actions), 0.0)
    for one in reversed(actions):
        own = one.recipe.seconds + after[one.id]
        after.update((need, max(after[need], own)) for need in one.needs)
    weight = {one.id: one.recipe.seconds + after[one.id] for one in actions}
    left = {one.id: set(one.needs) for one in actions}
    ready = [(-weight[one.id], one.id) for one in actions if not one.needs]
    heapq.heapify(ready)
    by_id, running, now = {one.id: one for one in actions}, [], 0.0
    while ready or running:
        while ready and len(running) < machines:
            name = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + by_id[name].recipe.seconds, name))
        now, done = heapq.heappop(running)
        for one in actions:
            if done in left[one.id]:
                left[one.id].remove(done)
                if not left[one.id]:
                    heapq.heappush(ready, (-weight[one.id], one.id))
    return now


def schedule(folder: Path) -> dict[str, float]:
    """The matrix on local jobs, and on workers; each once quickly before, so that times are known."""
    told: dict[str, float] = {}
    whole = matrix(1.0, 2)
    with fleet(folder, WORKERS) as started:
        for name, over in (("local", None), ("workers", started)):
            demo = laid_out(folder / name)
            seconds(demo, matrix(0.02, 1), over, jobs=WORKERS)
            told[name] = seconds(demo, whole, over, jobs=WORKERS)
    return {**told, "bound": bound(whole, WORKERS), "listed": listed(whole, WORKERS), "work": sum_of(whole)}


def sum_of(actions: Sequence[Action]) -> float:
    return sum(one.recipe.seconds for one in actions)


# What it costs to hand an action to a worker


def cluster(folder: Path, count: int = 200, size: int = 20 * MIB) -> dict[str, float]:
    """Actions that do nothing, here and on workers; and what it costs to bring a content home, and to send it."""
    from statistics import median  # noqa: PLC0415

    with fleet(folder, WORKERS) as started:
        here, there = laid_out(folder / "here"), laid_out(folder / "there")
        none = [action(f"n{n}", Nap(0.0, turn=n)) for n in range(count)]
        local = seconds(here, none, None, jobs=1)
        four = seconds(there, none, started, jobs=1)
        chain = [action(f"c{n}", Nap(0.0, turn=count + n), *([f"c{n - 1}"] if n else [])) for n in range(50)]
        one = seconds(there, chain, started, jobs=1)
        alone = seconds(here, chain, None, jobs=1)
        brought = [seconds(there, [action(f"b{n}", Nap(0.0, size, n))], started, jobs=1) for n in range(5)]
        empty = [seconds(there, [action(f"e{n}", Nap(0.0, 8, n))], started, jobs=1) for n in range(5)]
    return {
        "local": local / count,
        "workers": four / count,
        "chain": one / len(chain),
        "alone": alone / len(chain),
        "mib": size / MIB / max(median(brought) - median(empty), 1e-9),
    }


@contextmanager
def fleet(folder: Path, workers: int, **elsewhere: Any) -> Iterator[Any]:  # noqa: ANN401 - fields of a Fleet
    """A scheduler and workers with a thread each, as processes, each in a checkout of the demo project."""
    from fakes.cluster import lay_out_fleet  # noqa: PLC0415

    place = folder / "fleet"
    place.mkdir()
    started = lay_out_fleet(place, workers, [ROOT / "bench"], **elsewhere)
    try:
        yield started
    finally:
        started.close()


def laid_out(folder: Path) -> Any:  # noqa: ANN401 - a fakes.toolchain.Demo
    from fakes.toolchain import lay_out  # noqa: PLC0415

    return lay_out(folder)


def seconds(demo: Any, actions: Sequence[Action], over: Any, *, jobs: int) -> float:  # noqa: ANN401 - of fakes
    """Wall time of a run, here or over a fleet, once everything is connected."""
    from ferrule.app.release import run as release  # noqa: PLC0415
    from ferrule.core.model import Plan  # noqa: PLC0415

    config = release.load(demo.project)
    engine = replace(release.engine_of(config, None, demo.context), jobs=jobs)
    plan = Plan("p", "1.0.0", tuple(actions))
    if over is None:
        return run(engine, plan)
    from ferrule.app.distributed.dask.client import DaskCluster  # noqa: PLC0415
    from ferrule.app.distributed.dask.identity import identity  # noqa: PLC0415
    from ferrule.app.distributed.dask.worker import Session, WorkerReady  # noqa: PLC0415
    from ferrule.cli.environment import run_context  # noqa: PLC0415

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # as a run of ferrule has it
    own = WorkerReady(identity(config, None, demo.context.host), str(config.root), "here")
    visit = Session(os.urandom(8).hex(), partial(run_context, jobs=None, offline=True, rust_source=None), None)
    ids = frozenset(one.id for one in actions)
    with DaskCluster(over.address, visit, own, ids, lambda _: None) as executor:
        while executor.slots < len(over.workers):
            time.sleep(0.05)
        return run(replace(engine, executor=executor), plan)


def run(engine: Engine, plan: Any) -> float:  # noqa: ANN401 - a Plan
    begun = time.monotonic()
    outcomes = engine.execute(plan)
    took = time.monotonic() - begun
    if any(o.state != "built" for o in outcomes):
        sys.exit(f"not everything was built: {next(o for o in outcomes if o.state != 'built')}")
    return took


# What merging costs


def merge(folder: Path, count: int = 1000, size: int = 10 * MIB) -> dict[str, float]:
    """That many shards with a content each: hashed, and merged, by turns; nothing of it ships."""
    from many import peak  # noqa: PLC0415

    from ferrule.app.distributed import merge as merging  # noqa: PLC0415
    from ferrule.app.release import run as release  # noqa: PLC0415
    from ferrule.core.model import Digest  # noqa: PLC0415

    demo = laid_out(folder / "demo")
    config = release.load(demo.project)
    plan, folders = shards_of(config, folder / "bundles", count, size)
    contents = [next((one / "objects").iterdir()) for one in folders]

    def hashed() -> None:
        for one in contents:
            Digest.of_file(one)

    def merged(turn: int) -> None:
        report = merging.merge(
            config, plan, demo.context, lambda _: None, folders=tuple(folders), output=folder / f"dist{turn}"
        )
        if report.failed or {o.state for o in report.outcomes[:-1]} != {"cached"}:
            sys.exit("merging made something else")

    hashed()
    pairs = []
    for turn in range(2):
        pairs.append((timed(hashed), timed(partial(merged, turn))))
        (demo.project / ".ferrule").rename(folder / f"state{turn}")
    (hash_wall, hash_cpu), (merge_wall, merge_cpu) = (
        [min(pair[at][kind] for pair in pairs) for kind in (0, 1)] for at in (0, 1)
    )
    return {
        "shards": count,
        "gib": count * size / 2**30,
        "peak": peak(),
        "hash": hash_wall,
        "merge": merge_wall,
        "hash-cpu": hash_cpu,
        "merge-cpu": merge_cpu,
    }


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock on the wall, and seconds that this process computed."""
    wall, computed = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - wall, time.process_time() - computed


def shards_of(config: Any, place: Path, count: int, size: int) -> tuple[Any, list[Path]]:  # noqa: ANN401
    """A plan of so many libraries and one file that ships, and a bundle for each library: real bytes, all different."""
    from ferrule.app.distributed import bundle, shards  # noqa: PLC0415 - the imports are part of what is measured
    from ferrule.app.distributed.bundle import Bundle, Tools  # noqa: PLC0415
    from ferrule.core.model import Action, Digest, FileRecord, Output, Plan  # noqa: PLC0415
    from ferrule.engine.key import key_document, key_of  # noqa: PLC0415
    from ferrule.engine.recipe_code import RecipeCode  # noqa: PLC0415
    from ferrule.engine.sources import StatIndex  # noqa: PLC0415
    from ferrule.engine.store import Result  # noqa: PLC0415

    tools = Tools("present", {"cc": ("1", "cc 1")}, {}, {})
    made = [
        Action(f"lib{n}", "native", "library", Nap(0, turn=n), (Output("lib", "cdylib"),), TARGET, tools=("cc",))
        for n in range(count)
    ]
    last = Action("sums", "sums", "checksums", Nap(0), (Output("out", "file", "out"),))
    plan = Plan(config.project.name, config.project.version, (*made, last))
    whole, split = shards.plan_digest(plan), Digest.of(b"split")
    lock = config.root / config.workspace.folder / "Cargo.lock"
    code = RecipeCode(StatIndex(None, time.time_ns)).of(Nap)
    block, folders = os.urandom(size), []
    for number, one in enumerate(made, 1):
        content = number.to_bytes(8, "big") + block[8:]
        digest = Digest.of(content)
        key = key_of(key_document(one, sources={}, needs={}, needed_facts={}, tools={"cc": "cc 1"}, code=code))
        found = Bundle(
            *(plan.project, plan.version, whole, split, number, count, None, None),
            lock=Digest.of_file(lock) if lock.is_file() else None,
            tools=tools,
            results={one.id: Result(key, (FileRecord("lib", digest, size, executable=False),))},
        )
        folder = place / f"{number}-of-{count}"
        (folder / bundle.OBJECTS).mkdir(parents=True)
        (folder / bundle.OBJECTS / digest.hex).write_bytes(content)
        (folder / bundle.DOCUMENT).write_bytes(bundle.document(found))
        folders.append(folder)
    return plan, folders


COSTS: dict[str, Callable[..., dict[str, float]]] = {"schedule": schedule, "merge": merge, "cluster": cluster}


def main(name: str, *numbers: str) -> None:
    with tempfile.TemporaryDirectory(prefix="ferrule-bench-") as folder:
        json.dump(COSTS[name](Path(folder), *map(int, numbers)), sys.stdout)


if __name__ == "__main__":
    import several_machines  # its recipes are known to workers by that name

    several_machines.main(*sys.argv[1:])
