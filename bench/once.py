"""What is not made twice on a machine: whole releases in other clones, of other projects, and after a comment."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from figures import Figure, Sample, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

OTHER_TARGETS = (
    'x86_64-unknown-linux-gnu: {glibc: "2.17"}',
    'aarch64-unknown-linux-gnu: {glibc: "2.17"}',
    'aarch64-apple-darwin: {macos: "11.0"}',
    "x86_64-unknown-linux-musl: {}",
)
COMMENT = "\n// Nothing that is compiled.\n"


@dataclass(frozen=True, slots=True)
class Release:
    """What a release cost, and how many of its actions were made, had been made here, or by another checkout."""

    cost: Sample
    built: int
    cached: int
    shared: int

    @property
    def counts(self) -> str:
        """The numbers for people."""
        return f"{self.built} made, {self.shared} from another checkout, {self.cached} unchanged"


def last_run(log: str) -> dict[str, int]:
    r"""The numbers of actions of the last release in a log of `ferrule release --json`.

    >>> last_run('said\n{"event": "run-finished", "built": 1, "cached": 2, "shared": 0}\n')
    {'built': 1, 'cached': 2, 'shared': 0}
    """
    ends = [json.loads(line) for line in log.splitlines() if line.startswith("{") and '"run-finished"' in line]
    return {name: int(ends[-1][name]) for name in ("built", "cached", "shared")}


@dataclass(frozen=True, slots=True)
class Releases:
    """Makes releases: `fresh` gives a checkout and a cache with the tools alone, `command` releases in a folder."""

    fresh: Callable[[], AbstractContextManager[tuple[Path, Path]]]
    command: Callable[[Path, Mapping[str, str], str], Sample]
    log: Path

    def release(self, root: Path, cache: Path, name: str = "", **variables: str) -> Release:
        """A release in a folder, with a cache of the machine."""
        environment = {key: value for key, value in os.environ.items() if key != "FERRULE_MACHINE_CACHE"}
        cost = self.command(root, {**environment, "FERRULE_CACHE": str(cache), **variables}, name)
        return Release(cost, **last_run(self.log.read_text(encoding="utf-8", errors="replace")))


def clones(releases: Releases, name: str, edited: str) -> list[Figure]:
    """The release `name` in fresh checkouts that share a cache, and again after a comment in the file `edited`."""
    fresh, release = releases.fresh, releases.release
    with fresh() as (first, cache), fresh() as (second, _), fresh() as (third, _):
        bare = release(first, cache, name)
        again = release(second, cache, name)
        alone = release(third, cache, name, FERRULE_MACHINE_CACHE="off")
        with (third / edited).open("a", encoding="utf-8") as file:
            file.write(COMMENT)
        comment = release(third, cache, name, FERRULE_MACHINE_CACHE="off")
    return [
        Figure(
            *("once-bare", f"first release of {name}, tools and nothing else there, wall time", bare.cost.wall, "s"),
            *(None, f"{bare.counts}; {seconds(bare.cost.cpu)} of CPU time"),
        ),
        Figure(
            *("once-first", f"first release of {name} in a clone, its standard libraries there, wall time"),
            *(alone.cost.wall, "s", 120.0, f"{alone.counts}; {seconds(alone.cost.cpu)} of CPU time"),
        ),
        Figure(
            *("once-clone", f"release of {name} in another clone on the machine, CPU time", again.cost.cpu, "s", 3.0),
            f"{again.counts}; {seconds(again.cost.wall)} of wall time",
        ),
        Figure(
            *("once-comment", f"a comment in {edited}, released again, wall time", comment.cost.wall, "s", None),
            f"{comment.counts}; {seconds(comment.cost.cpu)} of CPU time",
        ),
    ]


def others(releases: Releases, workspace: Path) -> list[Figure]:
    """A small workspace for four targets where nothing was made, and in another folder with what no project has."""
    with releases.fresh() as (first, cache), releases.fresh() as (second, _):
        bare = releases.release(small_project(workspace, first / "other"), cache).cost
        other = releases.release(small_project(workspace, second / "other"), cache, FERRULE_MACHINE_CACHE="off").cost
    return [
        Figure(
            *("once-other", "a small workspace for 4 targets, standard libraries there, to nothing there, wall time"),
            *(other.wall / bare.wall, "x", 0.4, f"{seconds(other.wall)} to {seconds(bare.wall)}"),
        )
    ]


def small_project(source: Path, target: Path) -> Path:
    """A copy of a small workspace, for four targets, of which the compiler may have no standard library."""
    shutil.copytree(source, target)
    file = target / "targets.yaml"
    head, _, tail = file.read_text(encoding="utf-8").partition("targets:\n")
    rest = tail[tail.index("artifacts:") :]
    file.write_text(f"{head}targets:\n" + "".join(f"  {line}\n" for line in OTHER_TARGETS) + rest, encoding="utf-8")
    return target
