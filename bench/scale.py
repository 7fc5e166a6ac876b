"""Many actions over a slow and lossy link, in a process of its own; prints JSON: scale.py NAME [CONTROL].

To be started by link.ALONE: namespaces and processes end with it. What runs on another of its machines is here too.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests"), str(ROOT / "src")]

import several_machines  # noqa: E402 - needs the line above
from link import Host, Link, address, end, hosts  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from ferrule.core.model import Action

KIB, MIB = 1 << 10, 1 << 20
WORKERS, ACTIONS, CONTENTS, ROUNDS = 4, 1000, 300, 10
DELAY, LOSS = 0.02, 0.02


@dataclass(frozen=True, slots=True)
class Library:
    """An action of known duration, in seconds, that writes a content of so many bytes; equal numbers, equal contents.

    `turn` makes it another one. Its begin is noted in a file beside, with the process that makes it.
    """

    seconds: float
    size: int
    number: int
    journal: str
    turn: int = 0

    def make(self, context: Any) -> None:  # noqa: ANN401 - an ActionContext
        """Sleep, and write."""
        with Path(self.journal).open("a", encoding="utf-8") as journal:
            journal.write(f"{context.action.id} {os.getpid()}\n")
        time.sleep(self.seconds)
        context.output("file").write_bytes(random.Random(self.number).randbytes(self.size))


def libraries(count: int, contents: int, journal: Path, seconds: float = 0.3) -> list[Action]:
    """So many actions with so many different contents, as long and as large as the draw has it, always the same."""
    chance = random.Random(8)
    sizes = [min(int(chance.lognormvariate(0, 0.7) * 400 * KIB), 4 * MIB) for _ in range(contents)]
    numbers = [*range(contents), *(chance.randrange(contents) for _ in range(count - contents))]
    chance.shuffle(numbers)
    return [
        several_machines.action(
            f"a{n}", Library(min(chance.lognormvariate(0, 0.6), 8) * seconds, sizes[number], number, str(journal), n)
        )
        for n, number in enumerate(numbers)
    ]


def quicker(actions: Sequence[Action], share: float) -> list[Action]:
    """The same, each in a share of its time, with contents of a byte."""
    return [
        replace(one, recipe=replace(one.recipe, seconds=one.recipe.seconds * share, size=1, turn=-1)) for one in actions
    ]


@contextmanager
def over_the_link(folder: Path, control: str) -> Iterator[tuple[Any, Host, bool]]:
    """A fleet with each worker on a machine of its own; the machine of the scheduler; and whether there is netem."""
    with hosts(WORKERS + 1, Link(DELAY, LOSS, control)) as (all_hosts, refused):
        here, *others = all_hosts
        inside = tuple(one.inside for one in others)
        with several_machines.fleet(folder, WORKERS, host=here.address, inside=inside) as started:
            yield started, here, not refused


def cluster(folder: Path, control: str = "") -> dict[str, float]:
    """A thousand actions on four workers, and what processes here compute for each of them."""
    actions = libraries(ACTIONS, CONTENTS, folder / "journal")
    demo = several_machines.laid_out(folder / "client")
    several_machines.seconds(demo, quicker(actions, 0.02), None, jobs=16)  # so that times are known
    with over_the_link(folder, control) as (started, here, netem):
        several_machines.seconds(demo, [several_machines.action("first", several_machines.Nap(0.0))], started, jobs=1)
        before, client, scheduler = here.arrived(), time.process_time(), computed(started.scheduler.pid)
        took = several_machines.seconds(demo, actions, started, jobs=1)
        arrived = here.arrived() - before
        client, scheduler = time.process_time() - client, computed(started.scheduler.pid) - scheduler
    sizes = {one.recipe.number: one.recipe.size for one in actions}
    return {
        "netem": netem,
        "seconds": took,
        "bound": several_machines.bound(actions, WORKERS),
        "work": several_machines.sum_of(actions),
        "arrived": arrived,
        "contents": sum(sizes.values()),
        "all": sum(one.recipe.size for one in actions),
        "client": client / ACTIONS,
        "scheduler": scheduler / ACTIONS,
    }


def computed(process: int) -> float:
    """Seconds that a process has computed (proc(5): utime and stime)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def losses(folder: Path, control: str = "") -> dict[str, float]:
    """A run in which a worker is killed ten times while it makes an action, and started again."""
    journal = folder / "journal"
    journal.touch()
    actions = libraries(400, 120, journal)
    demo = several_machines.laid_out(folder / "client")
    killed: list[int] = []
    lost: set[str] = set()  # what is lost three times fails, as it may be what ends its workers
    with over_the_link(folder, control) as (started, _, _):
        over = threading.Event()

        def kill() -> None:
            for number in range(ROUNDS):
                process, seen = started.workers[number % WORKERS].pid, len(runs(journal))
                while not any(maker == process and name not in lost for name, maker in runs(journal)[seen:]):
                    if over.wait(0.02):
                        return
                started.kill(number % WORKERS)
                killed.append(process)
                lost.update(name for name, maker in runs(journal) if maker == process)
                started.start(number % WORKERS)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            several_machines.seconds(demo, actions, started, jobs=1)
        finally:
            over.set()
            killer.join()
    return {"killed": len(killed), **repeated(runs(journal), killed)}


