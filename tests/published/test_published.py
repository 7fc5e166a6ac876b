"""This repository's release on every destination that takes it: killed, resumed, verified, and fetched as users do."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import users
from gates import Boundary
from judges import CHECKOUT, ferrule
from tally import Tally
from world import SHELF, Project, digests, world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from world import World

OWN_NAMES = ("pypi", "npm", "oci", "http", "go", "s3", "github", "gitlab", "gitea")
OTHER_NAMES = ("crates", "homebrew", "scoop")


def boundaries(calm: World) -> list[Boundary]:
    """The first request of every destination, about its first, middle and last write, and its last request."""
    rows: list[tuple[float, int, Boundary]] = [(0.0, 0, Boundary(name, "first")) for name in calm.servers]
    stamps = {SHELF: calm.shelf_stamps, **{name: server.gate.stamps for name, server in calm.servers.items()}}
    for name, times in stamps.items():
        last = len(times)
        for order, moment, number in (
            (0, "before", 1),
            (1, "after", 1),
            (2, "after", (last + 1) // 2),
            (3, "before", last),
            (4, "next", last),
        ):
            # Nothing comes before or next to a write that took effect: few writes have fewer boundaries.
            if order in {1: (2, 3, 4), 2: (2,), 3: (2,)}.get(last, ()) or (name == SHELF and moment == "next"):
                continue
            rows.append((times[number - 1], order, Boundary(name, moment, number)))
    return [boundary for _, _, boundary in sorted(rows, key=lambda row: row[:2])]


def test_this_repository(
    released: Path, tmp_path: Path, tallies: list[Tally], record_property: Callable[[str, object], None]
) -> None:
    project = Project(CHECKOUT, released, OWN_NAMES, "email-validator")
    record_property("fetched as users do", killed_anywhere(project, tmp_path, tallies, as_users))


def test_crates_and_what_names_archives(
    workspace: Path, tmp_path: Path, tallies: list[Tally], record_property: Callable[[str, object], None]
) -> None:
    """A small workspace, as this repository releases no crates and no program."""
    project = Project(workspace, workspace / "dist", OTHER_NAMES)
    record_property("fetched as users do", killed_anywhere(project, tmp_path, tallies, as_users_of_crates))


def killed_anywhere(
    project: Project,
    folder: Path,
    tallies: list[Tally],
    fetch: Callable[[World, Path], Iterator[tuple[str, int]]],
) -> dict[str, int]:
    """Publish once undisturbed, and once killed at every boundary and resumed: the servers have the same in the end.

    Every third run is in another clone, and for every fifth the ledger was deleted. What users fetched, by client.
    """
    with world(folder / "calm", project) as calm:
        clone = calm.clone("clone")
        dry = calm.ferrule(clone, "publish", "--dry-run", *project.asked)
        (folder / "dry-run.txt").write_text(dry.stdout)
        assert dry.returncode == 0, dry.stdout + dry.stderr
        assert not any(server.gate.stamps for server in calm.servers.values())
        code, said = calm.publish(clone)
        assert code == 0, said[-5000:]
        right = {name: digests(files) for name, files in calm.files().items()}
        plan = boundaries(calm)
    with world(folder / "killed", project) as killed:
        clones = [killed.clone(name) for name in ("one", "other")]
        kills = dict.fromkeys(right, 0)
        for number, boundary in enumerate(plan):
            clone = clones[number % 3 == 1]
            if number % 5 == 2:
                (clone / ".ferrule" / "publish.jsonl").unlink(missing_ok=True)
            code, said = killed.publish(clone, boundary)
            print(f"{number + 1} of {len(plan)}: {boundary}: {code}", flush=True)  # noqa: T201 - minutes pass
            assert code == -signal.SIGKILL, f"{boundary}: {said[-5000:]}"
            kills[boundary.destination] += 1
        code, said = killed.publish(clones[1])
        assert code == 0, said[-5000:]
        code, said = killed.publish(clones[0])
        assert code == 0, said[-5000:]
        assert " 0 new" in said
        own = list(tallied(killed, right, kills))
        tallies.extend(own)
        for tally in own:
            assert (tally.lost, tally.twice, tally.overwritten) == (0, 0, 0), tally
        assert {name: digests(files) for name, files in killed.files().items()} == right
        assert not any(server.gate.leaked + server.gate.strayed for server in killed.servers.values())
        named = ("--release", project.release) if project.release else ()
        verified = killed.ferrule(clones[0], "verify", "--published", *named, str(project.dist))
        (folder / "verified.txt").write_text(verified.stdout)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        (folder / "users").mkdir()
        return dict(fetch(killed, folder / "users"))


def tallied(world: World, right: dict[str, dict[str, object]], kills: dict[str, int]) -> Iterator[Tally]:
    """What the servers themselves say came of it."""
    for name, files in world.files().items():
        lost = sum(digests(files).get(n) != digest for n, digest in right[name].items())
        server = world.servers.get(name)
        twice = sum(count > 1 for count in server.created().values()) if server else 0
        replaced = world.overwritten.get(name, 0) + (server.replaced() if server else 0)
        title = server.title if server else "a folder"
        yield Tally(name, title, len(files), kills[name], lost, twice, replaced)


def as_users(world: World, folder: Path) -> Iterator[tuple[str, int]]:
    """How many files each client got, all of them as they were released."""
    dist, version = world.project.dist, world.project.version
    rows = world.project.manifest["artifacts"]
    wheels, sdists = ([dist / r["file"] for r in rows if r["role"] == role] for role in ("wheel", "sdist"))
    yield "pip", users.by_pip(world, wheels, sdists, folder / "pip")
    yield "npm pack", users.by_npm(world, sorted(dist.glob("*.tgz")), version, folder / "npm")
    yield "skopeo", users.by_skopeo(world, dist / "image", version, folder / "image")
    yield "go mod download", users.by_go(world, dist / "go", version, tool("go"), folder / "go")
    yield from users.by_http(world, folder).items()


def as_users_of_crates(world: World, folder: Path) -> Iterator[tuple[str, int]]:
    """The same of crates, a formula and a manifest of Scoop."""
    dist = world.project.dist
    yield "cargo fetch", users.by_cargo(world, sorted(dist.glob("*.crate")), tool("cargo"), folder / "cargo")
    yield "git clone (tap)", users.by_git(world, "homebrew", dist / "tally.rb", folder / "tap")
    yield "git clone (bucket)", users.by_git(world, "scoop", dist / "tally.json", folder / "bucket")


def tool(name: str) -> str:
    """Where a program of the toolchain is, as `ferrule doctor` says."""
    rows = json.loads(ferrule("doctor", "--json", "--no-probe", "--with", "go").stdout)
    return str(next(row["path"] for row in rows if row["tool"] == name))
