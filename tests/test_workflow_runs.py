"""The workflows that Ferrule writes, run for real by act: a release of pretended compilers, rehearsed and published.

What is other people's has a stand-in (fakes/actions): checking out, keeping and fetching artifacts, attesting,
uploading to PyPI; so have `gh` and `pipx`. Real are the files, the order of jobs, conditions, values, and all commands.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess  # noqa: TID251 - a repository is made
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
    return repository(lay_out(tmp_path_factory.mktemp("workflows")), "v1.2.3")


def repository(demo: Demo, *tags: str, ci: str = CI) -> Demo:
    """Make a project a repository with tags and workflows, and add programs that a machine of GitHub's has."""
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(ci)
    program(demo, "ferrule", f'exec "{sys.executable}" -m ferrule "$@"')
    program(demo, "pipx", f'echo "$@" >> "{demo.root}/pipx"')
    program(demo, "gh", f'[ "$1" = release ] && echo "$@" >> "{demo.root}/gh"')  # act asks it for a token
    assert demo.ferrule("ci", "github").returncode == 0
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("commit", "-q", "-m", "all of it"),
        *(("tag", tag) for tag in tags),
    ):
        git(demo, *words)
    return demo


@pytest.fixture(scope="module")
def runner(demo: Demo) -> Runner:
    return runner_of(demo)


def runner_of(demo: Demo) -> Runner:
    folders = dict.fromkeys(
        [str(demo.root / "bin"), str(Path(shutil.which("git") or "git").parent), *os.defpath.split(":")]
    )
    return Runner(demo.project, demo.root / "runner", demo.environment | {"PATH": ":".join(folders)})


@pytest.fixture(scope="module")
def alone(demo: Demo) -> dict[str, bytes]:
    """The release that one machine makes."""
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    return demo.files()


def program(demo: Demo, name: str, text: str) -> None:
    path = demo.root / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def git(demo: Demo, *words: str) -> None:
    who = {f"GIT_{role}_{what}": "nobody@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *words], cwd=demo.project, env=os.environ | who, check=True)  # noqa: TID251 - the machine's own


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
    runner = runner_of(repository(demo, "core-v1.9.1", "page/0.4.0", ci=CI.replace(", pypi", "")))
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
