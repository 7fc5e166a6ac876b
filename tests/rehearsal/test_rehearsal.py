"""A release made as four shards in four clones is the release of one machine, byte for byte."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from folders import differing, files
from judges import ferrule, run

from fakes.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHARDS = 4


def test_by_hand(
    repository: Path, alone: dict[str, bytes], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    matrix = json.loads(
        ferrule("matrix", "--release", "email-validator", "--shards", str(SHARDS), cwd=repository).stdout
    )["include"]
    assert len(matrix) == SHARDS
    bundles = [tmp_path / f"bundle-{number}" for number in range(SHARDS)]
    for number, (shard, bundle) in enumerate(zip(matrix, bundles, strict=True)):
        clone = tmp_path / f"{'long-' * number}clone-{number}"
        run("git", "clone", "--quiet", repository, clone)
        ferrule("build", "--shard", json.dumps(shard), "--bundle", str(bundle), cwd=clone)
    merging = tmp_path / "merging"
    run("git", "clone", "--quiet", repository, merging)
    ferrule("merge", "--release", "email-validator", *map(str, reversed(bundles)), cwd=merging)
    merged = files(merging / "dist" / "email-validator")
    record_property("files of a merged release", len(merged))
    assert not differing(merged, alone)


def test_by_the_workflow(
    repository: Path, alone: dict[str, bytes], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    runner = Runner(repository, tmp_path, os.environ)  # noqa: TID251 - the machine's own, as a runner has it
    done = runner.run("build-release-email-validator.yml", "workflow_call", job="verify", attest="false")
    assert done.returncode == 0, done.stdout[-10_000:]
    result = runner.kept("dist")
    record_property("files of a release by the workflow", len(result))
    assert not differing(result, alone)
    assert not list(runner.published.iterdir())
