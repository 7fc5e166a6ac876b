"""GitLab: one pipeline, whose jobs each call Ferrule.

A job for each shard is written, and none is made while a pipeline runs: an artifact of a child pipeline does not come
back to the one that started it, so all after the build would have to be in there. `parallel` makes at most 200 jobs
("CI/CD YAML syntax reference"), so more are groups of that many. Jobs are in stages, as `needs` may name 50.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.app.ci.base import System, refuse_jobs_of_github, usual_machine
from ferrule.app.ci.templates import templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ferrule.app.ci.base import CiProject, CiRelease
    from ferrule.config import ReleaseConfig

OWN: Final = ".gitlab-ci.yml"
INCLUDED: Final = ".gitlab/ferrule.yml"
"""Where the pipeline is if `.gitlab-ci.yml` is somebody else's, who starts it from there."""
_PARALLEL: Final = 200
_MOST: Final = 4000


def render(project: CiProject) -> dict[str, str]:
    """The pipeline of a project, by the name of its file. Raises ConfigError for what no pipeline can do."""
    config, ci = project.config, project.config.ci
    refuse_jobs_of_github(project, SYSTEM.title)
    own = config.root / OWN
    is_included = own.is_file() and not own.read_bytes().startswith(SYSTEM.mark.encode())
    values = {
        "mark": SYSTEM.mark,
        "ci": ci,
        "runner": ci.runner if "runner" in ci.stated else None,
        "tests": usual_machine(ci, "tests", ci.tests, f"{ci.call} build --setup", None),
        "consumers": usual_machine(ci, "consumers", ci.consumers, f"{ci.call} verify dist", None),
        "steps": project.steps(actions=False),
        "publishing": project.publishing(),
        "is_included": is_included,
        "releases": [release.name for release in config.releases],
        "of_releases": [
            {"name": one.name, "tags": _tags(project, one), "groups": [*_groups(one)]} for one in project.releases
        ],
    }
    text = templates("gitlab").get_template("pipeline.yml").render(values)
    return {INCLUDED if is_included else OWN: text}


def _groups(release: CiRelease) -> Iterator[tuple[str | None, str, list[str]]]:
    """The label of a machine, the name of a job, and its shards: at most as many as `parallel` makes."""
    of, count = f" {release.name}" if release.name else "", len(release.shards)
    for label in dict.fromkeys(release.shards):
        shards = [f"{number}/{count}" for number, other in enumerate(release.shards, 1) if other == label]
        parts = [shards[at : at + _PARALLEL] for at in range(0, len(shards), _PARALLEL)]
        for number, part in enumerate(parts, 1):
            name = f"build{of}" + (f" on {label}" if label else "")
            yield label, name + (f", group {number}" if len(parts) > 1 else ""), part


def _tags(project: CiProject, release: CiRelease) -> str:
    """The condition that a tag is one of this release, and not of another whose tags look like them."""
    selected = release.config.selected
    if selected is None:
        return "$CI_COMMIT_TAG =~ /^v[0-9]/"
    return " && ".join(tag_conditions(selected, project.config.releases))


def tag_conditions(release: ReleaseConfig, releases: Iterable[ReleaseConfig]) -> Iterator[str]:
    """Patterns are RE2's between slashes; `!~` is for the tags of another release that match, too."""
    yield f"$CI_COMMIT_TAG =~ {_pattern(release)}"
    glob = release.tag_of("[0-9]*")
    for other in releases:
        if other is not release and fnmatchcase(other.tag_of("0.0.0"), glob):
            yield f"$CI_COMMIT_TAG !~ {_pattern(other)}"


def _pattern(release: ReleaseConfig) -> str:
    before, _, after = release.tag_of("\0").partition("\0")
    return "/^" + "[0-9][^\\/]*".join(re.escape(part).replace("/", "\\/") for part in (before, after)) + "$/"


SYSTEM: Final = System(
    name="gitlab", title="GitLab CI/CD", folder=Path(), files=(OWN, INCLUDED), most=_MOST, render=render
)
