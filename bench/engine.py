"""What the engine and packing cost, each measured in a process of its own; prints JSON: engine.py NAME."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20
TARGET = "x86_64-unknown-linux-gnu"

if TYPE_CHECKING:
    from collections.abc import Callable


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process and the children it waited for, spent in a piece of work."""
    begun = spent()
    work()
    return spent() - begun


def spent() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def real_bytes(size: int) -> bytes:
    """That many bytes as native libraries have them: those of this Python and of what is loaded into it, repeated."""
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if ".so" in line}
    content = b"".join(Path(name).read_bytes() for name in sorted(loaded) if Path(name).is_file())
    return (content * (size // len(content) + 1))[:size]


@dataclass(frozen=True, slots=True)
class Note:
    """Writes a line: as little as an action can do."""

    text: str

    def make(self, context: Any) -> None:  # noqa: ANN401 - an ActionContext
        """Write it."""
        context.output("note").write_text(self.text)


def actions(folder: Path, count: int = 10_000) -> dict[str, float]:
    """A plan of which every result is at hand: CPU milliseconds an action, once everything is imported."""
    from ferrule.__main__ import collect_rarely  # noqa: PLC0415
    from ferrule.core.model import Action, Output, Plan  # noqa: PLC0415
    from ferrule.engine.context import BuildContext  # noqa: PLC0415
    from ferrule.engine.recipe_code import RecipeCode  # noqa: PLC0415
    from ferrule.engine.scheduler import Engine  # noqa: PLC0415
    from ferrule.engine.sources import SourceFiles, StatIndex  # noqa: PLC0415
    from ferrule.engine.store import Store  # noqa: PLC0415
    from ferrule.tools.host import Host  # noqa: PLC0415

    collect_rarely()
    host = Host((), {}, folder / "cache", "Linux", "x86_64", is_root=False, offline=True, python=Path(sys.executable))
    made = [
        Action(f"a{n}", f"a{n}", "note", Note(str(n)), (Output("note", "note"),), needs=(f"a{n // 2}",) if n else ())
        for n in range(count)
    ]
    plan = Plan("p", "1.0.0", tuple(made))

    def once() -> None:
        index = StatIndex(folder / "index.json", time.time_ns)
        store = Store(folder / "store", index, lambda _: None)
        site = BuildContext(SourceFiles(folder, ()), folder / "caches", host, {}, None)
        code = RecipeCode(index)
        engine = Engine(site, store, index, folder / "work", 2, lambda _: None, time.monotonic, code)
        outcomes = engine.execute(plan)
        if any(o.state == "failed" for o in outcomes):
            sys.exit("an action failed")

    once()
    time.sleep(0.1)  # what was just written counts as changing for some milliseconds
    once()
    return {"count": count, "milliseconds": cpu(once) / count * 1000}


def files(folder: Path, count: int = 30_000) -> dict[str, float]:
    """A release with that many sources and nothing to do, by the command line: CPU seconds.

    The compilers are pretended ones; with nothing to do none is started.
    """
    sys.path.insert(0, str(ROOT / "tests"))
    from fakes.toolchain import lay_out  # noqa: PLC0415

    demo = lay_out(folder)
    crate = demo.project / "rust" / "demo-ffi" / "src" / "many"
    for number in range(count):
        place = crate / f"{number // 1000:02}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:05}.rs").write_text(f"// {number}\n")
    time.sleep(0.1)

    def once() -> None:
        done = demo.ferrule("release", "--quiet")
        if done.returncode:
            sys.exit(done.stderr)

    once()
    once()
    rounds = sorted(cpu(once) for _ in range(5))
    return {"count": count, "seconds": rounds[2]}


def hashing(folder: Path, size: int = 512 * MIB) -> dict[str, float]:
    """The index over one large file, and `openssl dgst` over the same: MiB a second of each."""
    from ferrule.engine.sources import StatIndex  # noqa: PLC0415

    file = folder / "large"
    file.write_bytes(real_bytes(size))
    ours = [cpu(lambda: StatIndex(None, time.time_ns).digest(file)) for _ in range(3)]
    argv = ("openssl", "dgst", "-sha256", str(file))
    theirs = [cpu(lambda: subprocess.run(argv, check=True, capture_output=True)) for _ in range(3)]
    return {"ours": size / MIB / min(ours), "theirs": size / MIB / min(theirs)}


def wheel(folder: Path, size: int = 200 * MIB) -> dict[str, float]:
    """A wheel around a library of 200 MiB: CPU seconds."""
    from ferrule.core.platforms import PLATFORMS  # noqa: PLC0415
    from ferrule.formats.archive_member import Member  # noqa: PLC0415
    from ferrule.formats.wheel import platform_tags, wheel_file_name, write_wheel  # noqa: PLC0415

    library = folder / "libdemo.so"
    library.write_bytes(real_bytes(size))
    tags = [f"py3-none-{tag}" for tag in platform_tags(PLATFORMS[TARGET], "2.17")]
    file = folder / wheel_file_name("demo", "1.0", tags)
    metadata = "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n"
    entries = [Member("demo/libdemo.so", library)]
    seconds = cpu(
        lambda: write_wheel(file, name="demo", version="1.0", tags=tags, metadata=metadata, entries=entries, epoch=0)
    )
    return {"seconds": seconds, "packed": file.stat().st_size / MIB}


def image(folder: Path, size: int = 20 * MIB) -> dict[str, float]:
    """An image for two architectures, each with a file of 20 MiB: CPU seconds."""
    from ferrule.formats import oci  # noqa: PLC0415
    from ferrule.formats.archive_member import Member  # noqa: PLC0415

    program = folder / "program"
    program.write_bytes(real_bytes(size))

    def once() -> None:
        images = []
        for platform in ("linux/amd64", "linux/arm64"):
            layer = oci.write_layer(
                folder / f"{platform.rpartition('/')[2]}.tar.gz", [Member("program", program, executable=True)], 0
            )
            config = oci.image_config(platform, [layer], epoch=0, user="65532", entrypoint=("/program",))
            images.append(oci.PlatformImage(platform, (layer,), config))
        layout = folder / "layout"
        layout.mkdir()
        oci.write_layout(layout, images, epoch=0, ref_name="1.0")

    return {"seconds": cpu(once)}


COSTS: dict[str, Callable[[Path], dict[str, float]]] = {
    "actions": actions,
    "files": files,
    "hash": hashing,
    "wheel": wheel,
    "image": image,
}

if __name__ == "__main__":
    # Memory where there is some: what is measured is what we compute, not how fast a disk is.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="ferrule-bench-", dir=place) as name:
        json.dump(COSTS[sys.argv[1]](Path(name)), sys.stdout)
