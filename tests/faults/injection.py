"""Runs of the demo project that are disturbed at a chosen call, and what has to be true after each of them."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import signal
import subprocess  # noqa: TID251 - the command line is what is disturbed
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fakes.toolchain import Demo, hear_signals, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRACER = Path(__file__).with_name("tracer.py")
DROPPED = ("  aarch64-unknown-linux-gnu:", "  aarch64-apple-darwin:", "  server:", "  npm:", "  go:", "  sbom:")
LIMIT_SECONDS = 120
LEFT = re.compile(r"\.aside|^index\.json\.")
EXIT_CODES = {0, 4, 5, 7}
UNREAD = 3
UNREADABLE = re.compile(r"^error: .*: this [\w ]+ cannot be read: ", re.MULTILINE)
"""How a mistake in what a person wrote is told where it could not even be read: with the code of such mistakes."""
SPACE = ("open", "openat", "write", "mkdir", "sendfile", "rename", "mknodat", "copy_file_range")


class Call(NamedTuple):
    """A change to a file: by which program (ours?), by which system call, to which path."""

    program: str
    ours: bool
    name: str
    path: str

    def __str__(self) -> str:
        return f"{self.program}: {self.name} {self.path}"


@dataclass(frozen=True)
class Fault:
    """What is done at a call: see tracer.py."""

    do: str = "kill"
    errno: int = 0
    lasting: bool = False
    signal: int = signal.SIGTERM

    def __str__(self) -> str:
        if self.do == "signal":
            return signal.Signals(self.signal).name
        lasting = " from there on" if self.lasting else ""
        return f"{self.do} {errno.errorcode[self.errno]}{lasting}" if self.errno else self.do


@dataclass(frozen=True)
class Disturbed:
    """A run under the tracer."""

    calls: list[Call]
    hit: Call | None
    code: int
    gone: float
    out: str


@dataclass
class Stage:
    """A project at a certain moment, to which it returns before each run; `expected` is what a release then gives."""

    name: str
    demo: Demo
    moment: Path
    expected: dict[str, bytes] = field(default_factory=dict)
    before: dict[str, bytes] = field(default_factory=dict)
    arguments: tuple[str, ...] = ("release", "-j", "1")

    def keep(self) -> Stage:
        """Make now the moment to return to, and find out what a run that nobody disturbs gives."""
        for name in self._kept:
            if (self.demo.root / name).exists():
                shutil.copytree(self.demo.root / name, self.moment / name, symlinks=True)
        self.before = self.demo.files()
        done = self.demo.ferrule(*self.arguments)
        assert done.returncode == 0, done.stderr
        self.expected = self.demo.files()
        return self

    _kept = ("project", "cache/toolchain", "cache/zig")

    def restore(self) -> None:
        """Go back to that moment."""
        for name in self._kept:
            shutil.rmtree(self.demo.root / name, ignore_errors=True)
            if (self.moment / name).exists():
                shutil.copytree(self.moment / name, self.demo.root / name, symlinks=True)
        for left in self.demo.root.glob("ferrule-jobs-*"):
            shutil.rmtree(left)

    def run(self, at: int, fault: Fault, *, reads: bool = False) -> Disturbed:
        """A run that meets a fault at its call number `at`, from 1; 0 for none."""
        root = self.demo.root
        order = {
            "root": str(root),
            "apart": str(self.demo.home),
            "reads": reads,
            "at": at,
            "do": fault.do,
            "errno": fault.errno,
            "lasting": fault.lasting,
            "signal": int(fault.signal),
        }
        order_file, report = self.moment.with_suffix(".order"), self.moment.with_suffix(".report")
        order_file.write_text(json.dumps(order))
        report.unlink(missing_ok=True)
        # Python would look into the project itself, before a line of ours, where it is asked for a module (-P).
        command = [sys.executable, "-P", "-m", "ferrule", *self.arguments]
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(TRACER), str(order_file), str(report), *command],
            cwd=self.demo.project,
            env=self.demo.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
            preexec_fn=hear_signals,
        )
        output: dict[str, Any] = json.loads(report.read_text())
        calls = [Call(*call) for call in output["calls"]]
        hit = Call(*output["hit"]) if output["hit"] else None
        return Disturbed(calls, hit, output["code"], output["gone"], done.stdout + done.stderr)

    def meet(self, point: int, fault: Fault, *, reads: bool = False) -> Disturbed:
        """A run from that moment that meets a fault at its call number `point`, or at its last if it had fewer calls.

        How many there are may differ by a few: it depends on times which files the index believes and how long it is.
        """
        while point:
            self.restore()
            run = self.run(point, fault, reads=reads)
            if run.hit is not None:
                return run
            point = min(point - 1, len(run.calls))
        raise AssertionError("a run that changes nothing cannot be disturbed")

    def lost_after(self, run: Disturbed) -> Iterator[str]:
        """What is wrong after a disturbed run: nothing may be."""
        files = self.demo.files() if self.demo.dist.exists() else {}
        if "manifest.json" in files:
            yield from untrue(files)
            if files not in (self.before, self.expected):
                yield "the release is neither that from before nor the new one"
        if run.code == 0 and files != self.expected:
            yield "the run was a success and its release is not"
        again = self.demo.ferrule(*self.arguments)
        if again.returncode != 0:
            yield f"the next run ended with {again.returncode}: {(again.stdout + again.stderr)[-1500:]}"
            return
        files = self.demo.files()
        if files != self.expected:
            yield f"other bytes: {differing(files, self.expected)}"
        if self.left():
            self.demo.ferrule(*self.arguments, "--json")  # one that does not merely tell what stands sweeps
        yield from (f"left behind: {name}" for name in sorted(self.left()))

    def left(self) -> set[str]:
        """Files of a run that did not end well and that are still there."""
        state = self.demo.project / ".ferrule"
        work = (p for p in state.glob("work/*") if p.name != "logs")
        aside = (p for p in self.demo.project.rglob("*") if LEFT.search(p.name))
        half = (self.demo.root / "cache" / "toolchain").glob("*.part")
        return {str(p.relative_to(self.demo.root)) for p in (*work, *aside, *half)}


def untrue(files: dict[str, bytes]) -> Iterator[str]:
    """Claims of a release that are not so; one with a manifest has to be whole."""
    manifest = json.loads(files["manifest.json"])
    output = {a["file"]: a["sha256"] for a in manifest["artifacts"]}
    lines = files.get("SHA256SUMS", b"").decode().splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    for claims in (output, sums):
        for name, digest in claims.items():
            if hashlib.sha256(files.get(name, b"")).hexdigest() != digest:
                yield f"{name} is not what the release says"


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def errors_of(call: Call) -> list[Fault]:
    """The errors that a call may truly meet: a full disk, a broken one, too many open files."""
    broken = Fault("fail", errno.EIO)
    if call.name in {"openat", "open"}:
        return [Fault("fail", errno.ENOSPC, lasting=True), Fault("fail", errno.EMFILE), broken]
    if call.name in {"write", "writev", "pwrite64"}:
        return [Fault("short", errno.ENOSPC), broken, Fault("fail", errno.ENOSPC, lasting=True)]
    if call.name in {"pipe2", "epoll_create1"}:
        return [Fault("fail", errno.EMFILE)]
    if call.name in SPACE:
        return [Fault("fail", errno.ENOSPC, lasting=True), broken]
    return [broken, Fault("fail", errno.ENOSPC)] if call.name == "fsync" else [broken]


def unexplained(run: Disturbed) -> Iterator[str]:
    """What a person would not understand of how a run that met an error ended."""
    if "Traceback" in run.out or "Exception" in run.out or "Fatal" in run.out:
        yield f"a traceback: {run.out[-3000:]}"
    if run.code not in EXIT_CODES and not (run.code == UNREAD and UNREADABLE.search(run.out)):
        yield f"exit code {run.code}: {run.out[-1500:]}"
    elif run.code and "error: " not in run.out and " failed" not in run.out:
        yield f"exit code {run.code} without a word"


# Moments of the project


def small(root: Path) -> Demo:
    """The demo project with one target of each family, and without the kinds that only repeat what others do."""
    demo = lay_out(root)
    targets = demo.project / "targets.yaml"
    lines = [line for line in targets.read_text().splitlines(keepends=True) if not line.startswith(DROPPED)]
    targets.write_text("".join(lines).replace(", program: server", "").replace(", reads: [assets]", ""))
    lock = demo.project / "packaging" / "base.lock"
    lock.write_text("".join(line for line in lock.read_text().splitlines(keepends=True) if ":arm64" not in line))
    return demo


def never_built(demo: Demo) -> None:
    """Nothing is there but a machine on which the tools were found before."""
    release(demo)
    shutil.rmtree(demo.project / ".ferrule")
    shutil.rmtree(demo.dist)


def new_machine(_: Demo) -> None:
    """Not even the tools were ever looked for."""


def to_be_shipped(demo: Demo) -> None:
    """All is built, and the output folder is gone."""
    release(demo)
    shutil.rmtree(demo.dist)


def to_be_packed(demo: Demo) -> None:
    """A release stands, and then only what is packed around its libraries changes."""
    release(demo)
    (demo.project / "packaging" / "python" / "src" / "demo" / "more.py").write_text("x = 1\n")
    terms = demo.project / "LICENSE"
    terms.write_text(terms.read_text() + "\nAnd so on.\n")


def changed(demo: Demo) -> None:
    """A release stands, and then sources change and an artifact is no longer wanted."""
    release(demo)
    source = demo.project / "rust" / "demo-ffi" / "src" / "lib.rs"
    source.write_text(source.read_text() + "fn changed() {}\n")
    (demo.project / "packaging" / "python" / "src" / "demo" / "more.py").write_text("x = 1\n")
    targets = demo.project / "targets.yaml"
    lines = [line for line in targets.read_text().splitlines(keepends=True) if not line.startswith("  component:")]
    targets.write_text("".join(lines))


def standing(demo: Demo) -> None:
    """A release stands, and nothing changed."""
    release(demo)


def release(demo: Demo) -> None:
    done = demo.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr


MOMENTS: dict[str, Callable[[Demo], None]] = {
    moment.__name__: moment for moment in (never_built, new_machine, to_be_shipped, to_be_packed, changed, standing)
}


def stage(root: Path, name: str) -> Stage:
    """The project at a moment, in a folder of its own."""
    demo = small(root / "live")
    MOMENTS[name](demo)
    return Stage(name, demo, root / "moment").keep()