def runs(journal: Path) -> list[tuple[str, int]]:
    """Actions that began, in order, and by which process."""
    lines = journal.read_text(encoding="utf-8").split("\n")[:-1]
    return [(name, int(process)) for name, process in map(str.split, lines)]


def repeated(journal: Sequence[tuple[str, int]], killed: Collection[int]) -> dict[str, float]:
    """How many runs were not the last of their action: those of killed processes, and `others`."""
    last = dict(journal)
    early = [process for name, process in journal if process != last[name]]
    again = len(journal) - len(last)
    own = sum(process in killed for process in early)
    return {"own": own, "others": again - own}


def orders(folder: Path) -> dict[str, float]:
    """What the client computes for an action, of a thousand and of five thousand, where workers take no time."""
    return {str(count): ordered(folder / str(count), count) / count for count in (1000, 5000)}


def ordered(folder: Path, count: int) -> float:
    """Seconds that this process computes for so many actions that a hundred workers make at once."""
    from ferrule.app.release import run as release  # noqa: PLC0415 - not for recipes
    from ferrule.core.model import Digest, FileRecord, Plan  # noqa: PLC0415
    from ferrule.engine.store import Result  # noqa: PLC0415

    content = b"a library"
    record = FileRecord("out", Digest.of(content), len(content))

    class Instant:
        slots, room = 100, 200

        def takes(self, _: object) -> bool:
            return True

        def make(self, order: Any, *_: object) -> Result:  # noqa: ANN401 - an Order
            return Result(order.declared, (record,))

    folder.mkdir()
    demo = several_machines.laid_out(folder / "demo")
    engine = release.engine_of(release.load(demo.project), None, demo.context)
    engine.store.receive([content], record)
    actions = tuple(
        several_machines.action(f"a{number}", several_machines.Nap(0.0, turn=number)) for number in range(count)
    )
    started = time.process_time()
    several_machines.run(replace(engine, executor=Instant()), Plan("p", "1.0.0", actions))
    return time.process_time() - started


# A remote cache


def remote(folder: Path, control: str = "") -> dict[str, float]:
    """The contents of a thousand actions put into a cache, and brought from there by another checkout."""
    actions = [replace(one, tools=("cc",)) for one in libraries(ACTIONS, CONTENTS, folder / "journal", 0.0)]
    contents = sum({one.recipe.number: one.recipe.size for one in actions}.values())
    demos = [several_machines.laid_out(folder / name) for name in ("puts", "brings")]
    (folder / "actions").write_bytes(pickle.dumps(actions))
    several_machines.run(engine_of(str(demos[0].root)), plan_of(str(folder / "actions")))
    with hosts(3, Link(DELAY, LOSS, control)) as (all_hosts, _), nginx(folder, all_hosts[0].address) as url:
        here, *others = all_hosts
        figures: dict[str, float] = {"contents": contents}
        for name, other, demo in zip(("put", "bring"), others, demos, strict=True):
            parallel = parallelism()[name]
            figures[f"{name}-plain"] = plain(other, parallel, contents, name)
            before, counted = (here if name == "put" else other).arrived(), requests(folder)
            figures[f"{name}-seconds"] = float(elsewhere(other, name, url, str(demo.root), str(folder / "actions")))
            figures[f"{name}-arrived"] = (here if name == "put" else other).arrived() - before
            figures[f"{name}-requests"] = requests(folder) - counted
            figures[f"{name}-parallel"] = parallel
    return figures


def parallelism() -> dict[str, int]:
    """How many requests are on their way at once."""
    from ferrule.engine import remote as module  # noqa: PLC0415 - not for recipes

    return {"put": module._WRITERS, "bring": module._READERS}  # noqa: SLF001 - they are part of what is measured


def elsewhere(host: Host, *words: str) -> str:
    """What a function of this file prints on another machine."""
    argv = (*host.inside, sys.executable, __file__, *words)
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def nginx(folder: Path, address: str) -> Iterator[str]:
    """The server of docs/how-to/shared-cache.md, without people and their secrets; gives its URL."""
    (folder / "cache").mkdir()
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    server = f"listen {address}:8080; root {folder}/cache; client_max_body_size 0; dav_methods PUT;"
    (folder / "nginx.conf").write_text(
        f"user root; daemon off; master_process off; pid {folder}/pid; events {{}}\n"
        f"http {{ access_log {folder}/requests; {temporary} server {{ {server} create_full_put_path on; }} }}\n"
    )
    argv = ("nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/errors")
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        while not answers(address):
            if process.poll() is not None:
                sys.exit(f"nginx ended with {process.returncode}")
            time.sleep(0.05)
        yield f"http://{address}:8080"
    finally:
        end(process)


