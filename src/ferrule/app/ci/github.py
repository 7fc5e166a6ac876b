"""GitHub Actions: workflows that contain no logic but call Ferrule.

A release is built, verified and attested in a workflow of its own that another calls, so that what signs its provenance
is that file and no other ("Using artifact attestations and reusable workflows to achieve SLSA v1 Build Level 3").
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.app.ci.base import System, jobs_before_publishing, linked_targets
from ferrule.app.ci.pipelines import GITHUB, LIMITS
from ferrule.app.ci.templates import templates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ferrule.app.ci.base import CiProject, CiRelease
    from ferrule.config import ReleaseConfig

ACTIONS: Final = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "upload": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "download": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "attest": "actions/attest-build-provenance@a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32 # v4.1.0",
}
"""Other people's actions, each by a commit, which nobody can move, and the version that it is.

A destination names those that only it uses.
"""


def render(project: CiProject) -> dict[str, str]:
    """The workflows of a project: texts by name of the file. Raises ConfigError for what no workflow can do."""
    config, ci = project.config, project.config.ci
    jobs = [project.destinations[name] for name in ci.publish]
    texts = templates(
        "github", {f"{d.name}/prepare": d.prepare for d in jobs} | {f"{d.name}/publish": d.publish for d in jobs}
    )
    values = {
        "mark": SYSTEM.mark,
        "actions": ACTIONS,
        "ci": ci,
        "steps": project.steps(actions=True),
        "publishing": project.publishing(),
        "needs": jobs_before_publishing(ci.consumers),
        "each_release": (),
        "kept": [("", "dist/")],
        "linked": linked_targets(config),
    }
    files: dict[str, str] = {}
    if ci.tests:
        files["ci.yml"] = texts.get_template("ci.yml").render(values | project.of_several_releases)
    for release in project.releases:
        suffix = f"-{release.name}" if release.name else ""
        built_by = f"build-release{suffix}.yml"
        of_release = values | {
            "release": release.name,
            "tags": tags(project, release),
            "linked": linked_targets(release.config),
            "kinds": release.kinds,
            "shards": len(release.shards),
            "nested": len(release.shards) > GITHUB,
            "built_by": f"{SYSTEM.folder.as_posix()}/{built_by}",
            "destinations": [one for one in jobs if not one.kinds or not release.kinds.isdisjoint(one.kinds)],
        }
        files[f"release{suffix}.yml"] = texts.get_template("release.yml").render(of_release)
        files[built_by] = texts.get_template("build-release.yml").render(of_release)
    if any(len(release.shards) > GITHUB for release in project.releases):
        files["shards.yml"] = texts.get_template("shards.yml").render(values | {"nested": True})
    return files


def tags(project: CiProject, release: CiRelease) -> list[str]:
    """The filter that lets the tags of a release through."""
    selected = release.config.selected
    return tag_patterns(selected, project.config.releases) if selected else ["v*"]


def tag_patterns(release: ReleaseConfig, releases: Iterable[ReleaseConfig]) -> list[str]:
    """The filter that lets the tags of one release through, and not those of another that look like them.

    A star stands for all but a slash, and what begins with `!` takes matches out again (GitHub's "Workflow syntax",
    "Filter pattern cheat sheet").
    """
    pattern = _tag_pattern(release)
    others = (one for one in releases if one is not release)
    similar = (_tag_pattern(one) for one in others if fnmatchcase(one.tag_of("0.0.0"), pattern))
    return [pattern, *(f"!{other}" for other in similar)]


def _tag_pattern(release: ReleaseConfig) -> str:
    return release.tag_of("[0-9]*")


SYSTEM: Final = System(
    name="github",
    title="GitHub Actions",
    folder=Path(".github", "workflows"),
    files=("ci.yml", "release.yml", "release-*.yml", "build-release.yml", "build-release-*.yml", "shards.yml"),
    most=LIMITS["github"],
    render=render,
)
