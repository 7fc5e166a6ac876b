"""Processes that measure what is big: much output, a large library in packages, a large release, thousands of actions.

Each prints what it measured as JSON. CPU seconds are those of this process and of all that it waited for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import MIB, TARGET, cpu
from many import peak

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK = MIB
_ROUNDS = 5
_LINES = (
    b"warning: unused variable: `something_else`",
    b"  --> crates/thing/src/lib.rs:120:9",
    b"    |",
    b'120 |     let something_else = compute(1, 2, "three");',
    b"    |         ^^^^^^^^^^^^^^ help: if this is intentional, prefix it with an underscore: `_something_else`",
    b"    |",
    b"    = note: `#[warn(unused_variables)]` on by default",
    b"",
)
"""What a compiler prints that has much to say."""


def output(folder: Path, size: int = 300_000_000) -> dict[str, float]:
    """So many bytes that a compiler prints, read as Cargo's are; and through a pipe by `cat` into a file, by turns."""
    from ferrule.tools import cargo_builds, run  # noqa: PLC0415 - the imports are part of what is measured

    piece, printed = b"\n".join(_LINES) * 1000, folder / "printed"
    with printed.open("wb") as stream:
        for _ in range(size // len(piece)):
            stream.write(piece)
    environment = {"PATH": os.environ["PATH"]}
    heard: list[str] = []

    def ours() -> None:
        command = ("sh", "-c", 'cat "$0" >&2', str(printed))
        run.run(
            command, env=environment, cwd=folder, log=folder / "log", on_line=heard.append, marks=cargo_builds.MARKS
        )

    def theirs() -> None:
        subprocess.run(("sh", "-c", 'cat "$0" | cat > "$1"', str(printed), str(folder / "copy")), check=True)

    rounds = [(*_timed(theirs), *_timed(ours)) for _ in range(_ROUNDS)]
    if heard:
        sys.exit("lines were heard that say nothing")
    names = ("theirs-wall", "theirs", "ours-wall", "ours")
    return {name: min(row[at] for row in rounds) for at, name in enumerate(names)} | {"peak": peak()}


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock on the wall, and of CPU time."""
    begun = time.monotonic()
    computed = cpu(work)
    return time.monotonic() - begun, computed


def library(file: Path, size: int) -> None:
    """Put so many bytes of native code behind a library; in a process of its own, which holds all of them."""
    code = f"import sys; from pathlib import Path; from engine import real_bytes; f = Path({str(file)!r}).open('ab')"
    subprocess.run(
        (sys.executable, "-c", f"{code}; f.write(real_bytes({size}))"), check=True, env=_environment(), timeout=600
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "bench")))}


def packages(folder: Path, mib: int = 1024) -> dict[str, float]:
    """A library of 1 GiB packed into wheel, SDK and image by the command line; and hashed and compressed, once each."""
    demo = _laid_out(folder)
    demo.edit("base: packaging/base.lock, program: server}", "base: packaging/base.lock}")
    large = demo.home / "binaries" / "demo-x86_64.so"
    library(large, mib * MIB)
    made = demo.ferrule("build", "native", "header", "--target", TARGET)
    if made.returncode:
        sys.exit(made.stderr)
    costs = {"hash": cpu(lambda: _hash(_chunks(large))), "compress": cpu(lambda: _compress(large))}
    most = 0.0
    for name in ("sdk-py", "sdk-c", "image"):
        process = demo.start("build", name, "--target", TARGET, "--quiet")
        _, errors = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(errors)
        costs[name] = usage.ru_utime + usage.ru_stime
        most = max(most, usage.ru_maxrss / 1024)  # or what this process held when it started that one: little
    return {"gib": mib / 1024, "peak": most, **costs}


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _hash(pieces: Iterator[bytes]) -> None:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)


class _Nowhere:
    def write(self, data: bytes) -> None:
        """Forget it."""


def _compress(file: Path) -> None:
    from ferrule.formats.deflate import Deflater  # noqa: PLC0415

    deflater = Deflater(_Nowhere())
    for chunk in _chunks(file):
        deflater.write(chunk)
    deflater.finish()


def plain(folder: Path, gib: int = 10) -> dict[str, float]:
    """A release of so many files of 1 GiB verified, and its files hashed."""
    demo = _laid_out(folder)
    demo.edit("  provenance: {kind: provenance}\n", "")
    _release(demo)
    manifest = json.loads((demo.dist / "manifest.json").read_bytes())
    block = os.urandom(MIB)
    for number in range(gib):
        with (demo.dist / f"large-{number}.bin").open("wb") as stream:
            for at in range(1024):
                stream.write(at.to_bytes(8, "big") + block[8:])
        manifest["artifacts"].insert(0, {**manifest["artifacts"][0], "file": f"large-{number}.bin"})
    (demo.dist / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return {"gib": gib, **_verified(demo, _hash_all)}


def packed(folder: Path, mib: int = 400) -> dict[str, float]:
    """A release of packages with a large library verified; and hashed, unpacked, and what is inside hashed, once."""
    demo = _laid_out(folder)
    library(demo.home / "binaries" / "demo-x86_64.so", mib * MIB)
    _release(demo)
    return {"mib": mib, **_verified(demo, _read_all)}


def _release(demo: Any) -> None:  # noqa: ANN401 - a fakes.toolchain.Demo
    done = demo.ferrule("release", "--quiet")
    if done.returncode:
        sys.exit(done.stderr)


def _verified(demo: Any, passes: Callable[[Path], None]) -> dict[str, float]:  # noqa: ANN401 - as above
    from fakes.toolchain import tell_anew  # noqa: PLC0415
    from ferrule.app.verify import examine  # noqa: PLC0415

    if any(demo.dist.glob("large-*")):
        tell_anew(demo.dist)

    def verify() -> None:
        examination = examine(demo.dist)
        if not examination.passed:
            sys.exit(f"not verified: {[verdict for verdict in examination.verdicts if verdict.problem]}")

    verify()  # everything is imported, and the files are as likely in memory for both
    pairs = [(cpu(lambda: passes(demo.dist)), cpu(verify)) for _ in range(2)]
    return {"theirs": min(pair[0] for pair in pairs), "ours": min(pair[1] for pair in pairs), "peak": peak()}


def _hash_all(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            _hash(_chunks(file))


def _read_all(folder: Path) -> None:
    _hash_all(folder)
    for file in folder.rglob("*"):
        if file.suffix == ".whl":
            _hash(_of_zip(file))
        elif file.suffix in {".gz", ".tgz"} or (file.parent.name == "sha256" and file.stat().st_size > MIB):
            _hash(_inflated(_chunks(file), 31))


def _of_zip(file: Path) -> Iterator[bytes]:
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(file) as archive, file.open("rb") as stream:
        for info in archive.infolist():
            stream.seek(info.header_offset + 26)
            start = sum(int.from_bytes(stream.read(2), "little") for _ in range(2))
            stream.seek(start, os.SEEK_CUR)
            sizes = (min(_CHUNK, info.compress_size - at) for at in range(0, info.compress_size, _CHUNK))
            yield from _inflated(map(stream.read, sizes), -15)


def _inflated(pieces: Iterator[bytes], wbits: int) -> Iterator[bytes]:
    from zlib_ng import zlib_ng  # noqa: PLC0415

    machine = zlib_ng.decompressobj(wbits=wbits)
    for piece in pieces:
        rest = piece
        while rest:
            yield machine.decompress(rest, _CHUNK)
            rest = machine.unconsumed_tail


def actions(folder: Path, count: int = 1083) -> dict[str, float]:
    """A release of so many SDKs for three targets each, with nothing to do, by the command line: CPU seconds."""
    demo = _laid_out(folder)
    row = "  sdk-c: {kind: sdk, library: native, header: header}\n"
    rows = (row.replace("sdk-c", f"sdk-{n:04}").replace("header}", f"header, name: c{n:04}}}") for n in range(count))
    demo.edit(row, "".join(rows))
    demo.edit("  sbom: {kind: sbom}\n", "")
    built = re.search(r"(\d+) built", demo.ferrule("release").stderr)
    if built is None:
        sys.exit("not everything was built")
    _release(demo)
    return {
        "count": float(built[1]),
        "seconds": sorted(cpu(lambda: _release(demo)) for _ in range(_ROUNDS))[_ROUNDS // 2],
    }


def _laid_out(folder: Path) -> Any:  # noqa: ANN401 - a fakes.toolchain.Demo
    from fakes.toolchain import lay_out  # noqa: PLC0415

    return lay_out(folder)


COSTS: dict[str, Callable[..., dict[str, float]]] = {
    "output": output,
    "packages": packages,
    "plain": plain,
    "packed": packed,
    "actions": actions,
}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ferrule-bench-") as name:
        json.dump(COSTS[sys.argv[1]](Path(name), *map(int, sys.argv[2:])), sys.stdout)
