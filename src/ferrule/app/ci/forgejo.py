"""Forgejo Actions, which also read what begins with GitHub's names: workflows that contain no logic but call Ferrule.

What differs from GitHub's ("Forgejo Actions: GitHub Actions", "… Reference"): rights of a job cannot be narrowed, so
`permissions` would be ignored; actions are named by full addresses; the official ones for artifacts refuse every server
that is not GitHub's, and Forgejo has its own; machines have the labels that their owner gives them, usually `docker`; a
workflow that is called with inputs is one job on one machine, so none is. PyPI and npm trust no token of Forgejo's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.app.ci.base import System, jobs_before_publishing, refuse_jobs_of_github, usual_machine
from ferrule.app.ci.github import tags
from ferrule.app.ci.pipelines import GITHUB, RUNNERS
from ferrule.app.ci.templates import templates

if TYPE_CHECKING:
    from ferrule.app.ci.base import CiProject

ACTIONS: Final = {
    "checkout": "https://data.forgejo.org/actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
    "upload": "https://data.forgejo.org/forgejo/upload-artifact@16871d9e8cfcf27ff31822cac382bbb5450f1e1e # v4",
    "download": "https://data.forgejo.org/forgejo/download-artifact@d8d0a99033603453ad2255e58720b460a0555e1e # v4",
}
"""Other people's actions, each by a commit, which nobody can move, and the version that it is."""

_OWN: Final = ("FORGEJO_", "GITEA_", "GITHUB_")
"""No secret may begin with these; a job has a token for its own repository in FORGEJO_TOKEN."""


def render(project: CiProject) -> dict[str, str]:
    """The workflows of a project: texts by name of the file. Raises ConfigError for what no workflow can do."""
    ci = project.config.ci
    refuse_jobs_of_github(project, SYSTEM.title)
    runner = ci.runner if "runner" in ci.stated else RUNNERS["forgejo"]
    publishing = project.publishing()
    consumers = usual_machine(ci, "consumers", ci.consumers, f"{ci.call} verify dist", runner)
    values = {
        "mark": SYSTEM.mark,
        "actions": ACTIONS,
        "ci": ci,
        "runner": runner,
        "tests": usual_machine(ci, "tests", ci.tests, f"{ci.call} build --setup", runner),
        "consumers": consumers,
        "steps": project.steps(actions=True),
        "publishing": publishing,
        "secrets": [name for name in publishing.variables if not name.startswith(_OWN)] if publishing else [],
        "needs": jobs_before_publishing(consumers),
        "each_release": (),
        "kept": [("", "dist/")],
    }
    texts = templates("forgejo")
    files: dict[str, str] = {}
    if values["tests"]:
        files["ci.yml"] = texts.get_template("ci.yml").render(values | project.of_several_releases)
    for release in project.releases:
        name = f"release-{release.name}.yml" if release.name else "release.yml"
        of_release = {
            "release": release.name,
            "tags": tags(project, release),
            "shards": len(release.shards),
            "path": f"{SYSTEM.folder.as_posix()}/{name}",
        }
        files[name] = texts.get_template("release.yml").render(values | of_release)
    return files


SYSTEM: Final = System(
    name="forgejo",
    title="Forgejo Actions",
    folder=Path(".forgejo", "workflows"),
    files=("ci.yml", "release.yml", "release-*.yml"),
    most=GITHUB,
    render=render,
)