def answers(address: str) -> bool:
    with suppress(OSError), socket.create_connection((address, 8080)):
        return True
    return False


def requests(folder: Path) -> int:
    """How many requests the server has answered."""
    return (folder / "requests").read_bytes().count(b"\n")


def put(url: str, root: str, actions: str) -> None:
    """Offer what this checkout has made; prints seconds until all of it is there."""
    engine = over_cache(engine_of(root), url)
    outcomes = engine.execute(plan_of(actions))
    started = time.monotonic()
    for outcome in outcomes:
        engine.remote.offer(outcome.action, engine.store.record(outcome.key))
    engine.remote.close(partial(print, file=sys.stderr))
    print(time.monotonic() - started)


def bring(url: str, root: str, actions: str) -> None:
    """A run of a checkout that has nothing yet; prints its seconds."""
    engine = over_cache(engine_of(root), url)
    started = time.monotonic()
    outcomes = engine.execute(plan_of(actions))
    print(time.monotonic() - started)
    if any(outcome.state != "remote" for outcome in outcomes):
        sys.exit(f"not everything was brought: {next(one for one in outcomes if one.state != 'remote')}")


def engine_of(root: str) -> Any:  # noqa: ANN401 - an Engine
    """The engine of a checkout, with a tool that its actions need."""
    from fakes.toolchain import Demo  # noqa: PLC0415
    from ferrule.app.release import run as release  # noqa: PLC0415
    from ferrule.core.model import Tool  # noqa: PLC0415
    from ferrule.core.toolchain import Toolchain  # noqa: PLC0415

    demo = Demo(Path(root))
    tools = Toolchain("installed", {"cc": Tool("cc", "1.0", "cc 1.0", ("/bin/true",))}, {}, Path("/"))
    return release.engine_of(release.load(demo.project), tools, demo.context)


def over_cache(engine: Any, url: str) -> Any:  # noqa: ANN401 - an Engine
    """The same engine, with the cache."""
    from ferrule.engine.remote import Remote  # noqa: PLC0415
    from ferrule.engine.remote_server import Address, Server  # noqa: PLC0415

    return replace(engine, remote=Remote(Server(Address(url, "write"), time.monotonic), engine.store, {}))


def plan_of(actions: str) -> Any:  # noqa: ANN401 - a Plan
    from ferrule.core.model import Plan  # noqa: PLC0415

    return Plan("p", "1.0.0", tuple(pickle.loads(Path(actions).read_bytes())))


def plain(host: Host, connections: int, size: int, direction: str) -> float:
    """Seconds that so many bytes take by so many connections, without any protocol."""
    each = size // connections
    with socket.create_server((address(0), 8081)) as server, ThreadPoolExecutor(connections) as pool:
        argv = (*host.inside, sys.executable, __file__, "plainly", direction, str(connections), str(each))
        other = subprocess.Popen(argv)
        ends = [server.accept()[0] for _ in range(connections)]
        started = time.monotonic()
        list(pool.map(partial(transfer, each, sends=direction == "bring"), ends))
        took = time.monotonic() - started
        other.wait()
    return took


def plainly(direction: str, connections: str, each: str) -> None:
    """The other end of `plain`."""
    ends = [socket.create_connection((address(0), 8081)) for _ in range(int(connections))]
    with ThreadPoolExecutor(len(ends)) as pool:
        list(pool.map(partial(transfer, int(each), sends=direction == "put"), ends))


def transfer(size: int, end: socket.socket, *, sends: bool) -> None:
    """One end of a connection: sends so many bytes and waits for one, or takes them and sends one."""
    with end:
        if sends:
            end.sendall(bytes(size))
            end.recv(1)
            return
        while size:
            size -= len(end.recv(1 << 20))
        end.sendall(b".")


COSTS: dict[str, Callable[..., dict[str, float]]] = {
    "cluster": cluster,
    "losses": losses,
    "orders": orders,
    "remote": remote,
}
ELSEWHERE: dict[str, Callable[..., None]] = {"put": put, "bring": bring, "plainly": plainly}


def main(name: str, *words: str) -> None:
    if name in ELSEWHERE:
        ELSEWHERE[name](*words)
        return
    with tempfile.TemporaryDirectory(prefix="ferrule-bench-") as folder:
        json.dump(COSTS[name](Path(folder), *words), sys.stdout)


if __name__ == "__main__":
    import scale  # its recipes are known to workers by that name

    scale.main(*sys.argv[1:])
