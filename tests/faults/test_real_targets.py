"""Real compilers: two targets side by side on an empty cache of zig's, again and again."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from adder import Adder, lay_out
from judges import ferrule

from ferrule.cli.environment import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.faults, pytest.mark.thorough]

PARTS = 4
ROUNDS = 5
ARM = "  aarch64-unknown-linux-gnu: {glibc: '2.17'}\n"


@pytest.fixture
def adder(tmp_path: Path) -> Adder:
    """A tiny crate for both Linux targets, and a toolchain that is complete."""
    result = lay_out(tmp_path / "project")
    result.edit("targets.yaml", "artifacts:\n", f"{ARM}artifacts:\n")
    result.ferrule("setup", ok=True)
    return result


def empty_cache(place: Path) -> Path:
    """A cache that holds the installed tools and nothing that they ever wrote."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "tools").symlink_to(cache_folder(dict(os.environ)) / "tools")  # noqa: TID251 - the machine's own
    return place


@pytest.fixture(scope="session")
def seen() -> set[tuple[tuple[str, bytes], ...]]:
    """Every release that was made."""
    return set()


@pytest.mark.parametrize("part", range(PARTS))
def test_first_links_side_by_side(
    adder: Adder,
    tmp_path: Path,
    seen: set[tuple[tuple[str, bytes], ...]],
    part: int,
    record_property: Callable[[str, object], None],
) -> None:
    failures: list[str] = []
    for number in range(ROUNDS):
        for folder in (".ferrule", "dist"):
            shutil.rmtree(adder.root / folder, ignore_errors=True)
        cache = empty_cache(tmp_path / "cache")
        done = ferrule("release", "--offline", "-j", "4", cwd=adder.root, ok=False, FERRULE_CACHE=str(cache))
        if done.returncode:
            failures.append(f"round {part * ROUNDS + number} ended with {done.returncode}: {done.stderr[-3000:]}")
            continue
        dist = adder.root / "dist"
        seen.add(tuple((name, (dist / name).read_bytes()) for name in sorted(adder.dist()) if (dist / name).is_file()))
    record_property("faults: rounds of two real targets on an empty cache", ROUNDS)
    record_property("faults: failures of real targets", len(failures))
    assert not failures, "\n".join(failures)
    assert len(seen) == 1
