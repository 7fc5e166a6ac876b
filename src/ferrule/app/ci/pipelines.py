"""A split as CI systems take it: a matrix of GitHub or Forgejo, GitLab's child pipeline, Buildkite's steps; all JSON.

Limits: a matrix of GitHub Actions makes at most 256 jobs ("Usage limits, billing, and administration"), so more shards
come as a matrix of matrices, for a workflow that calls another; Forgejo states no limit, and has 256 here. A child
pipeline of GitLab is kept at 200 jobs, as many as one `parallel` may make ("CI/CD YAML syntax reference"); one upload
to Buildkite takes 500 ("Platform limits").
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ferrule.core.model import Json

System = Literal["github", "gitlab", "buildkite", "forgejo"]

GITHUB: Final = 256
LIMITS: Final[dict[System, int]] = {
    "github": GITHUB * GITHUB,
    "gitlab": 200 - 1,
    "buildkite": 500 - 1,
    "forgejo": GITHUB,
}
"""The most shards that a system takes; where the merge is a job among them, one is kept for it."""

RUNNERS: Final[dict[System, str]] = {"github": "ubuntu-24.04", "forgejo": "docker"}
"""The label of a machine where targets.yaml names none, of systems whose jobs must name one."""

_FOLDER: Final = "bundles"


class PipelineShard(Protocol):
    """What a job has to know about its shard: `document` is the value of `ferrule build --shard`."""

    @property
    def id(self) -> str:
        """A name for files and jobs."""

    @property
    def name(self) -> str:
        """A name for people."""

    @property
    def runner(self) -> str | None:
        """The label of the machine, where targets.yaml names one."""

    def document(self) -> dict[str, Json]:
        """The shard as JSON."""


def text(shards: Sequence[PipelineShard], system: System, runner: str | None = None, release: str | None = None) -> str:
    """The split as one line of JSON for a system; `shards` must be within its LIMITS.

    A job of GitHub Actions or Forgejo Actions must name its machine: `runner` is the label where targets name none, by
    default that of RUNNERS. `release` is the one of several that is merged.
    """
    merge = f"ferrule merge --setup {f'--release {release} ' if release else ''}{_FOLDER}/*"
    render = {
        "github": lambda: _github(shards, runner or RUNNERS[system]),
        "forgejo": lambda: _github(shards, runner or RUNNERS[system]),
        "gitlab": lambda: _gitlab(shards, merge),
        "buildkite": lambda: _buildkite(shards, merge),
    }
    return json.dumps(render[system](), ensure_ascii=False, separators=(",", ":"))


def _github(shards: Sequence[PipelineShard], runner: str) -> Json:
    """A value for `strategy.matrix`; past 256 shards each entry has such a value as `shards`."""
    entries: list[Json] = [{**shard.document(), "runner": shard.runner or runner} for shard in shards]
    if len(entries) <= GITHUB:
        return {"include": entries}
    groups = -(-len(entries) // GITHUB)
    size = -(-len(entries) // groups)
    parts = [entries[at : at + size] for at in range(0, len(entries), size)]
    firsts = range(1, len(entries) + 1, size)
    return {
        "include": [
            {
                "id": f"{number}-of-{len(parts)}",
                "name": f"shards {first} to {first + len(part) - 1}",
                "shards": {"include": part},
            }
            for number, (first, part) in enumerate(zip(firsts, parts, strict=True), 1)
        ]
    }


def _gitlab(shards: Sequence[PipelineShard], command: str) -> Json:
    """A child pipeline: a job for each shard, and one that merges. `$` would be the beginning of a variable's name."""
    jobs: dict[str, Json] = {
        f"shard {shard.name}": {
            "stage": "build",
            **({"tags": [shard.runner]} if shard.runner else {}),
            "variables": {"FERRULE_SHARD": _entry(shard)},
            "script": [f'ferrule build --setup --shard "$FERRULE_SHARD" --bundle {_FOLDER}/{shard.id}'],
            "artifacts": {"paths": [f"{_FOLDER}/{shard.id}/"], "expire_in": "1 day"},
        }
        for shard in shards
    }
    merge: Json = {
        "stage": "merge",
        "script": [command],
        "artifacts": {"paths": ["dist/"]},
    }
    return {"stages": ["build", "merge"], **jobs, "merge": merge}


def _buildkite(shards: Sequence[PipelineShard], command: str) -> Json:
    """Steps: one for each shard, a wait, the merge. `$$` keeps the upload from looking the variable up."""
    steps: list[Json] = [
        {
            "label": f"shard {shard.name}",
            "key": f"shard-{shard.id}",
            **({"agents": {"queue": shard.runner}} if shard.runner else {}),
            "env": {"FERRULE_SHARD": _entry(shard)},
            "command": f'ferrule build --setup --shard "$$FERRULE_SHARD" --bundle {_FOLDER}/{shard.id}',
            "artifact_paths": [f"{_FOLDER}/{shard.id}/**/*"],
        }
        for shard in shards
    ]
    merge: Json = {
        "label": "merge",
        "key": "merge",
        "command": [
            f"buildkite-agent artifact download '{_FOLDER}/**/*' .",
            command,
        ],
        "artifact_paths": ["dist/**/*"],
    }
    return {"steps": [*steps, "wait", merge]}


def _entry(shard: PipelineShard) -> str:
    return json.dumps(shard.document(), ensure_ascii=False, separators=(",", ":"))
