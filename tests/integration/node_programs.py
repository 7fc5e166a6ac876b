"""npm, and what it installs: the released package for a user, and the judges of JavaScript in their locked versions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from judges import OWN, MissingJudgeError, run

if TYPE_CHECKING:
    from released import Release

JAVASCRIPT = Path(__file__).parent / "javascript"
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


def npm(node: str) -> tuple[str, ...]:
    """The npm that lies beside a Node.js, as in its wheel, or that of this machine."""
    beside = Path(node).resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    installed = shutil.which("npm")
    if not installed and not beside.exists():
        raise MissingJudgeError(f"npm is not on this machine, and {node} came without it: apt-get install npm")
    return (node, str(beside)) if beside.exists() else (str(installed),)


def installed(release: Release, node: str, folder: Path) -> Path:
    """A folder in which a user has installed the package, from the tarball and nothing else."""
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    run(*npm(node), "install", *QUIET, "--offline", release.made("package"), cwd=folder)
    return folder


def judges_of_javascript(node: str) -> Path:
    """The programs that a lock names, installed with their digests checked."""
    path = OWN / "javascript"
    lock, stamp = (JAVASCRIPT / "package-lock.json").read_bytes(), path / "installed"
    if not stamp.exists() or stamp.read_bytes() != lock:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(JAVASCRIPT / name, path)
        run(*npm(node), "ci", *QUIET, cwd=path)
        stamp.write_bytes(lock)
    return path
