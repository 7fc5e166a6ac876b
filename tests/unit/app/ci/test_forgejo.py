"""Forgejo's workflows as texts: what differs from GitHub's. act runs them in tests/test_workflow_runs.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fakes.ci_machines import SOURCE
from fakes.pipelines import rendered
from fakes.several_releases import several
from ferrule import config
from ferrule.app.ci import forgejo
from ferrule.app.publish import DESTINATIONS
from ferrule.core.errors import ConfigError
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fakes.toolchain import Demo

ROWS = """
publish:
  page: {to: gitea, url: 'https://forge.example.org', repository: who/demo}
  crates: {to: crates, index: 'https://index.example.org'}
"""


def texts(demo: Demo, ci: str = "", shards: int | Mapping[str, int] = 4) -> dict[str, str]:
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"{ROWS}\nci: {{ferrule: {SOURCE}{', ' if ci else ''}{ci}}}\n")
    return rendered(config.load(demo.project, KINDS, DESTINATIONS), shards, system="forgejo")


def jobs(text: str) -> dict[str, Any]:
    result: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return result


def test_actions_are_named_by_address_and_commit(demo: Demo):
    whole = "".join(texts(demo).values())
    uses = re.findall(r"uses: (.*)", whole)
    assert uses
    assert all(re.fullmatch(r"https://data\.forgejo\.org/[\w.-]+/[\w.-]+@[0-9a-f]{40} # v[\d.]+", use) for use in uses)
    assert "permissions" not in whole, "it would be ignored"


def test_machines_have_the_usual_label_or_those_of_the_file(demo: Demo):
    result = texts(demo)
    assert {job["runs-on"] for text in result.values() for job in jobs(text).values()} == {
        *("docker", "${{ matrix.runner }}"),
    }
    demo.edit("ci: {", "ci: {runner: lxc, tests: {a: ./t}, consumers: {b: ./u}, ")
    again = rendered(config.load(demo.project, KINDS, DESTINATIONS), system="forgejo")
    assert jobs(again["release.yml"])["merge"]["runs-on"] == "lxc"
    assert jobs(again["ci.yml"])["tests-1"]["runs-on"] == "a"
    assert jobs(again["release.yml"])["consumers-1"]["runs-on"] == "b"


def test_provenance_names_the_workflow(demo: Demo):
    environment = yaml.safe_load(texts(demo)["release.yml"])["env"]
    assert environment["FERRULE_WORKFLOW"].endswith("/.forgejo/workflows/release.yml@${{ github.ref }}")


def test_the_job_that_publishes_has_the_secrets_and_its_own_token(demo: Demo):
    result = jobs(texts(demo, "publish-rows: [page, crates]")["release.yml"])
    publish = result.pop("publish")
    assert "secrets." not in str(result)
    assert publish["steps"][-1] == {
        "name": "Publish",
        "run": "ferrule publish --from dist --to page --to crates",
        "env": {"CARGO_REGISTRY_TOKEN": "${{ secrets.CARGO_REGISTRY_TOKEN }}"},
    }
    assert publish["needs"] == ["verify", "consumers-1"]


def test_without_tests_there_is_no_workflow_for_changes(demo: Demo):
    assert set(texts(demo, "tests: {}")) == {"release.yml"}


def test_each_of_several_releases_has_a_workflow(tmp_path: Path):
    demo = several(tmp_path)
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"\nci: {{ferrule: {SOURCE}}}\n")
    result = rendered(config.load(demo.project, KINDS, DESTINATIONS), {"core": 2, "page": 1}, system="forgejo")
    assert set(result) == {"ci.yml", "release-core.yml", "release-page.yml"}
    assert "matrix --release core --format forgejo --shards 2" in result["release-core.yml"]
    assert jobs(result["ci.yml"])["consumers-1"]["strategy"]["matrix"] == {"release": ["core", "page"]}


def test_jobs_of_github_are_refused(demo: Demo):
    with pytest.raises(ConfigError, match=r"github in ci\.publish are jobs of GitHub Actions, and Forgejo Actions has"):
        texts(demo, "publish: [github]")


def test_the_command_writes(demo: Demo):
    texts(demo)
    assert demo.ferrule("ci", "forgejo").stdout.splitlines() == [
        ".forgejo/workflows/ci.yml: written",
        ".forgejo/workflows/release.yml: written",
    ]
    assert '"runner":"docker"' in demo.ferrule("matrix", "--format", "forgejo").stdout
    assert forgejo.SYSTEM.most == 256
