"""A Python of arm64 on a machine that is not: Debian's packages, unpacked and run by qemu; nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from judges import OWN, MissingJudgeError, run

if TYPE_CHECKING:
    from pathlib import Path

ROOT = OWN / "python-arm64"
# What an interpreter with ctypes needs, and what a native library of a wheel may need; `{}` is Python's version.
PACKAGES = (
    *("python{}-minimal", "libpython{}-minimal", "libpython{}-stdlib"),
    *("libc6", "libexpat1", "libffi8", "libgcc-s1", "zlib1g"),
)


def run_python(*argv: str | Path, path: Path) -> str:
    """What the interpreter prints, with one folder to import from beside its own library."""
    (program,) = unpacked().glob("usr/bin/python3.*")
    places = {"PYTHONHOME": str(ROOT / "usr"), "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    return run("qemu-aarch64-static", "-L", ROOT, program, "-s", *argv, **places).stdout


def unpacked() -> Path:
    """The root folder, which is made once."""
    if ROOT.exists():
        return ROOT
    aside = ROOT.with_suffix(".part")
    shutil.rmtree(aside, ignore_errors=True)
    packages, root = aside / "packages", aside / "root"
    packages.mkdir(parents=True)
    _know_arm64()
    names = [f"{name.format(_version())}:arm64" for name in PACKAGES]
    if run("apt-get", "-q", "download", *names, cwd=packages, ok=False).returncode:
        _as_root("apt-get", "-o", "DPkg::Lock::Timeout=600", "update")  # lists grow old, and old packages go
        run("apt-get", "-q", "download", *names, cwd=packages)
    for package in sorted(packages.iterdir()):
        run("dpkg-deb", "--extract", package, root)
    root.rename(ROOT)
    shutil.rmtree(aside)
    return ROOT


def _version() -> str:
    """The version of the distribution's Python, which is in the name of its packages."""
    shown = run("apt-cache", "show", "--no-all-versions", "python3-minimal").stdout
    return re.findall(r"\bpython(3\.\d+)-minimal\b", shown)[0]


def _know_arm64() -> None:
    if "arm64" not in run("dpkg", "--print-foreign-architectures").stdout.split():
        _as_root("dpkg", "--add-architecture", "arm64")
        _as_root("apt-get", "-o", "DPkg::Lock::Timeout=600", "update")


def _as_root(*argv: str) -> None:
    if os.geteuid():
        raise MissingJudgeError(f"there is no Python of arm64 here; needed first: sudo {' '.join(argv)}")
    run(*argv)
