"""The workspaces of this folder as they are built for one target, and the table of what came of it."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judges import OWN, ferrule, run

from ferrule.core.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterable

WORKSPACES = Path(__file__).parent / "workspaces"
NAMED = "x86_64-pc-windows-gnullvm"
"""The target that each workspace's targets.yaml names, for which others are put."""
OF_WASI = "targets-wasi.yaml"
"""What a workspace releases for WASI, which can have less of it."""


@dataclass(frozen=True)
class Row:
    """A line of the table: what was built for a target, its size in bytes, the seconds that all of the target took."""

    target: str
    kind: str
    size: int
    seconds: float
    measured: str
    run_by: str


def table(rows: Iterable[Row]) -> str:
    """The rows as people read them."""
    head = ("target", "kind", "built", "bytes", "seconds", "measured", "run by")
    lines = [head, *((r.target, r.kind, "yes", f"{r.size}", f"{r.seconds:.0f}", r.measured, r.run_by) for r in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join(text) + "\n"


@dataclass(frozen=True)
class Built:
    """What Ferrule built for a target: the folder with its files, its manifest, and the seconds that it took."""

    target: str
    folder: Path
    manifest: dict[str, Any]
    seconds: float

    def unpacked(self, stem: str, into: Path) -> Path:
        """The folder in the target's archive whose name begins so."""
        ends = (f"-{self.target}.zip", f"-{self.target}.tar.gz")
        (archive,) = (path for path in self.folder.glob(f"{stem}-*") if path.name.endswith(ends))
        into.mkdir()
        if archive.suffix == ".zip":
            run("unzip", "-q", archive, "-d", into)
        else:
            run("tar", "-xf", archive, "-C", into)
        (folder,) = into.iterdir()
        return folder

    def measured(self, action: str, role: str) -> str:
        """What was measured of a compiled file: its floor, and how many libraries it asks for."""
        facts = self.manifest["facts"][action][role]
        floor = next((f"{name} {facts[name]}, " for name in ("glibc", "macos") if facts.get(name)), "")
        asked = "imports" if facts["format"] == "wasm" else "needed"
        return f"{floor}{len(facts.get(asked, ()))} {asked}"


def listed(target: str) -> str:
    """The line of a target in targets.yaml, with the floor that serves most machines."""
    row = PLATFORMS[target]
    floor = f'{row.floor_name}: "{row.suggested_floor}"' if row.floors else ""
    return f"{target}: {{{floor}}}"


@dataclass(frozen=True)
class Workspace:
    """One of the workspaces, in a folder that is kept: Cargo compiles what was not compiled there before."""

    name: str

    @property
    def folder(self) -> Path:
        """Where it is laid out."""
        return OWN / "targets" / self.name

    def lay_out(self) -> Workspace:
        """Copy its sources, without what an earlier run left of them, and set up the tools."""
        for path in self.folder.glob("*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(WORKSPACES / self.name, self.folder, dirs_exist_ok=True)
        ferrule("setup", cwd=self.folder)
        return self

    def tool(self, name: str, *options: str) -> str:
        """Where a program is that Ferrule uses, or would use with these options of `setup`."""
        ferrule("setup", *options, cwd=self.folder)
        rows = json.loads(ferrule("doctor", "--json", "--no-probe", *options, cwd=self.folder).stdout)
        return str(next(row["path"] for row in rows if row["tool"] == name))

    def release(self, target: str) -> Built:
        """Release everything for a target, and verify it."""
        dist = self.folder / "dist"
        targets = "\n  ".join(map(listed, (*PLATFORMS[target].parts, target)))
        description = "targets.yaml" if PLATFORMS[target].is_native else OF_WASI
        text = (WORKSPACES / self.name / description).read_text()
        (self.folder / "targets.yaml").write_text(text.replace(f"{NAMED}: {{}}", targets))
        shutil.rmtree(dist, ignore_errors=True)
        started = time.monotonic()
        ferrule("release", cwd=self.folder)
        seconds = time.monotonic() - started
        run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=dist)
        ferrule("verify", "dist", cwd=self.folder)
        return Built(target, dist, json.loads((dist / "manifest.json").read_text()), seconds)
