"""The roads to the library: for each a program that measures itself, made from what users install."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calls.cost import Cost, of_go, of_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).resolve().parent
_GO_OPTIONS = ("-test.run=^$", "-test.bench=.", "-test.benchmem")
_ONCE = ("-test.benchtime=300ms",)
OFTEN = ("-test.benchtime=1ms", "-test.count=200")
"""Many short ones, of which the quickest is the least disturbed, where ways differ by less than a busy machine adds."""


@dataclass(frozen=True, slots=True)
class Road:
    """A program that measures itself, and what reads its words."""

    argv: tuple[str, ...]
    read: Callable[[str], dict[str, Cost]]
    environment: Mapping[str, str]

    def costs(self) -> dict[str, Cost]:
        """Run it once."""
        return self.read(said_by(self.argv, None, **self.environment))


def rounds(roads: Mapping[str, Road], count: int) -> list[dict[str, dict[str, Cost]]]:
    """Run all roads by turns, in every other round backwards, so that none always meets the warmer machine."""
    names = list(roads)
    return [{name: roads[name].costs() for name in (names if n % 2 == 0 else names[::-1])} for n in range(count)]


def built(root: Path, folder: Path, places: Mapping[str, str]) -> dict[str, Road]:
    """The programs for the validator's release below `root`/dist, made in an empty folder.

    `places` says where go and node are.
    """
    dist = root / "dist" / "email-validator"
    host = f"{os.uname().machine}-unknown-linux-gnu"
    sdk = unpacked(file_of(dist, "archive", host), folder / "sdk") / "lib"
    wheel = folder / "wheel"
    zipfile.ZipFile(file_of(dist, "wheel", host)).extractall(wheel)
    examples = root / "packaging" / "python" / "examples"
    component = str(file_of(dist, "component"))
    return {
        "cgo": with_go("cgo", folder, places["go"], sdk=sdk),
        "purego": with_go("module", folder, places["go"], "-road=native"),
        "wazero": with_go("module", folder, places["go"], "-road=wasm"),
        "node": with_node(unpacked(file_of(dist, "package"), folder / "npm"), places["node"], "by_jco.mjs"),
        "python-native": with_python("by_ctypes.py", wheel),
        "python-wasmtime": with_python("by_wasmtime.py", examples, component),
    }


def file_of(dist: Path, role: str, target: str | None = None) -> Path:
    """The file of a release that has a role, for a target where there are several."""
    manifest = json.loads((dist / "manifest.json").read_bytes())
    rows = (a for a in manifest["artifacts"] if a["role"] == role and (target is None or a["target"] == target))
    return dist / str(next(rows)["file"])


def with_go(
    name: str,
    folder: Path,
    go: str,
    *arguments: str,
    sdk: Path | None = None,
    module: str = "go",
    times: Sequence[str] = _ONCE,
) -> Road:
    """A package of a module in bench/calls as a program; with an SDK it is built and run by cgo, else without it."""
    program = folder / name / f"{name}.test"
    given = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    if sdk:
        given |= {"CGO_ENABLED": "1", "CGO_CFLAGS": f"-O2 -I{sdk.parent / 'include'}", "CGO_LDFLAGS": f"-L{sdk}"}
    if not program.exists():
        said_by((go, "test", "-c", "-o", str(program), f"./{name}"), cwd=HERE / module, **given)
    return Road((str(program), *arguments, *_GO_OPTIONS, *times), of_go, {"LD_LIBRARY_PATH": str(sdk)} if sdk else {})


def with_python(program: str, path: Path, *arguments: str) -> Road:
    """A program of this folder in this Python, with modules from `path`."""
    return Road((sys.executable, str(HERE / program), *arguments), of_json, {"PYTHONPATH": str(path)})


def with_node(package: Path, node: str, program: str) -> Road:
    """A program of this folder, beside which the unpacked npm package is installed."""
    name = json.loads((package / "package.json").read_bytes())["name"]
    place = package.parent / "user" / "node_modules" / name
    shutil.copytree(package, place)
    for file in (program, "measure.mjs"):
        shutil.copy(HERE / file, package.parent / "user")
    return Road((node, str(package.parent / "user" / program)), of_json, {})


def unpacked(archive: Path, folder: Path) -> Path:
    """The one folder that an archive of this release holds."""
    with tarfile.open(archive) as members:
        members.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top


def said_by(argv: Sequence[str], cwd: Path | None = None, **environment: str) -> str:
    """What a program printed. Ends this one if it failed, with all that it said."""
    done = subprocess.run(argv, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
