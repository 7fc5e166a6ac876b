"""The outside judges: other people's programs that read what a release made, and how they come onto a machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess  # noqa: TID251 - judges are programs
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from machine_fault import MachineFaultError

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parents[2]
VECTORS = CHECKOUT / "rust" / "vectors" / "email-validator.json"
OWN = CHECKOUT / ".cache" / "integration"

# Each program, and the Debian packages that bring it.
DEBIAN = {
    "abidiff": ("abigail-tools",),
    "addr2line": ("binutils",),
    "chromium": ("chromium",),
    "clang": ("clang",),
    "clang++": ("clang",),
    "cmake": ("cmake",),
    "docker-registry": ("docker-registry",),
    "dpkg": ("dpkg",),
    "g++": ("g++",),
    "gcc": ("gcc", "libc6-dev"),
    "gdb": ("gdb",),
    "git": ("git",),
    "lintian": ("lintian",),
    "llvm-objdump": ("llvm",),
    "llvm-symbolizer": ("llvm",),
    "make": ("make",),
    "nginx": ("nginx",),
    "openssl": ("openssl",),
    "pkg-config": ("pkg-config",),
    "qemu-aarch64-static": ("qemu-user-static",),
    "readelf": ("binutils",),
    "rpm": ("rpm",),
    "rsync": ("rsync",),
    "ruby": ("ruby",),
    "sha256sum": ("coreutils",),
    "skopeo": ("skopeo",),
    "strace": ("strace",),
    "valgrind": ("valgrind", "libc6-dbg"),
}
# The same for macOS and Homebrew; what no formula brings comes with Apple's command line tools.
HOMEBREW = {
    "chromium": ("google-chrome",),
    "clang": (),
    "clang++": (),
    "cmake": ("cmake",),
    "git": (),
    "make": (),
    "openssl": (),
    "pkg-config": ("pkgconf",),
    "xcrun": (),
}
# What does as well as a program that has another name elsewhere.
INSTEAD = {
    "chromium": (
        *("google-chrome", "chromium-browser"),
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ),
    "llvm-lipo": tuple(f"llvm-lipo-{version}" for version in range(14, 30)),  # Debian has it under this name alone
}
# Judges that Go builds, each from its module in one version; Go compares the sources with its checksum database.
GO = {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"}
# Judges that Cargo builds, each a crate in one version.
CRATES = {"rust-audit-info": "0.5.4"}
PROGRAMS: dict[str, dict[str, tuple[str, ...]]] = {"linux": DEBIAN, "darwin": HOMEBREW}
_FAULTS_OF_A_MACHINE = (4, 7, 8)  # exit codes: a tool is missing, the disk, the network
_WAIT = ("-o", "DPkg::Lock::Timeout=600")


class MissingJudgeError(MachineFaultError):
    """A judge is not on this machine; the message names it and what brings it."""


def provision(
    programs: dict[str, tuple[str, ...]] | None = None,
    *,
    system: str = sys.platform,
    path: str | None = None,
    is_root: bool = os.geteuid() == 0,
    start: Callable[[list[str]], object] = lambda argv: run(*argv, DEBIAN_FRONTEND="noninteractive"),
) -> None:
    """Install the judges that are missing where this user may, or raise MissingJudgeError with the command for it.

    By default all of the system's are wanted.
    """
    expected = PROGRAMS[system] if programs is None else programs
    missing = sorted(name for name in expected if found(name, path=path) is None)
    if not missing:
        return
    packages = sorted({package for name in missing for package in expected[name]})
    apple, by_hand = system == "darwin", not all(expected[name] for name in missing)
    steps = _homebrew(packages, by_hand=by_hand) if apple else _debian(packages)
    # Homebrew wants no root, and Apple's tools come by a window that a person has to answer.
    may = not by_hand if apple else is_root
    if not may or shutil.which("brew" if apple else "apt-get", path=path) is None:
        typed = " && ".join(shlex.join(step if apple or is_root else ["sudo", *step]) for step in steps)
        where = "macOS" if apple else "Debian and Ubuntu"
        raise MissingJudgeError(f"not on this machine: {', '.join(missing)}; on {where}: {typed}")
    for step in steps:
        start(step)


def found(name: str, *, path: str | None = None) -> str | None:
    """Where a judge is, or what does as well."""
    return next(filter(None, (shutil.which(n, path=path) for n in (name, *INSTEAD.get(name, ())))), None)


def program(name: str) -> str:
    """Where a judge is that was provisioned."""
    path = found(name)
    if path is None:
        raise MissingJudgeError(f"not on this machine: {name}")
    return path


def built(name: str, go: str) -> Path:
    """A judge that Go builds, built by this Go once for each version."""
    folder = OWN / "judges" / GO[name].rpartition("/")[2]
    if not (folder / name).exists():
        run(go, "install", GO[name], GOBIN=str(folder), GOTOOLCHAIN="local", GOFLAGS="", GOWORK="off")
    return folder / name


def compiled(name: str, programs: dict[str, str]) -> Path:
    """A judge that Cargo builds, built by this Rust once for each version; raises MissingJudgeError where it cannot."""
    folder = OWN / "judges" / f"{name}-{CRATES[name]}"
    if not (folder / "bin" / name).exists():
        options = ("--locked", "--debug", "--quiet", "--version", CRATES[name], "--root", folder)
        done = run(programs["cargo"], "install", *options, name, ok=False, RUSTC=programs["rustc"])
        if done.returncode:
            typed = shlex.join(str(word) for word in ("cargo", "install", *options, name))
            raise MissingJudgeError(f"not on this machine: {name}; {typed} says:\n{done.stderr[-2000:]}")
    return folder / "bin" / name


def _debian(packages: list[str]) -> list[list[str]]:
    return [
        ["apt-get", *_WAIT, "update"],
        ["apt-get", *_WAIT, "install", "-y", "--no-install-recommends", *packages],
    ]


def _homebrew(packages: list[str], *, by_hand: bool) -> list[list[str]]:
    install = [["brew", "install", *packages]] if packages else []
    return [["xcode-select", "--install"], *install] if by_hand else install


def run(
    *argv: str | Path, cwd: Path | None = None, ok: bool = True, umask: int = -1, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; unless `ok` is false, one that fails is shown with all it said."""
    done = subprocess.run(
        [str(arg) for arg in argv],
        cwd=cwd,
        env=os.environ | environment,  # noqa: TID251 - the machine's own, as a person has it
        input=stdin,
        capture_output=True,
        text=True,
        timeout=1800,
        umask=umask,
        check=False,
    )
    if ok and done.returncode:
        output = "\n".join(f"{done.stdout}\n{done.stderr}".splitlines()[-60:])
        raise AssertionError(f"{shlex.join(done.args)} ended with {done.returncode}:\n{output}")
    return done


def ferrule(*argv: str | Path, cwd: Path = CHECKOUT, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the real command line, from the sources of this checkout."""
    return run(sys.executable, "-m", "ferrule", *argv, cwd=cwd, PYTHONPATH=str(CHECKOUT / "src"), **options)


def set_up(*options: str, cwd: Path = CHECKOUT, **environment: str) -> None:
    """Have `ferrule setup` install what is missing; raises MachineFaultError with its words where it cannot."""
    done = ferrule("setup", *options, cwd=cwd, ok=False, **environment)
    if done.returncode in _FAULTS_OF_A_MACHINE:
        raise MachineFaultError(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
