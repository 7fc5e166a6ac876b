"""GitLab's pipeline as a text: its jobs and machines, who may publish, and what is refused. It runs in integration/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fakes.ci_machines import SOURCE
from fakes.pipelines import rendered
from fakes.several_releases import several
from ferrule import config
from ferrule.app.ci import files, gitlab
from ferrule.app.publish import DESTINATIONS
from ferrule.config import ReleaseConfig
from ferrule.config.versions import StatedVersion
from ferrule.core.errors import ConfigError
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fakes.toolchain import Demo

ROWS = """
publish:
  index: {to: pypi, index: 'https://index.example.org/simple'}
  page: {to: gitlab, url: 'https://gitlab.example.org', project: group/demo}
  js: {to: npm, registry: 'https://npm.example.org'}
  shelf: {to: folder, path: /srv}
"""


def texts(
    demo: Demo, ci: str = "", shards: int | Sequence[str | None] | Mapping[str, int] = 4, rows: str = ROWS
) -> dict[str, str]:
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"{rows}\nci: {{ferrule: {SOURCE}{', ' if ci else ''}{ci}}}\n")
    return rendered(config.load(demo.project, KINDS, DESTINATIONS), shards, system="gitlab")


def pipeline(demo: Demo, ci: str = "", shards: int | Sequence[str | None] | Mapping[str, int] = 4) -> dict[str, Any]:
    result: dict[str, Any] = yaml.safe_load(texts(demo, ci, shards)[gitlab.OWN])
    return result


def test_each_machine_has_a_job_for_its_shards(demo: Demo):
    jobs = pipeline(demo, shards=["mac", None, "mac", None])
    assert jobs["build on mac"]["parallel"] == {"matrix": [{"SHARD": ["1/4", "3/4"]}]}
    assert jobs["build on mac"]["tags"] == ["mac"]
    assert jobs["build"]["parallel"] == {"matrix": [{"SHARD": ["2/4", "4/4"]}]}
    assert "tags" not in jobs["build"]
    assert jobs["merge"]["dependencies"] == ["build on mac", "build"]


def test_a_job_makes_at_most_200_shards(demo: Demo):
    jobs = pipeline(demo, shards=401)
    groups = [job["parallel"]["matrix"][0]["SHARD"] for name, job in jobs.items() if name.startswith("build, group")]
    assert [len(group) for group in groups] == [200, 200, 1]
    assert groups[2] == ["401/401"]
    assert jobs["merge"]["dependencies"] == [f"build, group {number}" for number in (1, 2, 3)]


def test_machines_are_those_of_the_file_and_never_githubs(demo: Demo):
    text = texts(demo)[gitlab.OWN]
    assert not any(word in text for word in ("ubuntu", "macos", "tags:"))
    demo.edit("ci: {", "ci: {runner: big, image: 'python:3.12-slim', tests: {small: ./t}, consumers: {}, ")
    loaded = config.load(demo.project, KINDS, DESTINATIONS)
    jobs = yaml.safe_load(rendered(loaded, system="gitlab")[gitlab.OWN])
    assert jobs["default"]["tags"] == ["big"]
    assert jobs["default"]["image"] == "python:3.12-slim"
    assert (jobs["tests on small"]["tags"], jobs["tests on small"]["script"]) == (["small"], ["./t"])
    assert not any("consumers" in name for name in jobs)


def test_without_tests_nothing_is_done_for_a_change(demo: Demo):
    assert not {"tests", "dist"} & pipeline(demo, "tests: {}").keys()


def test_only_the_job_that_publishes_has_a_token_and_it_runs_nothing_of_the_projects(demo: Demo):
    jobs = pipeline(demo, "publish-rows: [page, index, js]")
    assert [name for name, job in jobs.items() if "id_tokens" in job or "environment" in job] == ["publish"]
    publish = jobs["publish"]
    assert publish["id_tokens"] == {"PYPI_ID_TOKEN": {"aud": "pypi"}}
    assert publish["rules"] == [
        {"if": '($CI_COMMIT_TAG =~ /^v[0-9]/) && $CI_COMMIT_REF_PROTECTED == "true" && $CI_PIPELINE_SOURCE != "web"'}
    ]
    assert publish["script"] == [
        'pip install --quiet "twine==7.0.0"',
        r'npm config set "//npm.example.org/:_authToken=\${NPM_TOKEN}"',
        "ferrule publish --from dist --to page --to index --to js",
    ]
    assert publish["dependencies"] == ["merge"]


def test_what_is_signed_for_the_pipeline_has_a_token_of_its_own(demo: Demo):
    identity = "identity: 'https://gitlab.com/example/demo'"
    rows = ROWS.replace("/simple'}", f"/simple', {identity}}}")
    publish = yaml.safe_load(texts(demo, "publish-rows: [index]", rows=rows)[gitlab.OWN])["publish"]
    assert publish["id_tokens"] == {"PYPI_ID_TOKEN": {"aud": "pypi"}, "SIGSTORE_ID_TOKEN": {"aud": "sigstore"}}
    assert publish["script"][:2] == [
        'pip install --quiet "twine==7.0.0"',
        'pip install --quiet "pypi-attestations==0.0.30"',
    ]


def test_an_index_that_trusts_nobody_gets_no_token(demo: Demo):
    rows = ROWS.replace("/simple'}", "/simple', upload: 'https://index.example.org/legacy/'}")
    text = texts(demo, "publish-rows: [index]", rows=rows)[gitlab.OWN]
    assert "id_tokens" not in text
    assert "protected and masked: TWINE_USERNAME, TWINE_PASSWORD" in text


@pytest.mark.parametrize(
    ("ci", "message"),
    [
        ("publish: [github, pypi]", "github and pypi in ci.publish are jobs of GitHub Actions, and GitLab CI/CD has"),
        ("publish-rows: [shelf]", "a job of a CI system cannot publish shelf to a folder"),
        ("steps: {before-merge: .ci/none}", "there is no .ci/none"),
        ("steps: {before-merge: targets.yaml}", "targets.yaml is not executable"),
        ("steps: {before-merge: rust}", "rust is a folder, and this CI system runs no actions"),
    ],
)
def test_what_no_pipeline_can_do_is_refused(demo: Demo, ci: str, message: str):
    with pytest.raises(ConfigError, match=message) as caught:
        texts(demo, ci)
    assert caught.value.where
    assert caught.value.hint


@pytest.mark.parametrize("system", ["gitlab", "forgejo"])
def test_what_windows_links_is_refused_where_no_job_is_written_for_it(demo: Demo, system: str) -> None:
    demo.edit("  aarch64-apple-darwin", "  x86_64-pc-windows-msvc: {}\n  aarch64-apple-darwin")
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"\nci: {{ferrule: {SOURCE}}}\n")
    with pytest.raises(ConfigError, match="x86_64-pc-windows-msvc is linked on Windows, and no job is") as caught:
        rendered(config.load(demo.project, KINDS, DESTINATIONS), 4, system=system)
    assert (caught.value.where or "").startswith("targets.yaml:")
    assert "x86_64-pc-windows-gnullvm" in (caught.value.hint or "")


def test_credentials_and_a_ferrule_of_the_projects_own_do_not_go_together(demo: Demo):
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"{ROWS}\nci: {{ferrule: {{command: scripts/ferrule}}, publish-rows: [page]}}\n")
    with pytest.raises(ConfigError, match="takes no Ferrule from a command of the project"):
        rendered(config.load(demo.project, KINDS, DESTINATIONS), system="gitlab")


def test_tags_of_each_of_several_releases(tmp_path: Path):
    jobs = pipeline_of_several(several(tmp_path))
    assert jobs[".release-core"]["rules"][0] == {"if": "$CI_COMMIT_TAG =~ /^core\\-v[0-9][^\\/]*$/"}
    assert jobs[".release-page"]["rules"][0] == {"if": "$CI_COMMIT_TAG =~ /^page\\/[0-9][^\\/]*$/"}
    assert jobs["merge core"]["script"] == ["ferrule merge --setup --release core --output dist bundles/*"]
    assert jobs["consumers of core, of a change"]["script"][0] == "mv dist all && mv all/core dist"


def pipeline_of_several(demo: Demo) -> dict[str, Any]:
    result: dict[str, Any] = yaml.safe_load(texts(demo, shards={"core": 2, "page": 1}, rows="")[gitlab.OWN])
    return result


def test_a_tag_of_one_release_that_looks_like_that_of_another_starts_one_only():
    tags = {"a": "v{version}", "b": "v{version}-b"}
    releases = [ReleaseConfig(name, StatedVersion("1.0.0", ""), (), tag) for name, tag in tags.items()]
    assert [*gitlab.tag_conditions(releases[0], releases)] == [
        "$CI_COMMIT_TAG =~ /^v[0-9][^\\/]*$/",
        "$CI_COMMIT_TAG !~ /^v[0-9][^\\/]*\\-b$/",
    ]


def test_a_pipeline_of_somebody_else_is_kept_and_ours_lies_beside(demo: Demo):
    own = demo.project / gitlab.OWN
    own.write_text("stages: [mine]\n")
    result = texts(demo)
    assert list(result) == [gitlab.INCLUDED]
    assert "trigger: {include: .gitlab/ferrule.yml, strategy: depend}" in result[gitlab.INCLUDED]
    assert files.write(demo.project, gitlab.SYSTEM, result) == (gitlab.INCLUDED,)
    assert own.read_text() == "stages: [mine]\n"
    assert files.differences(demo.project, gitlab.SYSTEM, result) == ()


def test_the_command_writes_and_compares(demo: Demo):
    texts(demo)
    assert demo.ferrule("ci", "gitlab").stdout == ".gitlab-ci.yml: written\n"
    assert demo.ferrule("ci", "gitlab", "--check", "-q").returncode == 0
    demo.edit("ci: {", "ci: {minutes: 5, ")
    done = demo.ferrule("ci", "gitlab", "--check")
    assert done.returncode == 6
    assert ".gitlab-ci.yml" in done.stderr
    assert "hint: run: ferrule ci gitlab" in done.stderr
    assert "github" in demo.ferrule("ci", "gitlub").stderr
