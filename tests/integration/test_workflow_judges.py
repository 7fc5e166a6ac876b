"""Workflows, ours and those that Ferrule writes for others, before the judges of GitHub's: zizmor and actionlint."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import judges
import pytest
from judges import CHECKOUT, run

from fakes.ci_machines import SOURCE
from fakes.pipelines import rendered
from fakes.several_releases import several
from ferrule import config
from ferrule.app.ci import files, github
from ferrule.app.publish import DESTINATIONS
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from fakes.toolchain import Demo

ROWS = """
publish:
  index: {to: pypi, index: 'https://index.example.org/simple'}
  js: {to: npm, registry: 'https://npm.example.org'}
"""
HERE = Path(sys.executable).parent


def judged(folder: Path, actionlint: Path) -> list[str]:
    """All that both have to say of the workflows in a repository; zizmor as somebody pedantic."""
    paths = sorted((folder / github.SYSTEM.folder).iterdir())
    zizmor = run(HERE / "zizmor", "--offline", "--persona=pedantic", "--format=json-v1", *paths, ok=False)
    options = ("-format", "{{json .}}", "-shellcheck", HERE / "shellcheck")
    lint = run(actionlint, *options, *paths, cwd=folder, ok=False)
    # Without a finding each says so by its exit code; any other end than these two is a fault of its own.
    assert lint.returncode in (0, 1), lint.stderr
    result = [finding["desc"] for finding in json.loads(zizmor.stdout)]
    return [*result, *(finding["message"] for finding in json.loads(lint.stdout))]


@pytest.fixture(scope="module")
def actionlint(programs: dict[str, str]) -> Path:
    return judges.built("actionlint", programs["go"])


def test_there_is_nothing_to_find_in_ours(actionlint: Path):
    assert judged(CHECKOUT, actionlint) == []


@pytest.mark.parametrize("shards", [4, 300])
@pytest.mark.parametrize(
    "ci",
    [
        f"{{ferrule: {{wheel: https://a.example/f.whl, sha256: '{'5' * 64}'}}}}",
        "{ferrule: {command: scripts/ferrule}, tests: {}, publish: [github, pypi]}",
        f"{{ferrule: {SOURCE}, steps: {{before-build: .ci/step}}, publish-rows: [index, js]}}",
    ],
)
def test_there_is_nothing_to_find_in_what_is_written_for_others(demo: Demo, actionlint: Path, ci: str, shards: int):
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"{ROWS}\nci: {ci}\n")
    step = demo.project / ".ci/step"
    step.parent.mkdir()
    step.touch(mode=0o755)
    files.write(demo.project, github.SYSTEM, rendered(config.load(demo.project, KINDS, DESTINATIONS), shards))
    assert judged(demo.project, actionlint) == []


def test_there_is_nothing_to_find_in_those_of_several_releases(tmp_path: Path, actionlint: Path):
    demo = several(tmp_path)
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write("\nci: {ferrule: {command: scripts/ferrule}}\n")
    shards = {"core": 2, "page": 300}
    files.write(demo.project, github.SYSTEM, rendered(config.load(demo.project, KINDS, DESTINATIONS), shards))
    assert judged(demo.project, actionlint) == []


def test_forgejos_have_all_but_what_forgejo_ignores(demo: Demo, actionlint: Path):
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"{ROWS}\nci: {{ferrule: {SOURCE}, runner: self-hosted, publish-rows: [index, js]}}\n")
    texts = rendered(config.load(demo.project, KINDS, DESTINATIONS), system="forgejo")
    named = {name: re.sub(r"uses: https://[^/]+/", "uses: ", text) for name, text in texts.items()}
    files.write(demo.project, replace(github.SYSTEM, name="forgejo"), named)
    assert set(judged(demo.project, actionlint)) == {"overly broad permissions"}


def test_they_find_what_there_is(tmp_path: Path, actionlint: Path):
    shutil.copytree(CHECKOUT / github.SYSTEM.folder, tmp_path / github.SYSTEM.folder)
    path = tmp_path / github.SYSTEM.folder / "build-release-email-validator.yml"
    text = path.read_text()
    for right, wrong in {
        "          persist-credentials: false\n": "",
        '--shard "$SHARD"': "--shard ${{ matrix.id }}",
        "needs: plan": "needs: plans",
    }.items():
        assert right in text
        path.write_text(text.replace(right, wrong))
        assert judged(tmp_path, actionlint) != [], wrong
