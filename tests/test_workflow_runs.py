"""The workflows that Ferrule writes, run for real by act: a release of pretended compilers, rehearsed and published.

What is other people's has a stand-in (fakes/actions): checking out, keeping and fetching artifacts, attesting,
uploading to PyPI; so have `gh` and `pipx`. Real are the files, the order of jobs, conditions, values, and all commands.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.ci_machines import SOURCE, program, python, repository
from fakes.runner import Runner
from fakes.several_releases import several
from fakes.toolchain import lay_out

if TYPE_CHECKING:
    from fakes.toolchain import Demo

CI = """
ci:
  ferrule: {git: https://example.com/ferrule.git, commit: 0123456789abcdef0123456789abcdef01234567}
  shards: 2
  consumers: {macos-15: ferrule verify dist}
  publish: [github, pypi]
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo project as a repository with a tag and workflows; programs that a machine of GitHub's has."""
    return machines(lay_out(tmp_path_factory.mktemp("workflows")), "v1.2.3")


def machines(demo: Demo, *tags: str, ci: str = CI, system: str = "github") -> Demo:
    """Make a project a repository with workflows, and add programs that a machine of GitHub's has."""
    program(demo, "pipx", f'echo "$@" >> "{demo.root}/pipx"')
    program(demo, "gh", f'[ "$1" = release ] && echo "$@" >> "{demo.root}/gh"')  # act asks it for a token
    return repository(demo, *tags, ci=ci, system=system)


@pytest.fixture(scope="module")
def runner(demo: Demo) -> Runner:
    return runner_of(demo)


def runner_of(demo: Demo, system: str = "github") -> Runner:
    folders = dict.fromkeys(
        [str(demo.root / "bin"), str(Path(shutil.which("git") or "git").parent), *os.defpath.split(":")]
    )
    return Runner(demo.project, demo.root / "runner", demo.environment | {"PATH": ":".join(folders)}, system=system)


@pytest.fixture(scope="module")
def alone(demo: Demo) -> dict[str, bytes]:
    """The release that one machine makes."""
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    return demo.files()


def jobs(said: str) -> list[str]:
    """Names of the jobs of the called workflow that act says have succeeded."""
    return re.findall(r"^\[build/build release/(.+?) *\] .*Job succeeded$", said, re.MULTILINE)


def test_a_tag_is_released(runner: Runner, demo: Demo, alone: dict[str, bytes]):
    done = runner.run("release.yml", "push", ref="refs/tags/v1.2.3")
    assert done.returncode == 0, done.stdout
    assert runner.kept("dist") == alone
    upload = runner.kept("upload")
    assert (runner.published / "attested").read_bytes() == upload["SHA256SUMS"]
    assert {p.name for p in (runner.published / "pypi").iterdir()} == {
        name for name in alone if name.endswith(".whl") or name == "demo-1.2.3.tar.gz"
    }
    words = (demo.root / "gh").read_text().split()
    assert words[:5] == ["release", "create", "v1.2.3", "--verify-tag", "--generate-notes"]
    assert sorted(words[5:]) == sorted(f"upload/{name}" for name in upload)
    assert not any("/" in name for name in upload)


def test_what_is_started_by_hand_is_a_rehearsal_even_of_a_tag(runner: Runner, demo: Demo, alone: dict[str, bytes]):
    (demo.root / "gh").unlink(missing_ok=True)
    (demo.root / "pipx").unlink(missing_ok=True)
    done = runner.run("release.yml", "workflow_dispatch", ref="refs/tags/v1.2.3")
    assert done.returncode == 0, done.stdout
    assert runner.kept("dist") == alone
    assert {name.partition("/")[0] for name in jobs(done.stdout)} == {
        *("plan", "shard 1", "shard 2", "merge", "verify", "consumers on macos-15"),
    }
    assert list(runner.published.iterdir()) == []
    assert not (demo.root / "gh").exists()
    assert set((demo.root / "pipx").read_text().splitlines()) == {
        "install ferrule @ git+https://example.com/ferrule.git@0123456789abcdef0123456789abcdef01234567"
    }


def test_a_tag_of_another_version_is_not_released(runner: Runner):
    done = runner.run("release.yml", "push", ref="refs/tags/v1.2.4")
    assert done.returncode != 0
    assert "the tag 'v1.2.4' is not of this version, 1.2.3" in done.stdout
    assert list(runner.artifacts.iterdir()) == []


def test_each_of_several_releases_is_made_by_its_own_workflow(tmp_path: Path):
    demo = several(tmp_path)
    (demo.project / "CHANGES.md").write_text("# Changes\n\n## 1.9.1\n\nNew.\n")
    runner = runner_of(machines(demo, "core-v1.9.1", "page/0.4.0", ci=CI.replace(", pypi", "")))
    done = runner.run("release-core.yml", "push", ref="refs/tags/core-v1.9.1")
    assert done.returncode == 0, done.stdout
    kept = runner.kept("dist")
    upload = runner.kept("upload")
    assert (runner.published / "attested").read_bytes() == upload["SHA256SUMS"]
    assert "release create core-v1.9.1" in (demo.root / "gh").read_text()
    done = runner.run("ci.yml", "push")
    assert done.returncode == 0, done.stdout
    assert runner.kept("dist-core") == kept
    assert "page-0.4.0.wasm" in runner.kept("dist-page")
    assert demo.ferrule("release").returncode == 0
    assert {f"core/{name}": content for name, content in kept.items()}.items() <= demo.files().items()
    done = runner.run("release-core.yml", "push", ref="refs/tags/page/0.4.0")
    assert done.returncode != 0
    assert "the tag 'page/0.4.0' is not of core 1.9.1" in done.stdout


ON_FORGEJO = f"""
publish:
  page: {{to: gitea, url: 'https://forge.example.org', repository: who/demo}}
ci:
  ferrule: {SOURCE}
  shards: 2
  steps: {{before-merge: .ci/step, after-verify: .forgejo/actions/step}}
  publish-rows: [page]
"""


def test_forgejo_makes_the_same_release_and_runs_steps_of_the_projects_own(tmp_path: Path):
    demo = lay_out(tmp_path)
    script, action = demo.project / ".ci/step", demo.project / ".forgejo/actions/step/action.yml"
    for path in (script, action):
        path.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/sh\necho script >> {demo.root}/steps\n")
    script.chmod(0o755)
    run = f"{{run: 'echo action >> {demo.root}/steps', shell: bash}}"
    action.write_text(f"name: a\nruns: {{using: composite, steps: [{run}]}}\n")
    python(demo)
    machines(demo, "v1.2.3", ci=ON_FORGEJO, system="forgejo")
    runner = runner_of(demo, "forgejo")
    done = runner.run("release.yml", "workflow_dispatch", ref="refs/tags/v1.2.3")
    assert done.returncode == 0, done.stdout
    assert (demo.root / "steps").read_text().split() == ["script", "action"]
    assert "ferrule @ git+https://example.com/ferrule.git@" in (demo.root / "pip").read_text()
    kept = runner.kept("dist")
    assert demo.ferrule("release").returncode == 0
    assert kept == demo.files()
