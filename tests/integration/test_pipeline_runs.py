"""GitLab's pipelines that Ferrule writes, judged by GitLab's schema and run here: a release of pretended compilers.

gitlab-ci-local has the schema, and runs the jobs, each in a copy of the repository with the artifacts it asks for.
Images are not used, and `python3 -m venv` makes a folder with a `pip` that notes what it was to install.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess  # noqa: TID251 - a pipeline is run
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from judges import program as judge
from node_programs import judges_of_javascript

from fakes.ci_machines import SOURCE, git, python, repository
from fakes.pipelines import rendered
from fakes.several_releases import several
from fakes.toolchain import lay_out
from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from fakes.toolchain import Demo

CI = f"""
publish:
  index: {{to: pypi, index: 'https://index.example.org/simple'}}
  page: {{to: gitlab, url: 'https://gitlab.example.org', project: group/demo}}
ci:
  ferrule: {SOURCE}
  shards: 2
  steps: {{before-build: .ci/prepare, before-merge: .ci/prepare, after-verify: .ci/prepare}}
  publish-rows: [page, index]
"""


@dataclass(frozen=True)
class Pipelines:
    """Where pipelines of a project run."""

    demo: Demo
    argv: tuple[str, ...]

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the pipeline of these variables, from a clean folder; `words` are for gitlab-ci-local."""
        git(self.demo, "clean", "-qdfx", "-e", ".ferrule")
        shutil.rmtree(self.state, ignore_errors=True)
        folders = [str(self.demo.root / "bin"), str(Path(judge("rsync")).parent), *os.defpath.split(":")]
        options = ("--force-shell-executor", "--shell-isolation", "--no-color")
        output = self.demo.root / "output"  # Node.js ends before a pipe has all of a long text
        with output.open("w") as stream:
            done = subprocess.run(
                [*self.argv, *options, *(f"--variable={name}={value}" for name, value in variables.items()), *words],
                cwd=self.demo.project,
                env={**self.demo.environment, "PATH": ":".join(folders)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.PIPE,
                text=True,
                timeout=600,
                check=False,
            )
        done.stdout = output.read_text()
        return done

    @property
    def state(self) -> Path:
        """Where it keeps artifacts."""
        return self.demo.project / ".gitlab-ci-local"

    def kept(self, job: str) -> dict[str, bytes]:
        """The files in dist/ that a job of the last run has kept."""
        folder = self.state / "artifacts" / job / "dist"
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def local(programs: dict[str, str]) -> tuple[str, ...]:
    script = judges_of_javascript(programs["node"]) / "node_modules" / ".bin" / "gitlab-ci-local"
    return programs["node"], str(script)


def machine(demo: Demo, *tags: str, ci: str = CI) -> Demo:
    """Make a project a repository with a pipeline, steps of its own, and a Python that installs nothing."""
    step = demo.project / ".ci" / "prepare"
    step.parent.mkdir()
    step.write_text(f'#!/bin/sh\necho "$CI_JOB_NAME" >> "{demo.root}/steps"\n')
    step.chmod(0o755)
    (demo.project / ".gitignore").write_text("dist/\nbundles/\n.gitlab-ci-local/\n")
    python(demo)
    return repository(demo, *tags, ci=ci, system="gitlab")


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory, local: tuple[str, ...]) -> Pipelines:
    return Pipelines(machine(lay_out(tmp_path_factory.mktemp("pipelines")), "v1.2.3"), local)


def passed(said: str) -> list[str]:
    return sorted(line.removeprefix(" PASS  ").strip() for line in said.splitlines() if line.startswith(" PASS "))


def test_a_release_that_is_rehearsed_is_that_of_one_machine(pipelines: Pipelines) -> None:
    demo = pipelines.demo
    done = pipelines.run(CI_PIPELINE_SOURCE="web")
    assert done.returncode == 0, done.stdout + done.stderr
    assert passed(done.stdout) == ["build: [1/2]", "build: [2/2]", "consumers", "merge", "plan", "verify"]
    assert sorted((demo.root / "steps").read_text().splitlines()) == ["build: [1/2]", "build: [2/2]", "merge", "verify"]
    kept = pipelines.kept("merge")
    assert set((demo.root / "pip").read_text().split()) >= {"ferrule"}
    assert demo.ferrule("release").returncode == 0
    assert kept == demo.files()


def test_a_tag_of_another_version_is_not_released(pipelines: Pipelines) -> None:
    done = pipelines.run("plan", CI_COMMIT_TAG="v1.2.4")
    assert done.returncode != 0
    assert "the tag 'v1.2.4' is not of this version, 1.2.3" in done.stdout + done.stderr


def listed(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    """What `--list-json` prints; before it may be warnings of variables that are GitLab's own."""
    assert done.returncode == 0, done.stdout + done.stderr
    rows: list[dict[str, str]] = json.loads(done.stdout[done.stdout.index("[\n") :])
    return rows


def jobs(pipelines: Pipelines, **variables: str) -> set[str]:
    done = pipelines.run("--list-json", **variables)
    return {row["name"] for row in listed(done) if row["when"] != "never"}


def test_only_a_protected_tag_is_published_and_a_change_is_no_release(pipelines: Pipelines) -> None:
    release = {"build: [1/2]", "build: [2/2]", "consumers", "merge", "plan", "verify"}
    assert jobs(pipelines, CI_COMMIT_TAG="v1.2.3", CI_COMMIT_REF_PROTECTED="true") == {*release, "publish"}
    assert jobs(pipelines, CI_COMMIT_TAG="v1.2.3", CI_COMMIT_REF_PROTECTED="false") == release
    assert jobs(pipelines, CI_COMMIT_TAG="other", CI_COMMIT_REF_PROTECTED="true") == set()
    assert jobs(pipelines, CI_PIPELINE_SOURCE="push") == {"tests", "dist", "consumers, of a change"}


def test_each_of_several_releases_has_its_tags(tmp_path: Path, local: tuple[str, ...]) -> None:
    demo = machine(several(tmp_path), ci=f"\nci: {{ferrule: {SOURCE}, shards: 2}}\n")
    pipelines = Pipelines(demo, local)
    assert {name.partition(":")[0] for name in jobs(pipelines, CI_COMMIT_TAG="core-v1.9.1")} == {
        *("plan core", "build core", "merge core", "verify core", "consumers core"),
    }


@pytest.mark.parametrize("shards", [1, 450])
def test_the_schema_takes_all_that_is_written(tmp_path: Path, local: tuple[str, ...], shards: int) -> None:
    demo = machine(lay_out(tmp_path))
    machines = [None if number % 2 else "mac" for number in range(shards)]
    text = rendered(config.load(demo.project, KINDS, DESTINATIONS), {"": machines}, system="gitlab")[".gitlab-ci.yml"]  # type: ignore[dict-item]
    (demo.project / ".gitlab-ci.yml").write_text(text)
    done = Pipelines(demo, local).run("--list-json", CI_COMMIT_TAG="v1.2.3")
    assert len([row for row in listed(done) if row["name"].startswith("build")]) == shards
